//! Persons: pupils, staff, parents and guardians, with their roles and with those who act for them.

mod account;
mod account_store;
mod api;
mod list_store;
mod part_api;
mod role;
mod role_store;
mod samples;
mod store;
mod summary;
mod within_store;

use cloister_http::{Edge, IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{AccountId, OrgId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use account::{accounts, standings};
pub use account::{link_account, unlink_account};
pub use role::Role;
pub(crate) use role_store::{COUNT_STAFF, COUNT_STUDENTS};
pub(crate) use store::relation;
pub(crate) use summary::relation_sample;
pub use summary::{PersonSummary, Relation, Relations};

use self::role::{RoleChanges, check_agents};
use crate::{
    contact::{authorize_agents, new_agents},
    person_merge::PERSON_MERGE,
    presence_store::{check_present, named_in},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{ITEMS, SOURCED_ID, TEXT, at_most, clean, distinct, is_email, small},
    scope::{Sight, authorize_change},
    search_key,
};

/// What permissions are about. Roles and agents are parts of a person.
pub const PERSON: Resource = Resource { module: crate::MODULE, name: "person" };

/// Every statement about persons.
pub(crate) const STATEMENTS: [&[&Statement]; 5] = [
    store::STATEMENTS,
    list_store::STATEMENTS,
    within_store::STATEMENTS,
    role_store::STATEMENTS,
    account_store::STATEMENTS,
];

/// The routes of this resource and of its parts.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(part_api::routes())
}

/// Roles, and agents, of one person.
const PARTS: usize = 50;

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "person_account_key",
        field: "account_id",
        code: "account_has_person",
        message: "This account is tied to another person.",
    },
    ConstraintRule {
        constraint: "person_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another person has this sourced_id.",
    },
    ConstraintRule {
        constraint: "person_primary_org_fkey",
        field: "primary_org_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "person_role_sourced_id_key",
        field: "roles",
        code: "sourced_id_taken",
        message: "Another role has this sourced_id.",
    },
    ConstraintRule {
        constraint: "person_role_org_fkey",
        field: "roles",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "person_role_primary_key",
        field: "roles",
        code: "primary_role_taken",
        message: "A person has one primary role in an organisation.",
    },
];

/// What is known of a person: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonFields {
    /// Their name in the system that feeds them, unique within the tenant; their own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "student-20417")]
    pub sourced_id: Option<String>,
    /// Whether the record counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// The name they sign in with elsewhere.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "mila.okafor")]
    pub username: Option<String>,
    /// Whether they may use the systems that this roster feeds.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub enabled_user: bool,
    /// Given name.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Mila")]
    pub given_name: String,
    /// Middle names.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub middle_name: Option<String>,
    /// Family name.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Okafor")]
    pub family_name: String,
    /// The given name they want to be called by.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Mimi")]
    pub preferred_given_name: Option<String>,
    /// The same for middle names.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub preferred_middle_name: Option<String>,
    /// The same for the family name.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub preferred_family_name: Option<String>,
    /// Their pronouns.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "she/her")]
    pub pronouns: Option<String>,
    /// A number that people know them by, such as a student number.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "20417")]
    pub identifier: Option<String>,
    /// E-mail address. What a roster brought may be none, and can stay.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, format = "email", example = "mila.okafor@lindgren.example")]
    pub email: Option<String>,
    /// Number for text messages.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub sms: Option<String>,
    /// Telephone number.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub phone: Option<String>,
    /// Their ids in other systems.
    #[garde(custom(at_most(ITEMS)), dive)]
    #[serde(default)]
    pub user_ids: Vec<UserId>,
    /// The id that joins their records across systems.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub user_master_identifier: Option<String>,
    /// The organisation they mainly belong to.
    #[garde(skip)]
    pub primary_org_id: Option<OrgId>,
    /// Their grades.
    #[garde(custom(at_most(ITEMS)), inner(length(chars, max = TEXT), custom(clean)))]
    #[serde(default)]
    #[schema(example = json!(["04"]))]
    pub grades: Vec<String>,
    /// Their roles that count. A list that is given replaces the one that was: roles with an `id` stay, others are new.
    #[garde(custom(at_most(PARTS)), dive)]
    #[serde(default)]
    #[schema(max_items = 50)]
    pub roles: Vec<Role>,
    /// Who acts for them: parents, guardians, other relations; in the order of their ids. These are their contacts that count:
    /// to add somebody makes a contact, of which nothing else is known, and takes the permission for that.
    #[garde(custom(at_most(PARTS)), custom(distinct))]
    #[serde(default)]
    #[schema(max_items = 50)]
    pub agent_ids: Vec<PersonId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An id of a person in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserId {
    /// Which system.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[serde(rename = "type")]
    #[schema(max_length = 512, example = "LDAP")]
    pub kind: String,
    /// The id there.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(max_length = 512, example = "mokafor")]
    pub identifier: String,
}

/// A person as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Person {
    /// Which one.
    pub id: PersonId,
    /// The account tied to this person; told to whoever may change persons. It is tied by an invitation, not by a change.
    pub account_id: Option<AccountId>,
    /// Whether there is a photograph of them.
    pub has_photo: bool,
    /// Of a record that was merged into another, which one stayed; told to whoever may see merges.
    pub merged_into_id: Option<PersonId>,
    /// What is known of them.
    #[serde(flatten)]
    pub fields: PersonFields,
    /// Who made and changed the record, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps. Of all others it says that they changed: it outlives what is known of a person.
