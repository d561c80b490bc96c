//! A member of a tenant, and who may change what about them.

use cloister_http::Versioned;
use cloister_ids::{AccountId, MembershipId, PersonId, TenantId};
use cloister_tenancy::{ControlTx, Error, ErrorKind, OpContext, Result, sql::Row};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store;
use crate::{
    Service,
    role::{OWNER, RoleBook},
};

/// Whether a member is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberStatus {
    /// Let in.
    Active,
    /// Shut out, and still a member.
    Suspended,
}

impl MemberStatus {
    /// The word for it in PostgreSQL and JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    fn read(word: &str) -> Self {
        if word == "active" { Self::Active } else { Self::Suspended }
    }
}

/// What can change about a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberFields {
    /// Names of roles: of modules, and of the tenant's own.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(min_items = 1, max_items = 20, example = json!(["teacher"]))]
    pub(super) roles: Vec<String>,
    /// Whether they are let in.
    #[garde(skip)]
    pub(super) status: MemberStatus,
    /// The person of the roster that they are; null unties them.
    #[garde(skip)]
    #[serde(default)]
    pub(super) person_id: Option<PersonId>,
}

/// Somebody who belongs to a tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Member {
    /// Their place in the tenant.
    pub(super) id: MembershipId,
    /// Who they are when they sign in.
    pub(super) account_id: AccountId,
    /// Their name on pages.
    #[schema(example = "Ada North")]
    pub(super) display_name: String,
    /// Their address; null for an account that the tenant manages.
    #[schema(example = "ada@north.example")]
    pub(super) email: Option<String>,
    /// Their name within the tenant; null for an account of the platform.
    pub(super) username: Option<String>,
    /// The tenant manages the account: it ends with the membership, and the tenant sets its password.
    pub(super) is_managed: bool,
    /// They must choose a password before anything else.
    pub(super) must_change_password: bool,
    /// Names of their roles, whether they are let in, and who they are.
    #[serde(flatten)]
    pub(super) fields: MemberFields,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub(super) version: i64,
    /// When they became a member.
    pub(super) created_at: Timestamp,
    /// Who made them one.
    #[schema(example = "account:acc_019b8d244e807c3e9d0a5f2b7c61e4a8")]
    pub(super) created_by: String,
    /// When this was last changed.
    pub(super) updated_at: Timestamp,
    /// Who changed it.
    pub(super) updated_by: String,
    /// Where they stand in the order by name.
    #[serde(skip)]
    pub(super) name_key: String,
}

impl Versioned for Member {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<&Row> for Member {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            account_id: row.get("account_id"),
            display_name: row.get("display_name"),
            email: row.get("email"),
            username: row.get("username"),
            is_managed: row.get::<_, Option<TenantId>>("home").is_some(),
            must_change_password: row.get("must_change_password"),
            fields: MemberFields {
                roles: row.get("roles"),
                status: MemberStatus::read(row.get("status")),
                person_id: row.get("person_id"),
            },
            version: row.get("version"),
            created_at: row.get("created_at"),
            created_by: row.get("created_by"),
            updated_at: row.get("updated_at"),
            updated_by: row.get("updated_by"),
            name_key: row.get("name_key"),
        }
    }
}

impl Member {
    fn is_owner(fields: &MemberFields) -> bool {
        fields.status == MemberStatus::Active && fields.roles.iter().any(|role| role == OWNER)
    }
}

/// One member.
pub(super) async fn read(service: &Service, cx: &OpContext, id: MembershipId) -> Result<Member> {
    let rows = service.control().run(&store::GET, &[&cx.tenant_id(), &id]).await?;
    rows.first().map(Member::from).ok_or_else(Error::not_found)
}

/// One member whom the actor may act upon, kept from changing; and the roles of the tenant as they are until the commit.
///
/// Whoever may change members may not change those who may do more than they: an assistant could shut out the head, or set
/// a password and sign in with it.
pub(super) async fn hold<'a>(
    tx: &mut ControlTx,
    service: &'a Service,
    cx: &'a OpContext,
    id: MembershipId,
) -> Result<(Member, RoleBook<'a>)> {
    super::lock(tx, cx.tenant_id(), cx.clock().now(), &cx.actor().to_string()).await?;
    let rows = tx.query(&store::LOCK, &[&cx.tenant_id(), &id]).await?;
    let member = rows.first().map(Member::from).ok_or_else(Error::not_found)?;
    let book = RoleBook::read(tx, service, cx.tenant()).await?;
    Ok((member, book))
}

/// Refuses to leave a tenant without an owner: nobody could give the role again.
pub(super) async fn keep_an_owner(
    tx: &mut ControlTx,
    cx: &OpContext,
    member: &Member,
    next: Option<&MemberFields>,
) -> Result<()> {
    if !Member::is_owner(&member.fields) || next.is_some_and(Member::is_owner) {
        return Ok(());
    }
    if tx.query(&store::OTHER_OWNER, &[&cx.tenant_id(), &member.id]).await?.is_empty() {
        let message = "This is the last owner. Make somebody else an owner first.";
        return Err(Error::new(ErrorKind::Conflict, "last_owner", message));
    }
    Ok(())
}
