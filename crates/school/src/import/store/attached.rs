//! What leans on records that an import made or brought back, and came since: for every column that refers to such a record.
//!
//! Everything that the import itself wrote bears its moment, so what bears a later one is somebody else's. Of what the import wrote,
//! that counts which stays because something leans on it in turn. `$2` are the records, `$3` is when the import was applied, `$4`
//! what is known to stay already.

use cloister_tenancy::sql::{Statement, statements};

/// Joins one statement for each table from the columns that refer to it.
///
/// Rows of `imported` tables may be the import's own; `entered` ones never are; `undated` ones have no status; `joined` say
/// themselves when they count. `parts` move the record's own version, so that it counts as changed already, or go with it.
macro_rules! attached {
    ($(
        $(#[$doc:meta])*
        $name:ident = $parent:literal {
            imported: [$(($imported:literal, $imported_column:literal, $key:tt)),* $(,)?],
            entered: [$(($entered:literal, $entered_column:literal)),* $(,)?],
            undated: [$(($undated:literal, $undated_column:literal)),* $(,)?],
            joined: [$(($joined:literal, $joined_column:literal, $sql:literal)),* $(,)?],
            parts: [$(($part:literal, $part_column:literal)),* $(,)?],
        }
    )*) => {
        statements! {
            $(
                $(#[$doc])*
                $name = concat!(
                    "select distinct x.id from (select null::uuid as id where false",
                    $(" union all select t.", $imported_column, " from ", $imported, " t where t.tenant_id = $1
                        and t.status = 'active' and (t.updated_at > $3::timestamptz or t.", $key, " = any($4::uuid[]))",)*
                    $(" union all select t.", $entered_column, " from ", $entered, " t where t.tenant_id = $1
                        and t.status = 'active' and t.updated_at > $3::timestamptz",)*
                    $(" union all select t.", $undated_column, " from ", $undated, " t where t.tenant_id = $1
                        and t.updated_at > $3::timestamptz",)*
                    $(" union all ", $sql,)*
                    ") x join unnest($2::uuid[]) m (id) on m.id = x.id where m.id <> all($4::uuid[])"
                );
            )*
            /// What stays with the persons `$2`: their roles, and their places where somebody marked them.
            PARTS = "select t.id from person_role t where t.tenant_id = $1 and t.status = 'active' and t.person_id = any($2::uuid[])
                union all
                select t.id from enrollment t where t.tenant_id = $1 and t.status = 'active' and t.person_id = any($2::uuid[])
                    and exists (select from attendance_event e where e.tenant_id = $1 and e.status = 'active'
                        and e.student_id = t.person_id and e.class_id = t.class_id)";
        }

        /// By table, those that refer to others before those that are referred to.
        pub(in crate::import) static OF_TABLE: &[(&str, &Statement)] = &[$(($parent, &$name)),*];

        /// The columns that each of them knows.
        #[cfg(test)]
        const REFERENCES: &[(&str, &[(&str, &str)])] = &[$((
            $parent,
            &[
                $(($imported, $imported_column),)* $(($entered, $entered_column),)* $(($undated, $undated_column),)*
                $(($joined, $joined_column),)* $(($part, $part_column),)*
            ],
        )),*];
    };
}

attached! {
    /// Of persons. Agents stay with whom they act for.
    OF_PERSONS = "person" {
        imported: [("enrollment", "person_id", "id"), ("demographics", "person_id", "person_id")],
        entered: [
            ("absence_request", "student_id"),
            ("academic_record", "student_id"),
            ("allergy", "student_id"),
            ("attendance_event", "student_id"),
            ("contact", "student_id"),
            ("discipline_action", "student_id"),
            ("discipline_incident", "reporter_id"),
            ("document", "person_id"),
            ("health_condition", "student_id"),
            ("health_visit", "student_id"),
            ("immunization", "student_id"),
            ("incident_follow_up", "assigned_to_id"),
            ("incident_letter", "student_id"),
            ("incident_participant", "person_id"),
            ("medication", "student_id"),
            ("meeting", "teacher_id"),
            ("person_merge", "kept_id"),
            ("person_merge", "merged_id"),
            ("staff_assignment", "person_id"),
            ("student_school_association", "student_id"),
        ],
        undated: [("person_photo", "person_id")],
        joined: [
            ("contact", "contact_id", "select t.contact_id from contact t where t.tenant_id = $1 and t.status = 'active'
                and (t.updated_at > $3::timestamptz or t.student_id = any($4::uuid[]))"),
            ("family_member", "person_id", "select t.person_id from family_member t
                join family f on f.tenant_id = $1 and f.id = t.family_id
                where t.tenant_id = $1 and f.status = 'active' and f.updated_at > $3::timestamptz"),
        ],
        parts: [("custom_value", "person_id"), ("person_role", "person_id")],
    }
    /// Of classes.
    OF_CLASSES = "class" {
        imported: [("enrollment", "class_id", "id")],
        entered: [("attendance_event", "class_id"), ("attendance_register", "class_id"), ("meeting", "class_id")],
        undated: [],
        joined: [],
        parts: [("class_term", "class_id"), ("custom_value", "class_id")],
    }
    /// Of courses.
    OF_COURSES = "course" {
        imported: [("class", "course_id", "id")],
        entered: [],
        undated: [],
        joined: [],
        parts: [("custom_value", "course_id")],
    }
    /// Of years and terms.
    OF_SESSIONS = "academic_session" {
        imported: [("academic_session", "parent_id", "id"), ("course", "school_year_id", "id")],
        entered: [("year_rollover", "from_session_id"), ("year_rollover", "to_session_id")],
        undated: [],
        joined: [
            ("class_term", "academic_session_id", "select t.academic_session_id from class_term t
                join class c on c.tenant_id = $1 and c.id = t.class_id where t.tenant_id = $1 and c.status = 'active'
                and (c.updated_at > $3::timestamptz or c.id = any($4::uuid[]))"),
        ],
        parts: [],
    }
    /// Of organisations.
    OF_ORGS = "org" {
        imported: [
            ("class", "school_id", "id"),
            ("course", "org_id", "id"),
            ("enrollment", "school_id", "id"),
            ("org", "parent_id", "id"),
            ("person", "primary_org_id", "id"),
            ("person_role", "org_id", "id"),
        ],
        entered: [
            ("academic_record", "org_id"),
            ("attendance_event", "school_id"),
            ("attendance_register", "school_id"),
            ("bell_schedule", "school_id"),
            ("calendar_date", "school_id"),
            ("class_period", "school_id"),
            ("discipline_action", "responsibility_school_id"),
            ("discipline_incident", "school_id"),
            ("room", "school_id"),
            ("staff_assignment", "org_id"),
            ("student_school_association", "next_year_school_id"),
            ("student_school_association", "school_id"),
            ("year_rollover", "school_id"),
        ],
        undated: [("year_rollover_student", "next_school_id")],
        joined: [],
        parts: [("custom_value", "org_id")],
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ENTITIES, REFERENCES};

    /// A new table that refers to what imports make must say what taking one back does about its rows.
    #[test]
    fn every_reference_to_what_imports_make_is_known() {
        let mut found = crate::schema::references();
        found.retain(|(parent, ..)| ENTITIES.iter().any(|entity| entity.table == *parent));
        assert!(found.len() > 50, "{found:?}");
        let all = REFERENCES
            .iter()
            .flat_map(|(parent, known)| known.iter().map(|(table, column)| (*parent, *table, *column)));
        // What ends with a time at a school gets another version with it, and counts as changed already.
        let mut known: Vec<_> = all.chain([("enrollment", "school_exit_place", "enrollment_id")]).collect();
        known.sort_unstable();
        assert_eq!(found, known, "say in attached.rs when a row of this table keeps the record that it refers to");
    }
}
