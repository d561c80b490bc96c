//! The photograph of a person. Whoever may see the person may see it, and whoever may change the person puts it in.
//!
//! Looking at one is not noted in the audit log: a list of a class shows thirty.

mod api;
mod dimensions;
mod store;

use std::io::{Read, Seek};

use cloister_http::{IfMatch, Problem, Received, Versioned};
use cloister_ids::PersonId;
use cloister_tenancy::{Action, Error, OpContext, Result, Tenancy};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    document::check_room,
    media_type::{MediaType, PICTURES},
    person::PERSON,
    presence_store::check_subject,
    scope::{Sight, authorize_change},
};

/// Bytes of one.
const LARGEST: u64 = 2 * 1024 * 1024;
/// Points of either side. What is larger when unpacked than anybody needs is refused, however small it is when packed.
const LONGEST_SIDE: u32 = 8192;

/// What is known of a photograph.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PersonPhoto {
    /// Whose.
    pub person_id: PersonId,
    /// What kind of picture.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// Points across.
    #[schema(example = 600)]
    pub width: i32,
    /// Points down.
    #[schema(example = 800)]
    pub height: i32,
    /// How many bytes.
    #[schema(example = 48211)]
    pub byte_size: i64,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When the first one was put in.
    pub created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub created_by: String,
    /// When this one was put in.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

impl Versioned for PersonPhoto {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A person's photograph. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<(PersonPhoto, Vec<u8>)> {
    let sight = Sight::of(cx, &PERSON)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Refuses whoever may not change the person.
async fn authorize(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<()> {
    authorize_change(cx, Action::Update, &PERSON, async { see(tenancy, cx, id).await }).await
}

/// Whether the caller may see the person.
async fn see(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<()> {
    let sight = Sight::of(cx, &PERSON)?;
    store::see(tenancy, cx, &sight, id).await
}

/// Puts a photograph in, or in place of one that is still as the caller knows it.
async fn replace(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: PersonId,
    known: Result<IfMatch, Problem>,
    received: Received,
) -> Result<PersonPhoto, Problem> {
    authorize(tenancy, cx, id).await?;
    let kind = MediaType::named(&PICTURES, &received.media_type)?;
    let Received { mut file, length, .. } = received;
    let looked = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(Error::internal)?;
        kind.check(&bytes)?;
        check_sides(dimensions::of(kind.name, &bytes)).map(|sides| (bytes, sides))
    });
    let (bytes, (width, height)) = looked.await.map_err(Error::internal)??;
    let mut tx = tenancy.write(cx).await?;
    let (person, before) = store::lock(&mut tx, id).await?;
    check_subject(&person)?;
    let (now, by) = (cx.clock().now(), cx.actor().to_string());
    let byte_size = i64::try_from(bytes.len()).map_err(Error::internal)?;
    check_room(&mut tx, byte_size - before.as_ref().map_or(0, |before| before.byte_size)).await?;
    let photo = PersonPhoto {
        person_id: id,
        media_type: kind.name.to_owned(),
        width,
        height,
        byte_size,
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        updated_by: by,
    };
    let after = match before {
        None => photo,
        Some(before) => {
            known?.check(&before)?;
            let PersonPhoto { created_at, created_by, version, .. } = before;
            PersonPhoto { version: version + 1, created_at, created_by, ..photo }
        }
    };
    let about = json!({ "media_type": kind.name, "byte_size": byte_size });
    tx.audit_act("photo.upload", &PERSON, id, Some(about));
    store::put(tx, &after, &bytes).await?;
    Ok(after)
}

fn check_sides(sides: Option<(u32, u32)>) -> Result<(i32, i32)> {
    let bounds = 1..=LONGEST_SIDE;
    match sides {
        None => Err(Error::field("file", "picture_broken", "The size of this picture cannot be read. Save it anew.")),
        Some((width, height)) if bounds.contains(&width) && bounds.contains(&height) => {
            Ok((width.try_into().map_err(Error::internal)?, height.try_into().map_err(Error::internal)?))
        }
        Some(_) => {
            let message = format!("A photograph has {LONGEST_SIDE} points at most on each side. Make it smaller.");
            Err(Error::field("file", "picture_too_large", message))
        }
    }
}

/// Erases a photograph that is still as the caller knows it. Two round trips.
async fn erase(tenancy: &Tenancy, cx: &OpContext, id: PersonId, known: &IfMatch) -> Result<()> {
    authorize(tenancy, cx, id).await?;
    let mut tx = tenancy.write(cx).await?;
    let (_, before) = store::lock(&mut tx, id).await?;
    known.check(&before.ok_or_else(Error::not_found)?)?;
    tx.audit_act("photo.erase", &PERSON, id, None);
    store::delete(tx, id).await
}

fn sample() -> PersonPhoto {
    let at = Timestamp::constant(1_767_603_600, 0);
    PersonPhoto {
        person_id: crate::sample_id(),
        media_type: "image/jpeg".to_owned(),
        width: 600,
        height: 800,
        byte_size: 48_211,
        version: 1,
        created_at: at,
        created_by: "account:ada".to_owned(),
        updated_at: at,
        updated_by: "account:ada".to_owned(),
    }
}
