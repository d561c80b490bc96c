//! All SQL about families and their members.

use cloister_http::IdempotencyKey;
use cloister_ids::{FamilyId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{Family, FamilyFields};
use crate::{
    listing::Span,
    presence_store::{self, check_present},
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "name, home_language, array(select m.person_id from family_member m
            where m.tenant_id = $1 and m.family_id = family.id order by 1) as member_ids"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "family",
            fields!(),
            " and ($6::uuid is null or exists (select from family_member m
                where m.tenant_id = $1 and m.family_id = family.id and m.person_id = $6))
              and ($7::text is null or (name_search >= $7 and name_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("family", fields!());
    /// One, to be changed.
    LOCK = lock!("family", fields!());
    /// A new one.
    INSERT = insert!("family", "name, home_language, name_search", "$7, $8, $9");
    /// Somebody who belongs to it.
    INSERT_MEMBER = "insert into family_member (tenant_id, family_id, person_id) values ($1, $2, $3)";
    /// Somebody who no longer does.
    DELETE_MEMBER = "delete from family_member where tenant_id = $1 and family_id = $2 and person_id = $3";
    /// New values.
    UPDATE = update!("family", "name = $7, home_language = $8, name_search = $9");
    /// Marked as deleted.
    DELETE = delete!("family", "id = $2");
    /// By name.
    LIST_BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search" desc);
    /// By last change.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn family(row: &Row) -> Result<Family> {
    Ok(Family {
        id: row.get("id"),
        fields: FamilyFields {
            status: status(row)?,
            name: row.get("name"),
            home_language: row.get("home_language"),
            member_ids: row.get("member_ids"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: FamilyId) -> Result<Family> {
    family(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// A statement with its parameters, to be sent with others.
type Item<'a> = (&'static Statement, Vec<&'a (dyn ToSql + Sync)>);

fn member_item<'a>(statement: &'static Statement, family: &'a FamilyId, member: &'a PersonId) -> Item<'a> {
    (statement, vec![family, member])
}

fn borrowed<'a>(items: &'a [Item<'a>]) -> Vec<(&'static Statement, &'a Parameters<'a>)> {
    items.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())).collect()
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &Family) -> Result<()> {
    let Family { id, fields, record } = new;
    let (source, name_search) = (record.source.word(), fields.name_search());
    let parameters: Vec<&(dyn ToSql + Sync)> = vec![
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.name,
        &fields.home_language,
        &name_search,
    ];
    let mut items: Vec<Item<'_>> = vec![(&presence_store::PRESENT, vec![&fields.member_ids]), (&INSERT, parameters)];
    items.extend(fields.member_ids.iter().map(|member| member_item(&INSERT_MEMBER, id, member)));
    let rows = IdempotencyKey::query_all(key, tx, &borrowed(&items)).await?;
    fields.member_ids.iter().try_for_each(|member| check_present(&rows[0], *member, "member_ids"))
}

/// One that is kept from changing, and those who may become members, who are kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: FamilyId, named: &[PersonId]) -> Result<(Family, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&presence_store::PRESENT, &[&named]), (&LOCK, &[&id])]).await?;
    Ok((family(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change, what becomes of those who were members before, and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, members: &[PersonId], changed: &Family) -> Result<()> {
    let Family { id, fields, record } = changed;
    let (status, name_search) = (fields.status.word(), fields.name_search());
    let parameters: Vec<&(dyn ToSql + Sync)> = vec![
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.name,
        &fields.home_language,
        &name_search,
    ];
    let mut items: Vec<Item<'_>> = vec![(&UPDATE, parameters)];
    let gone = members.iter().filter(|member| !fields.member_ids.contains(member));
    let come = fields.member_ids.iter().filter(|member| !members.contains(member));
    items.extend(gone.map(|member| member_item(&DELETE_MEMBER, id, member)));
    items.extend(come.map(|member| member_item(&INSERT_MEMBER, id, member)));
    tx.commit_with(&borrowed(&items)).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: FamilyId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which families.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) person_id: Option<PersonId>,
    pub(super) name: (Option<String>, Option<String>),
}

pub(super) async fn list_by_name(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Family>> {
    list(tenancy, cx, [&LIST_BY_NAME, &LIST_BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Family>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    Selection { span, person_id, name: (from, below) }: &Selection,
) -> Result<Vec<Family>> {
    let parameters: &Parameters<'_> = &[&span.status, span.key(), &span.after.id, &span.limit, person_id, from, below];
    tenancy.fetch(cx, span.pick(statements), parameters).await?.iter().map(family).collect()
}
