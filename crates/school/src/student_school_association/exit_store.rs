//! All SQL about students who leave a school, one of them or all that a rollover is about: their time there ends, and so do
//! their places in classes there. What it takes to take that back is kept.
//!
//! `$2` is the association, or the ids of many.

use cloister_http::IdempotencyKey;
use cloister_ids::StudentSchoolAssociationId;
use cloister_tenancy::{
    Result, TenantTx,
    sql::{Row, statements},
};
use jiff::Timestamp;

use super::{StudentSchoolAssociation, exit::Withdrawal, store};
use crate::record::found;

/// Whether a place that the exit from `a` ended was changed since.
macro_rules! places_changed {
    () => {
        "exists (select from school_exit_place x join enrollment e on e.tenant_id = $1 and e.id = x.enrollment_id
            where x.tenant_id = $1 and x.association_id = a.id and e.version <> x.version_after)"
    };
}

/// Whether a place that the exit from `a` ended would share days with one that was given since.
macro_rules! places_clash {
    () => {
        "exists (select from school_exit_place x join enrollment e on e.tenant_id = $1 and e.id = x.enrollment_id
            join enrollment other on other.tenant_id = $1 and other.person_id = e.person_id and other.class_id = e.class_id
                and other.role = e.role and other.status = 'active' and other.id <> e.id
                and (other.end_date is null or e.begin_date is null or other.end_date > e.begin_date)
                and (x.end_date_before is null or other.begin_date is null or other.begin_date < x.end_date_before)
            where x.tenant_id = $1 and x.association_id = a.id)"
    };
}

/// Whether the student of `a` is at that school at another time that would share days with it, besides what `$besides` says.
macro_rules! times_clash {
    ($besides:literal) => {
        concat!(
            "exists (select from student_school_association other where other.tenant_id = $1
                and other.student_id = a.student_id and other.school_id = a.school_id and other.status = 'active'
                and other.id <> a.id and (other.exit_withdraw_date is null or other.exit_withdraw_date > a.entry_date)",
            $besides,
            ")"
        )
    };
}

/// Places that are about to be ended with the exit from `a`, which has its day already.
macro_rules! note_places {
    ($from:literal, $where:literal) => {
        concat!(
            "insert into school_exit_place (tenant_id, association_id, enrollment_id, end_date_before, version_after)
            select $1, a.id, e.id, e.end_date, e.version + 1 from ",
            $from,
            " join enrollment e on e.tenant_id = $1 and e.person_id = a.student_id and e.school_id = a.school_id
                and e.role = 'student' and e.status = 'active'
                and (e.end_date is null or e.end_date > a.exit_withdraw_date)
            where ",
            $where
        )
    };
}

pub(crate) use {note_places, places_changed, places_clash, times_clash};

statements! {
    /// The end: `$3` now, `$4` who, `$5` the day, `$6` how, `$7` why.
    END = "update student_school_association set exit_withdraw_date = $5, exit_withdraw_type = $6,
            exit_withdraw_reason = $7, exit_version = version + 1, version = version + 1, date_last_modified = $3,
            updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// What an earlier exit had kept is of no use. `$2` many.
    FORGET = "delete from school_exit_place where tenant_id = $1 and association_id = any($2::uuid[])";
    /// Places that are about to end.
    NOTE_PLACES = note_places!("student_school_association a", "a.tenant_id = $1 and a.id = $2");
    /// They end, or are marked as deleted where they had not begun. `$2` many, `$3` now, `$4` who.
    END_PLACES = "update enrollment e set version = e.version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4,
            status = case when e.begin_date >= a.exit_withdraw_date then 'tobedeleted' else 'active' end,
            end_date = case when e.begin_date >= a.exit_withdraw_date then e.end_date else a.exit_withdraw_date end
        from school_exit_place x
        join student_school_association a on a.tenant_id = $1 and a.id = x.association_id
        where x.tenant_id = $1 and x.association_id = any($2::uuid[])
        and e.tenant_id = $1 and e.id = x.enrollment_id and e.version = x.version_after - 1";
    /// What stands against taking an exit back.
    AGAINST = concat!("select coalesce(a.version = a.exit_version, false) as as_it_was, ",
        places_changed!(), " or ", places_clash!(), " as places_changed, ", times_clash!(""), " as times_clash
        from student_school_association a where a.tenant_id = $1 and a.id = $2");
    /// There again. `$2` many, `$3` now, `$4` who.
    REOPEN = "update student_school_association set exit_withdraw_date = null, exit_withdraw_type = null,
            exit_withdraw_reason = null, exit_version = null, version = version + 1, date_last_modified = $3,
            updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = any($2::uuid[])";
    /// And in the same classes. `$2` many, `$3` now, `$4` who.
    REOPEN_PLACES = "update enrollment e set version = e.version + 1, date_last_modified = $3, updated_at = $3,
            updated_by = $4, status = 'active', end_date = x.end_date_before
        from school_exit_place x where x.tenant_id = $1 and x.association_id = any($2::uuid[])
        and e.tenant_id = $1 and e.id = x.enrollment_id";
}

/// One whose student is kept from getting others, and the student. `key` is of the request that is about to change it.
pub(super) async fn lock(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: StudentSchoolAssociationId,
) -> Result<(StudentSchoolAssociation, Vec<Row>)> {
    let mut rows =
        IdempotencyKey::query_all(key, tx, &[(&store::LOCK_STUDENT_OF, &[&id]), (&store::GET, &[&id])]).await?;
    Ok((store::association(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// Ends it, and all places in classes there.
pub(super) async fn end(
    tx: &mut TenantTx,
    id: StudentSchoolAssociationId,
    with: &Withdrawal,
    (now, by): (Timestamp, &str),
) -> Result<()> {
    let (many, how) = (vec![id], with.exit_withdraw_type.as_str());
    let Withdrawal { exit_withdraw_date: on, exit_withdraw_reason: why, .. } = with;
    tx.query_all(&[
        (&FORGET, &[&many]),
        (&END, &[&id, &now, &by, on, &how, why]),
        (&NOTE_PLACES, &[&id]),
        (&END_PLACES, &[&many, &now, &by]),
    ])
    .await
    .map(drop)
}

/// What stands against taking an exit back.
pub(super) struct Against {
    /// The association is as the exit left it.
    pub(super) as_it_was: bool,
    /// A place that it ended was changed since, or there is another one instead.
    pub(super) places_changed: bool,
    /// The student is there at another time that would share days with it.
    pub(super) times_clash: bool,
}

pub(super) async fn against(tx: &mut TenantTx, id: StudentSchoolAssociationId) -> Result<Against> {
    let rows = tx.query(&AGAINST, &[&id]).await?;
    let row = found(&rows)?;
    Ok(Against {
        as_it_was: row.get("as_it_was"),
        places_changed: row.get("places_changed"),
        times_clash: row.get("times_clash"),
    })
}

/// Takes exits back.
pub(crate) async fn reopen(
    tx: &mut TenantTx,
    ids: &[StudentSchoolAssociationId],
    (now, by): (Timestamp, &str),
) -> Result<()> {
    let ids = ids.to_vec();
    tx.query_all(&[(&REOPEN, &[&ids, &now, &by]), (&REOPEN_PLACES, &[&ids, &now, &by]), (&FORGET, &[&ids])])
        .await
        .map(drop)
}
