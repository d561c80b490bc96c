//! All SQL that reads and writes one person; `list_store` has the lists.

use cloister_http::IdempotencyKey;
use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use serde_json::Value;

use super::{
    Person, PersonFields, Relation, Relations,
    role::{Role, RoleChanges},
    role_store::{self, Item},
    shows_accounts, shows_merges,
};
use crate::{
    contact::{self, NewAgent},
    presence_store::{self, check_present},
    record::{Metadata, Record, Source, found, status},
    store::{delete, get, insert, lock, update},
};

macro_rules! written {
    () => {
        "username, enabled_user, given_name, middle_name, family_name, preferred_given_name, preferred_middle_name,
         preferred_family_name, pronouns, identifier, email, sms, phone, user_ids, user_master_identifier,
         primary_org_id, grades"
    };
}

/// Whether there is a photograph.
macro_rules! has_photo {
    () => {
        "exists (select from person_photo look where look.tenant_id = $1 and look.person_id = person.id) as has_photo"
    };
}

macro_rules! fields {
    () => {
        concat!(
            written!(),
            ", account_id, ",
            has_photo!(),
            ", array(select a.contact_id from contact a
                where a.tenant_id = $1 and a.student_id = person.id and a.status = 'active' order by 1) as agent_ids,
             (select g.kept_id from person_merge g where g.tenant_id = $1 and g.merged_id = person.id
                and g.status = 'active' limit 1) as merged_into_id"
        )
    };
}

macro_rules! relations {
    ($of:literal, $with:literal) => {
        concat!(
            "select p.id, p.sourced_id, p.status, p.given_name, p.family_name, p.email, p.sms, p.phone
             from contact a join person p on p.tenant_id = $1 and p.id = a.",
            $with,
            " where a.tenant_id = $1 and a.",
            $of,
            " = $2 and a.status = 'active' order by p.name_search, p.id"
        )
    };
}

