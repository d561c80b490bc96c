//! Documents of students and staff, for whom they are, how long they hold; a part of them with a file.

use std::collections::HashMap;

use cloister_ids::{DocumentId, PersonId, Uuid};
use cloister_tenancy::{Error, Result};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

use super::{
    families::Custody,
    papers,
    pen::{self, Pen},
    plan::{Plan, Pupil},
    staff::Employee,
    store,
};
use crate::{
    document::{NEVER, check_room},
    sample::random::Random,
    search_key,
};

/// The order of a court about a student, by the student's place in the plan.
pub(super) type Orders = HashMap<usize, Uuid>;

/// A file of a document.
enum File {
    None,
    Page,
    Picture,
}

/// A document.
struct Paper<'a> {
    person: PersonId,
    kind: &'static str,
    title: &'a str,
    issued: Date,
    expires: Option<Date>,
    note: Option<String>,
    /// In the order of the letters.
    audiences: &'static [&'static str],
    file: File,
}

/// Rows that wait.
#[derive(Default)]
struct Papers {
    documents: Vec<Value>,
    parts: Vec<Value>,
    bytes: i64,
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<Orders> {
    let mut random = Random::new(plan.seed ^ 0x646f_6375);
    let (mut papers, mut orders) = (Papers::default(), Orders::new());
    for (at, pupil) in plan.pupils.iter().enumerate() {
        papers.of_pupil(pen, plan, at, pupil, &mut random)?;
        let household = &plan.households[pupil.household];
        if matches!(household.custody, Custody::Restricted | Custody::Supervised | Custody::None) {
            let order = Paper {
                person: pupil.id,
                kind: "court_order",
                title: "Order of the family court",
                issued: household.ordered,
                expires: None,
                note: Some("What follows from it is in the contacts.".to_owned()),
                // For the office alone.
                audiences: &[],
                file: File::Page,
            };
            orders.insert(at, papers.add(pen, plan, &order)?);
        }
    }
    for (at, employee) in plan.employees.iter().enumerate() {
        papers.of_employee(pen, plan, at, employee)?;
    }
    let Papers { documents, parts, bytes } = papers;
    check_room(pen.tx, bytes).await?;
    pen.records("documents", &store::DOCUMENTS, documents).await?;
    let files = parts.len();
    pen.parts(&store::DOCUMENT_PARTS, parts).await?;
    pen.count("document_files", files);
    Ok(orders)
}

fn years_after(date: Date, years: i64) -> Result<Date> {
    date.checked_add(years.years()).map_err(Error::internal)
}

impl Papers {
    fn of_pupil(&mut self, pen: &Pen<'_>, plan: &Plan, at: usize, pupil: &Pupil, random: &mut Random) -> Result<()> {
        let paper = |kind: &'static str, title: &'static str, issued: Date| Paper {
            person: pupil.id,
            kind,
            title,
            issued,
            expires: None,
            note: None,
            audiences: &["guardians"],
            file: File::None,
        };
        let born = pupil.birth.checked_add(14.days()).map_err(Error::internal)?;
        if pupil.from_elsewhere || at.is_multiple_of(3) {
            let file = if at.is_multiple_of(4) { File::Page } else { File::None };
            self.add(pen, plan, &Paper { file, ..paper("birth_certificate", "Birth certificate, copy", born) })?;
        }
        let first = plan.years[0].first_day();
        if at % 5 == 1 {
            // Some of them hold no longer, and others not for long.
            let expires = Some(years_after(plan.years[2].first_day(), 3)?);
            let consent = paper("photograph_consent", "Consent to photographs", pupil.begin.max(first));
            self.add(pen, plan, &Paper { expires, audiences: &["guardians", "teachers"], ..consent })?;
        }
        if at % 11 == 2 {
            let issued = plan.today.checked_sub(i64::from(random.below(1_900)).days()).map_err(Error::internal)?;
            let issued = issued.max(pupil.birth);
            let (expires, file) = (Some(years_after(issued, 5)?), File::Picture);
            self.add(pen, plan, &Paper { expires, file, ..paper("identity_document", "Passport", issued) })?;
        }
        if at % 23 == 4 {
            let issued = plan.today.checked_sub(i64::from(random.below(700)).days()).map_err(Error::internal)?;
            let expires = Some(years_after(issued, 2)?);
            let note = Some("The original was seen.".to_owned());
            self.add(
                pen,
                plan,
                &Paper { expires, note, audiences: &[], ..paper("residence_permit", "Residence permit", issued) },
            )?;
        }
        if at % 17 == 6 {
            let issued = pupil.begin.max(first);
            let certificate = paper("medical_certificate", "Exempt from swimming", issued);
            let expires = Some(years_after(issued, 1)?);
            self.add(
                pen,
                plan,
                &Paper { expires, audiences: &["guardians", "teachers"], file: File::Picture, ..certificate },
            )?;
        }
        // The report of the last year that is over, of some.
        let over = plan.years.iter().enumerate().rev().find(|(number, year)| {
            let is_there = pupil.exit.is_none_or(|exit| exit.year > *number || exit.date >= year.end());
            year.end() <= plan.today && pupil.begin < year.end() && pupil.grade(*number).is_some() && is_there
        });
        if let Some((_, year)) = over.filter(|_| at % 4 == 3) {
            let title = format!("Report {}", year.ends_in);
            let report = paper("report", "", year.end());
            self.add(
                pen,
                plan,
                &Paper { title: &title, audiences: &["guardians", "self"], file: File::Page, ..report },
            )?;
        }
        Ok(())
    }

