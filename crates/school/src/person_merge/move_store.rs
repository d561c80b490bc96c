//! All SQL that moves what is about one person to another, and back.
//!
//! First it is noted what will be done to each row, then it is done to the rows that were noted. Rows that are deleted stay
//! where they are. `$2` is the merge. Of notes `$3` is the merged person and `$4` the one that stays; of moves, both ways, `$3`
//! and `$4` the same, `$5` the time and `$6` who; of what touches rows where they are, `$3` the time and `$4` who.

use cloister_tenancy::sql::{Statement, statements};

use super::differ_store::{covers, covers_place};

/// Every column that refers to a person, and is moved by the statements below or has its reason to stay.
#[cfg(test)]
pub(super) const REFERENCES: &[(&str, &str)] = &[
    ("absence_request", "student_id"),
    ("academic_record", "student_id"),
    ("allergy", "student_id"),
    ("attendance_event", "student_id"),
    ("contact", "contact_id"),
    ("contact", "student_id"),
    ("custom_value", "person_id"),
    ("demographics", "person_id"),
    ("document", "person_id"),
    ("discipline_action", "student_id"),
    ("discipline_incident", "reporter_id"),
    ("enrollment", "person_id"),
    ("family_member", "person_id"),
    ("incident_follow_up", "assigned_to_id"),
    // To whom a letter went is history; whose part it is about goes with the part.
    ("incident_letter", "student_id"),
    ("incident_participant", "person_id"),
    ("health_condition", "student_id"),
    ("health_visit", "student_id"),
    ("immunization", "student_id"),
    ("medication", "student_id"),
    ("meeting", "teacher_id"),
    // What merges were about is history.
    ("person_merge", "kept_id"),
    ("person_merge", "merged_id"),
    ("person_photo", "person_id"),
    ("person_role", "person_id"),
    ("staff_assignment", "person_id"),
    ("student_school_association", "student_id"),
];

/// Notes what becomes of rows `t`.
macro_rules! note {
    ($table:literal, $what:literal, $id:literal, $where:expr) => {
        concat!(
            "insert into person_merge_row (tenant_id, merge_id, table_name, row_id, what) select $1, $2::uuid, '",
            $table,
            "', t.",
            $id,
            ", '",
            $what,
            "' from ",
            $table,
            " t where t.tenant_id = $1 and ",
            $where
        )
    };
}

/// Rows of the merged person.
macro_rules! theirs {
    ($column:literal) => {
        concat!("t.", $column, " = $3 and t.status = 'active'")
    };
}

/// Those of them that are not noted yet.
macro_rules! rest {
    ($table:literal, $column:literal) => {
        concat!(
            theirs!($column),
            " and not exists (select from person_merge_row n where n.tenant_id = $1
                and n.merge_id = $2 and n.table_name = '",
            $table,
            "' and n.row_id = t.id)"
        )
    };
}

/// The rows that were noted so.
macro_rules! noted {
    ($table:literal, $what:literal) => {
        concat!(
            " from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = '",
            $table,
            "' and n.what = '",
            $what,
            "' and t.tenant_id = $1 and t.id = n.row_id"
        )
    };
}

/// Moves rows from one person to another.
macro_rules! shift {
    ($table:literal, $what:literal, $column:literal, $from:literal, $to:literal, $besides:literal) => {
        concat!(
            "update ",
            $table,
            " t set ",
            $column,
            " = ",
            $to,
            ", date_last_modified = $5, updated_at = $5, updated_by = $6, version = t.version + 1",
            $besides,
            noted!($table, $what),
            " and t.",
            $column,
            " = ",
            $from
        )
    };
}

/// Marks rows as deleted, or brings them back, where they are.
macro_rules! mark {
    ($table:literal, $from:literal, $to:literal) => {
        concat!(
            "update ",
            $table,
            " t set status = '",
            $to,
            "', date_last_modified = $3, updated_at = $3, updated_by = $4, version = t.version + 1",
            noted!($table, "set_aside"),
            " and t.status = '",
            $from,
            "'"
        )
    };
}

