//! What the API says is wrong with a record, told of the columns of the table that it came from.

use cloister_tenancy::Error;

use super::{mapping::Plan, report::TableIssue};

/// What is wrong with a row, field by field.
pub(super) fn issues(plan: &Plan, error: &Error) -> Vec<TableIssue> {
    if error.fields().is_empty() {
        return vec![TableIssue::error(error.code(), None, None, error.message().to_owned())];
    }
    let told = error.fields().iter().map(|field| {
        let called = Some(called(plan, &field.field)).filter(|called| !called.is_empty());
        TableIssue::error(&field.code, called, None, field.message.clone())
    });
    told.collect()
}

/// The column that is taken for a field. Where none is, the field is told by its own name: another part of it may have a column in
/// which nothing is wrong.
fn called(plan: &Plan, field: &str) -> String {
    let mut names = field.split(['.', '[', ']']).filter(|part| !part.is_empty());
    let name = names.next().unwrap_or_default();
    let part = names.rfind(|part| !part.bytes().all(|byte| byte.is_ascii_digit()));
    let all = || plan.bindings.iter();
    let own = all().find(|known| known.field == name && known.part.as_deref() == part);
    let whole = || all().find(|known| known.field == name && known.part.is_none());
    // What is kept beside a record is told by the names of its own fields.
    let beside = || all().find(|known| known.beside && [Some(name), part].contains(&known.part.as_deref()));
    let target = || part.map_or_else(|| name.to_owned(), |part| format!("{name}.{part}"));
    own.or_else(whole).or_else(beside).map_or_else(target, |binding| binding.called.clone())
}

#[cfg(test)]
mod tests {
    use super::{super::resource::Kind, called};
    use crate::import::table::mapping::{Binding, Origin, Plan};

    #[test]
    fn what_is_wrong_is_told_of_its_own_column_and_of_no_other() {
        let binding = |called: &str, field: &str, part: Option<&str>, beside: bool| Binding {
            origin: Origin::Column(0),
            called: called.to_owned(),
            field: field.to_owned(),
            part: part.map(str::to_owned),
            beside,
            kind: Kind::Text,
            by: None,
            nullable: false,
        };
        let bindings = vec![
            binding("Schule", "roles", Some("org_id"), false),
            binding("Klassen", "grades", None, false),
            binding("Geburtsdatum", "demographics", Some("birth_date"), true),
            binding("Bus", "custom_values", Some("bus_line"), true),
        ];
        let plan = Plan { bindings, key: Vec::new(), taken: Vec::new(), issues: Vec::new() };
        for (field, told) in [
            ("roles[0].org_id", "Schule"),
            ("roles[0].role_type", "roles.role_type"),
            ("roles", "roles"),
            ("grades[1]", "Klassen"),
            ("grades", "Klassen"),
            ("birth_date", "Geburtsdatum"),
            ("values.bus_line", "Bus"),
            ("family_name", "family_name"),
        ] {
            assert_eq!(called(&plan, field), told, "{field}");
        }
    }
}
