//! All SQL about absence requests.

use cloister_http::IdempotencyKey;
use cloister_ids::{AbsenceRequestId, AttendanceCodeId, AttendanceEventId, Clock, OrgId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{AbsenceRequest, AbsenceRequestFields, RequestState, days::Calendar};
use crate::{
    attendance_code::Direction,
    listing::Span,
    name_store::student_names,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, Status, found, status},
    scope::{Sight, Within},
    scope_store::{in_force, of_persons_within, persons_within, students_spoken_for},
    store::delete,
    unnamed_store::{get, head, lock, page},
    vocabulary::AttendanceCategory,
};

macro_rules! fields {
    () => {
        "student_id, begin_date, end_date, reason, state, code_id, note, decided_at, decided_by"
    };
}

macro_rules! shown {
    () => {
        concat!(fields!(), ", ", student_names!("absence_request"))
    };
}

macro_rules! within {
    ($account:literal, $on:literal, $scopes:literal) => {
        of_persons_within!("absence_request", "student_id", persons_within!($account, $on, $scopes))
    };
}

/// `$6` the state, `$7` and `$8` the days, `$9` the student. No absence is longer than 190 days, so what began long before the
/// first day is not looked at. (Behind row security an index takes no bound with `coalesce` in it.)
macro_rules! list {
    ($which:literal, $scope:expr, $key:tt $direction:ident) => {
        page!(
            "absence_request",
            shown!(),
            concat!(
                " and ($7::date is null or end_date > $7) and begin_date > greatest($7::date - 191, '-infinity'::date)
                  and ($8::date is null or begin_date < $8)",
                $which,
                $scope
            ),
            $key $direction
        )
    };
}

macro_rules! insert {
    ($within:expr) => {
        concat!(
            "insert into absence_request (tenant_id, id, ", head!(), ", student_id, begin_date, end_date, reason, state)
             select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, p.id, $8::date, $9::date, $10::text, 'requested'
             from person p where p.tenant_id = $1 and p.id = $7 and p.status = 'active'",
            $within,
            " returning ",
            student_names!("absence_request")
        )
    };
}