pub(super) use {mark, note, noted, rest, shift, theirs};

statements! {
    /// Roles that the one who stays has for all these days. A primary one goes on where nothing else is primary.
    NOTE_ROLES_TWICE = note!("person_role", "set_aside", "id", concat!(
        "t.person_id = $3 and t.status = 'active' and exists (select from person_role k where k.tenant_id = $1
            and k.person_id = $4 and k.status = 'active' and k.org_id = t.org_id and k.role = t.role and ",
        covers!(), ") and (t.role_type <> 'primary' or exists (select from person_role k where k.tenant_id = $1
            and k.person_id = $4 and k.status = 'active' and k.org_id = t.org_id and k.role_type = 'primary'))"
    ));
    /// Primary roles where the one who stays has another: they become secondary.
    NOTE_ROLES_DEMOTED = note!("person_role", "demoted", "id", concat!(
        rest!("person_role", "person_id"),
        " and t.role_type = 'primary' and exists (select from person_role k where k.tenant_id = $1
            and k.person_id = $4 and k.status = 'active' and k.org_id = t.org_id and k.role_type = 'primary')"
    ));
    /// The other roles.
    NOTE_ROLES = note!("person_role", "moved", "id", rest!("person_role", "person_id"));
    /// Places that the one who stays has for all these days. Of others none shares a day with theirs: see `PLACES_DIFFER`.
    NOTE_PLACES_TWICE = note!("enrollment", "set_aside", "id", concat!(
        "t.person_id = $3 and t.status = 'active' and ", covers_place!("$4")
    ));
    /// The other places.
    NOTE_PLACES = note!("enrollment", "moved", "id", rest!("enrollment", "person_id"));
    /// Contacts that the one who stays has too, or would have with themselves.
    NOTE_CONTACTS_TWICE = note!("contact", "set_aside", "id",
        "t.status = 'active' and ((t.student_id = $3 and (t.contact_id = $4 or exists (select from contact k
                where k.tenant_id = $1 and k.student_id = $4 and k.contact_id = t.contact_id)))
            or (t.contact_id = $3 and (t.student_id = $4 or exists (select from contact k
                where k.tenant_id = $1 and k.contact_id = $4 and k.student_id = t.student_id))))");
    /// The other contacts of the merged person as a student. Deleted ones too: that somebody must not act for a child goes with
    /// the child, and no package makes the contact anew.
    NOTE_CONTACTS = note!("contact", "moved", "id",
        "t.student_id = $3 and t.contact_id <> $4 and not exists (select from contact k
            where k.tenant_id = $1 and k.student_id = $4 and k.contact_id = t.contact_id)");
    /// The other contacts that the merged person is.
    NOTE_CONTACT_OF = note!("contact", "moved_contact", "id",
        "t.contact_id = $3 and t.student_id <> $4 and not exists (select from contact k
            where k.tenant_id = $1 and k.contact_id = $4 and k.student_id = t.student_id)");
    /// Posts that the one who stays has too.
    NOTE_POSTS_TWICE = note!("staff_assignment", "set_aside", "id",
        "t.person_id = $3 and t.status = 'active' and exists (select from staff_assignment k where k.tenant_id = $1
            and k.person_id = $4 and k.status = 'active' and k.org_id = t.org_id
            and k.staff_classification = t.staff_classification and k.begin_date = t.begin_date
            and k.end_date is not distinct from t.end_date)");
    /// The other posts.
    NOTE_POSTS = note!("staff_assignment", "moved", "id", rest!("staff_assignment", "person_id"));
    /// Years at schools that are known of the one who stays too.
    NOTE_YEARS_TWICE = note!("academic_record", "set_aside", "id",
        "t.student_id = $3 and t.status = 'active' and exists (select from academic_record k where k.tenant_id = $1
            and k.student_id = $4 and k.status = 'active' and k.school_year = t.school_year
            and k.school_name = t.school_name and (k.begin_date, k.end_date) is not distinct from (t.begin_date, t.end_date))");
    /// The other years.
    NOTE_YEARS = note!("academic_record", "moved", "id", rest!("academic_record", "student_id"));
    /// What was said of attendance where something is said of the one who stays, too.
    NOTE_ATTENDANCE_TWICE = note!("attendance_event", "set_aside", "id",
        "t.student_id = $3 and t.status = 'active' and t.superseded_at is null and exists (select from attendance_event k
            where k.tenant_id = $1 and k.student_id = $4 and k.date = t.date and k.status = 'active'
            and k.superseded_at is null and k.class_id is not distinct from t.class_id
            and k.class_period_id is not distinct from t.class_period_id)");
    /// What else was said, and corrected.
    NOTE_ATTENDANCE = note!("attendance_event", "moved", "id", rest!("attendance_event", "student_id"));
    /// Absences that were asked for.
    NOTE_ABSENCES = note!("absence_request", "moved", "id", theirs!("student_id"));
    /// Meetings that name the merged person as their teacher.
    NOTE_MEETINGS = note!("meeting", "moved", "id", theirs!("teacher_id"));
    /// Families to which the one who stays belongs too.
    NOTE_FAMILIES_TWICE = note!("family_member", "set_aside", "family_id",
        "t.person_id = $3 and exists (select from family_member k
            where k.tenant_id = $1 and k.person_id = $4 and k.family_id = t.family_id)");
    /// The other families.
    NOTE_FAMILIES = note!("family_member", "moved", "family_id",
        "t.person_id = $3 and not exists (select from family_member k
            where k.tenant_id = $1 and k.person_id = $4 and k.family_id = t.family_id)");
    /// Custom values, where the one who stays has none.
    NOTE_VALUES = note!("custom_value", "moved", "custom_field_id",
        "t.person_id = $3 and not exists (select from custom_value k
            where k.tenant_id = $1 and k.person_id = $4 and k.custom_field_id = t.custom_field_id)");
    /// Demographics, where the one who stays has none.
    NOTE_DEMOGRAPHICS = note!("demographics", "moved", "person_id",
        "t.person_id = $3 and not exists (select from demographics k where k.tenant_id = $1 and k.person_id = $4)");

    /// Roles there.
    ROLES_THERE = shift!("person_role", "moved", "person_id", "$3", "$4", "");
    /// Roles there, as secondary ones.
    DEMOTED_THERE = shift!("person_role", "demoted", "person_id", "$3", "$4", ", role_type = 'secondary'");
    /// Places there.
    PLACES_THERE = shift!("enrollment", "moved", "person_id", "$3", "$4", "");
    /// Contacts of a student there.
    CONTACTS_THERE = shift!("contact", "moved", "student_id", "$3", "$4", "");
    /// Contacts that somebody is there.
    CONTACT_OF_THERE = shift!("contact", "moved_contact", "contact_id", "$3", "$4", "");
    /// Posts there.
    POSTS_THERE = shift!("staff_assignment", "moved", "person_id", "$3", "$4", "");
    /// Years there.
    YEARS_THERE = shift!("academic_record", "moved", "student_id", "$3", "$4", "");
    /// Attendance there.
    ATTENDANCE_THERE = shift!("attendance_event", "moved", "student_id", "$3", "$4", "");
    /// Absences there.
    ABSENCES_THERE = shift!("absence_request", "moved", "student_id", "$3", "$4", "");
    /// Meetings there.
    MEETINGS_THERE = shift!("meeting", "moved", "teacher_id", "$3", "$4", "");
    /// Attendance back.
    ATTENDANCE_BACK = shift!("attendance_event", "moved", "student_id", "$4", "$3", "");
    /// Absences back.
    ABSENCES_BACK = shift!("absence_request", "moved", "student_id", "$4", "$3", "");
    /// Meetings back.
    MEETINGS_BACK = shift!("meeting", "moved", "teacher_id", "$4", "$3", "");
    /// Years back.
    YEARS_BACK = shift!("academic_record", "moved", "student_id", "$4", "$3", "");
    /// Roles back.
    ROLES_BACK = shift!("person_role", "moved", "person_id", "$4", "$3", "");
    /// Roles back, as primary ones.
    DEMOTED_BACK = shift!("person_role", "demoted", "person_id", "$4", "$3", ", role_type = 'primary'");
    /// Places back.
    PLACES_BACK = shift!("enrollment", "moved", "person_id", "$4", "$3", "");
    /// Contacts of a student back.
    CONTACTS_BACK = shift!("contact", "moved", "student_id", "$4", "$3", "");
    /// Contacts that somebody is back.
    CONTACT_OF_BACK = shift!("contact", "moved_contact", "contact_id", "$4", "$3", "");
    /// Posts back.
    POSTS_BACK = shift!("staff_assignment", "moved", "person_id", "$4", "$3", "");

    /// Demographics there.
    DEMOGRAPHICS_THERE = "update demographics t set person_id = $4, date_last_modified = $5, updated_at = $5,
            updated_by = $6, version = t.version + 1
        from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'demographics'
        and t.tenant_id = $1 and t.person_id = n.row_id and t.person_id = $3";
    /// Demographics back.
    DEMOGRAPHICS_BACK = "update demographics t set person_id = $3, date_last_modified = $5, updated_at = $5,
            updated_by = $6, version = t.version + 1
        from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'demographics'
        and n.row_id = $3 and t.tenant_id = $1 and t.person_id = $4";

    /// Roles that are there twice go.
    ROLES_ASIDE = mark!("person_role", "active", "tobedeleted");
    /// Places that are there twice go.
    PLACES_ASIDE = mark!("enrollment", "active", "tobedeleted");
    /// Contacts that are there twice go.
    CONTACTS_ASIDE = mark!("contact", "active", "tobedeleted");
    /// Attendance that is there twice goes.
    ATTENDANCE_ASIDE = mark!("attendance_event", "active", "tobedeleted");
    /// Posts that are there twice go.
    POSTS_ASIDE = mark!("staff_assignment", "active", "tobedeleted");
    /// Years that are there twice go.
    YEARS_ASIDE = mark!("academic_record", "active", "tobedeleted");
    /// They come back.
    POSTS_RESTORED = mark!("staff_assignment", "tobedeleted", "active");
    /// They come back.
    YEARS_RESTORED = mark!("academic_record", "tobedeleted", "active");
    /// They come back.
    ROLES_RESTORED = mark!("person_role", "tobedeleted", "active");
    /// They come back.
    PLACES_RESTORED = mark!("enrollment", "tobedeleted", "active");
    /// They come back.
    CONTACTS_RESTORED = mark!("contact", "tobedeleted", "active");
    /// It comes back.
    ATTENDANCE_RESTORED = mark!("attendance_event", "tobedeleted", "active");

    /// Values there, and back: `$3` those of whom, `$4` for whom. They are never changed, so they come anew.
    COPY_VALUES = "insert into custom_value (tenant_id, custom_field_id, record_id, person_id, text_value, number_value,
            date_value, boolean_value, value_search)
        select $1, v.custom_field_id, $4::uuid, $4, v.text_value, v.number_value, v.date_value, v.boolean_value,
            v.value_search
        from person_merge_row n join custom_value v on v.tenant_id = $1 and v.custom_field_id = n.row_id
            and v.person_id = $3
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'custom_value' on conflict do nothing";
    /// Values that went there, or back, leave where they were.
    DROP_VALUES = "delete from custom_value t using person_merge_row n
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'custom_value'
        and t.tenant_id = $1 and t.custom_field_id = n.row_id and t.person_id = $3";

    /// Families have another member: `$3`, the one who stays.
    FAMILIES_THERE = "insert into family_member (tenant_id, family_id, person_id)
        select $1, n.row_id, $3::uuid from person_merge_row n
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'family_member' and n.what = 'moved'
        on conflict do nothing";
    /// Families no longer have the merged person.
    FAMILIES_ASIDE = "delete from family_member t using person_merge_row n
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'family_member'
        and t.tenant_id = $1 and t.family_id = n.row_id and t.person_id = $3";
    /// Families lose the member that `$3`, the one who stays, became.
    FAMILIES_LEFT = "delete from family_member t using person_merge_row n
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'family_member' and n.what = 'moved'
        and t.tenant_id = $1 and t.family_id = n.row_id and t.person_id = $3";
    /// Families have their member again.
    FAMILIES_JOINED = "insert into family_member (tenant_id, family_id, person_id)
        select $1, n.row_id, $3::uuid from person_merge_row n
        where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'family_member' on conflict do nothing";
    /// A family with other members than before is another version.
    TOUCH_FAMILIES = "update family t set version = t.version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
        from person_merge_row n where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'family_member'
        and t.tenant_id = $1 and t.id = n.row_id";
    /// Students who have another agent than before are another version; `$5` the two, whose own versions grow anyway.
    TOUCH_STUDENTS = "update person t set version = t.version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
        where t.tenant_id = $1 and t.id = any(array(select c.student_id from person_merge_row n
            join contact c on c.tenant_id = $1 and c.id = n.row_id and c.contact_id = any($5::uuid[])
            where n.tenant_id = $1 and n.merge_id = $2 and n.table_name = 'contact'))
        and t.id <> all($5)";
}

