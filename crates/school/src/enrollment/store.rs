//! All SQL about enrollments.
//!
//! That no two places of a person with one role in one class overlap is checked under a lock on the person's row, taken by
//! a statement of its own before the one that looks: so the second of two racing writers sees what the first has written.

use cloister_http::IdempotencyKey;
use cloister_ids::{ClassId, EnrollmentId, OrgId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{Enrollment, EnrollmentFields};
use crate::{
    date_span::DateSpan,
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, Status, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, places_within},
    store::{by_sourced_id, delete, get, head, page, update},
    vocabulary::EnrollmentRole,
};

macro_rules! fields {
    () => {
        "class_id, school_id, person_id, role, is_primary, begin_date, end_date"
    };
}

macro_rules! list {
    ($scope:expr, $key:tt $direction:ident) => {
        page!(
            "enrollment",
            fields!(),
            concat!(
                " and ($6::text is null or role = $6) and ($7::uuid is null or school_id = $7)
                  and ($8::date is null or ((begin_date is null or begin_date <= $8)
                    and (end_date is null or end_date > $8)))
                  and ($9::uuid is null or person_id = $9)",
                $scope
            ),
            $key $direction
        )
    };
}

/// The same within scopes, of which there are few: they are found first, and then sorted. `$10` the class.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            concat!(
                " and ($10::uuid is null or class_id = $10)",
                many_within!(places_within!("$11", "$12", "$13"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("enrollment", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("enrollment", fields!()), one_within!(places_within!("$3", "$4", "$5")));
    /// One by its name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("enrollment", fields!());
    /// One by its name in the system that feeds it, within scopes.
    BY_SOURCED_ID_WITHIN = concat!(
        by_sourced_id!("enrollment", fields!()),
        many_within!(places_within!("$3", "$4", "$5"))
    );
    /// Keeps others from writing places of the person of an enrollment.
    LOCK_PERSON_OF = present_of!("enrollment", "person_id", "no key update");
    /// Whether a class is there.
    CLASS = "select id, status from class where tenant_id = $1 and id = $2";
    /// The other places that count, of the same person in the same class.
    OTHERS = "select other.role, other.begin_date, other.end_date from enrollment one
        join enrollment other on other.tenant_id = $1 and other.person_id = one.person_id
            and other.class_id = one.class_id and other.id <> one.id and other.status = 'active'
        where one.tenant_id = $1 and one.id = $2";
    /// A new one, in the school of its class unless another is given, if it overlaps no other.
    INSERT = concat!("insert into enrollment (tenant_id, id, ", head!(), ", ", fields!(), ")
        select $1, $2, $3, 'active', $4, $5, $6, 1, $4, $7, $4, $7,
            c.id, coalesce($9::uuid, c.school_id), $10::uuid, $11::text, $12::boolean, $13::date, $14::date
        from class c where c.tenant_id = $1 and c.id = $8 and not exists (
            select from enrollment e
            where e.tenant_id = $1 and e.person_id = $10 and e.class_id = $8 and e.role = $11 and e.status = 'active'
            and (e.begin_date is null or $14::date is null or e.begin_date < $14)
            and ($13::date is null or e.end_date is null or $13 < e.end_date))
        returning school_id");
    /// New values.
    UPDATE = update!(
        "enrollment",
        "school_id = $7, role = $8, is_primary = $9, begin_date = $10, end_date = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("enrollment", "id = $2");
    /// All by age.
    ALL_BY_AGE = list!("", "id" asc);
    /// All by age, backwards.
    ALL_BY_AGE_DESC = list!("", "id" desc);
    /// All by last change.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// All by last change, backwards.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Those of a class by age.
    CLASS_BY_AGE = list!(" and class_id = $10", "id" asc);
    /// Those of a class by age, backwards.
    CLASS_BY_AGE_DESC = list!(" and class_id = $10", "id" desc);
    /// Those of a class by last change.
    CLASS_BY_CHANGE = list!(" and class_id = $10", "date_last_modified" asc);
    /// Those of a class by last change, backwards.
    CLASS_BY_CHANGE_DESC = list!(" and class_id = $10", "date_last_modified" desc);
    /// Those of a person by age.
    PERSON_BY_AGE = list!(" and person_id = $10", "id" asc);
    /// Those of a person by age, backwards.
    PERSON_BY_AGE_DESC = list!(" and person_id = $10", "id" desc);
    /// Those of a person by last change.
    PERSON_BY_CHANGE = list!(" and person_id = $10", "date_last_modified" asc);
    /// Those of a person by last change, backwards.
    PERSON_BY_CHANGE_DESC = list!(" and person_id = $10", "date_last_modified" desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list_within!("id" asc);
    /// Those within scopes by age, backwards.
    WITHIN_BY_AGE_DESC = list_within!("id" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, backwards.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

pub(super) fn enrollment(row: &Row) -> Result<Enrollment> {
    Ok(Enrollment {
        id: row.get("id"),
        fields: EnrollmentFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
            class_id: row.get("class_id"),
            school_id: row.get("school_id"),
            person_id: row.get("person_id"),
            role: EnrollmentRole::from_column(row.get("role")),
            primary: row.get("is_primary"),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: EnrollmentId) -> Result<Enrollment> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    enrollment(found(&rows)?)
}

pub(super) async fn by_sourced_id(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    sourced_id: &str,
) -> Result<Vec<Enrollment>> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &BY_SOURCED_ID_WITHIN, &[&sourced_id, account, on, scopes]).await?
        }
    };
    rows.iter().map(enrollment).collect()
}

/// What came of an insert.
pub(super) struct Made {
    pub(super) class_known: bool,
    /// None when nothing was written.
    pub(super) school_id: Option<OrgId>,
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &Enrollment) -> Result<Made> {
    let Enrollment { id, fields, record } = new;
    let EnrollmentFields { sourced_id, class_id, school_id, person_id, role, primary, begin_date, end_date, .. } =
        fields;
    let source = record.source.word();
    let values: &Parameters<'_> = &[
        id,
        sourced_id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        class_id,
        school_id,
        person_id,
        role.column(),
        primary,
        begin_date,
        end_date,
    ];
    let persons = vec![*person_id];
    let steps: [(&'static Statement, &Parameters<'_>); 3] =
        [(&presence_store::HELD, &[&persons]), (&CLASS, &[class_id]), (&INSERT, values)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], *person_id, "person_id")?;
    if rows[1].first().map(status).transpose()? == Some(Status::ToBeDeleted) {
        return Err(Error::field("class_id", "class_deleted", "This class was deleted. Bring it back first."));
    }
    Ok(Made { class_known: !rows[1].is_empty(), school_id: rows[2].first().map(|row| row.get("school_id")) })
}

/// Another place of the same person in the same class.
pub(super) struct Other {
    pub(super) role: EnrollmentRole,
    pub(super) span: DateSpan,
}

/// One whose person is kept from getting other places, the other places that they have in this class, and the person.
pub(super) async fn lock(tx: &mut TenantTx, id: EnrollmentId) -> Result<(Enrollment, Vec<Other>, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&LOCK_PERSON_OF, &[&id]), (&GET, &[&id]), (&OTHERS, &[&id])]).await?;
    let other = |row: &Row| Other {
        role: EnrollmentRole::from_column(row.get("role")),
        span: (row.get("begin_date"), row.get("end_date")),
    };
    let (place, others) = (enrollment(found(&rows[1])?)?, rows[2].iter().map(other).collect());
    Ok((place, others, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &Enrollment) -> Result<()> {
    let Enrollment { id, fields, record } = changed;
    let EnrollmentFields { status, school_id, role, primary, begin_date, end_date, metadata, .. } = fields;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &status.word(),
            &record.updated_at,
            &record.updated_by,
            metadata.column(),
            school_id,
            role.column(),
            primary,
            begin_date,
            end_date,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: EnrollmentId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which enrollments.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) class_id: Option<ClassId>,
    pub(super) person_id: Option<PersonId>,
    pub(super) school_id: Option<OrgId>,
    pub(super) role: Option<EnrollmentRole>,
    pub(super) on: Option<Date>,
}

