//! All SQL about photographs.

use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, ToSql, statements},
};

use super::PersonPhoto;
use crate::{
    presence_store,
    record::found,
    scope::{Sight, Within},
    scope_store::{one_within, persons_within},
};

macro_rules! columns {
    () => {
        "person_id, media_type, width, height, byte_size, version, created_at, created_by, updated_at, updated_by"
    };
}

/// The person, `$2`, if they are within the scopes.
macro_rules! seen {
    () => {
        concat!(
            "select id from person where tenant_id = $1 and id = $2",
            one_within!(persons_within!("$3", "$4", "$5"))
        )
    };
}

statements! {
    /// One.
    GET = concat!("select ", columns!(), ", bytes from person_photo where tenant_id = $1 and person_id = $2");
    /// One, if the person is within scopes.
    GET_WITHIN = concat!("select ", columns!(), ", bytes from person_photo where tenant_id = $1 and person_id = $2
        and exists (", seen!(), ")");
    /// Whether there is such a person.
    SEE = "select id from person where tenant_id = $1 and id = $2";
    /// The same within scopes.
    SEE_WITHIN = seen!();
    /// What is there.
    LOCK = concat!("select ", columns!(), " from person_photo where tenant_id = $1 and person_id = $2 for no key update");
    /// A new one.
    INSERT = concat!("insert into person_photo (tenant_id, ", columns!(), ", bytes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    /// Another one. Its parameters are those of `INSERT`.
    UPDATE = "update person_photo set media_type = $3, width = $4, height = $5, byte_size = $6, version = $7,
            created_at = $8, created_by = $9, updated_at = $10, updated_by = $11, bytes = $12
        where tenant_id = $1 and person_id = $2";
    /// Erased.
    DELETE = "delete from person_photo where tenant_id = $1 and person_id = $2";
}

fn photo(row: &Row) -> PersonPhoto {
    PersonPhoto {
        person_id: row.get("person_id"),
        media_type: row.get("media_type"),
        width: row.get("width"),
        height: row.get("height"),
        byte_size: row.get("byte_size"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    }
}

/// One of two statements, as far as the reader sees.
async fn ask(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: PersonId,
    [all, within]: [&'static Statement; 2],
) -> Result<Vec<Row>> {
    match sight {
        Sight::All => tenancy.fetch(cx, all, &[&id]).await,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, within, &[&id, account, on, scopes]).await
        }
    }
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: PersonId,
) -> Result<(PersonPhoto, Vec<u8>)> {
    let rows = ask(tenancy, cx, sight, id, [&GET, &GET_WITHIN]).await?;
    let row = found(&rows)?;
    Ok((photo(row), row.get("bytes")))
}

/// Whether there is such a person, as far as the reader sees.
pub(super) async fn see(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: PersonId) -> Result<()> {
    found(&ask(tenancy, cx, sight, id, [&SEE, &SEE_WITHIN]).await?).map(drop)
}

/// What is kept from changing, and the person it is of: locked, so that no two give them a first photograph.
pub(super) async fn lock(tx: &mut TenantTx, id: PersonId) -> Result<(Vec<Row>, Option<PersonPhoto>)> {
    let persons = vec![id];
    let mut rows = tx.query_all(&[(&presence_store::HELD, &[&persons]), (&LOCK, &[&id])]).await?;
    found(&rows[0])?;
    let photo = rows[1].first().map(photo);
    Ok((rows.swap_remove(0), photo))
}

/// Writes and commits, in one round trip.
pub(super) async fn put(tx: TenantTx, new: &PersonPhoto, bytes: &[u8]) -> Result<()> {
    let parameters: [&(dyn ToSql + Sync); 11] = [
        &new.person_id,
        &new.media_type,
        &new.width,
        &new.height,
        &new.byte_size,
        &new.version,
        &new.created_at,
        &new.created_by,
        &new.updated_at,
        &new.updated_by,
        &bytes,
    ];
    let statement = if new.version == 1 { &INSERT } else { &UPDATE };
    tx.commit_with(&[(statement, &parameters)]).await.map(drop)
}

/// Erases and commits, in one round trip.
pub(super) async fn delete(tx: TenantTx, id: PersonId) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id])]).await.map(drop)
}
