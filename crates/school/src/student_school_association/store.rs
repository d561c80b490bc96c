//! All SQL about student school associations, but for exits.
//!
//! That no two of a student at one school share a day is checked under a lock on the person's row, taken by a statement of its
//! own before the one that looks: so the second of two racing writers sees what the first has written.

use cloister_http::IdempotencyKey;
use cloister_ids::{OrgId, PersonId, StudentSchoolAssociationId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{StudentSchoolAssociation, StudentSchoolAssociationFields};
use crate::{
    date_span::DateSpan,
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{acting, many_within, one_within, persons_taught, reader},
    store::delete,
    unnamed_store::{get, head, page, update},
    vocabulary::{EntryType, ExitWithdrawType},
};

macro_rules! fields {
    () => {
        "student_id, school_id, entry_date, entry_grade_level, entry_type, exit_withdraw_date, exit_withdraw_type,
         exit_withdraw_reason, primary_school, repeat_grade_indicator, next_year_school_id, next_year_grade_level"
    };
}

/// Of each within the scopes: `id`. Oneself and own children whenever it was; students taught as far as they are there on the
/// day: how they came to leave before is nothing that a teacher needs.
macro_rules! within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select s.id from person me join student_school_association s on s.tenant_id = $1 and s.student_id = me.id
                where ",
            reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])
            union all select s.id",
            acting!(
                $account,
                $on,
                $scopes,
                " join student_school_association s on s.tenant_id = $1 and s.student_id = a.student_id"
            ),
            " union all select s.id from (",
            persons_taught!($account, $on, $scopes),
            ") taught join student_school_association s on s.tenant_id = $1 and s.student_id = taught.id
                and s.entry_date <= ",
            $on,
            "::date and (s.exit_withdraw_date is null or s.exit_withdraw_date > ",
            $on,
            "::date)"
        )
    };
}

/// `$6` the grade, `$7` a day, `$8` how it ended, `$9` the school, `$10` the student.
macro_rules! list {
    ($which:expr, $key:tt $direction:ident) => {
        page!(
            "student_school_association",
            fields!(),
            concat!(
                " and ($7::date is null or (entry_date <= $7 and (exit_withdraw_date is null or exit_withdraw_date > $7)))
                  and ($8::text is null or exit_withdraw_type = $8)",
                $which
            ),
            $key $direction
        )
    };
}

macro_rules! list_all {
    ($key:tt $direction:ident) => {
        list!(" and $6::text is null and $9::uuid is null and $10::uuid is null", $key $direction)
    };
}

macro_rules! list_of_grade {
    ($key:tt $direction:ident) => {
        list!(" and entry_grade_level = $6 and $9::uuid is null and $10::uuid is null", $key $direction)
    };
}

macro_rules! list_of_school {
    ($key:tt $direction:ident) => {
        list!(
            " and ($6::text is null or entry_grade_level = $6) and school_id = $9 and $10::uuid is null",
            $key $direction
        )
    };
}

macro_rules! list_of_student {
    ($key:tt $direction:ident) => {
        list!(
            " and ($6::text is null or entry_grade_level = $6) and ($9::uuid is null or school_id = $9) and student_id = $10",
            $key $direction
        )
    };
}

macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            concat!(
                " and ($6::text is null or entry_grade_level = $6) and ($9::uuid is null or school_id = $9)
                  and ($10::uuid is null or student_id = $10)",
                many_within!(within!("$11", "$12", "$13"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("student_school_association", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("student_school_association", fields!()), one_within!(within!("$3", "$4", "$5")));
    /// Keeps others from writing times of the student of an association.
    LOCK_STUDENT_OF = present_of!("student_school_association", "student_id", "no key update");
    /// The other times that count, of the same student at the same school.
    OTHERS = "select other.entry_date, other.exit_withdraw_date from student_school_association one
        join student_school_association other on other.tenant_id = $1 and other.student_id = one.student_id
            and other.school_id = one.school_id and other.id <> one.id and other.status = 'active'
        where one.tenant_id = $1 and one.id = $2";
    /// A new one, if it overlaps no other.
    INSERT = concat!("insert into student_school_association (tenant_id, id, ", head!(), ", ", fields!(), ")
        select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, $7::uuid, $8::uuid, $9::date, $10::text, $11::text,
            $12::date, $13::text, $14::text, $15::boolean, $16::boolean, $17::uuid, $18::text
        where not exists (select from student_school_association s
            where s.tenant_id = $1 and s.student_id = $7 and s.school_id = $8 and s.status = 'active'
            and ($12::date is null or s.entry_date < $12)
            and (s.exit_withdraw_date is null or $9::date < s.exit_withdraw_date))
        returning id");
    /// New values.
    UPDATE = update!(
        "student_school_association",
        "entry_date = $7, entry_grade_level = $8, entry_type = $9, exit_withdraw_date = $10, exit_withdraw_type = $11,
         exit_withdraw_reason = $12, primary_school = $13, repeat_grade_indicator = $14, next_year_school_id = $15,
         next_year_grade_level = $16"
    );
    /// Marked as deleted.
    DELETE = delete!("student_school_association", "id = $2");
    /// All by first day.
    ALL_BY_ENTRY = list_all!("entry_date" asc);
    /// All by first day, from the last.
    ALL_BY_ENTRY_DESC = list_all!("entry_date" desc);
    /// All by last change.
    ALL_BY_CHANGE = list_all!("date_last_modified" asc);
    /// All by last change, newest first.
    ALL_BY_CHANGE_DESC = list_all!("date_last_modified" desc);
    /// Those of a grade by first day.
    GRADE_BY_ENTRY = list_of_grade!("entry_date" asc);
    /// Those of a grade by first day, from the last.
    GRADE_BY_ENTRY_DESC = list_of_grade!("entry_date" desc);
    /// Those of a grade by last change.
    GRADE_BY_CHANGE = list_of_grade!("date_last_modified" asc);
    /// Those of a grade by last change, newest first.
    GRADE_BY_CHANGE_DESC = list_of_grade!("date_last_modified" desc);
    /// Those at a school by first day.
    SCHOOL_BY_ENTRY = list_of_school!("entry_date" asc);
    /// Those at a school by first day, from the last.
    SCHOOL_BY_ENTRY_DESC = list_of_school!("entry_date" desc);
    /// Those at a school by last change.
    SCHOOL_BY_CHANGE = list_of_school!("date_last_modified" asc);
    /// Those at a school by last change, newest first.
    SCHOOL_BY_CHANGE_DESC = list_of_school!("date_last_modified" desc);
    /// Those of a student by first day.
    STUDENT_BY_ENTRY = list_of_student!("entry_date" asc);
    /// Those of a student by first day, from the last.
    STUDENT_BY_ENTRY_DESC = list_of_student!("entry_date" desc);
    /// Those of a student by last change.
    STUDENT_BY_CHANGE = list_of_student!("date_last_modified" asc);
    /// Those of a student by last change, newest first.
    STUDENT_BY_CHANGE_DESC = list_of_student!("date_last_modified" desc);
    /// Those within scopes by first day.
    WITHIN_BY_ENTRY = list_within!("entry_date" asc);
    /// Those within scopes by first day, from the last.
    WITHIN_BY_ENTRY_DESC = list_within!("entry_date" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

pub(super) fn association(row: &Row) -> Result<StudentSchoolAssociation> {
    Ok(StudentSchoolAssociation {
        id: row.get("id"),
        fields: StudentSchoolAssociationFields {
            status: status(row)?,
            student_id: row.get("student_id"),
            school_id: row.get("school_id"),
            entry_date: row.get("entry_date"),
            entry_grade_level: row.get("entry_grade_level"),
            entry_type: row.get::<_, Option<String>>("entry_type").map(EntryType::from_column),
            exit_withdraw_date: row.get("exit_withdraw_date"),
            exit_withdraw_type: row.get::<_, Option<String>>("exit_withdraw_type").map(ExitWithdrawType::from_column),
            exit_withdraw_reason: row.get("exit_withdraw_reason"),
            primary_school: row.get("primary_school"),
            repeat_grade_indicator: row.get("repeat_grade_indicator"),
            next_year_school_id: row.get("next_year_school_id"),
            next_year_grade_level: row.get("next_year_grade_level"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: StudentSchoolAssociationId,
) -> Result<StudentSchoolAssociation> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    association(found(&rows)?)
}

/// False when it overlaps another.
pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    new: &StudentSchoolAssociation,
) -> Result<bool> {
    let StudentSchoolAssociation { id, fields, record } = new;
    let source = record.source.word();
    let (entry_type, exit_type) = words(fields);
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.student_id,
        &fields.school_id,
        &fields.entry_date,
        &fields.entry_grade_level,
        &entry_type,
        &fields.exit_withdraw_date,
        &exit_type,
        &fields.exit_withdraw_reason,
        &fields.primary_school,
        &fields.repeat_grade_indicator,
        &fields.next_year_school_id,
        &fields.next_year_grade_level,
    ];
    let persons = vec![fields.student_id];
    let steps: [(&'static Statement, &Parameters<'_>); 2] = [(&presence_store::HELD, &[&persons]), (&INSERT, values)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.student_id, "student_id")?;
    Ok(!rows[1].is_empty())
}

/// A word as a parameter.
type Word<'a> = Option<&'a std::borrow::Cow<'static, str>>;

fn words(fields: &StudentSchoolAssociationFields) -> (Word<'_>, Word<'_>) {
    let exit = fields.exit_withdraw_type.as_ref().map(ExitWithdrawType::column);
    (fields.entry_type.as_ref().map(EntryType::column), exit)
}

/// One whose student is kept from getting others, the other times of that student at this school, and the student.
pub(super) async fn lock(
    tx: &mut TenantTx,
    id: StudentSchoolAssociationId,
) -> Result<(StudentSchoolAssociation, Vec<DateSpan>, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&LOCK_STUDENT_OF, &[&id]), (&GET, &[&id]), (&OTHERS, &[&id])]).await?;
    let span = |row: &Row| (row.get("entry_date"), row.get("exit_withdraw_date"));
    let (one, others) = (association(found(&rows[1])?)?, rows[2].iter().map(span).collect());
    Ok((one, others, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &StudentSchoolAssociation) -> Result<()> {
    let StudentSchoolAssociation { id, fields, record } = changed;
    let status = fields.status.word();
    let (entry_type, exit_type) = words(fields);
    let parameters: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.entry_date,
        &fields.entry_grade_level,
        &entry_type,
        &fields.exit_withdraw_date,
        &exit_type,
        &fields.exit_withdraw_reason,
        &fields.primary_school,
        &fields.repeat_grade_indicator,
        &fields.next_year_school_id,
        &fields.next_year_grade_level,
    ];
    tx.commit_with(&[(&UPDATE, parameters)]).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: StudentSchoolAssociationId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which associations.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) student_id: Option<PersonId>,
    pub(super) school_id: Option<OrgId>,
    pub(super) grade_level: Option<String>,
    pub(super) exit_type: Option<ExitWithdrawType>,
    pub(super) on: Option<Date>,
}

/// The statements of one order, in both directions: all, those of a grade, at a school, of a student, within scopes.
type Statements = [[&'static Statement; 2]; 5];

pub(super) async fn list_by_entry(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StudentSchoolAssociation>> {
    let statements = [
        [&ALL_BY_ENTRY, &ALL_BY_ENTRY_DESC],
        [&GRADE_BY_ENTRY, &GRADE_BY_ENTRY_DESC],
        [&SCHOOL_BY_ENTRY, &SCHOOL_BY_ENTRY_DESC],
        [&STUDENT_BY_ENTRY, &STUDENT_BY_ENTRY_DESC],
        [&WITHIN_BY_ENTRY, &WITHIN_BY_ENTRY_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StudentSchoolAssociation>> {
    let statements = [
        [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
        [&GRADE_BY_CHANGE, &GRADE_BY_CHANGE_DESC],
        [&SCHOOL_BY_CHANGE, &SCHOOL_BY_CHANGE_DESC],
        [&STUDENT_BY_CHANGE, &STUDENT_BY_CHANGE_DESC],
        [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_grade, of_school, of_student, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StudentSchoolAssociation>> {
    let Selection { span, student_id, school_id, grade_level, exit_type, on } = selection;
    let exit_type = exit_type.as_ref().map(ExitWithdrawType::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, grade_level, on, &exit_type, school_id, student_id];
    let statements = match sight {
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            of_scopes
        }
        Sight::All if student_id.is_some() => of_student,
        Sight::All if school_id.is_some() => of_school,
        Sight::All if grade_level.is_some() => of_grade,
        Sight::All => all,
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(association).collect()
}
