//! The roles of one tenant as of one moment: what its modules declare, and what it made itself.

use cloister_tenancy::{ControlTx, Error, ErrorKind, FieldError, PermissionSet, Result, Tenancy, TenantEntry};

use super::{OWNER, OwnRole, is_declared, permissions, rank, store};
use crate::Service;

/// Every role that somebody can have in a tenant.
#[derive(Debug)]
pub(crate) struct RoleBook<'a> {
    tenancy: &'a Tenancy,
    tenant: &'a TenantEntry,
    own: Vec<OwnRole>,
}

impl<'a> RoleBook<'a> {
    /// Reads it. Within a unit of work that locked the tenant's row of access, it stays true until the commit.
    pub(crate) async fn read(tx: &mut ControlTx, service: &'a Service, tenant: &'a TenantEntry) -> Result<Self> {
        let own = tx.query(&store::OWN_ROLES, &[&tenant.id]).await?.iter().map(OwnRole::from).collect();
        Ok(Self { tenancy: service.tenancy(), tenant, own })
    }

    /// The same, as of now.
    pub(crate) async fn look(service: &'a Service, tenant: &'a TenantEntry) -> Result<Self> {
        let rows = service.control().run(&store::OWN_ROLES, &[&tenant.id]).await?;
        Ok(Self { tenancy: service.tenancy(), tenant, own: rows.iter().map(OwnRole::from).collect() })
    }

    /// Those that the tenant made.
    pub(super) fn own(&self) -> &[OwnRole] {
        &self.own
    }

    /// The same with one of them as it would be after a change.
    pub(super) fn with(mut self, changed: OwnRole) -> Self {
        self.own.retain(|role| role.name != changed.name);
        self.own.push(changed);
        self
    }

    /// Whether there is such a role.
    pub(crate) fn has(&self, name: &str) -> bool {
        is_declared(self.tenancy, self.tenant, name) || self.own.iter().any(|role| role.name == name)
    }

    /// What somebody with these roles may do.
    pub(crate) fn permissions(&self, roles: &[String]) -> Vec<String> {
        permissions(self.tenancy, self.tenant, roles, &self.own)
    }

    /// Refuses roles that the tenant does not have, none, too many, and one named twice.
    pub(crate) fn check_known(&self, roles: &[String]) -> Result<()> {
        if roles.is_empty() || roles.len() > 20 {
            return Err(Error::field("roles", "count", "Give 1 to 20 roles."));
        }
        for (at, name) in roles.iter().enumerate() {
            let field = format!("roles[{at}]");
            if !self.has(name) {
                let message = "There is no such role here.".to_owned();
                return Err(Error::invalid(vec![FieldError { field, code: "unknown_role".into(), message }]));
            }
            if roles.iter().take(at).any(|earlier| earlier == name) {
                let message = "Name each role once.".to_owned();
                return Err(Error::invalid(vec![FieldError { field, code: "duplicate_role".into(), message }]));
            }
        }
        Ok(())
    }

    /// Refuses to give these roles to somebody, or to act upon somebody who has them, when there is more in them than the
    /// actor may do: else whoever may invite could become anything.
    pub(crate) fn check_within(&self, actor: &PermissionSet, roles: &[String]) -> Result<()> {
        if rank::is_owner(actor) {
            return Ok(());
        }
        if roles.iter().any(|role| role == OWNER) {
            let message = "Only an owner may give or take the role of owner, or change an owner's place here.";
            return Err(Error::new(ErrorKind::Forbidden, "owner_required", message));
        }
        self.check_permissions(actor, &self.permissions(roles))
    }

    /// Refuses permissions that go beyond the actor's own.
    pub(super) fn check_permissions(&self, actor: &PermissionSet, wanted: &[String]) -> Result<()> {
        let Some(beyond) = rank::beyond(actor, wanted) else { return Ok(()) };
        let message = format!("There is {beyond} in this, which your own roles do not allow you.");
        Err(Error::new(ErrorKind::Forbidden, "rights_exceeded", message))
    }
}
