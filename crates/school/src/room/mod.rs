//! Rooms of a school, in which classes meet.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{OrgId, RoomId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{clean, small},
    search_key,
    vocabulary::RoomType,
};

/// What permissions are about.
pub const ROOM: Resource = Resource { module: crate::MODULE, name: "room" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "room_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "room_number_key",
        field: "room_number",
        code: "room_number_taken",
        message: "Another room of this school has this number.",
    },
];

/// What is known of a room: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Of which school. Never changes.
    #[garde(skip)]
    pub school_id: OrgId,
    /// Its number or name as on the door, unique within the school.
    #[garde(length(chars, max = 100), custom(clean))]
    #[schema(min_length = 1, max_length = 100, example = "B 204")]
    pub room_number: String,
    /// What it is for.
    #[garde(skip)]
    pub room_type: RoomType,
    /// How many students it holds.
    #[garde(inner(range(min = 1, max = 10_000)))]
    #[schema(minimum = 1, maximum = 10_000, example = 28)]
    pub capacity: Option<i32>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A room as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Room {
    /// Which one.
    pub id: RoomId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: RoomFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Room {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl RoomFields {
    /// The number as it is searched and sorted.
    fn room_number_search(&self) -> String {
        search_key::of(&self.room_number)
    }
}

/// Makes a room, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: RoomFields) -> Result<Room> {
    tx.cx().authorize(Action::Create, &ROOM)?;
    check_new(fields.status)?;
    let room = Room { id: RoomId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &room).await?;
    tx.audit(Action::Create, &ROOM, room.id, None);
    Ok(room)
}

/// One room, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: RoomId) -> Result<Room> {
    cx.authorize(Action::Read, &ROOM)?;
    store::get(tenancy, cx, id).await
}

/// Changes a room that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: RoomId,
    known: &IfMatch,
    patch: &MergePatch<RoomFields>,
) -> Result<Room> {
    cx.authorize(Action::Update, &ROOM)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields.school_id != before.fields.school_id {
        return Err(Error::field("school_id", "school_fixed", "The school cannot be changed: make another one there."));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Room { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ROOM, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a room that is still as the caller knows it and that nothing uses. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: RoomId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &ROOM)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        return Err(Error::new(
            ErrorKind::Conflict,
            "room_in_use",
            "Classes meet in this room. Delete or move these meetings first.",
        ));
    }
    tx.audit(Action::Delete, &ROOM, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> RoomFields {
    RoomFields {
        status: Status::Active,
        school_id: crate::sample_id(),
        room_number: "B 204".to_owned(),
        room_type: RoomType::LABORATORY,
        capacity: Some(28),
        metadata: Metadata::default(),
    }
}

fn sample() -> Room {
    Room { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
