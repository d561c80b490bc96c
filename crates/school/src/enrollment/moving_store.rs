//! All SQL about moves between classes that the store of enrollments does not have.

use cloister_http::IdempotencyKey;
use cloister_ids::{ClassId, EnrollmentId, OrgId};
use cloister_tenancy::{
    Result, TenantTx,
    sql::{Parameters, Row, statements},
};
use jiff::civil::Date;

use super::{Enrollment, store};
use crate::record::{Status, found, status};

statements! {
    /// The class that a place is in, `$2`, and the one that somebody is about to go to, `$3`, with its terms.
    TARGET = "select c.status, c.school_id, old.school_id as old_school_id, min(s.start_date) as begin_date,
            max(s.end_date) as end_date
        from class c
        join enrollment e on e.tenant_id = $1 and e.id = $2
        join class old on old.tenant_id = $1 and old.id = e.class_id
        left join class_term t on t.tenant_id = $1 and t.class_id = c.id
        left join academic_session s on s.tenant_id = $1 and s.id = t.academic_session_id
        where c.tenant_id = $1 and c.id = $3 group by c.status, c.school_id, old.school_id";
    /// The place ends: `$3` now, `$4` who, `$5` the day.
    END = "update enrollment set end_date = $5, version = version + 1, date_last_modified = $3, updated_at = $3,
            updated_by = $4
        where tenant_id = $1 and id = $2";
}

/// The class that somebody is about to go to.
pub(super) struct Target {
    pub(super) status: Status,
    pub(super) school_id: OrgId,
    /// The school of the class that they leave.
    pub(super) old_school_id: OrgId,
    /// From the begin of its first term to the end of its last.
    pub(super) span: (Option<Date>, Option<Date>),
}

/// A place whose person is kept from getting others, and the class that it is about to be exchanged for.
pub(super) async fn lock(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: EnrollmentId,
    to: ClassId,
) -> Result<(Enrollment, Option<Target>)> {
    let (this, both): (&Parameters<'_>, &Parameters<'_>) = (&[&id], &[&id, &to]);
    let statements = [(&store::LOCK_PERSON_OF, this), (&store::GET, this), (&TARGET, both)];
    let rows = IdempotencyKey::query_all(key, tx, &statements).await?;
    let target = |row: &Row| -> Result<Target> {
        Ok(Target {
            status: status(row)?,
            school_id: row.get("school_id"),
            old_school_id: row.get("old_school_id"),
            span: (row.get("begin_date"), row.get("end_date")),
        })
    };
    Ok((store::enrollment(found(&rows[1])?)?, rows[2].first().map(target).transpose()?))
}

/// Ends a place; what is known of it otherwise stays.
pub(super) async fn end(tx: &mut TenantTx, ended: &Enrollment) -> Result<()> {
    let Enrollment { id, fields, record } = ended;
    tx.query(&END, &[id, &record.updated_at, &record.updated_by, &fields.end_date]).await.map(drop)
}