statements! {
    /// One.
    GET = get!("absence_request", shown!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("absence_request", shown!()), within!("$3", "$4", "$5"));
    /// One, to be changed.
    LOCK = lock!("absence_request", shown!());
    /// One of a student for whom the actor speaks, to be changed.
    LOCK_WITHIN = concat!(
        get!("absence_request", shown!()),
        of_persons_within!("absence_request", "student_id", students_spoken_for!("$3", "$4", "$5")),
        " for no key update"
    );
    /// A new one, if the student is there.
    INSERT = insert!("");
    /// A new one, if the actor speaks for the student.
    INSERT_WITHIN = insert!(concat!(" and p.id = any(array(", students_spoken_for!("$11", "$12", "$13"), "))"));
    /// Whom one is about.
    STUDENT_OF = present_of!("absence_request", "student_id");
    /// What a code means, and whether it may be entered for days to come.
    CODE = "select future_allowed, direction, category from attendance_code where tenant_id = $1 and id = $2 and status = 'active'";
    /// To which school the student of a request belongs.
    SCHOOL = "select coalesce(p.primary_org_id, (select o.org_id from person_role o where o.tenant_id = $1
            and o.person_id = p.id and o.role = 'student' and o.status = 'active' order by o.role_type, o.id limit 1))
            as school_id
        from absence_request a join person p on p.tenant_id = $1 and p.id = a.student_id
        where a.tenant_id = $1 and a.id = $2";
    /// What the calendar of that school says of the days of a request.
    CALENDAR = "select c.date, c.is_instructional
        from absence_request a join person p on p.tenant_id = $1 and p.id = a.student_id
        join calendar_date c on c.tenant_id = $1 and c.date >= a.begin_date and c.date < a.end_date and c.status = 'active'
            and c.school_id = coalesce(p.primary_org_id, (select o.org_id from person_role o where o.tenant_id = $1
                and o.person_id = p.id and o.role = 'student' and o.status = 'active' order by o.role_type, o.id limit 1))
        where a.tenant_id = $1 and a.id = $2";
    /// The decision.
    DECIDE = "update absence_request set state = $3, code_id = $4, note = $5, decided_at = $6, decided_by = $7,
            date_last_modified = $6, updated_at = $6, updated_by = $7, version = version + 1
        where tenant_id = $1 and id = $2";
    /// Of the registers taken on the days `$3` of homerooms of the student `$2`, of whom nothing is said there yet, another
    /// version: `$4` time, `$5` actor.
    REGISTERS = concat!("update attendance_register set version = version + 1, date_last_modified = $4, updated_at = $4, updated_by = $5
        where tenant_id = $1 and id = any(array(select g.id from attendance_register g
            join enrollment e on e.tenant_id = $1 and e.class_id = g.class_id and e.person_id = $2 and e.role = 'student'
                and ", in_force!("e", "g.date"), "
            where g.tenant_id = $1 and g.date = any($3::date[]) and g.whole_day
                and not exists (select from attendance_event v where v.tenant_id = $1 and v.student_id = $2
                    and v.date = g.date and v.class_id is null and v.status = 'active' and v.superseded_at is null)))");
    /// A day of the absence, with what its code means now, unless something is said of that day.
    RECORD = concat!("insert into attendance_event (tenant_id, id, ", head!(), ",
            student_id, school_id, date, code_id, category, direction, excused, reportable, reason, absence_request_id)
        select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6,
            $7::uuid, $8::uuid, $9::date, c.id, c.category, c.direction, c.excused, c.reportable, $11::text, $12::uuid
        from attendance_code c where c.tenant_id = $1 and c.id = $10
        on conflict do nothing");
    /// Taken back.
    DELETE = delete!("absence_request", "id = $2");
    /// All by first day.
    ALL_BY_BEGIN = list!(" and ($6::text is null or state = $6) and $9::uuid is null", "", "begin_date" asc);
    /// All by first day, from the last.
    ALL_BY_BEGIN_DESC = list!(" and ($6::text is null or state = $6) and $9::uuid is null", "", "begin_date" desc);
    /// Those that count and are in a state by first day: of those that wait there are few.
    STATE_BY_BEGIN = list!(" and status = 'active' and state = $6 and $9::uuid is null", "", "begin_date" asc);
    /// Those that count and are in a state by first day, from the last.
    STATE_BY_BEGIN_DESC = list!(" and status = 'active' and state = $6 and $9::uuid is null", "", "begin_date" desc);
    /// Those of a student by first day.
    STUDENT_BY_BEGIN = list!(" and ($6::text is null or state = $6) and student_id = $9", "", "begin_date" asc);
    /// Those of a student by first day, from the last.
    STUDENT_BY_BEGIN_DESC = list!(" and ($6::text is null or state = $6) and student_id = $9", "", "begin_date" desc);
    /// Those within scopes by first day.
    WITHIN_BY_BEGIN = list!(
        " and ($6::text is null or state = $6) and ($9::uuid is null or student_id = $9)",
        within!("$10", "$11", "$12"),
        "begin_date" asc
    );
    /// Those within scopes by first day, from the last.
    WITHIN_BY_BEGIN_DESC = list!(
        " and ($6::text is null or state = $6) and ($9::uuid is null or student_id = $9)",
        within!("$10", "$11", "$12"),
        "begin_date" desc
    );
}

