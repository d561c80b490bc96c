//! Families: who lives with whom, who has which say, and what the school keeps of those who belong together.

use cloister_ids::{Clock, FamilyId, PersonId};
use cloister_tenancy::Result;
use serde_json::json;

use super::{days::Year, pen::Pen, plan::Plan, store};
use crate::{
    sample::{
        person::{Family, Gender, Name},
        random::Random,
    },
    search_key,
};

/// How the adults of a family stand to its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Custody {
    /// Two parents together.
    Together,
    /// One parent alone.
    Single,
    /// Two parents apart, who share it.
    Shared,
    /// Two parents apart; a court has restricted what the second may see.
    Restricted,
    /// Two parents apart; a court lets the second see the children's data, and not fetch them.
    Supervised,
    /// Two parents apart; the second has none.
    None,
    /// A parent without custody, and foster parents since a day in the second year.
    Foster,
    /// A guardian until the end of the first year, and a parent since.
    Former,
}

/// An adult of a family.
#[derive(Debug, Clone)]
pub(super) struct Adult {
    pub(super) id: PersonId,
    pub(super) name: Name,
    pub(super) phone: String,
}

/// A family.
#[derive(Debug)]
pub(super) struct Household {
    pub(super) id: FamilyId,
    pub(super) custody: Custody,
    pub(super) name: Family,
    /// Parents or guardians, as many as the custody has.
    pub(super) adults: Vec<Adult>,
    /// Somebody to be called in an emergency.
    pub(super) grandparent: Option<Adult>,
    pub(super) language: &'static str,
    /// The day of a court's order, where there is one.
    pub(super) ordered: jiff::civil::Date,
}

/// The first families, so that even a small sample has every case.
const FIRST: [Custody; 8] = [
    Custody::Together,
    Custody::Restricted,
    Custody::Shared,
    Custody::None,
    Custody::Foster,
    Custody::Supervised,
    Custody::Single,
    Custody::Former,
];

const LANGUAGES: [&str; 12] = ["en", "en", "en", "en", "en", "es", "fr", "de", "pl", "ar", "vi", "tr"];

/// Families with `count` children altogether: each child's family and name.
pub(super) fn households(
    count: usize,
    years: &[Year],
    random: &mut Random,
    clock: &dyn Clock,
) -> (Vec<Household>, Vec<(usize, Name)>) {
    let mut households = Vec::new();
    let mut children = Vec::with_capacity(count);
    while children.len() < count {
        let number = households.len();
        let custody = FIRST.get(number).copied().unwrap_or_else(|| match random.below(1000) {
            0..680 => Custody::Together,
            680..800 => Custody::Single,
            800..920 => Custody::Shared,
            920..945 => Custody::Restricted,
            945..960 => Custody::Supervised,
            960..980 => Custody::None,
            980..990 => Custody::Foster,
            _ => Custody::Former,
        });
        let name = Family::random(random);
        let kids = match (number, random.below(100)) {
            (0, _) | (_, 55..88) => 2,
            (_, 0..55) => 1,
            _ => 3,
        };
        for _ in 0..kids.min(count - children.len()) {
            children.push((number, Name::random(random, name)));
        }
        let adults = match custody {
            Custody::Single => 1,
            Custody::Foster => 3,
            _ => 2,
        };
        let mut adult = |family| Adult {
            id: PersonId::generate(clock),
            name: Name::random(random, family),
            phone: format!("+1 202 555 01{:02}", random.below(100)),
        };
        let mut people = vec![adult(name)];
        while people.len() < adults {
            people.push(adult(name));
        }
        let grandparent = (number % 9 == 3).then(|| adult(name));
        let year = &years[1];
        let ordered = year.days[usize::from(random.day()) % (year.days.len() / 2)].date;
        households.push(Household {
            id: FamilyId::generate(clock),
            custody,
            name,
            adults: people,
            grandparent,
            language: random.pick::<&str>(&LANGUAGES),
            ordered,
        });
    }
    (households, children)
}

impl Adult {
    /// What a parent is to a child.
    pub(super) fn relation(&self) -> &'static str {
        match self.name.gender {
            Gender::Female => "mother",
            Gender::Male => "father",
            Gender::Other => "parent",
        }
    }
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let (mut families, mut members) = (Vec::new(), Vec::new());
    for household in &plan.households {
        let name = household.name.text();
        families.push(json!({ "id": household.id.uuid(), "name": name, "name_search": search_key::of(&name),
            "home_language": household.language }));
        let adults = household.adults.iter().chain(&household.grandparent);
        members.extend(adults.map(|adult| json!({ "family_id": household.id.uuid(), "person_id": adult.id.uuid() })));
    }
    for pupil in &plan.pupils {
        let family = plan.households[pupil.household].id;
        members.push(json!({ "family_id": family.uuid(), "person_id": pupil.id.uuid() }));
    }
    pen.records("families", &store::FAMILIES, families).await?;
    pen.parts(&store::FAMILY_MEMBERS, members).await
}
