//! All SQL about academic records.

use cloister_http::IdempotencyKey;
use cloister_ids::{AcademicRecordId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{AcademicRecord, AcademicRecordFields, number, thousandths};
use crate::{
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{of_persons_within, persons_within},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::AcademicResult,
};

macro_rules! fields {
    () => {
        "student_id, school_name, org_id, school_year, grade_level, begin_date, end_date, result, credits_earned,
         grade_point_average, notes"
    };
}

macro_rules! list {
    ($scope:expr, $key:tt $direction:ident) => {
        page!(
            "academic_record",
            fields!(),
            concat!(
                " and ($6::integer is null or school_year = $6) and ($7::text is null or result = $7)",
                $scope
            ),
            $key $direction
        )
    };
}

/// The same within scopes. `$8` the student.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            concat!(
                " and ($8::uuid is null or student_id = $8)",
                of_persons_within!("academic_record", "student_id", persons_within!("$9", "$10", "$11"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("academic_record", fields!());
    /// One of somebody within scopes.
    GET_WITHIN = concat!(
        get!("academic_record", fields!()),
        of_persons_within!("academic_record", "student_id", persons_within!("$3", "$4", "$5"))
    );
    /// One, to be changed.
    LOCK = lock!("academic_record", fields!());
    /// Whom one is about.
    PERSON_OF = present_of!("academic_record", "student_id");
    /// A new one.
    INSERT = insert!("academic_record", fields!(), "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17");
    /// New values.
    UPDATE = update!(
        "academic_record",
        "school_name = $7, org_id = $8, school_year = $9, grade_level = $10, begin_date = $11, end_date = $12,
         result = $13, credits_earned = $14, grade_point_average = $15, notes = $16"
    );
    /// Marked as deleted.
    DELETE = delete!("academic_record", "id = $2");
    /// All by age.
    ALL_BY_AGE = list!("", "id" asc);
    /// All by age, from the newest.
    ALL_BY_AGE_DESC = list!("", "id" desc);
    /// All by last change.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// All by last change, newest first.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Those of a student by age.
    STUDENT_BY_AGE = list!(" and student_id = $8", "id" asc);
    /// Those of a student by age, from the newest.
    STUDENT_BY_AGE_DESC = list!(" and student_id = $8", "id" desc);
    /// Those of a student by last change.
    STUDENT_BY_CHANGE = list!(" and student_id = $8", "date_last_modified" asc);
    /// Those of a student by last change, newest first.
    STUDENT_BY_CHANGE_DESC = list!(" and student_id = $8", "date_last_modified" desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list_within!("id" asc);
    /// Those within scopes by age, from the newest.
    WITHIN_BY_AGE_DESC = list_within!("id" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

fn academic_record(row: &Row) -> Result<AcademicRecord> {
    Ok(AcademicRecord {
        id: row.get("id"),
        fields: AcademicRecordFields {
            status: status(row)?,
            student_id: row.get("student_id"),
            school_name: row.get("school_name"),
            org_id: row.get("org_id"),
            school_year: row.get("school_year"),
            grade_level: row.get("grade_level"),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            result: row.get::<_, Option<String>>("result").map(AcademicResult::from_column),
            credits_earned: row.get::<_, Option<i32>>("credits_earned").map(number),
            grade_point_average: row.get::<_, Option<i32>>("grade_point_average").map(number),
            notes: row.get("notes"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: AcademicRecordId,
) -> Result<AcademicRecord> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    academic_record(found(&rows)?)
}

/// Columns that are made of fields.
struct Made<'a> {
    result: Option<&'a std::borrow::Cow<'static, str>>,
    credits_earned: Option<i32>,
    grade_point_average: Option<i32>,
}

impl<'a> Made<'a> {
    fn of(fields: &'a AcademicRecordFields) -> Self {
        Self {
            result: fields.result.as_ref().map(AcademicResult::column),
            credits_earned: fields.credits_earned.map(thousandths),
            grade_point_average: fields.grade_point_average.map(thousandths),
        }
    }

    /// The columns that a change may write.
    fn parameters(&'a self, fields: &'a AcademicRecordFields) -> [&'a (dyn ToSql + Sync); 10] {
        [
            &fields.school_name,
            &fields.org_id,
            &fields.school_year,
            &fields.grade_level,
            &fields.begin_date,
            &fields.end_date,
            &self.result,
            &self.credits_earned,
            &self.grade_point_average,
            &fields.notes,
        ]
    }
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &AcademicRecord) -> Result<()> {
    let AcademicRecord { id, fields, record } = new;
    let (source, made) = (record.source.word(), Made::of(fields));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![id, &record.created_at, &source, fields.metadata.column(), &record.created_by, &fields.student_id];
    parameters.extend(made.parameters(fields));
    let student = vec![fields.student_id];
    let steps: [(&'static Statement, &Parameters<'_>); 2] =
        [(&presence_store::PRESENT, &[&student]), (&INSERT, &parameters)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.student_id, "student_id")
}

/// One that is kept from changing, and whom it is about, who is kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: AcademicRecordId) -> Result<(AcademicRecord, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&PERSON_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((academic_record(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &AcademicRecord) -> Result<()> {
    let AcademicRecord { id, fields, record } = changed;
    let (status, made) = (fields.status.word(), Made::of(fields));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![id, &status, &record.updated_at, &record.updated_by, fields.metadata.column()];
    parameters.extend(made.parameters(fields));
    tx.commit_with(&[(&UPDATE, &parameters)]).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: AcademicRecordId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which academic records.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) student_id: Option<PersonId>,
    pub(super) school_year: Option<i32>,
    pub(super) result: Option<AcademicResult>,
}

/// The statements of one order, in both directions: all, those of a student, those within scopes.
type Statements = [[&'static Statement; 2]; 3];

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<AcademicRecord>> {
    let statements = [
        [&ALL_BY_AGE, &ALL_BY_AGE_DESC],
        [&STUDENT_BY_AGE, &STUDENT_BY_AGE_DESC],
        [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<AcademicRecord>> {
    let statements = [
        [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
        [&STUDENT_BY_CHANGE, &STUDENT_BY_CHANGE_DESC],
        [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_student, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<AcademicRecord>> {
    let Selection { span, student_id, school_year, result } = selection;
    let result = result.as_ref().map(AcademicResult::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, school_year, &result];
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
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(academic_record).collect()
}