    fn of_employee(&mut self, pen: &Pen<'_>, plan: &Plan, at: usize, employee: &Employee) -> Result<()> {
        let paper = |kind: &'static str, title: &'static str, issued: Date| Paper {
            person: employee.id,
            kind,
            title,
            issued,
            expires: employee.end,
            note: None,
            audiences: &["self"],
            file: File::None,
        };
        if at.is_multiple_of(2) {
            self.add(pen, plan, &paper("contract", "Contract of employment", employee.begin))?;
        }
        if at % 3 == 1 {
            let issued = employee.begin.max(plan.years[0].first_day());
            let expires = Some(years_after(issued, 3)?);
            self.add(pen, plan, &Paper { expires, file: File::Page, ..paper("certificate", "First aid", issued) })?;
        }
        Ok(())
    }

    fn add(&mut self, pen: &Pen<'_>, plan: &Plan, paper: &Paper<'_>) -> Result<Uuid> {
        let id = DocumentId::generate(pen.tx.cx().clock());
        let issued = paper.issued.min(plan.today);
        let file = match paper.file {
            File::None => None,
            File::Page => {
                let of = format!("{} of {issued}", paper.title);
                let lines = [of.as_str(), "", "Made up for a sample school. It says nothing of anybody."];
                Some(("pdf", "application/pdf", papers::page(&lines)))
            }
            File::Picture => Some(("png", "image/png", papers::PICTURE.to_vec())),
        };
        let (entered, scanned) = {
            let entered = issued.max(plan.years[0].first_day());
            (plan.at(entered, 11, 0), file.as_ref().map(|_| plan.at(entered, 11, 10)))
        };
        let name = search_key::of(paper.title).replace(' ', "-");
        self.documents.push(json!({ "id": id.uuid(), "made_at": entered, "changed_at": scanned,
            "person_id": paper.person.uuid(), "document_type": paper.kind, "title": paper.title,
            "title_search": search_key::of(paper.title), "issued_on": issued,
            "expires_on": paper.expires.unwrap_or(NEVER), "note": paper.note, "audiences": paper.audiences,
            "file_name": file.as_ref().map(|(extension, ..)| format!("{name}.{extension}")),
            "media_type": file.as_ref().map(|(_, kind, _)| kind),
            "file": file.as_ref().map(|(.., bytes)| pen::bytes(bytes)) }));
        if let Some((.., bytes)) = &file {
            self.bytes += i64::try_from(bytes.len()).map_err(Error::internal)?;
            self.parts.push(json!({ "document_id": id.uuid(), "number": 0, "bytes": pen::bytes(bytes) }));
        }
        Ok(id.uuid())
    }
}
