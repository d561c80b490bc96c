//! All SQL about incident letter templates.

use cloister_http::IdempotencyKey;
use cloister_ids::IncidentLetterTemplateId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{IncidentLetterTemplate, IncidentLetterTemplateFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "name, body"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "incident_letter_template",
            fields!(),
            " and ($6::text is null or (name_search >= $6 and name_search < $7))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("incident_letter_template", fields!());
    /// One, to be changed.
    LOCK = lock!("incident_letter_template", fields!());
    /// A new one.
    INSERT = insert!(
        "incident_letter_template",
        concat!(fields!(), ", name_search"),
        "$7, $8, $9"
    );
    /// New values.
    UPDATE = update!(
        "incident_letter_template",
        "name = $7, body = $8, name_search = $9"
    );
    /// Marked as deleted.
    DELETE = delete!("incident_letter_template", "id = $2");
    /// By name, from the first.
    LIST_BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn template(row: &Row) -> Result<IncidentLetterTemplate> {
    Ok(IncidentLetterTemplate {
        id: row.get("id"),
        fields: IncidentLetterTemplateFields {
            status: status(row)?,
            name: row.get("name"),
            body: row.get("body"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: IncidentLetterTemplateId,
) -> Result<IncidentLetterTemplate> {
    template(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    made: &IncidentLetterTemplate,
) -> Result<()> {
    let IncidentLetterTemplate { id, fields, record } = made;
    IdempotencyKey::query(
        key,
        tx,
        &INSERT,
        &[
            id,
            &record.created_at,
            &record.source.word(),
            fields.metadata.column(),
            &record.created_by,
            &fields.name,
            &fields.body,
            &fields.name_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: IncidentLetterTemplateId) -> Result<IncidentLetterTemplate> {
    template(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &IncidentLetterTemplate) -> Result<()> {
    let IncidentLetterTemplate { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.name,
            &fields.body,
            &fields.name_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: IncidentLetterTemplateId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which incident letter templates.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) name: (Option<String>, Option<String>),
}

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<IncidentLetterTemplate>> {
    list(tenancy, cx, [&LIST_BY_NAME, &LIST_BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<IncidentLetterTemplate>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<IncidentLetterTemplate>> {
    let Selection { span, name: (from, below) } = selection;
    let rows = tenancy
        .fetch(cx, span.pick(statements), &[&span.status, span.key(), &span.after.id, &span.limit, from, below])
        .await?;
    rows.iter().map(template).collect()
}
