//! All SQL about merges themselves; `move_store` has what they move.

use cloister_http::IdempotencyKey;
use cloister_ids::{AccountId, PersonId, PersonMergeId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{
    PersonMerge, PersonMergeFields, Side, behavior_move_store as behavior, differ_store, file_move_store as files,
    health_move_store as health, move_store as moves,
};
use crate::{
    listing::Span,
    record::{Metadata, Record, Status, found, status},
    unnamed_store::{get, insert, page},
};

macro_rules! fields {
    () => {
        "kept_id, merged_id, reason, (select count(*) from person_merge_row n
            where n.tenant_id = $1 and n.merge_id = person_merge.id) as row_count"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!("person_merge", fields!(), " and ($6::uuid is null or kept_id = $6 or merged_id = $6)", $key $direction)
    };
}

statements! {
    /// One.
    GET = get!("person_merge", fields!());
    /// One, with what only taking it back must know.
    LOCK = concat!(get!("person_merge", concat!(fields!(), ", account_id")), " for no key update");
    /// Both persons, and the students that they are contacts of: whoever writes a contact locks its student. Always in one
    /// order.
    LOCK_SIDES = "select id, status, account_id from person where tenant_id = $1 and (id = any($2::uuid[])
            or id = any(array(select c.student_id from contact c where c.tenant_id = $1 and c.contact_id = any($2))))
        order by id for no key update";
    /// The same for a merge.
    LOCK_SIDES_OF = "select p.id, p.status, p.account_id from person p where p.tenant_id = $1 and p.id = any(array(
            select s.id from person_merge m cross join lateral (
                select unnest(array[m.kept_id, m.merged_id]) as id
                union all select c.student_id from contact c
                    where c.tenant_id = $1 and c.contact_id in (m.kept_id, m.merged_id)) s
            where m.tenant_id = $1 and m.id = $2))
        order by p.id for no key update";
    /// Whether one of the two was merged once more, or the one who stayed took in another since.
    MERGED_AGAIN = "select exists (select from person_merge m join person_merge later on later.tenant_id = $1
            and later.status = 'active' and later.id <> m.id and later.created_at >= m.created_at
            and (later.merged_id in (m.kept_id, m.merged_id) or later.kept_id in (m.kept_id, m.merged_id))
        where m.tenant_id = $1 and m.id = $2) as merged_again";
    /// A new one.
    INSERT = insert!("person_merge", "kept_id, merged_id, reason, account_id", "$7, $8, $9, $10");
    /// It was taken back.
    UNDONE = "update person_merge set status = 'tobedeleted', date_last_modified = $3, updated_at = $3, updated_by = $4,
        version = version + 1 where tenant_id = $1 and id = $2";
    /// The merged person leaves, without an account.
    RETIRE = "update person set status = 'tobedeleted', account_id = null, date_last_modified = $3, updated_at = $3,
        updated_by = $4, version = version + 1 where tenant_id = $1 and id = $2";
    /// The one who stays is another version, with the account if there is one.
    RECEIVE = "update person set account_id = coalesce($5::uuid, account_id), date_last_modified = $3, updated_at = $3,
        updated_by = $4, version = version + 1 where tenant_id = $1 and id = $2";
    /// The one who stayed is another version, without the account.
    RELEASE = "update person set account_id = nullif(account_id, $5::uuid), date_last_modified = $3, updated_at = $3,
        updated_by = $4, version = version + 1 where tenant_id = $1 and id = $2";
    /// The merged person is there again.
    REVIVE = "update person set status = 'active', account_id = coalesce($5::uuid, account_id), date_last_modified = $3,
        updated_at = $3, updated_by = $4, version = version + 1 where tenant_id = $1 and id = $2";
    /// How many rows it did something to.
    COUNT = "select count(*) as count from person_merge_row where tenant_id = $1 and merge_id = $2";
    /// By age.
    LIST_BY_AGE = list!("id" asc);
    /// By age, from the newest.
    LIST_BY_AGE_DESC = list!("id" desc);
    /// By last change.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn person_merge(row: &Row) -> Result<PersonMerge> {
    Ok(PersonMerge {
        id: row.get("id"),
        status: status(row)?,
        fields: PersonMergeFields {
            kept_id: row.get("kept_id"),
            merged_id: row.get("merged_id"),
            reason: row.get("reason"),
            metadata: Metadata::from_row(row),
        },
        row_count: row.get("row_count"),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: PersonMergeId) -> Result<PersonMerge> {
    person_merge(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// Both persons, kept from changing.
pub(super) struct Sides {
    pub(super) kept: Option<Side>,
    pub(super) merged: Option<Side>,
    pub(super) contacts_differ: bool,
    pub(super) places_differ: bool,
}

pub(super) async fn lock_sides(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    PersonMergeFields { kept_id, merged_id, .. }: &PersonMergeFields,
) -> Result<Sides> {
    let both = vec![*kept_id, *merged_id];
    let sides: &Parameters<'_> = &[merged_id, kept_id];
    let steps: [(&'static Statement, &Parameters<'_>); 3] =
        [(&LOCK_SIDES, &[&both]), (&differ_store::CONTACTS_DIFFER, sides), (&differ_store::PLACES_DIFFER, sides)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    let side = |id: PersonId| -> Result<Option<Side>> {
        match rows[0].iter().find(|row| row.get::<_, PersonId>("id") == id) {
            Some(row) => Ok(Some(Side { status: status(row)?, account: row.get("account_id") })),
            None => Ok(None),
        }
    };
    let differ = |rows: &[Row]| rows.first().is_some_and(|row| row.get("differ"));
    Ok(Sides {
        kept: side(*kept_id)?,
        merged: side(*merged_id)?,
        contacts_differ: differ(&rows[1]),
        places_differ: differ(&rows[2]),
    })
}

/// A statement with its parameters, to be sent with others.
type Item<'a> = (&'static Statement, Vec<&'a (dyn ToSql + Sync)>);

async fn send(tx: &mut TenantTx, items: &[Item<'_>]) -> Result<Vec<Vec<Row>>> {
    let borrowed: Vec<(&'static Statement, &Parameters<'_>)> =
        items.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())).collect();
    tx.query_all(&borrowed).await
}

/// Writes the merge and does what it is. Returns how many rows that was.
pub(super) async fn merge(tx: &mut TenantTx, new: &PersonMerge, account: Option<AccountId>) -> Result<i64> {
    let PersonMerge { id, fields, record, .. } = new;
    let PersonMergeFields { kept_id, merged_id, reason, metadata } = fields;
    let source = record.source.word();
    let (now, by) = (&record.updated_at, &record.updated_by);
    let both = vec![*kept_id, *merged_id];
    let mut items: Vec<Item<'_>> =
        vec![(&INSERT, vec![id, now, &source, metadata.column(), by, kept_id, merged_id, reason, &account])];
    for (statement, asks_for_kept) in
        moves::NOTES.into_iter().chain(files::NOTES).chain(behavior::NOTES).chain(health::NOTES)
    {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![id, merged_id];
        if asks_for_kept {
            parameters.push(kept_id);
        }
        items.push((statement, parameters));
    }
    let aside = moves::ASIDE.into_iter().chain(files::ASIDE).chain(behavior::ASIDE);
    items.extend(aside.map(|statement| -> Item<'_> { (statement, vec![id, now, by]) }));
    let there = moves::THERE.into_iter().chain(files::THERE).chain(behavior::THERE).chain(health::THERE);
    items.extend(there.map(|statement| -> Item<'_> { (statement, vec![id, merged_id, kept_id, now, by]) }));
    items.push((&moves::FAMILIES_ASIDE, vec![id, merged_id]));
    items.push((&moves::FAMILIES_THERE, vec![id, kept_id]));
    items.push((&moves::COPY_VALUES, vec![id, merged_id, kept_id]));
    items.push((&moves::DROP_VALUES, vec![id, merged_id]));
    items.push((&moves::TOUCH_FAMILIES, vec![id, now, by]));
    items.push((&moves::TOUCH_STUDENTS, vec![id, now, by, &both]));
    items.push((&RETIRE, vec![merged_id, now, by]));
    items.push((&RECEIVE, vec![kept_id, now, by, &account]));
    items.push((&COUNT, vec![id]));
    let rows = send(tx, &items).await?;
    Ok(rows.last().and_then(|rows| rows.first()).map_or(0, |row| row.get("count")))
}

/// A merge that is kept from changing, with its persons.
pub(super) struct Locked {
    pub(super) merge: PersonMerge,
    /// The sign-in that it moved.
    pub(super) account: Option<AccountId>,
    /// The sign-in of the one who stayed, now.
    pub(super) kept_account: Option<AccountId>,
    /// Whether the one who stayed is there.
    pub(super) kept_there: bool,
    pub(super) merged_again: bool,
}

pub(super) async fn lock(tx: &mut TenantTx, id: PersonMergeId) -> Result<Locked> {
    let one: &Parameters<'_> = &[&id];
    let rows = tx.query_all(&[(&LOCK_SIDES_OF, one), (&LOCK, one), (&MERGED_AGAIN, one)]).await?;
    let row = found(&rows[1])?;
    let merge = person_merge(row)?;
    let kept = rows[0].iter().find(|side| side.get::<_, PersonId>("id") == merge.fields.kept_id);
    Ok(Locked {
        account: row.get("account_id"),
        kept_there: kept.map(status).transpose()? == Some(Status::Active),
        kept_account: kept.and_then(|side| side.get("account_id")),
        merged_again: rows[2].first().is_some_and(|row| row.get("merged_again")),
        merge,
    })
}

/// Takes it back and commits. `account` is the sign-in that goes back.
pub(super) async fn undo(mut tx: TenantTx, undone: &PersonMerge, account: Option<AccountId>) -> Result<()> {
    let PersonMerge { id, fields: PersonMergeFields { kept_id, merged_id, .. }, record, .. } = undone;
    let (now, by) = (&record.updated_at, &record.updated_by);
    let both = vec![*kept_id, *merged_id];
    let mut items: Vec<Item<'_>> =
        vec![(&RELEASE, vec![kept_id, now, by, &account]), (&REVIVE, vec![merged_id, now, by, &account])];
    let back = moves::BACK.into_iter().chain(files::BACK).chain(behavior::BACK).chain(health::BACK);
    items.extend(back.map(|statement| -> Item<'_> { (statement, vec![id, merged_id, kept_id, now, by]) }));
    let restored = moves::RESTORED.into_iter().chain(files::RESTORED).chain(behavior::RESTORED);
    items.extend(restored.map(|statement| -> Item<'_> { (statement, vec![id, now, by]) }));
    items.push((&moves::FAMILIES_LEFT, vec![id, kept_id]));
    items.push((&moves::FAMILIES_JOINED, vec![id, merged_id]));
    items.push((&moves::COPY_VALUES, vec![id, kept_id, merged_id]));
    items.push((&moves::DROP_VALUES, vec![id, kept_id]));
    items.push((&moves::TOUCH_FAMILIES, vec![id, now, by]));
    items.push((&moves::TOUCH_STUDENTS, vec![id, now, by, &both]));
    items.push((&UNDONE, vec![id, now, by]));
    send(&mut tx, &items).await?;
    tx.commit().await
}

/// Which merges.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) person_id: Option<PersonId>,
}

pub(super) async fn list_by_age(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<PersonMerge>> {
    list(tenancy, cx, [&LIST_BY_AGE, &LIST_BY_AGE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<PersonMerge>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    Selection { span, person_id }: &Selection,
) -> Result<Vec<PersonMerge>> {
    let parameters: &Parameters<'_> = &[&span.status, span.key(), &span.after.id, &span.limit, person_id];
    tenancy.fetch(cx, span.pick(statements), parameters).await?.iter().map(person_merge).collect()
}
