//! What is to be written when a register is taken: the entries that say something else than before.

use std::collections::{HashMap, HashSet};

use cloister_ids::{AttendanceCodeId, AttendanceEventId, Clock, PersonId};
use cloister_tenancy::{Error, FieldError, Result};

use super::{RegisterEntry, SheetEntry};

/// Codes that count.
pub(super) type Codes = HashSet<AttendanceCodeId>;

/// Students that a refusal names, at most.
const NAMED: usize = 5;

/// The entries that differ from what is said now. Refuses a register in which somebody is missing or has no place. Who has no place
/// any more, but is in the register since it was taken, may be left out: what was said stays.
pub(super) fn compare(before: &[SheetEntry], wanted: &[RegisterEntry], codes: &Codes) -> Result<Vec<RegisterEntry>> {
    let known: HashMap<PersonId, &SheetEntry> = before.iter().map(|entry| (entry.student_id, entry)).collect();
    let mut faults = Vec::new();
    let mut fault = |field: String, code: &'static str, message: String| {
        faults.push(FieldError { field, code: code.into(), message });
    };
    let mut changed = Vec::new();
    for (at, entry) in wanted.iter().enumerate() {
        // What is said already may stay, though its code was retired since.
        if known.get(&entry.student_id).is_some_and(|now| says(now, entry)) {
            continue;
        }
        if !codes.contains(&entry.code_id) {
            let message = "There is no such attendance code that counts.";
            fault(format!("entries[{at}].code_id"), "attendance_code_unknown", message.to_owned());
        }
        match known.get(&entry.student_id) {
            None => {
                let message = "This student has no place in this class on this day.";
                fault(format!("entries[{at}].student_id"), "student_not_in_class", message.to_owned());
            }
            Some(_) => changed.push(entry.clone()),
        }
    }
    let missing: Vec<String> = before
        .iter()
        .filter(|known| known.has_place && !wanted.iter().any(|entry| entry.student_id == known.student_id))
        .map(|known| format!("{} {}", known.student_given_name, known.student_family_name))
        .collect();
    if !missing.is_empty() {
        let more = if missing.len() > NAMED { " and others" } else { "" };
        let named = missing.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        fault(
            "entries".to_owned(),
            "students_missing",
            format!("Say something of everybody in the class: {named}{more} are missing."),
        );
    }
    if faults.is_empty() { Ok(changed) } else { Err(Error::invalid(faults)) }
}

fn says(now: &SheetEntry, wanted: &RegisterEntry) -> bool {
    now.code_id == Some(wanted.code_id)
        && now.arrival_time == wanted.arrival_time
        && now.departure_time == wanted.departure_time
        && now.reason == wanted.reason
}

/// An event to be recorded.
pub(super) struct NewEvent {
    pub(super) id: AttendanceEventId,
    /// Which event it corrects.
    pub(super) supersedes: Option<AttendanceEventId>,
    pub(super) entry: RegisterEntry,
}

/// Enters what changed, and tells which events say it.
pub(super) fn write(sheet: &mut [SheetEntry], changed: &[RegisterEntry], clock: &dyn Clock) -> Vec<NewEvent> {
    let mut new = Vec::with_capacity(changed.len());
    for entry in changed {
        let Some(line) = sheet.iter_mut().find(|line| line.student_id == entry.student_id) else { continue };
        let id = AttendanceEventId::generate(clock);
        new.push(NewEvent { id, supersedes: line.event_id, entry: entry.clone() });
        line.code_id = Some(entry.code_id);
        line.arrival_time = entry.arrival_time;
        line.departure_time = entry.departure_time;
        line.reason.clone_from(&entry.reason);
        line.event_id = Some(id);
    }
    new
}

#[cfg(test)]
mod tests {
    use cloister_ids::{AttendanceCodeId, AttendanceEventId, PersonId, SystemClock};

    use super::{Codes, compare, write};
    use crate::attendance_register::{RegisterEntry, SheetEntry};

    fn line(student_id: PersonId, said: Option<AttendanceCodeId>) -> SheetEntry {
        SheetEntry {
            student_id,
            student_given_name: "Mila".to_owned(),
            student_family_name: "Okafor".to_owned(),
            code_id: said,
            arrival_time: None,
            departure_time: None,
            reason: None,
            event_id: said.map(|_| AttendanceEventId::generate(&SystemClock)),
            has_place: true,
        }
    }

    fn entry(student_id: PersonId, code_id: AttendanceCodeId) -> RegisterEntry {
        RegisterEntry { student_id, code_id, arrival_time: None, departure_time: None, reason: None }
    }

    #[test]
    fn only_what_says_something_else_is_written() {
        let (here, gone) = (AttendanceCodeId::generate(&SystemClock), AttendanceCodeId::generate(&SystemClock));
        let codes: Codes = [here, gone].into();
        let [ada, ben, cy] = [0; 3].map(|_| PersonId::generate(&SystemClock));
        let mut sheet = vec![line(ada, Some(here)), line(ben, Some(here)), line(cy, None)];
        let earlier = sheet[1].event_id;
        let wanted = [entry(ada, here), entry(ben, gone), entry(cy, here)];
        let changed = compare(&sheet, &wanted, &codes).unwrap();
        assert_eq!(changed, wanted[1..]);
        let new = write(&mut sheet, &changed, &SystemClock);
        assert_eq!(new.iter().map(|event| event.supersedes).collect::<Vec<_>>(), [earlier, None]);
        assert_eq!(compare(&sheet, &wanted, &codes).unwrap(), []);
    }

    #[test]
    fn what_is_said_may_stay_and_who_has_gone_may_be_left_out() {
        let (retired, here) = (AttendanceCodeId::generate(&SystemClock), AttendanceCodeId::generate(&SystemClock));
        let codes: Codes = [here].into();
        let [ada, ben, cy] = [0; 3].map(|_| PersonId::generate(&SystemClock));
        let gone = SheetEntry { has_place: false, ..line(cy, Some(here)) };
        let sheet = [line(ada, Some(retired)), line(ben, Some(here)), gone];
        let changed = compare(&sheet, &[entry(ada, retired), entry(ben, here)], &codes).unwrap();
        assert_eq!(changed, []);
        let fault = compare(&sheet, &[entry(ada, retired), entry(ben, retired)], &codes).unwrap_err();
        assert_eq!(fault.fields()[0].field, "entries[1].code_id");
    }

    #[test]
    fn everybody_in_the_class_and_nobody_else() {
        let here = AttendanceCodeId::generate(&SystemClock);
        let codes: Codes = [here].into();
        let [ada, ben] = [0; 2].map(|_| PersonId::generate(&SystemClock));
        let sheet = [line(ada, None)];
        let refused = |wanted: &[RegisterEntry], codes: &Codes| {
            let error = compare(&sheet, wanted, codes).unwrap_err();
            error.fields().iter().map(|fault| format!("{} {}", fault.field, fault.code)).collect::<Vec<_>>()
        };
        assert_eq!(
            refused(&[entry(ben, here)], &codes),
            ["entries[0].student_id student_not_in_class", "entries students_missing"]
        );
        let nothing = Codes::new();
        assert_eq!(refused(&[entry(ada, here)], &nothing), ["entries[0].code_id attendance_code_unknown"]);
    }
}
