//! Made-up people and how they sign in.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;

use super::{
    names::{CULTURES, Culture},
    random::Random,
};

/// How a person is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Female,
    Male,
    Other,
}

impl Gender {
    pub(super) fn random(random: &mut Random) -> Self {
        match random.below(200) {
            0..=98 => Self::Female,
            99..=197 => Self::Male,
            _ => Self::Other,
        }
    }

    /// As demographics spell it.
    pub(super) const fn sex(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }
}

/// A name, as places in the lists: two hundred thousand of these fit in little memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    culture: u8,
    given: u8,
    middle: Option<u8>,
    family: Family,
    pub(super) gender: Gender,
}

/// A family name, simple or double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    first: (u8, u8),
    second: Option<(u8, u8)>,
}

fn below(random: &mut Random, length: usize) -> u8 {
    random.small(u8::try_from(length).unwrap_or(u8::MAX))
}

fn one_family(random: &mut Random) -> (u8, u8) {
    let culture = below(random, CULTURES.len());
    (culture, below(random, CULTURES[usize::from(culture)].family.len()))
}

impl Family {
    pub(super) fn random(random: &mut Random) -> Self {
        let first = one_family(random);
        let second = random.permille(60).then(|| one_family(random));
        Self { first, second }
    }

    pub(super) fn text(self) -> String {
        let one = |(culture, index): (u8, u8)| CULTURES[usize::from(culture)].family[usize::from(index)];
        match self.second {
            Some(second) => format!("{}-{}", one(self.first), one(second)),
            None => one(self.first).to_owned(),
        }
    }
}

impl Name {
    /// A name within a family; most given names come from where the family name does.
    pub(super) fn random(random: &mut Random, family: Family) -> Self {
        let culture = if random.permille(800) { family.first.0 } else { below(random, CULTURES.len()) };
        let gender = Gender::random(random);
        let length = given_names(culture, gender).len();
        let given = below(random, length);
        let middle = random.permille(350).then(|| below(random, length)).filter(|middle| *middle != given);
        Self { culture, given, middle, family, gender }
    }

    pub(super) fn given(self) -> &'static str {
        given_names(self.culture, self.gender)[usize::from(self.given)]
    }

    pub(super) fn middle(self) -> &'static str {
        self.middle.map_or("", |middle| given_names(self.culture, self.gender)[usize::from(middle)])
    }

    pub(super) fn family(self) -> String {
        self.family.text()
    }

    /// A name to sign in with: plain letters and a number that nobody else has.
    pub(super) fn username(self, number: usize) -> String {
        let mut text = plain(self.given());
        text.push('.');
        text.push_str(&plain(&self.family()));
        let _ = write!(text, "{number}");
        text
    }
}

fn given_names(culture: u8, gender: Gender) -> &'static [&'static str] {
    let culture: &Culture = &CULTURES[usize::from(culture)];
    match gender {
        Gender::Female | Gender::Other => culture.female,
        Gender::Male => culture.male,
    }
}

/// Letters a to z for any Latin letters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.to_lowercase().nfd() {
        match letter {
            'a'..='z' => plain.push(letter),
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'đ' => plain.push('d'),
            'ı' => plain.push('i'),
            'æ' => plain.push_str("ae"),
            'ß' => plain.push_str("ss"),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{CULTURES, plain};

    #[test]
    fn every_name_has_a_plain_form() {
        for culture in CULTURES {
            assert_eq!((culture.female.len(), culture.male.len(), culture.family.len()), (8, 8, 10));
            for name in culture.female.iter().chain(culture.male).chain(culture.family) {
                let letters = name.chars().filter(|c| c.is_alphabetic()).count();
                assert!(plain(name).len() >= letters, "{name}: {}", plain(name));
                assert_eq!(*name, name.nfc().collect::<String>(), "{name} is not composed");
            }
        }
        assert_eq!(plain("Nguyễn-Østergaard"), "nguyenostergaard");
    }

    use unicode_normalization::UnicodeNormalization as _;
}
