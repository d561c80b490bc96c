//! All SQL about documents; `file_store` has that about their files.

use std::fmt::Write as _;

use cloister_http::IdempotencyKey;
use cloister_ids::{DocumentId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{Document, DocumentFields};
use crate::{
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{documents_within, many_within, one_within},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::{DocumentAudience, DocumentType},
};

macro_rules! fields {
    () => {
        "person_id, document_type, title, issued_on, expires_on, note, audiences, file_name, media_type, byte_size, sha256"
    };
}

/// `$8` and `$9` the bounds of a title, by which an index finds rows only in the order of titles: in any other order they would
/// all have to be sorted.
macro_rules! list {
    ($scope:expr, "title_search" $direction:ident) => {
        list!(@ " and title_search >= $8 and title_search < $9", $scope, "title_search" $direction)
    };
    ($scope:expr, $key:tt $direction:ident) => {
        list!(@ " and title_search || '' >= $8 and title_search || '' < $9", $scope, $key $direction)
    };
    (@ $title:literal, $scope:expr, $key:tt $direction:ident) => {
        page!(
            "document",
            fields!(),
            concat!(
                " and ($6::text is null or document_type = $6) and expires_on <= $7",
                $title,
                $scope
            ),
            $key $direction
        )
    };
}

/// Those of a person, `$10`.
macro_rules! list_of_person {
    ($key:tt $direction:ident) => {
        list!(" and person_id = $10", $key $direction)
    };
}

/// The same within scopes, of which there are few: they are found first, and then sorted. `$10` the person.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            concat!(
                " and ($10::uuid is null or person_id = $10)",
                many_within!(documents_within!("$11", "$12", "$13"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("document", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("document", fields!()), one_within!(documents_within!("$3", "$4", "$5")));
    /// One, to be changed.
    LOCK = lock!("document", fields!());
    /// Whom one is about, kept from leaving and from getting others.
    PERSON_OF = present_of!("document", "person_id", "no key update");
    /// Whether a contact names it as the order of a court.
    NAMED = "select exists (select from contact c
        where c.tenant_id = $1 and c.court_order_document_id = $2 and c.status = 'active') as named";
    /// How many a person has.
    COUNT = "select count(*) as count from document where tenant_id = $1 and person_id = $2 and status = 'active'";
    /// A new one.
    INSERT = insert!(
        "document",
        "person_id, document_type, title, title_search, issued_on, expires_on, note, audiences",
        "$7, $8, $9, $10, $11, $12, $13, $14"
    );
    /// New values.
    UPDATE = update!(
        "document",
        "document_type = $7, title = $8, title_search = $9, issued_on = $10, expires_on = $11, note = $12,
         audiences = $13"
    );
    /// Marked as deleted.
    DELETE = delete!("document", "id = $2");
    /// All by age.
    ALL_BY_AGE = list!("", "id" asc);
    /// All by age, from the newest.
    ALL_BY_AGE_DESC = list!("", "id" desc);
    /// All by title.
    ALL_BY_TITLE = list!("", "title_search" asc);
    /// All by title, from the last.
    ALL_BY_TITLE_DESC = list!("", "title_search" desc);
    /// All by their last day.
    ALL_BY_EXPIRY = list!("", "expires_on" asc);
    /// All by their last day, from the latest.
    ALL_BY_EXPIRY_DESC = list!("", "expires_on" desc);
    /// All by last change.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// All by last change, newest first.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Those of a person by age.
    PERSON_BY_AGE = list_of_person!("id" asc);
    /// Those of a person by age, from the newest.
    PERSON_BY_AGE_DESC = list_of_person!("id" desc);
    /// Those of a person by title.
    PERSON_BY_TITLE = list_of_person!("title_search" asc);
    /// Those of a person by title, from the last.
    PERSON_BY_TITLE_DESC = list_of_person!("title_search" desc);
    /// Those of a person by their last day.
    PERSON_BY_EXPIRY = list_of_person!("expires_on" asc);
    /// Those of a person by their last day, from the latest.
    PERSON_BY_EXPIRY_DESC = list_of_person!("expires_on" desc);
    /// Those of a person by last change.
    PERSON_BY_CHANGE = list_of_person!("date_last_modified" asc);
    /// Those of a person by last change, newest first.
    PERSON_BY_CHANGE_DESC = list_of_person!("date_last_modified" desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list_within!("id" asc);
    /// Those within scopes by age, from the newest.
    WITHIN_BY_AGE_DESC = list_within!("id" desc);
    /// Those within scopes by title.
    WITHIN_BY_TITLE = list_within!("title_search" asc);
    /// Those within scopes by title, from the last.
    WITHIN_BY_TITLE_DESC = list_within!("title_search" desc);
    /// Those within scopes by their last day.
    WITHIN_BY_EXPIRY = list_within!("expires_on" asc);
    /// Those within scopes by their last day, from the latest.
    WITHIN_BY_EXPIRY_DESC = list_within!("expires_on" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

/// The last day of what does not end, as a column has it.
pub(crate) const NEVER: Date = Date::constant(9999, 12, 31);

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn document(row: &Row) -> Result<Document> {
    let audiences: Vec<String> = row.get("audiences");
    Ok(Document {
        id: row.get("id"),
        fields: DocumentFields {
            status: status(row)?,
            person_id: row.get("person_id"),
            document_type: DocumentType::from_column(row.get("document_type")),
            title: row.get("title"),
            issued_on: row.get("issued_on"),
            expires_on: Some(row.get("expires_on")).filter(|day| *day != NEVER),
            note: row.get("note"),
            audiences: audiences.into_iter().map(DocumentAudience::from_column).collect(),
            metadata: Metadata::from_row(row),
        },
        file_name: row.get("file_name"),
        media_type: row.get("media_type"),
        byte_size: row.get("byte_size"),
        sha256: row.get::<_, Option<Vec<u8>>>("sha256").map(|bytes| hexadecimal(&bytes)),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: DocumentId) -> Result<Document> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    document(found(&rows)?)
}

/// What columns hold otherwise than fields.
struct Made<'a> {
    title_search: String,
    expires_on: Date,
    audiences: Vec<&'a str>,
}

impl<'a> Made<'a> {
    fn of(fields: &'a DocumentFields) -> Self {
        Self {
            title_search: fields.title_search(),
            expires_on: fields.expires_on.unwrap_or(NEVER),
            audiences: fields.audiences.iter().map(|audience| &**audience.column()).collect(),
        }
    }

    /// The columns that a change may write.
    fn parameters(&'a self, fields: &'a DocumentFields) -> [&'a (dyn ToSql + Sync); 7] {
        [
            fields.document_type.column(),
            &fields.title,
            &self.title_search,
            &fields.issued_on,
            &self.expires_on,
            &fields.note,
            &self.audiences,
        ]
    }
}

/// Returns how many the person has with this one.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &Document) -> Result<i64> {
    let Document { id, fields, record, .. } = new;
    let (source, made) = (record.source.word(), Made::of(fields));
    let mut values: Vec<&(dyn ToSql + Sync)> =
        vec![id, &record.created_at, &source, fields.metadata.column(), &record.created_by, &fields.person_id];
    values.extend(made.parameters(fields));
    let persons = vec![fields.person_id];
    let steps: [(&'static Statement, &Parameters<'_>); 3] =
        [(&presence_store::HELD, &[&persons]), (&INSERT, &values), (&COUNT, &[&fields.person_id])];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.person_id, "person_id")?;
    Ok(found(&rows[2])?.get("count"))
}

/// How many a person has, who is kept from getting others.
pub(super) async fn count(tx: &mut TenantTx, person: PersonId) -> Result<i64> {
    Ok(found(&tx.query(&COUNT, &[&person]).await?)?.get("count"))
}

/// A document that is kept from changing.
pub(super) struct Locked {
    pub(super) document: Document,
    /// Whether a contact names it.
    pub(super) named: bool,
    /// Whom it is about, kept from leaving and from getting others.
    pub(super) person: Vec<Row>,
}

pub(super) async fn lock(tx: &mut TenantTx, id: DocumentId) -> Result<Locked> {
    let mut rows = tx.query_all(&[(&PERSON_OF, &[&id]), (&LOCK, &[&id]), (&NAMED, &[&id])]).await?;
    let named = rows[2].first().is_some_and(|row| row.get("named"));
    Ok(Locked { document: document(found(&rows[1])?)?, named, person: rows.swap_remove(0) })
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &Document) -> Result<()> {
    let Document { id, fields, record, .. } = changed;
    let (status, made) = (fields.status.word(), Made::of(fields));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![id, &status, &record.updated_at, &record.updated_by, fields.metadata.column()];
    parameters.extend(made.parameters(fields));
    tx.commit_with(&[(&UPDATE, &parameters)]).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: DocumentId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which documents.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) person_id: Option<PersonId>,
    pub(super) document_type: Option<DocumentType>,
    /// Only those that expire before this day.
    pub(super) expires_before: Option<Date>,
    /// Bounds of titles.
    pub(super) title: (Option<String>, Option<String>),
}

/// The statements of one order, in both directions: all, those of a person, those within scopes.
pub(super) type Statements = [[&'static Statement; 2]; 3];

pub(super) const BY_AGE: Statements =
    [[&ALL_BY_AGE, &ALL_BY_AGE_DESC], [&PERSON_BY_AGE, &PERSON_BY_AGE_DESC], [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC]];
pub(super) const BY_TITLE: Statements = [
    [&ALL_BY_TITLE, &ALL_BY_TITLE_DESC],
    [&PERSON_BY_TITLE, &PERSON_BY_TITLE_DESC],
    [&WITHIN_BY_TITLE, &WITHIN_BY_TITLE_DESC],
];
pub(super) const BY_EXPIRY: Statements = [
    [&ALL_BY_EXPIRY, &ALL_BY_EXPIRY_DESC],
    [&PERSON_BY_EXPIRY, &PERSON_BY_EXPIRY_DESC],
    [&WITHIN_BY_EXPIRY, &WITHIN_BY_EXPIRY_DESC],
];
pub(super) const BY_CHANGE: Statements = [
    [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
    [&PERSON_BY_CHANGE, &PERSON_BY_CHANGE_DESC],
    [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
];

pub(super) async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_person, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Document>> {
    let Selection { span, person_id, document_type, expires_before, title: (first, beyond) } = selection;
    let document_type = document_type.as_ref().map(DocumentType::as_str);
    // Bounds that leave nothing out where none are given: so an index in their order is read from there to there.
    let until = match expires_before {
        Some(day) => day.yesterday().map_err(Error::internal)?,
        None => NEVER,
    };
    let (first, beyond) = (first.as_deref().unwrap_or(""), beyond.as_deref().unwrap_or("\u{10ffff}"));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, &document_type, &until, &first, &beyond];
    let statements = match (sight, person_id) {
        (Sight::Within(Within { account, on, scopes, .. }), person) => {
            parameters.extend([person as &(dyn ToSql + Sync), account, on, scopes]);
            of_scopes
        }
        (Sight::All, Some(person)) => {
            parameters.push(person);
            of_person
        }
        (Sight::All, None) => all,
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(document).collect()
}
