//! All SQL about alerts.

use cloister_ids::{AllergyId, HealthConditionId, PersonId, Uuid};
use cloister_tenancy::{
    Error, OpContext, Result, TenantTx,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{HealthAlert, HealthAlertKind};
use crate::{
    health::told_of,
    listing::Span,
    scope::{Sight, Within},
    scope_store::{of_persons_within, students_within},
};

/// Those of one table behind `$2`, `$3` many; `$4` the day, `$5` the student.
macro_rules! of {
    ($table:literal, $scope:expr, $beyond:literal, $direction:literal) => {
        concat!(
            "(select id, '",
            $table,
            "' as kind, student_id, sealed from ",
            $table,
            " where tenant_id = $1 and status = 'active' and alert and (end_date is null or end_date > $4)
                and ($5::uuid is null or student_id = $5) and id ",
            $beyond,
            " $2",
            $scope,
            " order by id",
            $direction,
            " limit $3)"
        )
    };
}

macro_rules! list {
    ($allergy:expr, $condition:expr, $beyond:literal, $direction:literal) => {
        concat!(
            of!("allergy", $allergy, $beyond, $direction),
            " union all ",
            of!("health_condition", $condition, $beyond, $direction),
            " order by id",
            $direction,
            " limit $3"
        )
    };
}

macro_rules! within {
    ($table:literal) => {
        of_persons_within!($table, "student_id", students_within!("$6", "$4", "$7"))
    };
}

statements! {
    /// All by age.
    ALL = list!("", "", ">", "");
    /// All by age, from the newest.
    ALL_DESC = list!("", "", "<", " desc");
    /// Those within scopes by age.
    WITHIN = list!(within!("allergy"), within!("health_condition"), ">", "");
    /// Those within scopes by age, from the newest.
    WITHIN_DESC = list!(within!("allergy"), within!("health_condition"), "<", " desc");
}

/// An alert, and the position of its record.
pub(super) struct Placed {
    pub(super) at: Uuid,
    pub(super) alert: HealthAlert,
}

fn text(told: &Map<String, Value>, name: &str) -> Option<String> {
    told.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn alert(cx: &OpContext, row: &Row) -> Result<Placed> {
    let at: Uuid = row.get("id");
    let kind: HealthAlertKind = row.get::<_, &str>("kind").parse().map_err(Error::internal)?;
    let (id, told, name) = match kind {
        HealthAlertKind::Allergy => {
            let id = AllergyId::from_uuid(at);
            (id.to_string(), told_of(cx, kind.word(), id, row)?, "substance")
        }
        HealthAlertKind::HealthCondition => {
            let id = HealthConditionId::from_uuid(at);
            (id.to_string(), told_of(cx, kind.word(), id, row)?, "name")
        }
    };
    let severity = text(&told, "severity").map(|word| word.parse()).transpose();
    Ok(Placed {
        at,
        alert: HealthAlert {
            id,
            kind,
            student_id: row.get("student_id"),
            name: text(&told, name).unwrap_or_default(),
            severity: severity.map_err(|_| Error::internal("a sealed record has another severity"))?,
            action_plan: text(&told, "action_plan"),
        },
    })
}

pub(super) async fn list(
    tx: &mut TenantTx,
    sight: &Sight,
    span: &Span,
    today: Date,
    student_id: Option<PersonId>,
) -> Result<Vec<Placed>> {
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![span.key(), &span.limit, &today, &student_id];
    let statements: [&'static Statement; 2] = match sight {
        Sight::All => [&ALL, &ALL_DESC],
        Sight::Within(Within { account, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), scopes]);
            [&WITHIN, &WITHIN_DESC]
        }
    };
    let rows = tx.query(span.pick(statements), &parameters).await?;
    rows.iter().map(|row| alert(tx.cx(), row)).collect()
}
