//! All SQL of the access log.

use cloister_ids::{AccountId, PersonId, Uuid, ids_from};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::{SignedDuration, Timestamp};

use super::AccessLogEntry;
use crate::listing::Span;

/// A page behind `$2`, `$3` many: `$4` the resource, `$5` and `$6` the time, and `$9` and `$10` the ids of this time, for the index.
macro_rules! list {
    ($which:expr, $beyond:literal, $direction:literal) => {
        concat!(
            "select id, at, actor, account_id, action, resource, resource_id, student_id, request_id
             from access_log_entry where tenant_id = $1 and id ",
            $beyond,
            " $2 and ($4::text is null or resource = $4) and ($5::timestamptz is null or at >= $5)
                and ($6::timestamptz is null or at < $6) and id >= $9 and id <= $10",
            $which,
            " order by id",
            $direction,
            " limit $3"
        )
    };
}

/// A person, and all whose records became part of theirs, by as many merges as there were.
macro_rules! records_of {
    ($person:literal) => {
        concat!(
            "with recursive record (id) as (select ",
            $person,
            "::uuid union select m.merged_id from record r join person_merge m on m.tenant_id = $1 and m.kept_id = r.id
                and m.status = 'active') select id from record"
        )
    };
}

statements! {
    /// That records are shown: `$2` the ids of the entries, `$8` those of the records, `$9` whose they are.
    NOTE = "insert into access_log_entry (tenant_id, id, at, actor, account_id, action, resource, resource_id,
            student_id, request_id)
        select $1, n.id, $3::timestamptz, $4::text, $5::uuid, $6::text, $7::text, n.record, n.student, $10::uuid
        from unnest($2::uuid[], $8::text[], $9::uuid[]) n (id, record, student)";
    /// All.
    ALL = list!(" and $7::uuid is null and $8::uuid is null", ">", "");
    /// All, from the newest.
    ALL_DESC = list!(" and $7::uuid is null and $8::uuid is null", "<", " desc");
    /// Of what is about a student, or was about a record that became part of the student's.
    STUDENT = list!(concat!(" and ($7::uuid is null or account_id = $7) and student_id = any(array(", records_of!("$8"), "))"), ">", "");
    /// The same from the newest.
    STUDENT_DESC = list!(concat!(" and ($7::uuid is null or account_id = $7) and student_id = any(array(", records_of!("$8"), "))"), "<", " desc");
    /// Of what somebody saw.
    READER = list!(" and account_id = $7 and $8::uuid is null", ">", "");
    /// The same from the newest.
    READER_DESC = list!(" and account_id = $7 and $8::uuid is null", "<", " desc");
}

/// Which entries.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) resource: Option<String>,
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) account_id: Option<AccountId>,
    pub(super) student_id: Option<PersonId>,
}

fn entry(row: &Row) -> AccessLogEntry {
    AccessLogEntry {
        id: row.get("id"),
        at: row.get("at"),
        actor: row.get("actor"),
        account_id: row.get("account_id"),
        action: row.get("action"),
        resource: row.get("resource"),
        resource_id: row.get("resource_id"),
        student_id: row.get("student_id"),
        request_id: row.get("request_id"),
    }
}

pub(super) async fn list(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<AccessLogEntry>> {
    let Selection { span, resource, from, until, account_id, student_id } = selection;
    // An id is made a moment before or after the time of its entry is read.
    let moment = SignedDuration::from_secs(1);
    let (first, last) = (
        from.map_or_else(Uuid::nil, |from| ids_from(from.saturating_sub(moment).unwrap_or(from))),
        until.map_or_else(Uuid::max, |until| ids_from(until.saturating_add(moment).unwrap_or(until))),
    );
    let parameters: [&(dyn ToSql + Sync); 9] =
        [span.key(), &span.limit, resource, from, until, account_id, student_id, &first, &last];
    let statements: [&'static Statement; 2] = match (account_id, student_id) {
        (_, Some(_)) => [&STUDENT, &STUDENT_DESC],
        (Some(_), None) => [&READER, &READER_DESC],
        (None, None) => [&ALL, &ALL_DESC],
    };
    let rows = tenancy.fetch(cx, span.pick(statements), &parameters).await?;
    Ok(rows.iter().map(entry).collect())
}
