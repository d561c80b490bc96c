//! SQL that the tables of health records share: they differ in their names and in what they hold in clear.
//!
//! Parameters of an insert: `$2` id, `$3` time, `$4` source, `$5` actor, `$6` student, `$7` what is sealed, columns in clear from
//! `$8`. Of an update: `$2` id, `$3` status, `$4` time, `$5` actor, `$6` what is sealed, columns in clear from `$7`. Of a list:
//! `$2` status, `$3` and `$4` the position, `$5` how many, `$6` and `$7` the days, `$8` the student, then who reads.

use cloister_http::IdempotencyKey;
use cloister_ids::{Id, PersonId};
use cloister_tenancy::{
    Action, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql},
};
use jiff::civil::Date;

use super::{HealthFields, Kept, listing::HealthSort, sealed};
use crate::{
    access_log_entry::{self, Seen},
    listing::Span,
    presence_store::{self, check_present},
    record::{Record, found},
    scope::{Sight, Within},
};

/// A table of health records, and its statements.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) get: &'static Statement,
    pub(crate) get_within: &'static Statement,
    pub(crate) student_of: &'static Statement,
    pub(crate) lock: &'static Statement,
    pub(crate) insert: &'static Statement,
    pub(crate) update: &'static Statement,
    pub(crate) delete: &'static Statement,
    pub(crate) by_date: Lists,
    pub(crate) by_change: Lists,
}