/// What is noted, in this order, and whether the statement asks for the one who stays.
pub(super) static NOTES: [(&Statement, bool); 20] = [
    (&NOTE_ROLES_TWICE, true),
    (&NOTE_ROLES_DEMOTED, true),
    (&NOTE_ROLES, false),
    (&NOTE_PLACES_TWICE, true),
    (&NOTE_PLACES, false),
    (&NOTE_CONTACTS_TWICE, true),
    (&NOTE_CONTACTS, true),
    (&NOTE_CONTACT_OF, true),
    (&NOTE_POSTS_TWICE, true),
    (&NOTE_POSTS, false),
    (&NOTE_YEARS_TWICE, true),
    (&NOTE_YEARS, false),
    (&NOTE_ATTENDANCE_TWICE, true),
    (&NOTE_ATTENDANCE, false),
    (&NOTE_ABSENCES, false),
    (&NOTE_MEETINGS, false),
    (&NOTE_FAMILIES_TWICE, true),
    (&NOTE_FAMILIES, true),
    (&NOTE_VALUES, true),
    (&NOTE_DEMOGRAPHICS, true),
];

/// What goes to the one who stays.
pub(super) static THERE: [&Statement; 11] = [
    &ROLES_THERE,
    &DEMOTED_THERE,
    &PLACES_THERE,
    &CONTACTS_THERE,
    &CONTACT_OF_THERE,
    &POSTS_THERE,
    &YEARS_THERE,
    &ATTENDANCE_THERE,
    &ABSENCES_THERE,
    &MEETINGS_THERE,
    &DEMOGRAPHICS_THERE,
];

/// The same back.
pub(super) static BACK: [&Statement; 11] = [
    &ROLES_BACK,
    &DEMOTED_BACK,
    &PLACES_BACK,
    &CONTACTS_BACK,
    &CONTACT_OF_BACK,
    &POSTS_BACK,
    &YEARS_BACK,
    &ATTENDANCE_BACK,
    &ABSENCES_BACK,
    &MEETINGS_BACK,
    &DEMOGRAPHICS_BACK,
];

/// What was there twice.
pub(super) static ASIDE: [&Statement; 6] =
    [&ROLES_ASIDE, &PLACES_ASIDE, &CONTACTS_ASIDE, &POSTS_ASIDE, &YEARS_ASIDE, &ATTENDANCE_ASIDE];

/// The same back.
pub(super) static RESTORED: [&Statement; 6] =
    [&ROLES_RESTORED, &PLACES_RESTORED, &CONTACTS_RESTORED, &POSTS_RESTORED, &YEARS_RESTORED, &ATTENDANCE_RESTORED];
