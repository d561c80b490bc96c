//! Making accounts otherwise than by sign-up or invitation: at the command line, and by staff for pupils without e-mail.

use cloister_ids::{AccountId, PersonId, TenantId};
use cloister_tenancy::{Error, OpContext, PlatformRecord, Requester, Result};
use secrecy::SecretString;

use super::{Account, Name, NewAccount, check_email, store};
use crate::{
    Service,
    membership::{self, Joining, Roster},
    note,
    policy::PasswordPolicy,
};

/// Somebody who is given an account.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// An account of the platform, by this address.
    pub email: String,
    /// Its name on pages.
    pub display_name: String,
    /// The language of mails to it.
    pub locale: String,
    /// Its password.
    pub password: SecretString,
}

const OPERATOR_ROLES: &[&str] = &["viewer", "support", "admin"];

impl Service {
    async fn make(&self, new: &NewPerson, operator_role: Option<&str>) -> Result<(NewAccountParts, Option<Account>)> {
        check_email("email", &new.email)?;
        let name = new.display_name.trim();
        if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
            return Err(Error::field("display_name", "length", "Give a name of 1 to 200 characters."));
        }
        if operator_role.is_some_and(|role| !OPERATOR_ROLES.contains(&role)) {
            let message = format!("Give one of {}.", OPERATOR_ROLES.join(", "));
            return Err(Error::field("role", "unknown_role", message));
        }
        let known = super::by_email(self.control(), &new.email).await?;
        let names = [new.email.as_str(), name];
        let policy = PasswordPolicy::default();
        let password = match &known {
            Some(_) => None,
            None => Some(self.accept_password_of("password", &policy, &names, new.password.clone()).await?),
        };
        Ok((NewAccountParts { password }, known))
    }

    /// An operator. An account that exists becomes one, and keeps its password.
    pub async fn make_operator(&self, new: &NewPerson, role: &str, by: &Requester) -> Result<AccountId> {
        let (parts, known) = self.make(new, Some(role)).await?;
        let (clock, by_text) = (self.tenancy().clock().clone(), by.actor.to_string());
        let mut tx = self.control().begin().await?;
        let id = match known {
            Some(known) => {
                tx.query(&store::SET_OPERATOR, &[&known.id, &role, &clock.now(), &by_text]).await?;
                known.id
            }
            None => {
                let name = Name::Email(&new.email, Some(clock.now()));
                let account = NewAccount {
                    name,
                    display_name: &new.display_name,
                    locale: &new.locale,
                    password: parts.password,
                    operator_role: Some(role),
                };
                super::insert(&mut tx, &*clock, &account, &by_text).await?
            }
        };
        let record = PlatformRecord::new(by, "operator.create", "platform.operator").on(id);
        tx.audit(record.changing(serde_json::json!({ "role": role })));
        tx.commit().await?;
        Ok(id)
    }

    /// A member of a tenant. An account that exists is given the roles, and keeps its password.
    pub async fn make_member(
        &self,
        tenant: TenantId,
        new: &NewPerson,
        roles: &[String],
        by: &Requester,
    ) -> Result<AccountId> {
        self.join(tenant, new, roles, None, by).await
    }

    /// The same as a person of the tenant's roster, to whom a job ties the account.
    pub async fn make_member_as(
        &self,
        cx: &OpContext,
        person: PersonId,
        new: &NewPerson,
        roles: &[String],
    ) -> Result<AccountId> {
        self.join(cx.tenant_id(), new, roles, Some((cx, person)), &cx.into()).await
    }

    async fn join(
        &self,
        tenant: TenantId,
        new: &NewPerson,
        roles: &[String],
        person: Option<(&OpContext, PersonId)>,
        by: &Requester,
    ) -> Result<AccountId> {
        let entry = self.tenancy().registry().by_id(tenant).ok_or_else(Error::not_found)?;
        membership::check_roles(self, &entry, roles).await?;
        let (parts, known) = self.make(new, None).await?;
        let (clock, by_text) = (self.tenancy().clock().clone(), by.actor.to_string());
        let roster = match person {
            Some((cx, person)) => Roster::ask(self, cx, &[person], None).await?,
            None => Roster::default(),
        };
        let mut tx = self.control().begin().await?;
        if let Some((cx, person)) = person {
            roster.check(&mut tx, cx, Some(person), known.as_ref().map(|known| known.id)).await?;
        }
        let person = person.map(|(_, person)| person);
        let id = match known {
            Some(known) => known.id,
            None => {
                let name = Name::Email(&new.email, Some(clock.now()));
                let account = NewAccount {
                    name,
                    display_name: &new.display_name,
                    locale: &new.locale,
                    password: parts.password,
                    operator_role: None,
                };
                super::insert(&mut tx, &*clock, &account, &by_text).await?
            }
        };
        let joining = Joining { account: id, tenant, roles, person: person.map(PersonId::uuid) };
        let version = membership::add_as(&mut tx, &*clock, joining, &by_text).await?;
        let record = PlatformRecord::new(by, "member.create", "platform.member").on(id);
        note::both(&mut tx, tenant, record.changing(serde_json::json!({ "roles": roles, "person_id": person })))
            .await?;
        tx.commit().await?;
        self.revocations().membership(id, tenant, version, clock.now());
        Ok(id)
    }
}

/// What an account that does not exist yet is made with.
struct NewAccountParts {
    password: Option<super::NewPassword>,
}