/// The lists of one order, in both directions: all, those of a student, those within scopes.
type Lists = [[&'static Statement; 2]; 3];

/// One record.
macro_rules! health_get {
    ($table:literal, $clear:literal) => {
        concat!(
            "select id, status, date_last_modified, source, version, created_at, created_by, updated_at, updated_by,
                student_id, sealed, ",
            $clear,
            " from ",
            $table,
            " where tenant_id = $1"
        )
    };
}

/// A page of records behind a position.
macro_rules! health_page {
    ($table:literal, $clear:literal, $date:literal, $which:expr, $key:tt, $beyond:literal, $direction:literal) => {
        concat!(
            $crate::health::health_get!($table, $clear),
            " and ($2::text is null or status = $2) and (",
            $key,
            ", id) ",
            $beyond,
            " ($3, $4) and ($6::date is null or ",
            $date,
            " >= $6) and ($7::date is null or ",
            $date,
            " < $7)",
            $which,
            " order by ",
            $key,
            $direction,
            ", id",
            $direction,
            " limit $5"
        )
    };
}

/// The same of somebody within scopes.
macro_rules! health_page_within {
    ($table:literal, $clear:literal, $date:literal, $key:tt, $beyond:literal, $direction:literal) => {
        $crate::health::health_page!(
            $table,
            $clear,
            $date,
            concat!(
                " and ($8::uuid is null or student_id = $8)",
                $crate::scope_store::of_persons_within!(
                    $table,
                    "student_id",
                    $crate::scope_store::students_within!("$9", "$10", "$11")
                )
            ),
            $key,
            $beyond,
            $direction
        )
    };
}

/// The statements of a table, and the table. `clear` are its columns in clear, of which `date` is the day it is about; `values`
/// their parameters in an insert, `sets` in an update.
macro_rules! health_table {
    ($table:literal, $date:literal, $clear:literal, $values:literal, $sets:literal) => {
        cloister_tenancy::sql::statements! {
            /// One.
            GET = concat!($crate::health::health_get!($table, $clear), " and id = $2");
            /// One of somebody within scopes.
            GET_WITHIN = concat!(
                $crate::health::health_get!($table, $clear),
                " and id = $2",
                $crate::scope_store::of_persons_within!(
                    $table,
                    "student_id",
                    $crate::scope_store::students_within!("$3", "$4", "$5")
                )
            );
            /// Whose one is.
            STUDENT_OF = $crate::presence_store::present_of!($table, "student_id");
            /// One, to be changed.
            LOCK = concat!($crate::health::health_get!($table, $clear), " and id = $2 for no key update");
            /// A new one.
            INSERT = concat!(
                "insert into ", $table, " (tenant_id, id, status, date_last_modified, source, version, created_at, created_by,
                    updated_at, updated_by, student_id, sealed, ", $clear, ")
                values ($1, $2, 'active', $3, $4, 1, $3, $5, $3, $5, $6, $7, ", $values, ")"
            );
            /// New values.
            UPDATE = concat!(
                "update ", $table, " set status = $3, date_last_modified = $4, updated_at = $4, updated_by = $5,
                    version = version + 1, sealed = $6, ", $sets, " where tenant_id = $1 and id = $2"
            );
            /// Marked as deleted.
            DELETE = $crate::store::delete!($table, "id = $2");
            /// All by day.
            ALL_BY_DATE = $crate::health::health_page!($table, $clear, $date, "", $date, ">", "");
            /// All by day, from the last.
            ALL_BY_DATE_DESC = $crate::health::health_page!($table, $clear, $date, "", $date, "<", " desc");
            /// Those of a student by day.
            STUDENT_BY_DATE =
                $crate::health::health_page!($table, $clear, $date, " and student_id = $8", $date, ">", "");
            /// Those of a student by day, from the last.
            STUDENT_BY_DATE_DESC =
                $crate::health::health_page!($table, $clear, $date, " and student_id = $8", $date, "<", " desc");
            /// Those within scopes by day.
            WITHIN_BY_DATE = $crate::health::health_page_within!($table, $clear, $date, $date, ">", "");
            /// Those within scopes by day, from the last.
            WITHIN_BY_DATE_DESC = $crate::health::health_page_within!($table, $clear, $date, $date, "<", " desc");
            /// All by last change.
            ALL_BY_CHANGE = $crate::health::health_page!($table, $clear, $date, "", "date_last_modified", ">", "");
            /// All by last change, newest first.
            ALL_BY_CHANGE_DESC =
                $crate::health::health_page!($table, $clear, $date, "", "date_last_modified", "<", " desc");
            /// Those of a student by last change.
            STUDENT_BY_CHANGE = $crate::health::health_page!(
                $table, $clear, $date, " and student_id = $8", "date_last_modified", ">", "");
            /// Those of a student by last change, newest first.
            STUDENT_BY_CHANGE_DESC = $crate::health::health_page!(
                $table, $clear, $date, " and student_id = $8", "date_last_modified", "<", " desc");
            /// Those within scopes by last change.
            WITHIN_BY_CHANGE =
                $crate::health::health_page_within!($table, $clear, $date, "date_last_modified", ">", "");
            /// Those within scopes by last change, newest first.
            WITHIN_BY_CHANGE_DESC =
                $crate::health::health_page_within!($table, $clear, $date, "date_last_modified", "<", " desc");
        }

        pub(super) static TABLE: $crate::health::Table = $crate::health::Table {
            name: $table,
            get: &GET,
            get_within: &GET_WITHIN,
            student_of: &STUDENT_OF,
            lock: &LOCK,
            insert: &INSERT,
            update: &UPDATE,
            delete: &DELETE,
            by_date: [
                [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
                [&STUDENT_BY_DATE, &STUDENT_BY_DATE_DESC],
                [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC],
            ],
            by_change: [
                [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
                [&STUDENT_BY_CHANGE, &STUDENT_BY_CHANGE_DESC],
                [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
            ],
        };
    };
}

pub(crate) use {health_get, health_page, health_page_within, health_table};

fn kept<F: HealthFields>(cx: &OpContext, row: &Row) -> Result<Kept<F>> {
    let id: Id<F::Kind> = row.get("id");
    Ok(Kept { id, fields: sealed::open(cx, id, row)?, record: Record::from_row(row)? })
}

pub(super) async fn get<F: HealthFields>(tx: &mut TenantTx, sight: &Sight, id: Id<F::Kind>) -> Result<Kept<F>> {
    let rows = match sight {
        Sight::All => tx.query(F::table().get, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tx.query(F::table().get_within, &[&id, account, on, scopes]).await?
        }
    };
    kept(tx.cx(), found(&rows)?)
}

/// Whether there is such a record within sight. It is not opened.
pub(super) async fn exists<F: HealthFields>(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: Id<F::Kind>,
) -> Result<()> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, F::table().get, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, F::table().get_within, &[&id, account, on, scopes]).await?
        }
    };
    found(&rows).map(drop)
}

