//! What the tables found wrong between rows, in the words of the reader's findings.

use cloister_tenancy::{Result, TenantTx, sql::Row};

use super::store;
use crate::oneroster::{File, FileMode, Findings, PRIMARY_ROLE_REPEATED, Place, Plan, ROW_REPEATED, Severity};

/// Notes everything that is in `stage_issue`.
pub(super) async fn collect(tx: &mut TenantTx, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let first = i64::try_from(findings.kept()).unwrap_or(i64::MAX);
    let rows = tx.query(&store::frame::FIRST_ISSUES, &[&first]).await?;
    let mut left = Left::default();
    for row in &rows {
        if let Some(problem) = Problem::from_row(row, plan) {
            left.next(&problem, findings);
            problem.note(plan, findings);
        }
    }
    left.end(findings);
    Ok(())
}

/// One of them.
struct Problem<'a> {
    /// Name of the file in the package.
    file: String,
    column: &'a str,
    line: u64,
    code: &'a str,
    value: Option<&'a str>,
    related: Option<&'a str>,
    /// How many there are of this code in this column.
    total: u64,
}

impl<'a> Problem<'a> {
    /// None for what is only the echo of another problem.
    fn from_row(row: &'a Row, plan: &Plan) -> Option<Self> {
        let (mut file, mut column) = (file_of(row.get("name"))?, row.get::<_, &str>("col"));
        if file == File::Roles && plan.roles_follow_users() {
            // The role has no row of its own: it was derived from the user's.
            file = File::Users;
            column = match column {
                "orgSourcedId" => "orgSourcedIds",
                "sourcedId" => "sourcedId",
                _ => return None,
            };
        }
        Some(Self {
            file: name_of(plan, file),
            column,
            line: u64::try_from(row.get::<_, i64>("line")).unwrap_or(0),
            code: row.get("code"),
            value: row.get("value"),
            related: row.get("related"),
            total: u64::try_from(row.get::<_, i64>("total")).unwrap_or(0),
        })
    }

    fn note(&self, plan: &Plan, findings: &mut Findings) {
        let place = Place { file: &self.file, line: Some(self.line), column: Some(self.column) };
        let related = self.related.unwrap_or_default();
        let target = file_of(related);
        match self.code {
            "sourced_id_repeated" => {
                let message = "another row has this sourcedId, and only one can be right";
                let expected = format!("each sourcedId once; this one is on line {related} too");
                findings.error("sourced_id_repeated", place, self.value, message, Some(expected.into()));
            }
            "row_repeated" => {
                let expected = format!("each row once; this one is on line {related} too");
                let _ = findings.deviation(&ROW_REPEATED, place, self.value, Some(expected.into()));
            }
            "reference_unknown" => {
                let target = target.unwrap_or(File::Orgs);
                let name = target.file_name();
                let message = match plan.mode(target) {
                    FileMode::Bulk => format!("no row of {name} has this sourcedId"),
                    FileMode::Delta => format!("neither {name} nor the tenant has a record with this sourcedId"),
                    FileMode::Absent => "the tenant has no record with this sourcedId".to_owned(),
                };
                let expected = format!("the sourcedId of a row of {name}");
                findings.error("reference_unknown", place, self.value, &message, Some(expected.into()));
            }
            "reference_deleted" => {
                let message = "the record it refers to is deleted";
                let expected = "a record that is active";
                findings.error("reference_deleted", place, self.value, message, Some(expected.into()));
            }
            "reference_circle" => {
                let message = "the parents above this record form a circle";
                let expected = "a record above, or nothing";
                findings.error("parents_form_circle", place, self.value, message, Some(expected.into()));
            }
            "reference_refused" => {
                let message = "it refers to a row that cannot be used";
                let expected = "that row mended";
                findings.warning("reference_refused", place, self.value, message, Some(expected.into()));
            }
            "record_kept" => {
                let message = "the record with this sourcedId was not made by an import, so it stays as it is";
                let expected = "nothing; or take such records over, and imports keep them from then on";
                findings.warning("record_kept", place, self.value, message, Some(expected.into()));
            }
            "primary_role_repeated" => {
                let expected = format!("secondary; {related} is the primary role of this person there");
                let _ = findings.deviation(&PRIMARY_ROLE_REPEATED, place, self.value, Some(expected.into()));
            }
            "primary_role_kept" => {
                let message =
                    "the person has a primary role there that was not made by an import; this one is secondary";
                let expected = format!("secondary, or no longer {related}");
                findings.warning("primary_role_kept", place, self.value, message, Some(expected.into()));
            }
            _ => {
                let message = "the person already has a place in this class with this role on these days";
                let expected = "days on which they have no such place";
                findings.warning("enrollment_overlaps", place, self.value, message, Some(expected.into()));
            }
        }
    }

    /// The stable name it is known by outside, and whether lenient mode mends it.
    fn code(&self, findings: &Findings) -> (&'static str, Option<Severity>) {
        let mended = (findings.mode() == crate::oneroster::Mode::Strict).then_some(Severity::Error);
        match self.code {
            "sourced_id_repeated" => ("sourced_id_repeated", Some(Severity::Error)),
            "row_repeated" => (ROW_REPEATED.code, mended),
            "reference_unknown" => ("reference_unknown", Some(Severity::Error)),
            "reference_deleted" => ("reference_deleted", Some(Severity::Error)),
            "reference_circle" => ("parents_form_circle", Some(Severity::Error)),
            "reference_refused" => ("reference_refused", Some(Severity::Warning)),
            "record_kept" => ("record_kept", Some(Severity::Warning)),
            "primary_role_repeated" => (PRIMARY_ROLE_REPEATED.code, mended),
            "primary_role_kept" => ("primary_role_kept", Some(Severity::Warning)),
            _ => ("enrollment_overlaps", Some(Severity::Warning)),
        }
    }
}

/// Problems that were counted and not fetched.
#[derive(Default)]
struct Left(std::collections::BTreeMap<(String, String, &'static str), (Option<Severity>, u64)>);

impl Left {
    fn next(&mut self, problem: &Problem<'_>, findings: &Findings) {
        let (code, severity) = problem.code(findings);
        let key = (problem.file.clone(), problem.column.to_owned(), code);
        let (_, left) = self.0.entry(key).or_insert((severity, problem.total));
        *left = left.saturating_sub(1);
    }

    fn end(self, findings: &mut Findings) {
        for ((file, _, code), (severity, left)) in self.0.into_iter().filter(|(_, (_, left))| *left > 0) {
            findings.count_more(code, &file, severity, left);
        }
    }
}

/// The file that the records of a table come in.
fn file_of(table: &str) -> Option<File> {
    store::ENTITIES.iter().find(|entity| entity.table == table).map(|entity| entity.file)
}

/// A file's name as in the package.
pub(super) fn name_of(plan: &Plan, file: File) -> String {
    let planned = plan.files.iter().find(|planned| planned.file == file);
    planned.map_or_else(|| file.file_name().to_owned(), |planned| planned.name.clone())
}
