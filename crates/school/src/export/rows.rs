//! From rows of the database to rows of the files. The order of the fields is the standard's.

use std::collections::HashMap;

use cloister_ids::PersonId;
use cloister_tenancy::sql::Row;
use jiff::civil::Date;
use serde_json::Value;

use super::value;
use crate::oneroster::{File, Lines, legal_sourced_id};

/// What a row needs besides itself.
pub(super) struct Beside<'a> {
    /// Names of the extension columns of the file.
    pub(super) extensions: &'a [String],
    /// For `users.csv`: who acts for whom.
    pub(super) agents: &'a HashMap<PersonId, Vec<String>>,
}

/// Writes a row.
pub(super) fn write(file: File, row: &Row, beside: &Beside<'_>, lines: &mut Lines) {
    lines.begin(&legal_sourced_id(row.get("sourced_id")));
    let mut fields = Fields { row, lines };
    match file {
        File::Orgs => org(&mut fields),
        File::AcademicSessions => academic_session(&mut fields),
        File::Courses => course(&mut fields),
        File::Classes => class(&mut fields),
        File::Users => user(&mut fields, beside.agents),
        File::Roles => role(&mut fields),
        File::Enrollments => enrollment(&mut fields),
        File::Demographics => demographics(&mut fields),
        // Of the others a roster has no rows.
        _ => {}
    }
    fields.extensions(beside.extensions);
    lines.end();
}

/// The fields of a row, one after the other.
struct Fields<'a> {
    row: &'a Row,
    lines: &'a mut Lines,
}

impl Fields<'_> {
    fn text(&mut self, column: &str) -> &mut Self {
        let text = self.row.get::<_, Option<&str>>(column).unwrap_or_default();
        self.lines.field(&value::text(text));
        self
    }

    /// The `sourced_id` of another record.
    fn reference(&mut self, column: &str) -> &mut Self {
        let id = self.row.get::<_, Option<&str>>(column).unwrap_or_default();
        // None is none: an id would be made of it.
        if id.is_empty() {
            self.lines.field("");
        } else {
            self.lines.field(&legal_sourced_id(id));
        }
        self
    }

    /// Those of several, in an order of their own.
    fn references(&mut self, ids: Vec<&str>) -> &mut Self {
        let mut ids: Vec<_> = ids.into_iter().map(legal_sourced_id).collect();
        ids.sort_unstable();
        self.lines.field(&ids.join(","));
        self
    }

    fn list(&mut self, column: &str) -> &mut Self {
        let items: Vec<&str> = self.row.get(column);
        self.lines.field(&value::list(&items));
        self
    }

    fn subjects(&mut self) -> &mut Self {
        let (subjects, codes): (Vec<&str>, Vec<&str>) = (self.row.get("subjects"), self.row.get("subject_codes"));
        self.lines.field(&value::list(&subjects));
        self.lines.field(&value::subject_codes(&subjects, &codes));
        self
    }

    fn date(&mut self, column: &str) -> &mut Self {
        let date = self.row.get::<_, Option<Date>>(column).map(|date| date.to_string()).unwrap_or_default();
        self.lines.field(&date);
        self
    }

    fn flag(&mut self, column: &str) -> &mut Self {
        self.lines.field(match self.row.get::<_, Option<bool>>(column) {
            None => "",
            Some(true) => "true",
            Some(false) => "false",
        });
        self
    }

    fn nothing(&mut self) -> &mut Self {
        self.lines.field("");
        self
    }

    fn extensions(&mut self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let metadata: Value = self.row.get("metadata");
        for name in names {
            let value = metadata.get(name).map(value::extension).unwrap_or_default();
            self.lines.field(&value);
        }
    }
}

fn org(fields: &mut Fields<'_>) {
    fields.text("name").text("type").text("identifier").reference("parent");
}

fn academic_session(fields: &mut Fields<'_>) {
    fields.text("title").text("type").date("start_date").date("end_date").reference("parent");
    let year: i32 = fields.row.get("school_year");
    fields.lines.field(&year.to_string());
}

fn course(fields: &mut Fields<'_>) {
    fields.reference("school_year").text("title").text("course_code").list("grades").reference("org").subjects();
}

fn class(fields: &mut Fields<'_>) {
    fields.text("title").list("grades").reference("course").text("class_code").text("class_type").text("location");
    let terms = fields.row.get("terms");
    fields.reference("school").references(terms).subjects().list("periods");
}

fn user(fields: &mut Fields<'_>, agents: &HashMap<PersonId, Vec<String>>) {
    fields.flag("enabled_user").text("username");
    fields.lines.field(&value::user_ids(&fields.row.get("user_ids")));
    fields.text("given_name").text("family_name").text("middle_name").text("identifier");
    fields.text("email").text("sms").text("phone");
    let agents = agents.get(&fields.row.get("id")).map(Vec::as_slice).unwrap_or_default();
    fields.references(agents.iter().map(String::as_str).collect()).list("grades");
    // No password is kept, so none goes out.
    fields.nothing();
    fields.text("user_master_identifier");
    fields.text("preferred_given_name").text("preferred_middle_name").text("preferred_family_name");
    fields.reference("primary_org").text("pronouns");
}

fn role(fields: &mut Fields<'_>) {
    fields.reference("person").text("role_type").text("role").date("begin_date").date("end_date").reference("org");
    // Profiles are not kept, and a reference to one would lead nowhere.
    fields.nothing();
}

fn enrollment(fields: &mut Fields<'_>) {
    fields.reference("class").reference("school").reference("person").text("role").flag("is_primary");
    fields.date("begin_date").date("end_date");
}

fn demographics(fields: &mut Fields<'_>) {
    fields.date("birth_date").text("sex");
    for column in [
        "american_indian_or_alaska_native",
        "asian",
        "black_or_african_american",
        "native_hawaiian_or_other_pacific_islander",
        "white",
        "demographic_race_two_or_more_races",
        "hispanic_or_latino_ethnicity",
    ] {
        fields.flag(column);
    }
    fields.text("country_of_birth_code").text("state_of_birth_abbreviation").text("city_of_birth");
    fields.text("public_school_residence_status");
}