/// One that is kept from changing, and whose it is, who is kept from leaving.
pub(super) async fn lock<F: HealthFields>(tx: &mut TenantTx, id: Id<F::Kind>) -> Result<(Kept<F>, Vec<Row>)> {
    let mut rows = tx.query_all(&[(F::table().student_of, &[&id]), (F::table().lock, &[&id])]).await?;
    Ok((kept(tx.cx(), found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The record, and that its maker saw it.
pub(super) async fn insert<F: HealthFields>(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    new: &Kept<F>,
) -> Result<()> {
    let Kept { id, fields, record } = new;
    let (source, sealed, student) = (record.source.word(), sealed::seal(tx.cx(), *id, fields)?, fields.student());
    let mut values: Vec<&(dyn ToSql + Sync)> =
        vec![id, &record.created_at, &source, &record.created_by, &student, &sealed];
    values.extend(fields.clear().into_iter().map(|(_, value)| value));
    let seen = Seen::of(tx.cx(), Action::Create, &F::RESOURCE, [(id.to_string(), student)]);
    let persons = vec![student];
    let steps: [(&'static Statement, &Parameters<'_>); 3] = [
        (&presence_store::PRESENT, &[&persons]),
        (F::table().insert, &values),
        (&access_log_entry::NOTE, &seen.parameters()),
    ];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], student, "student_id")
}

/// The change, that its maker saw it, and the commit, in one round trip.
pub(super) async fn update<F: HealthFields>(tx: TenantTx, changed: &Kept<F>) -> Result<()> {
    let Kept { id, fields, record } = changed;
    let (status, sealed) = (fields.status().word(), sealed::seal(tx.cx(), *id, fields)?);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![id, &status, &record.updated_at, &record.updated_by, &sealed];
    values.extend(fields.clear().into_iter().map(|(_, value)| value));
    let seen = Seen::of(tx.cx(), Action::Update, &F::RESOURCE, [(id.to_string(), fields.student())]);
    tx.commit_with(&[(F::table().update, &values), (&access_log_entry::NOTE, &seen.parameters())]).await.map(drop)
}

pub(super) async fn delete<F: HealthFields>(tx: TenantTx, id: Id<F::Kind>) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(F::table().delete, &[&id, &now, &by])]).await.map(drop)
}

/// Which records.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) sort: HealthSort,
    pub(super) student_id: Option<PersonId>,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
}

pub(super) async fn list<F: HealthFields>(
    tx: &mut TenantTx,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Kept<F>>> {
    let Selection { span, sort, student_id, from, until } = selection;
    let [all, of_student, of_scopes] = match sort {
        HealthSort::Date => F::table().by_date,
        HealthSort::DateLastModified => F::table().by_change,
    };
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, from, until];
    let statements = match (sight, student_id) {
        (Sight::Within(Within { account, on, scopes, .. }), student) => {
            parameters.extend([student as &(dyn ToSql + Sync), account, on, scopes]);
            of_scopes
        }
        (Sight::All, Some(student)) => {
            parameters.push(student);
            of_student
        }
        (Sight::All, None) => all,
    };
    let rows = tx.query(span.pick(statements), &parameters).await?;
    rows.iter().map(|row| kept(tx.cx(), row)).collect()
}