const NOT_PERSONAL: &[&str] = &["status", "enabled_user", "primary_org_id", "grades", "roles"];

impl Versioned for Person {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl PersonFields {
    /// The two forms they are found by: "family given" and "given family".
    fn search_keys(&self) -> (String, String) {
        search_key::of_person(&self.given_name, &self.family_name)
    }

    /// Refuses an address that no mail can be sent to, unless there is no other since `before`.
    fn check_email(&self, before: Option<&str>) -> Result<()> {
        match self.email.as_deref() {
            Some(email) if before != Some(email) && !is_email(email) => {
                Err(Error::field("email", "email_invalid", "Give an address such as office@school.example."))
            }
            _ => Ok(()),
        }
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

/// Whoever may change persons is told which accounts they have.
fn shows_accounts(cx: &OpContext) -> bool {
    cx.permissions().allow(Action::Update, &PERSON)
}

/// Whoever may see merges is told what became of a record.
fn shows_merges(cx: &OpContext) -> bool {
    cx.permissions().allow(Action::Read, &PERSON_MERGE)
}

fn yes() -> bool {
    true
}

/// Makes a person with roles and agents, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: PersonFields) -> Result<Person> {
    tx.cx().authorize(Action::Create, &PERSON)?;
    check_new(fields.status)?;
    fields.check_email(None)?;
    RoleChanges::plan(tx.cx().clock(), &[], &mut fields.roles)?;
    fields.agent_ids.sort_unstable();
    let id = PersonId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    let record = Record::new(tx.cx());
    let person = Person { id, account_id: None, has_photo: false, merged_into_id: None, fields, record };
    authorize_agents(tx.cx(), &[], &person.fields.agent_ids)?;
    let agents = new_agents(tx.cx().clock(), &[], &person.fields.agent_ids);
    store::insert(tx, key, &person, &agents).await?;
    tx.audit(Action::Create, &PERSON, id, None);
    Ok(person)
}

/// One person, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Person> {
    match Sight::of(cx, &PERSON)? {
        Sight::All => store::get(tenancy, cx, id).await,
        Sight::Within(within) => within_store::get(tenancy, cx, &within, id).await,
    }
}

/// Who acts for a person, and for whom that person acts. One round trip.
async fn relations(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Relations> {
    match Sight::of(cx, &PERSON)? {
        Sight::All => store::relations(tenancy, cx, id).await,
        Sight::Within(within) => within_store::relations(tenancy, cx, &within, id).await,
    }
}

/// Changes a person who is still as the caller knows them. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: PersonId,
    known: &IfMatch,
    patch: &MergePatch<PersonFields>,
) -> Result<Person> {
    let named = named_in(&patch.changes(), "agent_ids", PARTS);
    change(tenancy, cx, id, known, &named, |before| patch.apply(before)).await
}

/// Changes a person by whatever `to` makes of them; `named` are those who may come to act for them.
///
/// Somebody who comes back has the roles and places again that left with them: roles unless others are given.
async fn change(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: PersonId,
    known: &IfMatch,
    named: &[PersonId],
    to: impl FnOnce(&PersonFields) -> Result<PersonFields>,
) -> Result<Person> {
    authorize_change(cx, Action::Update, &PERSON, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let store::Locked { person: before, agents: present, left } = store::lock(&mut tx, id, named).await?;
    known.check(&before)?;
    let mut fields = to(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.check_email(before.fields.email.as_deref())?;
    let returns = fields.status != before.fields.status;
    if returns && before.merged_into_id.is_some() {
        return Err(Error::new(
            ErrorKind::Conflict,
            "person_merged",
            "This record was merged into another. To have both again, take the merge back.",
        ));
    }
    let roles_return = returns && fields.roles.is_empty();
    if roles_return {
        fields.roles.clone_from(&left);
    }
    let current = if roles_return { &left } else { &before.fields.roles };
    check_agents(Some(id), &fields.agent_ids)?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    fields.agent_ids.sort_unstable();
    let roles = RoleChanges::plan(cx.clock(), current, &mut fields.roles)?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    authorize_agents(cx, &before.fields.agent_ids, &fields.agent_ids)?;
    let come = new_agents(cx.clock(), &before.fields.agent_ids, &fields.agent_ids);
    come.iter().try_for_each(|new| check_present(&present, new.agent, "agent_ids"))?;
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let Person { account_id, has_photo, fields: PersonFields { agent_ids, .. }, record, .. } = before;
    let after = Person { id, account_id, has_photo, merged_into_id: None, fields, record: record.changed(cx) };
    tx.audit(Action::Update, &PERSON, id, Some(changes.into()));
    let besides =
        store::Besides { roles: &roles, roles_return, places_return: returns, agents: &agent_ids, come: &come };
    store::update(tx, &besides, &after).await?;
    Ok(after)
}

/// Deletes a person who is still as the caller knows them, with their roles and places in classes. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: PersonId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &PERSON, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id, &[]).await?.person;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &PERSON, id, None);
    store::delete(tx, id).await
}
