//! How the tables of a school came to be, change by change.

use cloister_tenancy::{Rights, SchemaChange, Table};

/// Every change, in order.
pub(crate) const CHANGES: &[SchemaChange] = &[
    SchemaChange {
        number: 1,
        name: "roster",
        tables: include_str!("../migrations/0001_roster/tables.sql"),
        foreign_keys: include_str!("../migrations/0001_roster/foreign_keys.sql"),
        made: &[
            Table::tenant("org"),
            Table::tenant("academic_session"),
            Table::tenant("course"),
            Table::tenant("class"),
            Table::tenant("class_term"),
            Table::tenant("person"),
            Table::tenant("person_role"),
            Table::tenant("enrollment"),
            Table::tenant("demographics"),
        ],
    },
    SchemaChange {
        number: 2,
        name: "families",
        tables: include_str!("../migrations/0002_families/tables.sql"),
        foreign_keys: include_str!("../migrations/0002_families/foreign_keys.sql"),
        made: &[
            Table::tenant("contact"),
            Table::tenant("family"),
            Table::tenant("family_member"),
            Table::tenant("staff_assignment"),
            Table::tenant("academic_record"),
            Table::tenant("custom_field"),
            Table::tenant("custom_value"),
            Table::tenant("person_merge"),
            Table::tenant("person_merge_row").with(Rights::Append),
        ],
    },
    SchemaChange {
        number: 3,
        name: "calendar",
        tables: include_str!("../migrations/0003_calendar/tables.sql"),
        foreign_keys: include_str!("../migrations/0003_calendar/foreign_keys.sql"),
        made: &[
            Table::tenant("class_period"),
            Table::tenant("bell_schedule"),
            Table::tenant("bell_schedule_period"),
            Table::tenant("calendar_date"),
            Table::tenant("room"),
            Table::tenant("meeting"),
        ],
    },
    SchemaChange {
        number: 4,
        name: "attendance",
        tables: include_str!("../migrations/0004_attendance/tables.sql"),
        foreign_keys: include_str!("../migrations/0004_attendance/foreign_keys.sql"),
        made: &[
            Table::tenant("attendance_code"),
            Table::tenant("attendance_register"),
            Table::tenant("attendance_event"),
            Table::tenant("absence_request"),
        ],
    },
    SchemaChange {
        number: 5,
        name: "import_run",
        tables: include_str!("../migrations/0005_import_run/tables.sql"),
        foreign_keys: include_str!("../migrations/0005_import_run/foreign_keys.sql"),
        made: &[Table::tenant("import_run"), Table::tenant("import_part"), Table::tenant("import_change")],
    },
    SchemaChange {
        number: 6,
        name: "documents",
        tables: include_str!("../migrations/0006_documents/tables.sql"),
        foreign_keys: include_str!("../migrations/0006_documents/foreign_keys.sql"),
        made: &[Table::tenant("document"), Table::tenant("document_part"), Table::tenant("person_photo")],
    },
    SchemaChange {
        number: 7,
        name: "years",
        tables: include_str!("../migrations/0007_years/tables.sql"),
        foreign_keys: include_str!("../migrations/0007_years/foreign_keys.sql"),
        made: &[
            Table::tenant("student_school_association"),
            Table::tenant("school_exit_place"),
            Table::tenant("year_rollover"),
            Table::tenant("year_rollover_student"),
        ],
    },
    SchemaChange {
        number: 8,
        name: "behavior",
        tables: include_str!("../migrations/0008_behavior/tables.sql"),
        foreign_keys: include_str!("../migrations/0008_behavior/foreign_keys.sql"),
        made: &[
            Table::tenant("behavior_code"),
            Table::tenant("discipline_incident"),
            Table::tenant("incident_participant"),
            Table::tenant("discipline_action"),
            Table::tenant("incident_follow_up"),
            Table::tenant("incident_letter_template"),
            Table::tenant("incident_letter"),
        ],
    },
    SchemaChange {
        number: 9,
        name: "health",
        tables: include_str!("../migrations/0009_health/tables.sql"),
        foreign_keys: include_str!("../migrations/0009_health/foreign_keys.sql"),
        made: &[
            Table::tenant("allergy"),
            Table::tenant("health_condition"),
            Table::tenant("medication"),
            Table::tenant("immunization"),
            Table::tenant("health_visit"),
            Table::tenant("access_log_entry").with(Rights::Append),
        ],
    },
    SchemaChange {
        number: 10,
        name: "table_import",
        tables: include_str!("../migrations/0010_table_import/tables.sql"),
        foreign_keys: include_str!("../migrations/0010_table_import/foreign_keys.sql"),
        made: &[Table::tenant("table_change")],
    },
];

/// Every reference of these tables: the table that is referred to, and the table and the column that refer to it. A test that lists
/// what must be done for each of them compares its list with this.
#[cfg(test)]
pub(crate) fn references() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut found = Vec::new();
    for change in CHANGES {
        for statement in change.foreign_keys.split("alter table ").skip(1) {
            let table = statement.split_whitespace().next().unwrap_or_default();
            for key in statement.split("foreign key (tenant_id, ").skip(1) {
                let (column, rest) = key.split_once(')').unwrap_or_default();
                let parent = rest.trim_start().trim_start_matches("references ").split(' ').next().unwrap_or_default();
                found.push((parent, table, column));
            }
        }
    }
    found.sort_unstable();
    found
}
