//! Health: allergies, conditions, what is given, vaccinations, and visits to the health office. Sealed as the API seals them.

use cloister_ids::Id;
use cloister_tenancy::{Error, Result};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};

use super::{
    health_cases::{ALLERGIES, Ailment, CONDITIONS, DOCTORS, Remedy, VACCINES, VISITS},
    pen::{self, Pen},
    plan::{Plan, Pupil},
    presence::{Missed, Presence},
    staff::Work,
    store,
};
use crate::{
    allergy::AllergyFields,
    health::{HealthFields, seal},
    health_condition::HealthConditionFields,
    health_visit::HealthVisitFields,
    immunization::{ImmunizationExemption, ImmunizationFields},
    medication::{MedicationFields, MedicationRoute},
    record::{Metadata, Status},
    sample::random::Random,
};

/// Students whose records are made and sealed before they are written.
const CHUNK: usize = 1_000;
/// One of so many has an allergy; one of so many a condition.
const WITH_ALLERGY: usize = 12;
const WITH_CONDITION: usize = 20;
/// One of so many was given something for a week.
const WITH_DROPS: usize = 40;
/// Of a thousand years at school, so many have a visit to the health office in them.
const VISITS_OF_THOUSAND: u32 = 250;

const DROPS: Remedy = Remedy {
    name: "Antibiotic eye drops",
    dose: "1 drop in each eye",
    route: MedicationRoute::Ophthalmic,
    schedule: "At 10:00 and 13:30",
};

/// A record as its row, with the time at which it was entered.
fn row<F: HealthFields>(pen: &Pen<'_>, at: Timestamp, fields: &F) -> Result<Value> {
    let cx = pen.tx.cx();
    let id = Id::<F::Kind>::generate(cx.clock());
    let told = serde_json::to_value(fields).map_err(Error::internal)?;
    let sealed = pen::bytes(&seal(cx, id, fields)?);
    let mut row = json!({ "id": id.uuid(), "student_id": fields.student().uuid(), "made_at": at, "sealed": sealed });
    for (name, _) in fields.clear() {
        row[name] = told[name].clone();
    }
    Ok(row)
}

/// What is known of some students.
#[derive(Default)]
struct Rows {
    allergies: Vec<Value>,
    conditions: Vec<Value>,
    medications: Vec<Value>,
    immunizations: Vec<Value>,
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan, missed: &Missed) -> Result<()> {
    let mut random = Random::new(plan.seed ^ 0x6865_616c);
    for (chunk, pupils) in plan.pupils.chunks(CHUNK).enumerate() {
        let mut rows = Rows::default();
        for (place, pupil) in pupils.iter().enumerate() {
            rows.of_pupil(pen, plan, chunk * CHUNK + place, pupil, &mut random)?;
        }
        pen.records("allergies", &store::ALLERGIES, rows.allergies).await?;
        pen.records("health_conditions", &store::HEALTH_CONDITIONS, rows.conditions).await?;
        pen.records("medications", &store::MEDICATIONS, rows.medications).await?;
        pen.records("immunizations", &store::IMMUNIZATIONS, rows.immunizations).await?;
    }
    let visits = visits(pen, plan, missed, &mut random)?;
    pen.records("health_visits", &store::HEALTH_VISITS, visits).await
}

impl Rows {
    fn of_pupil(
        &mut self,
        pen: &Pen<'_>,
        plan: &Plan,
        number: usize,
        pupil: &Pupil,
        random: &mut Random,
    ) -> Result<()> {
        // What was known when the sample begins, or when the student came.
        let recorded = pupil.begin.max(plan.years[0].first_day());
        if number % WITH_ALLERGY == 3 {
            let ailment = &ALLERGIES[number / WITH_ALLERGY % ALLERGIES.len()];
            // Now and then somebody grows out of one.
            let over = recorded.checked_add(400.days()).ok().filter(|over| *over < plan.today);
            let end = over.filter(|_| !ailment.alert && random.permille(300));
            self.allergy(pen, plan, pupil, (recorded, end), ailment)?;
            self.remedy(pen, plan, pupil, (recorded, None), ailment.remedy.as_ref(), random)?;
        }
        if number % WITH_CONDITION == 5 {
            let ailment = &CONDITIONS[number / WITH_CONDITION % CONDITIONS.len()];
            let onset = pupil.birth.checked_add(i64::from(36 + random.below(36)).months()).ok();
            self.condition(pen, plan, pupil, (recorded, onset), ailment)?;
            self.remedy(pen, plan, pupil, (recorded, None), ailment.remedy.as_ref(), random)?;
        }
        if number % WITH_DROPS == 9 {
            let begin = recorded.checked_add(21.days()).map_err(Error::internal)?;
            let end = recorded.checked_add(28.days()).map_err(Error::internal)?;
            if end <= plan.today {
                self.remedy(pen, plan, pupil, (begin, Some(end)), Some(&DROPS), random)?;
            }
        }
        self.vaccinations(pen, plan, number, pupil, recorded, random)
    }

    fn allergy(
        &mut self,
        pen: &Pen<'_>,
        plan: &Plan,
        pupil: &Pupil,
        (recorded, end): (Date, Option<Date>),
        ailment: &Ailment,
    ) -> Result<()> {
        let fields = AllergyFields {
            status: Status::Active,
            student_id: pupil.id,
            recorded_date: recorded,
            end_date: end,
            alert: ailment.alert,
            substance: ailment.name.to_owned(),
            code: ailment.code.map(str::to_owned),
            reaction: ailment.reaction.map(str::to_owned),
            severity: Some(ailment.severity),
            action_plan: ailment.action_plan.map(str::to_owned),
            notes: None,
            metadata: Metadata::default(),
        };
        self.allergies.push(row(pen, plan.at(recorded, 10, 0), &fields)?);
        Ok(())
    }

