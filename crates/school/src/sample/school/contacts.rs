//! Contacts: what each adult is to each child, with custody and what courts have said.

use cloister_ids::{ContactId, PersonId, Uuid};
use cloister_tenancy::Result;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    documents::Orders,
    families::{Adult, Custody, Household},
    pen::Pen,
    plan::{Plan, Pupil},
    store,
};

/// What an adult may do.
struct Terms {
    relation: &'static str,
    custody: Option<&'static str>,
    /// Where it is not left to the custody.
    access: Option<bool>,
    legal_guardian: bool,
    lives_with: bool,
    restrictions: Option<String>,
    /// A court has said so.
    by_order: bool,
    begin: Option<Date>,
    end: Option<Date>,
}

impl Terms {
    fn of(adult: &Adult, custody: &'static str) -> Self {
        Self {
            relation: adult.relation(),
            custody: Some(custody),
            access: None,
            legal_guardian: true,
            lives_with: true,
            restrictions: None,
            by_order: false,
            begin: None,
            end: None,
        }
    }
}

/// Of each adult, in the order in which the school calls them.
fn terms(plan: &Plan, household: &Household) -> Vec<Terms> {
    let ordered = household.ordered;
    let mut all = Vec::new();
    for (place, adult) in household.adults.iter().enumerate() {
        let full = Terms::of(adult, "full");
        all.push(match (household.custody, place) {
            (Custody::Shared, 0) => Terms { custody: Some("shared"), ..full },
            (Custody::Shared, _) => {
                let restrictions = Some("Every second week with this parent. Letters go to both.".to_owned());
                Terms { custody: Some("shared"), restrictions, ..full }
            }
            (Custody::Restricted, 1) => {
                let said =
                    format!("Court order of {ordered}: may not fetch the children, and is told nothing about them.");
                Terms {
                    custody: Some("restricted"),
                    lives_with: false,
                    restrictions: Some(said),
                    by_order: true,
                    ..full
                }
            }
            (Custody::Supervised, 1) => {
                let said = format!(
                    "Court order of {ordered}: may read reports. Hand the children over to the other parent only."
                );
                let (custody, access) = (Some("restricted"), Some(true));
                Terms { custody, access, lives_with: false, restrictions: Some(said), by_order: true, ..full }
            }
            (Custody::None, 1) => {
                let said = Some(format!("Court order of {ordered}: no contact."));
                let full =
                    Terms { legal_guardian: false, lives_with: false, restrictions: said, by_order: true, ..full };
                Terms { custody: Some("none"), access: Some(false), ..full }
            }
            (Custody::Foster, 2) => {
                let said = Some("Visits are arranged by the youth office.".to_owned());
                let full = Terms { legal_guardian: false, lives_with: false, restrictions: said, ..full };
                Terms { custody: Some("none"), begin: Some(ordered), ..full }
            }
            (Custody::Foster, _) => Terms { relation: "guardian", begin: Some(ordered), ..full },
            (Custody::Former, 1) => {
                let (begin, end) = (Some(plan.years[0].first_day()), Some(plan.years[0].end()));
                Terms { relation: "guardian", lives_with: false, begin, end, ..full }
            }
            _ => full,
        });
    }
    all
}

fn row(id: ContactId, pupil: &Pupil, adult: PersonId, priority: usize, terms: &Terms, order: Option<Uuid>) -> Value {
    let speaks = terms.custody != Some("none");
    json!({ "id": id.uuid(), "student_id": pupil.id.uuid(), "contact_id": adult.uuid(), "relation": terms.relation,
        "legal_guardian": terms.legal_guardian, "lives_with": terms.lives_with, "primary_contact": priority == 1,
        "emergency_contact": speaks && terms.custody != Some("restricted"), "contact_priority": priority,
        "custody": terms.custody, "child_data_access": terms.access, "contact_by_call": speaks, "contact_by_sms": speaks,
        "contact_by_email": speaks, "contact_by_mail": speaks, "contact_restrictions": terms.restrictions,
        "court_order_document_id": order.filter(|_| terms.by_order),
        "begin_date": terms.begin, "end_date": terms.end })
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan, orders: &Orders) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let mut rows = Vec::new();
    for (at, pupil) in plan.pupils.iter().enumerate() {
        let household = &plan.households[pupil.household];
        let order = orders.get(&at).copied();
        for (place, (adult, terms)) in household.adults.iter().zip(terms(plan, household)).enumerate() {
            rows.push(row(ContactId::generate(clock), pupil, adult.id, place + 1, &terms, order));
        }
        if let Some(grandparent) = &household.grandparent {
            let full = Terms::of(grandparent, "full");
            let called = Terms { relation: "grandparent", custody: None, access: Some(false), ..full };
            let called = Terms { legal_guardian: false, lives_with: false, ..called };
            rows.push(row(ContactId::generate(clock), pupil, grandparent.id, 9, &called, None));
        }
    }
    pen.records("contacts", &store::CONTACTS, rows).await
}
