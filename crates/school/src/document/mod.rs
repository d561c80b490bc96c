//! Documents of persons: what kind, how long they hold, who may see them, and the file, if there is one.
//!
//! A document without a file says that there is one on paper. An order of a court is for the office alone.

mod api;
mod file;
mod file_api;
mod file_name;
mod file_store;
mod samples;
mod store;

use cloister_http::{Edge, IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{DocumentId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use file::check_room;
pub(crate) use file_api::{NOT_KEPT, POLICY};
pub(crate) use file_store::COUNT_BYTES;
pub(crate) use store::NEVER;

use crate::{
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, clean, distinct, plausible, small},
    scope::{Sight, authorize_change},
    search_key,
    vocabulary::{DocumentAudience, DocumentType},
};

/// What permissions are about.
pub const DOCUMENT: Resource = Resource { module: crate::MODULE, name: "document" };

/// Every statement about documents.
pub(crate) const STATEMENTS: [&[&Statement]; 2] = [store::STATEMENTS, file_store::STATEMENTS];

/// The routes of this resource and of its files.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(file_api::routes())
}

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "document_person_fkey",
    field: "person_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

/// Characters of a note.
const NOTE: usize = 2000;
/// Documents of one person that count.
const MOST: i64 = 200;

/// What is known of a document: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose it is: a student's, or of somebody on the staff. Never changes.
    #[garde(skip)]
    pub person_id: PersonId,
    /// What kind of document.
    #[garde(skip)]
    pub document_type: DocumentType,
    /// What it is called.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Birth certificate, certified copy")]
    pub title: String,
    /// The day it was issued.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2019-05-14")]
    pub issued_on: Option<Date>,
    /// The last day on which it holds; none where it does not end.
    #[garde(inner(custom(plausible)), custom(not_before(self.issued_on)))]
    #[schema(example = "2029-05-14")]
    pub expires_on: Option<Date>,
    /// What else should be known.
    #[garde(inner(length(chars, max = NOTE), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
    /// Who may see it and its file besides the office: `teachers` of the student today, `guardians` who act for the student and
    /// may see their data, and `self`, the person it is about. Nobody where none is named; of a `court_order` always nobody.
    #[garde(custom(distinct), custom(office_alone(&self.document_type)))]
    #[serde(default)]
    #[schema(max_items = 3, example = json!(["guardians"]))]
    pub audiences: Vec<DocumentAudience>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Document {
    /// Which one.
    pub id: DocumentId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: DocumentFields,
    /// The name of its file; none where there is no file.
    #[schema(example = "birth-certificate.pdf")]
    pub file_name: Option<String>,
    /// What kind of file.
    #[schema(example = "application/pdf")]
    pub media_type: Option<String>,
    /// How many bytes.
    #[schema(example = 48211)]
    pub byte_size: Option<i64>,
    /// The SHA-256 of the file, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: Option<String>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps: who was let see a document must be answerable later.
const NOT_PERSONAL: &[&str] = &["status", "document_type", "expires_on", "audiences"];

impl Versioned for Document {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl DocumentFields {
    /// The form it is sorted and found by.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }
}

fn not_before(issued: Option<Date>) -> impl FnOnce(&Option<Date>, &()) -> garde::Result {
    move |expires, ()| match (issued, expires) {
        (Some(issued), Some(expires)) if *expires < issued => {
            Err(invalid("expires_before_issued", "A document expires on the day it was issued or later."))
        }
        _ => Ok(()),
    }
}

fn office_alone(kind: &DocumentType) -> impl FnOnce(&Vec<DocumentAudience>, &()) -> garde::Result + '_ {
    move |audiences, ()| {
        if *kind == DocumentType::COURT_ORDER && !audiences.is_empty() {
            return Err(invalid(
                "court_order_audience",
                "An order of a court is for the office alone: name nobody. What follows from it for others is said in contacts.",
            ));
        }
        Ok(())
    }
}

fn too_many() -> Error {
    let message = format!("A person has {MOST} documents at most. Delete what is no longer needed.");
    Error::field("person_id", "too_many_documents", message)
}

fn in_use() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "court_order_in_use",
        "A contact names this order of a court. Take it out of the contact's `court_order_document_id` first.",
    )
}

/// Makes a document without a file, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: DocumentFields) -> Result<Document> {
    tx.cx().authorize(Action::Create, &DOCUMENT)?;
    check_new(fields.status)?;
    in_order(&mut fields);
    let id = DocumentId::generate(tx.cx().clock());
    let record = Record::new(tx.cx());
    let made = Document { id, fields, file_name: None, media_type: None, byte_size: None, sha256: None, record };
    if store::insert(tx, key, &made).await? > MOST {
        return Err(too_many());
    }
    tx.audit(Action::Create, &DOCUMENT, id, None);
    Ok(made)
}

/// One way to say the same audiences.
fn in_order(fields: &mut DocumentFields) {
    fields.audiences.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
}

/// One document, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: DocumentId) -> Result<Document> {
    let sight = Sight::of(cx, &DOCUMENT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a document that is still as the caller knows it. Two round trips, three when it comes back.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: DocumentId,
    known: &IfMatch,
    patch: &MergePatch<DocumentFields>,
) -> Result<Document> {
    authorize_change(cx, Action::Update, &DOCUMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let store::Locked { document: before, named, person } = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    in_order(&mut fields);
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&person, before.fields.person_id, "person_id", before.fields.status, fields.status)?;
    if fields.person_id != before.fields.person_id {
        let message = "A document of another person is another document.";
        return Err(Error::field("person_id", "document_moved", message));
    }
    if named && fields.document_type != before.fields.document_type {
        return Err(in_use());
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    if fields.status == Status::Active
        && before.fields.status != Status::Active
        && store::count(&mut tx, fields.person_id).await? >= MOST
    {
        return Err(too_many());
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let after = Document { fields, record: before.record.clone().changed(cx), ..before };
    tx.audit(Action::Update, &DOCUMENT, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a document that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: DocumentId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &DOCUMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let store::Locked { document: before, named, .. } = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if named {
        return Err(in_use());
    }
    tx.audit(Action::Delete, &DOCUMENT, id, None);
    store::delete(tx, id).await
}

#[cfg(test)]
mod tests {
    use garde::Validate;
    use jiff::civil::date;

    use super::{DocumentFields, samples::sample_fields};
    use crate::vocabulary::{DocumentAudience, DocumentType};

    fn faults(fields: &DocumentFields) -> Vec<String> {
        let report = fields.validate().err();
        report.iter().flat_map(garde::Report::iter).map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn an_order_of_a_court_is_for_the_office_alone() {
        for audience in [DocumentAudience::TEACHERS, DocumentAudience::GUARDIANS, DocumentAudience::ONESELF] {
            let order =
                |audiences| DocumentFields { document_type: DocumentType::COURT_ORDER, audiences, ..sample_fields() };
            assert_eq!(faults(&order(vec![audience])), ["audiences"]);
            assert!(faults(&order(Vec::new())).is_empty());
        }
    }

    #[test]
    fn it_holds_on_the_day_it_was_issued_at_least() {
        let issued_on = Some(date(2025, 9, 1));
        for (expires_on, taken) in
            [(None, true), (issued_on, true), (Some(date(2025, 8, 31)), false), (Some(date(9999, 12, 31)), false)]
        {
            let fields = DocumentFields { issued_on, expires_on, ..sample_fields() };
            assert_eq!(faults(&fields).is_empty(), taken, "{expires_on:?}");
        }
    }
}
