//! All SQL that moves documents, photographs and times at schools to another person, and back. Notes and parameters are those of
//! `move_store`.

use cloister_tenancy::sql::{Statement, statements};

use super::move_store::{mark, note, noted, rest, shift, theirs};

statements! {
    /// Documents.
    NOTE_DOCUMENTS = note!("document", "moved", "id", theirs!("person_id"));
    /// The photograph, where the one who stays has none.
    NOTE_PHOTO = note!("person_photo", "moved", "person_id",
        "t.person_id = $3 and not exists (select from person_photo k where k.tenant_id = $1 and k.person_id = $4)");
    /// Times at a school on days on which the one who stays is there too.
    NOTE_TIMES_TWICE = note!("student_school_association", "set_aside", "id",
        "t.student_id = $3 and t.status = 'active' and exists (select from student_school_association k
            where k.tenant_id = $1 and k.student_id = $4 and k.status = 'active' and k.school_id = t.school_id
            and (k.exit_withdraw_date is null or t.entry_date < k.exit_withdraw_date)
            and (t.exit_withdraw_date is null or k.entry_date < t.exit_withdraw_date))");
    /// The other times at schools.
    NOTE_TIMES = note!("student_school_association", "moved", "id", rest!("student_school_association", "student_id"));
    /// Documents there.
    DOCUMENTS_THERE = shift!("document", "moved", "person_id", "$3", "$4", "");
    /// The photograph there.
    PHOTO_THERE = "update person_photo t set person_id = $4, updated_at = $5, updated_by = $6, version = t.version + 1
        from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'person_photo'
        and t.tenant_id = $1 and t.person_id = n.row_id and t.person_id = $3";
    /// Times at schools there.
    TIMES_THERE = shift!("student_school_association", "moved", "student_id", "$3", "$4", "");
    /// Documents back.
    DOCUMENTS_BACK = shift!("document", "moved", "person_id", "$4", "$3", "");
    /// The photograph back.
    PHOTO_BACK = "update person_photo t set person_id = $3, updated_at = $5, updated_by = $6, version = t.version + 1
        from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'person_photo'
        and n.row_id = $3 and t.tenant_id = $1 and t.person_id = $4";
    /// Times at schools back.
    TIMES_BACK = shift!("student_school_association", "moved", "student_id", "$4", "$3", "");
    /// Times at schools that are there twice go.
    TIMES_ASIDE = mark!("student_school_association", "active", "tobedeleted");
    /// They come back.
    TIMES_RESTORED = mark!("student_school_association", "tobedeleted", "active");
}

/// What is noted, in this order, and whether the statement asks for the one who stays.
pub(super) static NOTES: [(&Statement, bool); 4] =
    [(&NOTE_DOCUMENTS, false), (&NOTE_PHOTO, true), (&NOTE_TIMES_TWICE, true), (&NOTE_TIMES, false)];

/// What goes to the one who stays.
pub(super) static THERE: [&Statement; 3] = [&DOCUMENTS_THERE, &PHOTO_THERE, &TIMES_THERE];

/// The same back.
pub(super) static BACK: [&Statement; 3] = [&DOCUMENTS_BACK, &PHOTO_BACK, &TIMES_BACK];

/// What was there twice.
pub(super) static ASIDE: [&Statement; 1] = [&TIMES_ASIDE];

/// The same back.
pub(super) static RESTORED: [&Statement; 1] = [&TIMES_RESTORED];