    fn condition(
        &mut self,
        pen: &Pen<'_>,
        plan: &Plan,
        pupil: &Pupil,
        (recorded, onset): (Date, Option<Date>),
        ailment: &Ailment,
    ) -> Result<()> {
        let fields = HealthConditionFields {
            status: Status::Active,
            student_id: pupil.id,
            recorded_date: recorded,
            end_date: None,
            alert: ailment.alert,
            name: ailment.name.to_owned(),
            code: ailment.code.map(str::to_owned),
            code_system: ailment.code.map(|_| "ICD-10".to_owned()),
            severity: Some(ailment.severity),
            onset_date: onset,
            action_plan: ailment.action_plan.map(str::to_owned),
            notes: None,
            metadata: Metadata::default(),
        };
        self.conditions.push(row(pen, plan.at(recorded, 10, 5), &fields)?);
        Ok(())
    }

    fn remedy(
        &mut self,
        pen: &Pen<'_>,
        plan: &Plan,
        pupil: &Pupil,
        (begin, end): (Date, Option<Date>),
        remedy: Option<&Remedy>,
        random: &mut Random,
    ) -> Result<()> {
        let Some(remedy) = remedy else { return Ok(()) };
        let fields = MedicationFields {
            status: Status::Active,
            student_id: pupil.id,
            begin_date: begin,
            end_date: end,
            name: remedy.name.to_owned(),
            dose: Some(remedy.dose.to_owned()),
            route: Some(remedy.route),
            schedule: Some(remedy.schedule.to_owned()),
            given_at_school: true,
            authorised_by: Some((*random.pick(&DOCTORS)).to_owned()),
            authorisation_document: Some(format!("Letter of {begin}")),
            notes: None,
            metadata: Metadata::default(),
        };
        self.medications.push(row(pen, plan.at(begin, 10, 10), &fields)?);
        Ok(())
    }

    /// Most have all that are usual at their age, some are exempt from one, and of a few nothing is known.
    fn vaccinations(
        &mut self,
        pen: &Pen<'_>,
        plan: &Plan,
        number: usize,
        pupil: &Pupil,
        recorded: Date,
        random: &mut Random,
    ) -> Result<()> {
        let exemption = match number % 50 {
            7 => Some((ImmunizationExemption::Medical, "Was treated for leukaemia.")),
            31 => Some((ImmunizationExemption::Philosophical, "Signed by both parents.")),
            44 => return Ok(()),
            _ => None,
        };
        let at = plan.at(recorded, 10, 20);
        let doctor = *random.pick(&DOCTORS);
        for (vaccine, code, dose, months) in VACCINES {
            let days = i64::from(random.below(60)).days();
            let date = pupil.birth.checked_add(months.months()).and_then(|date| date.checked_add(days));
            let Some(date) = date.ok().filter(|date| *date < plan.today) else { continue };
            let exempt = exemption.filter(|_| vaccine.starts_with("Measles"));
            if exempt.is_some() && dose > 1 {
                continue;
            }
            let given = exempt.is_none();
            let lot = format!("{}{:04}", char::from(b'A' + random.small(26)), random.below(10_000));
            let fields = ImmunizationFields {
                status: Status::Active,
                student_id: pupil.id,
                date,
                vaccine: vaccine.to_owned(),
                vaccine_code: Some(code.to_owned()),
                dose_number: given.then_some(dose),
                lot_number: given.then_some(lot),
                provider: Some(doctor.to_owned()),
                exemption: exempt.map(|(why, _)| why),
                notes: exempt.map(|(_, note)| note.to_owned()),
                metadata: Metadata::default(),
            };
            self.immunizations.push(row(pen, at, &fields)?);
        }
        Ok(())
    }
}

/// Visits on days on which the student was there.
fn visits(pen: &Pen<'_>, plan: &Plan, missed: &Missed, random: &mut Random) -> Result<Vec<Value>> {
    let presence = Presence { plan, missed };
    let mut rows = Vec::new();
    for place in &plan.places {
        if !random.permille(VISITS_OF_THOUSAND) {
            continue;
        }
        let Some(date) = presence.some_day(place, random) else { continue };
        let (complaint, treatment, outcome, told) = *random.pick(&VISITS);
        let (hour, minute) = (9 + random.small(5).cast_signed(), random.small(60).cast_signed());
        let school = plan.pupils[place.pupil].school;
        let is_nurse = |work| matches!(work, Work::Post(_, "nurse", _));
        let nurse = plan.employees.iter().find(|one| one.school == school && is_nurse(one.work));
        let fields = HealthVisitFields {
            status: Status::Active,
            student_id: plan.pupils[place.pupil].id,
            date,
            time: format!("{hour:02}:{minute:02}").parse().ok(),
            complaint: complaint.to_owned(),
            treatment: Some(treatment.to_owned()),
            outcome: Some(outcome),
            seen_by: nurse.map(|nurse| format!("Nurse {}", nurse.name.family())),
            guardian_informed_at: told.map(|_| plan.at(date, hour + 1, 0)),
            guardian_informed_how: told.map(str::to_owned),
            notes: None,
            metadata: Metadata::default(),
        };
        rows.push(row(pen, plan.at(date, hour + 1, 5), &fields)?);
    }
    Ok(rows)
}
