//! All SQL that reads and writes one person; [`list_store`](super::list_store) has the lists.

use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use serde_json::Value;

use super::{
    Person, PersonChange, PersonDetails, Relation, Relations, UserId,
    role_store::{self, Item},
};
use crate::{
    record::{Head, Stamp, Status, found},
    store::{delete, get, insert, lock, update},
};

macro_rules! fields {
    () => {
        "username, enabled_user, given_name, middle_name, family_name, preferred_given_name, preferred_middle_name,
         preferred_family_name, pronouns, identifier, email, sms, phone, user_ids, user_master_identifier,
         primary_org_id, grades"
    };
}

macro_rules! read {
    () => {
        concat!(
            fields!(),
            ", account_id, array(select a.agent_id from person_agent a
                where a.tenant_id = $1 and a.person_id = person.id order by 1) as agent_ids"
        )
    };
}

macro_rules! relations {
    ($of:literal, $with:literal) => {
        concat!(
            "select p.id, p.sourced_id, p.status, p.given_name, p.family_name, p.email, p.sms, p.phone
             from person_agent a join person p on p.tenant_id = $1 and p.id = a.",
            $with,
            " where a.tenant_id = $1 and a.",
            $of,
            " = $2 order by p.name_search, p.id"
        )
    };
}

statements! {
    /// One.
    GET = get!("person", read!());
    /// One, to be changed.
    LOCK = lock!("person", read!());
    /// A new one.
    INSERT = insert!(
        "person",
        concat!(fields!(), ", name_search, given_search"),
        "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26"
    );
    /// New values.
    UPDATE = update!(
        "person",
        "username = $7, enabled_user = $8, given_name = $9, middle_name = $10, family_name = $11,
         preferred_given_name = $12, preferred_middle_name = $13, preferred_family_name = $14, pronouns = $15,
         identifier = $16, email = $17, sms = $18, phone = $19, user_ids = $20, user_master_identifier = $21,
         primary_org_id = $22, grades = $23, name_search = $24, given_search = $25"
    );
    /// Marked as deleted.
    DELETE = delete!("person", "id = $2");
    /// Marks all places in classes as deleted.
    DELETE_ENROLLMENTS = delete!("enrollment", "person_id = $2");
    /// That one is there.
    VERSION = "select version from person where tenant_id = $1 and id = $2";
    /// Who acts for one.
    AGENTS = relations!("person_id", "agent_id");
    /// For whom one acts.
    AGENT_OF = relations!("agent_id", "person_id");
    /// Somebody begins to act for one.
    INSERT_AGENT = "insert into person_agent (tenant_id, person_id, agent_id) values ($1, $2, $3)";
    /// Somebody no longer acts for one.
    DELETE_AGENT = "delete from person_agent where tenant_id = $1 and person_id = $2 and agent_id = $3";
}

fn from_row(row: &Row, roles: &[Row]) -> Person {
    Person {
        head: Head::from_row(row),
        account_id: row.get("account_id"),
        details: PersonDetails {
            username: row.get("username"),
            enabled_user: row.get("enabled_user"),
            given_name: row.get("given_name"),
            middle_name: row.get("middle_name"),
            family_name: row.get("family_name"),
            preferred_given_name: row.get("preferred_given_name"),
            preferred_middle_name: row.get("preferred_middle_name"),
            preferred_family_name: row.get("preferred_family_name"),
            pronouns: row.get("pronouns"),
            identifier: row.get("identifier"),
            email: row.get("email"),
            sms: row.get("sms"),
            phone: row.get("phone"),
            user_ids: user_ids(row.get("user_ids")),
            user_master_identifier: row.get("user_master_identifier"),
            primary_org_id: row.get("primary_org_id"),
            grades: row.get("grades"),
            metadata: row.get("metadata"),
        },
        roles: roles.iter().map(role_store::from_row).collect(),
        agent_ids: row.get("agent_ids"),
    }
}

fn user_ids(column: Value) -> Vec<UserId> {
    serde_json::from_value(column).unwrap_or_default()
}

/// The columns of `fields!()` and the two search columns.
struct Columns {
    user_ids: Value,
    name_search: String,
    given_search: String,
}

impl Columns {
    fn new(details: &PersonDetails) -> Self {
        let (name_search, given_search) = details.search_keys();
        let user_id = |id: &UserId| serde_json::json!({"type": id.kind, "identifier": id.identifier});
        Self { user_ids: details.user_ids.iter().map(user_id).collect(), name_search, given_search }
    }

