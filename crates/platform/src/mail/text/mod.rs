//! The texts of mails: a catalogue for each language, complete because it would not compile otherwise.
//!
//! Texts are templates themselves. What they yield is plain text, which the layouts put in place, the HTML one with every
//! special character escaped. A paragraph or fact that yields nothing is left out.

mod de;
mod en;

/// Everything mails say in one language.
pub(super) struct Catalogue {
    /// Its BCP 47 tag.
    pub(super) tag: &'static str,
    pub(super) months: [&'static str; 12],
    /// A date and time, of `day`, `month`, `year`, `time` and `zone`.
    pub(super) moment: &'static str,
    /// Between the last two of several.
    pub(super) and: &'static str,
    /// Roles that modules declare, by name.
    pub(super) roles: &'static [(&'static str, &'static str)],
    /// For whoever cannot use the button.
    pub(super) link_hint: &'static str,
    /// Under every mail.
    pub(super) footer: &'static str,
    pub(super) verify_email: Text,
    pub(super) reset_password: Text,
    pub(super) new_device: Text,
    pub(super) invitation: Text,
    pub(super) signup_verify: Text,
    pub(super) signup_existing: Text,
    pub(super) operator_entered: Text,
    pub(super) password_changed: Text,
    pub(super) mfa_changed: Text,
}

/// One mail.
pub(super) struct Text {
    pub(super) subject: &'static str,
    pub(super) heading: &'static str,
    pub(super) before: &'static [&'static str],
    /// What each is called, and its value.
    pub(super) facts: &'static [(&'static str, &'static str)],
    /// On the button that opens the link.
    pub(super) button: Option<&'static str>,
    pub(super) after: &'static [&'static str],
}

const ALL: [&Catalogue; 2] = [&en::CATALOGUE, &de::CATALOGUE];

impl Catalogue {
    /// The catalogue for a language tag: its own, that of the tag without its last part, and so on, and English at last.
    pub(super) fn of(locale: &str) -> &'static Self {
        let wanted = locale.replace('_', "-").to_lowercase();
        let mut tag = wanted.as_str();
        loop {
            if let Some(found) = ALL.into_iter().find(|catalogue| catalogue.tag == tag) {
                return found;
            }
            match tag.rsplit_once('-') {
                Some((shorter, _)) => tag = shorter,
                None => return &en::CATALOGUE,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Catalogue;

    #[test]
    fn a_language_falls_back_to_its_family_and_then_to_english() {
        for (locale, tag) in [
            ("de", "de"),
            ("de-CH", "de"),
            ("de_AT", "de"),
            ("DE-Latn-CH-1996", "de"),
            ("en-GB", "en"),
            ("den", "en"),
            ("fr-CH", "en"),
            ("-", "en"),
            ("", "en"),
        ] {
            assert_eq!(Catalogue::of(locale).tag, tag, "{locale}");
        }
    }
}