fn request(row: &Row) -> Result<AbsenceRequest> {
    Ok(AbsenceRequest {
        id: row.get("id"),
        status: status(row)?,
        fields: AbsenceRequestFields {
            student_id: row.get("student_id"),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            reason: row.get("reason"),
            metadata: Metadata::from_row(row),
        },
        state: row.get::<_, &str>("state").parse::<RequestState>().map_err(Error::internal)?,
        code_id: row.get("code_id"),
        note: row.get("note"),
        decided_at: row.get("decided_at"),
        decided_by: row.get("decided_by"),
        student_given_name: row.get("student_given_name"),
        student_family_name: row.get("student_family_name"),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: AbsenceRequestId,
) -> Result<AbsenceRequest> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    request(found(&rows)?)
}

/// The student's names; none when there is no such student, or none within the scopes.
pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    sight: &Sight,
    made: &AbsenceRequest,
) -> Result<Option<(String, String)>> {
    let AbsenceRequest { id, fields, record, .. } = made;
    let source = record.source.word();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.student_id,
        &fields.begin_date,
        &fields.end_date,
        &fields.reason,
    ];
    let statement: &'static Statement = match sight {
        Sight::All => &INSERT,
        Sight::Within(Within { account, on, scopes, .. }) => {
            values.extend([account as &(dyn ToSql + Sync), on, scopes]);
            &INSERT_WITHIN
        }
    };
    let student = vec![fields.student_id];
    let steps: [(&'static Statement, &Parameters<'_>); 2] =
        [(&presence_store::PRESENT, &[&student]), (statement, &values)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    // Whoever has a scope is told of nobody outside of it that they are there.
    if matches!(sight, Sight::All) {
        check_present(&rows[0], fields.student_id, "student_id")?;
    }
    Ok(rows[1].first().map(|row| (row.get("student_given_name"), row.get("student_family_name"))))
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, sight: &Sight, id: AbsenceRequestId) -> Result<AbsenceRequest> {
    let rows = match sight {
        Sight::All => tx.query(&LOCK, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tx.query(&LOCK_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    request(found(&rows)?)
}

/// The code of a decision.
pub(super) struct Code {
    pub(super) future_allowed: bool,
    pub(super) direction: Direction,
    pub(super) category: AttendanceCategory,
}

fn meaning(row: &Row) -> Result<Code> {
    Ok(Code {
        future_allowed: row.get("future_allowed"),
        direction: row.get::<_, &str>("direction").parse().map_err(Error::internal)?,
        category: AttendanceCategory::from_column(row.get("category")),
    })
}

/// A request that is kept from changing, and what a decision needs to know.
pub(super) struct Opened {
    pub(super) request: AbsenceRequest,
    /// The student, kept from leaving.
    pub(super) student: Vec<Row>,
    /// None when there is no such code that counts.
    pub(super) code: Option<Code>,
    pub(super) school_id: Option<OrgId>,
    pub(super) calendar: Calendar,
}

pub(super) async fn open(tx: &mut TenantTx, id: AbsenceRequestId, code: Option<AttendanceCodeId>) -> Result<Opened> {
    let which: &Parameters<'_> = &[&id];
    let steps: [(&'static Statement, &Parameters<'_>); 5] =
        [(&STUDENT_OF, which), (&LOCK, which), (&CODE, &[&code]), (&SCHOOL, which), (&CALENDAR, which)];
    let mut rows = tx.query_all(&steps).await?;
    Ok(Opened {
        request: request(found(&rows[1])?)?,
        code: rows[2].first().map(meaning).transpose()?,
        school_id: rows[3].first().and_then(|row| row.get("school_id")),
        calendar: rows[4].iter().map(|row| (row.get("date"), row.get("is_instructional"))).collect(),
        student: rows.swap_remove(0),
    })
}

/// What an approved request is recorded as.
pub(super) struct Absence {
    code_id: AttendanceCodeId,
    school_id: OrgId,
    events: Vec<(AttendanceEventId, Date)>,
}

impl Absence {
    pub(super) fn new(code_id: AttendanceCodeId, school_id: OrgId, days: Vec<Date>, clock: &dyn Clock) -> Self {
        let events = days.into_iter().map(|day| (AttendanceEventId::generate(clock), day)).collect();
        Self { code_id, school_id, events }
    }
}

/// The decision, the events it makes, and the commit, in one round trip.
pub(super) async fn decide(tx: TenantTx, decided: &AbsenceRequest, absence: Option<&Absence>) -> Result<()> {
    let AbsenceRequest { id, fields, state, code_id, note, record, .. } = decided;
    let (state, source, metadata) = (state.word(), Record::new(tx.cx()).source.word(), Metadata::default());
    let (at, by) = (&record.updated_at, &record.updated_by);
    let decision: &Parameters<'_> = &[id, &state, code_id, note, at, by];
    let events: Vec<[&(dyn ToSql + Sync); 11]> = absence
        .iter()
        .flat_map(|absence| absence.events.iter().map(move |event| (absence, event)))
        .map(|(absence, (event, day))| {
            [
                event as &(dyn ToSql + Sync),
                at,
                &source,
                metadata.column(),
                by,
                &fields.student_id,
                &absence.school_id,
                day,
                &absence.code_id,
                &fields.reason,
                id,
            ]
        })
        .collect();
    let days: Vec<Date> = absence.iter().flat_map(|absence| absence.events.iter().map(|(_, day)| *day)).collect();
    let registers: &Parameters<'_> = &[&fields.student_id, &days, at, by];
    let mut items: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&DECIDE, decision), (&REGISTERS, registers)];
    items.extend(events.iter().map(|with| (&RECORD as &'static Statement, with.as_slice())));
    tx.commit_with(&items).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: AbsenceRequestId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which absence requests.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) state: Option<RequestState>,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) student_id: Option<PersonId>,
}

pub(super) async fn list_by_begin(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<AbsenceRequest>> {
    let Selection { span, state, from, until, student_id } = selection;
    let state = state.as_ref().map(|state| state.word());
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, &state, from, until, student_id];
    let statements: [&'static Statement; 2] = match sight {
        Sight::All if student_id.is_some() => [&STUDENT_BY_BEGIN, &STUDENT_BY_BEGIN_DESC],
        Sight::All if state.is_some() && span.status == Some(Status::Active.word()) => {
            [&STATE_BY_BEGIN, &STATE_BY_BEGIN_DESC]
        }
        Sight::All => [&ALL_BY_BEGIN, &ALL_BY_BEGIN_DESC],
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_BEGIN, &WITHIN_BY_BEGIN_DESC]
        }
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(request).collect()
}
