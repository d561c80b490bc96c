//! All SQL about custom fields; `value_store` has that of values.

use cloister_http::IdempotencyKey;
use cloister_ids::CustomFieldId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, statements},
};

use super::{CustomField, CustomFieldFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::{CustomResource, CustomType},
};

macro_rules! fields {
    () => {
        "resource, name, title, type, choices, required, searchable"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "custom_field",
            fields!(),
            " and ($6::text is null or resource = $6)
              and ($7::text is null or (title_search >= $7 and title_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("custom_field", fields!());
    /// One, to be changed.
    LOCK = lock!("custom_field", fields!());
    /// A new one.
    INSERT = insert!("custom_field", concat!(fields!(), ", title_search"), "$7, $8, $9, $10, $11, $12, $13, $14");
    /// New values.
    UPDATE = update!(
        "custom_field",
        "title = $7, choices = $8, required = $9, searchable = $10, title_search = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("custom_field", "id = $2");
    /// By title.
    LIST_BY_TITLE = list!("title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("title_search" desc);
    /// By last change.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn custom_field(row: &Row) -> Result<CustomField> {
    Ok(CustomField {
        id: row.get("id"),
        fields: CustomFieldFields {
            status: status(row)?,
            resource: CustomResource::from_column(row.get("resource")),
            name: row.get("name"),
            title: row.get("title"),
            kind: CustomType::from_column(row.get("type")),
            choices: row.get("choices"),
            required: row.get("required"),
            searchable: row.get("searchable"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: CustomFieldId) -> Result<CustomField> {
    custom_field(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &CustomField) -> Result<()> {
    let CustomField { id, fields, record } = new;
    let (source, title_search) = (record.source.word(), fields.title_search());
    let parameters: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        fields.resource.column(),
        &fields.name,
        &fields.title,
        fields.kind.column(),
        &fields.choices,
        &fields.required,
        &fields.searchable,
        &title_search,
    ];
    IdempotencyKey::query(key, tx, &INSERT, parameters).await.map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: CustomFieldId) -> Result<CustomField> {
    custom_field(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &CustomField) -> Result<()> {
    let CustomField { id, fields, record } = changed;
    let (status, title_search) = (fields.status.word(), fields.title_search());
    let parameters: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.title,
        &fields.choices,
        &fields.required,
        &fields.searchable,
        &title_search,
    ];
    tx.commit_with(&[(&UPDATE, parameters)]).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: CustomFieldId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which custom fields.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) resource: Option<CustomResource>,
    pub(super) title: (Option<String>, Option<String>),
}

pub(super) async fn list_by_title(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<CustomField>> {
    list(tenancy, cx, [&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<CustomField>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    Selection { span, resource, title: (from, below) }: &Selection,
) -> Result<Vec<CustomField>> {
    let resource = resource.as_ref().map(CustomResource::as_str);
    let parameters: &Parameters<'_> = &[&span.status, span.key(), &span.after.id, &span.limit, &resource, from, below];
    tenancy.fetch(cx, span.pick(statements), parameters).await?.iter().map(custom_field).collect()
}
