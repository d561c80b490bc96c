//! Makes a whole sample school in a tenant: three school years with everybody and everything that a school office would have
//! entered by hand, and nothing that it could not have.
//!
//! First [`plan::Plan`] decides who is where and when; the same seed and day give the same school. Then each area writes its
//! rows, set by set, in one transaction: all of it is there in the end, or nothing. An area is a file with one `write`; its
//! statements are in `store.rs`.

mod absences;
mod associations;
mod attendance;
mod behavior;
mod behavior_cases;
mod calendar;
mod classes;
mod contacts;
mod custom_fields;
mod days;
mod documents;
mod events;
mod families;
mod health;
mod health_cases;
mod orgs;
mod papers;
mod pen;
mod persons;
mod plan;
mod presence;
mod records;
mod staff;
mod store;
mod timetable;

use std::collections::BTreeMap;

use cloister_ids::{OrgId, PersonId};
use cloister_tenancy::{Action, Error, ErrorKind, OpContext, Result, Tenancy};
use jiff::tz::TimeZone;
use serde::Serialize;

use self::{pen::Pen, plan::Plan};
use crate::{ROSTER, scope::today};

pub(crate) use store::STATEMENTS;

/// What to make.
#[derive(Debug, Clone)]
pub struct SchoolSettings {
    /// Another seed gives other people.
    pub seed: u64,
    /// Students who are there today, from 1 to [`SchoolSettings::MOST_STUDENTS`]. Former ones come on top.
    pub students: u32,
    /// The year in which the last of the three school years ends; the one that is under way where none is given.
    pub school_year: Option<i16>,
    /// On how many school days before today attendance was taken; on all of them where none is given.
    pub attendance_days: Option<u32>,
    /// Add to a tenant that has people already.
    pub add: bool,
}

impl SchoolSettings {
    /// As many as fit in one transaction that ends in minutes.
    pub const MOST_STUDENTS: u32 = 20_000;

    /// A sample of so many students up to today.
    pub fn new(seed: u64, students: u32) -> Self {
        Self { seed, students, school_year: None, attendance_days: None, add: false }
    }
}

/// What was made: rows of each kind.
#[derive(Debug, Clone, Serialize)]
pub struct SchoolSummary {
    /// The district that the schools belong to.
    pub district_id: OrgId,
    /// Some of the people, by what they are, for accounts to be tied to: `principal`, `staff`, `teacher`, `guardian` of two
    /// children, `restricted`, who may see nothing of theirs, and `student`.
    pub people: BTreeMap<&'static str, Somebody>,
    /// How many of each kind.
    pub records: BTreeMap<&'static str, u64>,
}

/// A person of the sample.
#[derive(Debug, Clone, Serialize)]
pub struct Somebody {
    /// Which one.
    pub id: PersonId,
    /// Given and family name.
    pub name: String,
}

/// Who wants to know how far it is.
pub trait Observer: Send + Sync {
    /// So many records of this kind are written.
    fn wrote(&self, what: &'static str, count: u64);
}

/// Nobody.
impl Observer for () {
    fn wrote(&self, _: &'static str, _: u64) {}
}

/// What such work is called, of which a tenant has one at a time.
const WORK: &str = "import";

/// Makes the school in the tenant of `cx`. Refused where people are already, unless the settings say otherwise.
pub async fn make(
    tenancy: &Tenancy,
    cx: &OpContext,
    settings: &SchoolSettings,
    observer: &dyn Observer,
) -> Result<SchoolSummary> {
    cx.authorize(Action::Import, &ROSTER)?;
    if !(1..=SchoolSettings::MOST_STUDENTS).contains(&settings.students) {
        let message = format!("A sample school has from 1 to {} students.", SchoolSettings::MOST_STUDENTS);
        return Err(Error::field("students", "sample_students", message));
    }
    let _place = tenancy.begin_long_work(cx).await?;
    let (wanted, clock, day) = (settings.clone(), tenancy.clock().clone(), today(cx));
    let zone = TimeZone::get(&cx.tenant().time_zone).unwrap_or(TimeZone::UTC);
    let plan = tokio::task::spawn_blocking(move || Plan::new(&wanted, zone, day, &*clock));
    let plan = plan.await.map_err(Error::internal)??;
    let mut tx = tenancy.write(cx).await?;
    // Whoever tries again at once finds nothing of this try.
    if !tx.begin_large(WORK).await? {
        tx.rollback().await?;
        let message = "A roster is being brought into this tenant. Try again when that is done.";
        return Err(Error::new(ErrorKind::Unavailable, "import_running", message));
    }
    let anybody = tx.query(&store::ANYBODY, &[]).await?.first().is_some_and(|row| row.get("anybody"));
    if anybody && !settings.add {
        tx.rollback().await?;
        let message =
            "There are people in this tenant already. Make the sample in an empty one, or say that it is to be added.";
        return Err(Error::new(ErrorKind::Conflict, "tenant_not_empty", message));
    }
    let mut pen = Pen::new(&mut tx, observer);
    // Each after what its rows point at.
    orgs::write(&mut pen, &plan).await?;
    let houses = calendar::write(&mut pen, &plan).await?;
    persons::write(&mut pen, &plan).await?;
    let orders = documents::write(&mut pen, &plan).await?;
    contacts::write(&mut pen, &plan, &orders).await?;
    families::write(&mut pen, &plan).await?;
    staff::write(&mut pen, &plan).await?;
    records::write(&mut pen, &plan).await?;
    associations::write(&mut pen, &plan).await?;
    custom_fields::write(&mut pen, &plan).await?;
    let classes = classes::write(&mut pen, &plan, &houses).await?;
    timetable::write(&mut pen, &houses, &classes).await?;
    let codes = attendance::write_codes(&mut pen).await?;
    let planned = absences::write(&mut pen, &plan, &codes).await?;
    let missed = attendance::write(&mut pen, &plan, &houses, &classes, &codes, &planned).await?;
    behavior::write(&mut pen, &plan, &classes, &missed).await?;
    health::write(&mut pen, &plan, &missed).await?;
    let records = pen.counts();
    let counts = serde_json::to_value(&records).map_err(Error::internal)?;
    tx.audit_act("sample.make", &ROSTER, plan.district.id, Some(counts));
    tx.commit().await?;
    Ok(SchoolSummary { district_id: plan.district.id, people: plan.people(), records })
}
