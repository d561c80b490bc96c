//! Plans: limits under a name, which tenants are given. Every node goes by a changed plan within a second.

use cloister_postgres::Row;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ControlTx, Error, ErrorKind, FieldError, LimitTexts, Requester, Result, Tenancy, TenantLimits, control::store,
};

/// A plan, as the registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the registry table, where they are described")]
pub struct Plan {
    pub name: String,
    pub fields: PlanFields,
    pub version: i64,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
    pub updated_by: String,
}

/// What may be changed about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFields {
    /// Its name on pages.
    pub title: String,
    /// Its limits. What is not there is the installation's.
    pub limits: LimitTexts,
}

/// A plan to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// What tenants are given it by; it stays.
    pub name: String,
    /// The rest.
    pub fields: PlanFields,
}

/// Whether a text has the form of a plan's name.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// What is wrong with a plan's name.
pub(crate) const NAME: (&str, &str) = ("plan_name", "Use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter.");

/// There is no plan of this name.
pub(crate) fn unknown() -> Error {
    Error::field("plan", "plan_unknown", "There is no such plan. GET /platform/plans lists them.")
}

impl PlanFields {
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > 200 || title.chars().any(char::is_control) {
            let message = "Give a title of 1 to 200 characters.".to_owned();
            wrong.push(FieldError { field: "title".to_owned(), code: "length".into(), message });
        }
        if let Err(error) = TenantLimits::read(&self.limits) {
            wrong.push(FieldError { field: "limits".to_owned(), code: error.code.into(), message: error.message });
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong)) }
    }
}

impl Tenancy {
    /// Plans in the order of their names, or against it, behind this one.
    pub async fn list_plans(&self, after: Option<&str>, descending: bool, limit: i64) -> Result<Vec<Plan>> {
        let statement = if descending { &store::PLANS_DESC } else { &store::PLANS };
        let rows = self.0.control.run(statement, &[&after, &limit.clamp(1, 1000)]).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// A plan by its name.
    pub async fn plan(&self, name: &str) -> Result<Plan> {
        if !is_name(name) {
            return Err(Error::not_found());
        }
        self.0.control.run(&store::PLAN, &[&name]).await?.first().map(read).ok_or_else(Error::not_found)
    }
}

impl ControlTx {
    /// Makes a plan. The caller writes the audit row.
    pub async fn create_plan(&mut self, new: &NewPlan, by: impl Into<Requester>) -> Result<Plan> {
        if !is_name(&new.name) {
            let (code, message) = NAME;
            return Err(Error::field("name", code, message));
        }
        new.fields.check()?;
        let (tenancy, tx) = self.registry();
        let limits = serde_json::to_value(&new.fields.limits).map_err(Error::internal)?;
        let (at, by) = (tenancy.0.clock.now(), by.into().actor.to_string());
        let title = new.fields.title.trim();
        let made = tx.query(&store::INSERT_PLAN, &[&new.name, &title, &limits, &at, &by]).await.map_err(|error| {
            if error.constraint() == Some("plan_pkey") {
                return Error::new(ErrorKind::Conflict, "plan_exists", "There is a plan of this name.").because(error);
            }
            error.into()
        })?;
        tx.query(&store::NOTIFY, &[&format!("plan {}", new.name)]).await?;
        made.first().map(read).ok_or_else(|| Error::internal("a plan was made and is not there"))
    }

    /// Changes a plan that is still of this version. Every node is told with the commit. The caller writes the audit row.
    pub async fn update_plan(&mut self, before: &Plan, fields: &PlanFields, by: impl Into<Requester>) -> Result<Plan> {
        fields.check()?;
        let (tenancy, tx) = self.registry();
        let limits = serde_json::to_value(&fields.limits).map_err(Error::internal)?;
        let (at, by) = (tenancy.0.clock.now(), by.into().actor.to_string());
        let with: &cloister_postgres::Parameters<'_> =
            &[&before.name, &before.version, &fields.title.trim(), &limits, &at, &by];
        let changed = tx.query(&store::UPDATE_PLAN, with).await?;
        let changed = changed.first().map(read).ok_or_else(Error::version_mismatch)?;
        tx.query(&store::NOTIFY, &[&format!("plan {}", before.name)]).await?;
        Ok(changed)
    }
}

fn read(row: &Row) -> Plan {
    Plan {
        name: row.get("name"),
        fields: PlanFields {
            title: row.get("title"),
            limits: serde_json::from_value(row.get("limits")).unwrap_or_default(),
        },
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    }
}