statements! {
    /// One.
    GET = get!("person", fields!());
    /// One, to be changed.
    LOCK = lock!("person", fields!());
    /// A new one.
    INSERT = insert!(
        "person",
        concat!(written!(), ", name_search, given_search"),
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
    /// Marks their places in classes as deleted.
    DELETE_ENROLLMENTS = delete!("enrollment", "person_id = $2");
    /// Brings back the places that left at the same moment as their person, who is still marked as deleted.
    RESTORE_ENROLLMENTS = "update enrollment e set status = 'active', date_last_modified = $3, updated_at = $3,
            updated_by = $4, version = e.version + 1
        from person p where p.tenant_id = $1 and p.id = $2 and p.status = 'tobedeleted'
        and e.tenant_id = $1 and e.person_id = $2 and e.status = 'tobedeleted' and e.updated_at = p.updated_at";
    /// Whether one is there, and in which version.
    VERSION = "select version from person where tenant_id = $1 and id = $2";
    /// Who acts for one.
    AGENTS = relations!("student_id", "contact_id");
    /// For whom one acts.
    AGENT_OF = relations!("contact_id", "student_id");
}

pub(super) use {has_photo, written};

pub(super) fn person(row: &Row, roles: &[Row]) -> Result<Person> {
    Ok(Person {
        id: row.get("id"),
        account_id: row.get("account_id"),
        has_photo: row.get("has_photo"),
        merged_into_id: row.get("merged_into_id"),
        fields: PersonFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
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
            user_ids: serde_json::from_value(row.get("user_ids")).unwrap_or_default(),
            user_master_identifier: row.get("user_master_identifier"),
            primary_org_id: row.get("primary_org_id"),
            grades: row.get("grades"),
            roles: roles.iter().map(role_store::role).collect(),
            agent_ids: row.get("agent_ids"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

/// Columns that are made of fields.
struct Made {
    user_ids: Value,
    name_search: String,
    given_search: String,
    source: &'static str,
    status: &'static str,
}

impl Made {
    fn of(person: &Person) -> Self {
        let fields = &person.fields;
        let (name_search, given_search) = fields.search_keys();
        Self {
            // A list of two texts each cannot fail to be JSON.
            user_ids: serde_json::to_value(&fields.user_ids).unwrap_or_else(|_| Value::Array(Vec::new())),
            name_search,
            given_search,
            source: person.record.source.word(),
            status: fields.status.word(),
        }
    }

    /// The columns of `written!()` and the two that are searched.
    fn parameters<'a>(&'a self, fields: &'a PersonFields) -> [&'a (dyn ToSql + Sync); 19] {
        [
            &fields.username,
            &fields.enabled_user,
            &fields.given_name,
            &fields.middle_name,
            &fields.family_name,
            &fields.preferred_given_name,
            &fields.preferred_middle_name,
            &fields.preferred_family_name,
            &fields.pronouns,
            &fields.identifier,
            &fields.email,
            &fields.sms,
            &fields.phone,
            &self.user_ids,
            &fields.user_master_identifier,
            &fields.primary_org_id,
            &fields.grades,
            &self.name_search,
            &self.given_search,
        ]
    }
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Person> {
    let rows = tenancy.fetch_all(cx, &[(&GET, &[&id]), (&role_store::OF_PERSON, &[&id])]).await?;
    let mut person = person(found(&rows[0])?, &rows[1])?;
    person.account_id = person.account_id.filter(|_| shows_accounts(cx));
    person.merged_into_id = person.merged_into_id.filter(|_| shows_merges(cx));
    Ok(person)
}

/// Who acts for one, and for whom one acts.
pub(super) async fn relations(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Relations> {
    let rows = tenancy.fetch_all(cx, &[(&VERSION, &[&id]), (&AGENTS, &[&id]), (&AGENT_OF, &[&id])]).await?;
    related(&rows)
}

/// From the rows of the version and of both ways.
pub(super) fn related(rows: &[Vec<Row>]) -> Result<Relations> {
    Ok(Relations {
        version: found(&rows[0])?.get("version"),
        agents: rows[1].iter().map(relation).collect::<Result<_>>()?,
        agent_of: rows[2].iter().map(relation).collect::<Result<_>>()?,
    })
}

/// Somebody a person is related to.
pub(crate) fn relation(row: &Row) -> Result<Relation> {
    Ok(Relation {
        id: row.get("id"),
        sourced_id: row.get("sourced_id"),
        status: status(row)?,
        given_name: row.get("given_name"),
        family_name: row.get("family_name"),
        email: row.get("email"),
        sms: row.get("sms"),
        phone: row.get("phone"),
    })
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    new: &Person,
    agents: &[NewAgent],
) -> Result<()> {
    let Person { id, fields, record, .. } = new;
    let made = Made::of(new);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![id, &fields.sourced_id, &record.created_at, &made.source, fields.metadata.column(), &record.created_by];
    parameters.extend(made.parameters(fields));
    let mut items: Vec<Item<'_>> = vec![(&presence_store::PRESENT, vec![&fields.agent_ids]), (&INSERT, parameters)];
    items.extend(role_store::inserts(id, &fields.roles, record, &made.source));
    items.extend(contact::come(id, agents, record, &made.source));
    let rows = IdempotencyKey::query_all(key, tx, &borrowed(&items)).await.map_err(contact::of_agents)?;
    fields.agent_ids.iter().try_for_each(|agent| check_present(&rows[0], *agent, "agent_ids"))
}

/// A person who is kept from changing.
pub(super) struct Locked {
    /// With roles and agents.
    pub(super) person: Person,
    /// Those who may come to act for them, kept from leaving.
    pub(super) agents: Vec<Row>,
    /// The roles that left at the same moment as a person who is deleted.
    pub(super) left: Vec<Role>,
}

/// `named` are those who may come to act for the person. All are locked in one order.
pub(super) async fn lock(tx: &mut TenantTx, id: PersonId, named: &[PersonId]) -> Result<Locked> {
    let all: Vec<PersonId> = named.iter().copied().chain([id]).collect();
    let one: &Parameters<'_> = &[&id];
    let steps: [(&'static Statement, &Parameters<'_>); 4] =
        [(&presence_store::HELD, &[&all]), (&LOCK, one), (&role_store::OF_PERSON, one), (&role_store::LEFT, one)];
    let mut rows = tx.query_all(&steps).await?;
    let person = person(found(&rows[1])?, &rows[2])?;
    let left = rows[3].iter().map(role_store::role).collect();
    Ok(Locked { person, agents: rows.swap_remove(0), left })
}

/// What else a change does besides writing the person.
pub(super) struct Besides<'a> {
    pub(super) roles: &'a RoleChanges,
    /// Whether the roles come back that left with the person.
    pub(super) roles_return: bool,
    /// Whether the places in classes do.
    pub(super) places_return: bool,
    /// Who acted for the person before.
    pub(super) agents: &'a [PersonId],
    /// Who does from now on.
    pub(super) come: &'a [NewAgent],
}

/// The change, what becomes of roles, places and agents, and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, besides: &Besides<'_>, changed: &Person) -> Result<()> {
    let Besides { roles, roles_return, places_return, agents, come } = *besides;
    let Person { id, fields, record, .. } = changed;
    // Whoever changes who acts for a person keeps that from now on, whoever keeps the person.
    let keeper = Source::of(tx.cx().actor()).word();
    let made = Made::of(changed);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![id, &made.status, &record.updated_at, &record.updated_by, fields.metadata.column()];
    parameters.extend(made.parameters(fields));
    // What comes back is told by the person's own moment, which the update changes.
    let back: Vec<&(dyn ToSql + Sync)> = vec![id, &record.updated_at, &record.updated_by];
    let returns = [(places_return, &RESTORE_ENROLLMENTS), (roles_return, &role_store::RESTORE_LEFT)];
    let mut items: Vec<Item<'_>> = returns
        .into_iter()
        .filter(|(returns, _)| *returns)
        .map(|(_, statement)| -> Item<'_> { (statement, back.clone()) })
        .collect();
    items.push((&UPDATE, parameters));
    items.extend(role_store::changes(id, roles, record, &made.source));
    let gone = agents.iter().filter(|agent| !fields.agent_ids.contains(agent));
    items.extend(contact::gone(id, gone, record, &keeper));
    items.extend(contact::come(id, come, record, &keeper));
    tx.commit_with(&borrowed(&items)).await.map(drop).map_err(contact::of_agents)
}

/// Marks the person, their roles and their places in classes as deleted, and commits.
pub(super) async fn delete(tx: TenantTx, id: PersonId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let which: &Parameters<'_> = &[&id, &now, &by];
    let items = [(&DELETE, which), (&role_store::DELETE_OF_PERSON, which), (&DELETE_ENROLLMENTS, which)];
    tx.commit_with(&items).await.map(drop)
}

fn borrowed<'a>(items: &'a [Item<'a>]) -> Vec<(&'static Statement, &'a Parameters<'a>)> {
    items.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())).collect()
}