/// The statements of one order, in both directions: all, those of a class, those of a person, those within scopes.
type Statements = [[&'static Statement; 2]; 4];

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Enrollment>> {
    let statements = [
        [&ALL_BY_AGE, &ALL_BY_AGE_DESC],
        [&CLASS_BY_AGE, &CLASS_BY_AGE_DESC],
        [&PERSON_BY_AGE, &PERSON_BY_AGE_DESC],
        [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Enrollment>> {
    let statements = [
        [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
        [&CLASS_BY_CHANGE, &CLASS_BY_CHANGE_DESC],
        [&PERSON_BY_CHANGE, &PERSON_BY_CHANGE_DESC],
        [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_class, of_person, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Enrollment>> {
    let Selection { span, class_id, person_id, school_id, role, on } = selection;
    let role = role.as_ref().map(EnrollmentRole::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, &role, school_id, on];
    let statements = match (sight, class_id, person_id) {
        (Sight::Within(Within { account, on, scopes, .. }), class, person) => {
            parameters.extend([person as &(dyn ToSql + Sync), class, account, on, scopes]);
            of_scopes
        }
        // Of one person in one class there are few: the class brings them, the person is looked for among them.
        (Sight::All, Some(class), person) => {
            parameters.extend([person as &(dyn ToSql + Sync), class]);
            of_class
        }
        (Sight::All, None, Some(person)) => {
            parameters.extend([&None::<PersonId> as &(dyn ToSql + Sync), person]);
            of_person
        }
        (Sight::All, None, None) => {
            parameters.push(&None::<PersonId>);
            all
        }
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(enrollment).collect()
}
