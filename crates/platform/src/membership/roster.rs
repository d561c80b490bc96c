//! How persons stand in the modules that keep them: whether an account can be tied to them.
//!
//! It is asked before a transaction of the control plane begins, so that none is open while another database answers. What
//! changes meanwhile is seen by the job that ties, which takes no tie from anybody.

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_tenancy::{ControlTx, Error, ErrorKind, FieldError, OpContext, PersonStanding, Result};

use super::store;
use crate::{Service, role};

/// Why an account cannot be tied to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untied {
    /// No module of the tenant keeps such a person.
    Unknown,
    /// The person was deleted, or merged into another.
    Deleted,
    /// They are another member.
    Taken,
}

impl Untied {
    /// What is told of a field.
    pub(super) fn at(self, field: String) -> Error {
        let (code, message) = match self {
            Self::Unknown => ("person_unknown", "There is no such person."),
            Self::Deleted => (
                "person_deleted",
                "This person was deleted or merged into another. Name the record that stayed, or bring this one back first.",
            ),
            Self::Taken => ("person_taken", super::TAKEN),
        };
        Error::invalid(vec![FieldError { field, code: code.into(), message: message.to_owned() }])
    }

    /// What is told where one person is named.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Taken => Error::new(ErrorKind::Conflict, "person_taken", super::TAKEN),
            Self::Unknown | Self::Deleted => self.at("person_id".to_owned()),
        }
    }
}

/// What the modules of a tenant know of some persons, and of whoever else is tied to an account.
#[derive(Debug, Default)]
pub(crate) struct Roster(Vec<PersonStanding>);

impl Roster {
    /// Asks of these persons, and of those who are tied to an account. No question is asked where nobody is named.
    pub(crate) async fn ask(
        service: &Service,
        cx: &OpContext,
        persons: &[PersonId],
        account: Option<AccountId>,
    ) -> Result<Self> {
        let mut known = Vec::new();
        if persons.is_empty() && account.is_none() {
            return Ok(Self(known));
        }
        let persons: Vec<Uuid> = persons.iter().map(|person| person.uuid()).collect();
        for module in role::modules(service.tenancy(), cx.tenant()) {
            known.extend(module.persons(service.tenancy(), cx, &persons, account).await?);
        }
        Ok(Self(known))
    }

    /// The account that is tied to a person there.
    pub(super) fn tied(&self, person: Uuid) -> Option<AccountId> {
        self.0.iter().find(|one| one.person == person)?.account
    }

    /// Whom an account is tied to there.
    pub(crate) fn tied_to(&self, account: AccountId) -> impl Iterator<Item = Uuid> {
        self.0.iter().filter(move |one| one.account == Some(account)).map(|one| one.person)
    }

    /// Why an account, or one that is made only now, cannot be tied to a person. The tie of an account that is no member any
    /// more is none: a job takes it away by and by.
    pub(crate) async fn refusal(
        &self,
        tx: &mut ControlTx,
        cx: &OpContext,
        person: PersonId,
        account: Option<AccountId>,
    ) -> Result<Option<Untied>> {
        let person = person.uuid();
        let Some(standing) = self.0.iter().find(|one| one.person == person) else { return Ok(Some(Untied::Unknown)) };
        if !standing.is_there {
            return Ok(Some(Untied::Deleted));
        }
        let rows = tx.query(&store::TAKEN, &[&cx.tenant_id(), &person, &standing.account, &account]).await?;
        Ok((!rows.is_empty()).then_some(Untied::Taken))
    }

    /// Refuses an account for a person.
    pub(crate) async fn check(
        &self,
        tx: &mut ControlTx,
        cx: &OpContext,
        person: Option<PersonId>,
        account: Option<AccountId>,
    ) -> Result<()> {
        let Some(person) = person else { return Ok(()) };
        self.refusal(tx, cx, person, account).await?.map_or(Ok(()), |untied| Err(untied.error()))
    }
}