    fn parameters<'a>(&'a self, details: &'a PersonDetails) -> [&'a (dyn ToSql + Sync); 19] {
        [
            &details.username,
            &details.enabled_user,
            &details.given_name,
            &details.middle_name,
            &details.family_name,
            &details.preferred_given_name,
            &details.preferred_middle_name,
            &details.preferred_family_name,
            &details.pronouns,
            &details.identifier,
            &details.email,
            &details.sms,
            &details.phone,
            &self.user_ids,
            &details.user_master_identifier,
            &details.primary_org_id,
            &details.grades,
            &self.name_search,
            &self.given_search,
        ]
    }
}

/// One with roles and agents, deleted or not.
pub async fn get(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Person> {
    let rows = tenancy.fetch_all(cx, &[(&GET, &[&id]), (&role_store::OF_PERSON, &[&id])]).await?;
    Ok(from_row(found(&rows[0])?, &rows[1]))
}

/// Whose guardian one is, and who is one's.
pub async fn relations(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Relations> {
    let rows = tenancy.fetch_all(cx, &[(&VERSION, &[&id]), (&AGENTS, &[&id]), (&AGENT_OF, &[&id])]).await?;
    Ok(Relations {
        version: found(&rows[0])?.get("version"),
        agents: rows[1].iter().map(relation).collect(),
        agent_of: rows[2].iter().map(relation).collect(),
    })
}

fn relation(row: &Row) -> Relation {
    Relation {
        id: row.get("id"),
        sourced_id: row.get("sourced_id"),
        status: Status::from_column(row.get("status")),
        given_name: row.get("given_name"),
        family_name: row.get("family_name"),
        email: row.get("email"),
        sms: row.get("sms"),
        phone: row.get("phone"),
    }
}

/// Writes a new one, without roles and agents.
pub async fn insert(tx: &mut TenantTx, person: &Person) -> Result<()> {
    let Person { head, details, .. } = person;
    let columns = Columns::new(details);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &head.id,
        &head.sourced_id,
        &head.created_at,
        head.source.column(),
        &details.metadata,
        &head.created_by,
    ];
    parameters.extend(columns.parameters(details));
    tx.query(&INSERT, &parameters).await.map(drop)
}

/// Writes roles and agents of a new one and commits.
pub async fn commit_insert(tx: TenantTx, person: &Person) -> Result<()> {
    let id = &person.head.id;
    let agents = person.agent_ids.iter().map(|agent| agent_item(&INSERT_AGENT, id, agent));
    commit(tx, role_store::inserts(id, &person.roles).chain(agents).collect()).await
}

/// One with roles and agents, to be changed by this transaction.
pub async fn lock(tx: &mut TenantTx, id: PersonId) -> Result<Person> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&role_store::OF_PERSON, &[&id])]).await?;
    Ok(from_row(found(&rows[0])?, &rows[1]))
}

/// Writes a change and commits.
pub async fn commit_update(tx: TenantTx, change: &PersonChange) -> Result<()> {
    let PersonChange { head, details, roles, agents_come, agents_gone } = change;
    let columns = Columns::new(details);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&head.id, head.status.column(), &head.updated_at, &head.updated_by, &details.metadata];
    parameters.extend(columns.parameters(details));
    let stamp = Stamp { at: head.updated_at, by: head.updated_by.clone(), source: head.source };
    let mut items: Vec<Item<'_>> = vec![(&UPDATE, parameters)];
    items.extend(role_store::changes(&head.id, roles, &stamp));
    items.extend(agents_gone.iter().map(|agent| agent_item(&DELETE_AGENT, &head.id, agent)));
    items.extend(agents_come.iter().map(|agent| agent_item(&INSERT_AGENT, &head.id, agent)));
    commit(tx, items).await
}

/// Marks the person, their roles and their places in classes as deleted, and commits.
pub async fn commit_delete(tx: TenantTx, id: PersonId, stamp: &Stamp) -> Result<()> {
    let what: &Parameters<'_> = &[&id, &stamp.at, &stamp.by];
    let items = [(&DELETE, what), (&role_store::DELETE_OF_PERSON, what), (&DELETE_ENROLLMENTS, what)];
    tx.commit_with(&items).await.map(drop)
}

fn agent_item<'a>(statement: &'static Statement, person: &'a PersonId, agent: &'a PersonId) -> Item<'a> {
    (statement, vec![person, agent])
}

async fn commit(tx: TenantTx, items: Vec<Item<'_>>) -> Result<()> {
    let items: Vec<(&'static Statement, &Parameters<'_>)> =
        items.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())).collect();
    tx.commit_with(&items).await.map(drop)
}
