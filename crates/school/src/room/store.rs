//! All SQL about rooms.

use cloister_http::IdempotencyKey;
use cloister_ids::{OrgId, RoomId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{Room, RoomFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::RoomType,
};

macro_rules! fields {
    () => {
        "school_id, room_number, room_type, capacity"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "room",
            fields!(),
            " and ($6::uuid is null or school_id = $6)
              and ($7::text is null or (room_number_search >= $7 and room_number_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("room", fields!());
    /// One, to be changed.
    LOCK = lock!("room", fields!());
    /// A new one.
    INSERT = insert!(
        "room",
        concat!(fields!(), ", room_number_search"),
        "$7, $8, $9, $10, $11"
    );
    /// New values.
    UPDATE = update!(
        "room",
        "school_id = $7, room_number = $8, room_type = $9, capacity = $10, room_number_search = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("room", "id = $2");
    /// Whether something that counts uses it.
    IN_USE = "select exists (select from meeting m
        join class k on k.tenant_id = $1 and k.id = m.class_id and k.status = 'active'
        where m.tenant_id = $1 and m.room_id = $2 and m.status = 'active') as in_use";
    /// By number, from the first.
    LIST_BY_ROOM_NUMBER = list!("room_number_search" asc);
    /// By number, from the last.
    LIST_BY_ROOM_NUMBER_DESC = list!("room_number_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn room(row: &Row) -> Result<Room> {
    Ok(Room {
        id: row.get("id"),
        fields: RoomFields {
            status: status(row)?,
            school_id: row.get("school_id"),
            room_number: row.get("room_number"),
            room_type: RoomType::from_column(row.get("room_type")),
            capacity: row.get("capacity"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: RoomId) -> Result<Room> {
    room(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &Room) -> Result<()> {
    let Room { id, fields, record } = made;
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
            &fields.school_id,
            &fields.room_number,
            fields.room_type.column(),
            &fields.capacity,
            &fields.room_number_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: RoomId) -> Result<Room> {
    room(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// One that is kept from changing, and whether something uses it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: RoomId) -> Result<(Room, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((room(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &Room) -> Result<()> {
    let Room { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.school_id,
            &fields.room_number,
            fields.room_type.column(),
            &fields.capacity,
            &fields.room_number_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: RoomId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which rooms.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
    pub(super) room_number: (Option<String>, Option<String>),
}

pub(super) async fn list_by_room_number(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Room>> {
    list(tenancy, cx, [&LIST_BY_ROOM_NUMBER, &LIST_BY_ROOM_NUMBER_DESC], selection).await
}

pub(super) async fn list_by_change(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Room>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<Room>> {
    let Selection { span, school_id, room_number: (from, below) } = selection;
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, school_id, from, below],
        )
        .await?;
    rows.iter().map(room).collect()
}
