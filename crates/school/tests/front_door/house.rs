//! A small school with everybody who may sign in, and tokens as their roles give them.
//!
//! Tess teaches class A, Cole class B. Mila is in A and Gus and Ines act for her; Quin is in B and Hal acts for him. Tess, Gus
//! and Mila have accounts; owner, administrator and office have accounts and no record in the roster.

use std::collections::HashMap;

use cloister_ids::{AccountId, PersonId, SystemClock};
use cloister_school::{School, person::link_account};
use cloister_tenancy::{Module, TenantEntry};
use cloister_testkit::{Call, FrontDoor, TestPlatform, token};
use serde_json::{Value, json};

use crate::{Frame, Office, id};

/// The roles of the table of grants.
pub(crate) const ROLES: [&str; 6] = ["owner", "admin", "staff", "teacher", "guardian", "student"];

/// Accounts by role. One account may be a member of many tenants, so they are made apart from any.
pub(crate) struct Accounts(HashMap<&'static str, AccountId>);

impl Accounts {
    pub(crate) fn new() -> Self {
        Self(ROLES.iter().map(|role| (*role, AccountId::generate(&SystemClock))).collect())
    }

    pub(crate) fn of(&self, role: &str) -> AccountId {
        self.0[role]
    }
}

/// What the table grants to a role.
pub(crate) fn permissions(role: &str) -> Vec<String> {
    let grants = School.grants().iter().filter(|grant| grant.role == role);
    grants.flat_map(cloister_tenancy::Grant::permissions).collect()
}

/// Somebody with an account and these permissions.
pub(crate) fn signed_in(account: AccountId, tenant: &TenantEntry, permissions: &[String]) -> String {
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    token(&account.to_string(), Some(tenant), &permissions)
}

/// Ties an account to a person, as an invitation that is accepted does.
pub(crate) async fn link(
    platform: &TestPlatform,
    tenant: &std::sync::Arc<TenantEntry>,
    person: &Value,
    account: AccountId,
) {
    let mut tx = platform.tenancy.write(&platform.cx(tenant)).await.unwrap();
    let person: PersonId = id(person).parse().unwrap();
    assert!(link_account(&mut tx, person, account).await.unwrap());
    tx.commit().await.unwrap();
}

/// The school.
pub(crate) struct House<'a> {
    pub(crate) office: Office<'a>,
    pub(crate) tenant: std::sync::Arc<TenantEntry>,
    pub(crate) accounts: &'a Accounts,
    pub(crate) frame: Frame,
    /// Class B.
    pub(crate) other_class: Value,
    /// By given name.
    pub(crate) persons: HashMap<&'static str, Value>,
    /// By given name of the person.
    pub(crate) places: HashMap<&'static str, Value>,
    /// By given name of whoever acts for a child.
    pub(crate) contacts: HashMap<&'static str, Value>,
}

impl<'a> House<'a> {
    pub(crate) async fn new(
        platform: &TestPlatform,
        door: &'a FrontDoor,
        tenant: &'a std::sync::Arc<TenantEntry>,
        accounts: &'a Accounts,
    ) -> Self {
        let office = Office { door, tenant };
        let frame = office.frame().await;
        let other = json!({"title": "Biology B", "class_type": "scheduled", "course_id": frame.course["id"],
            "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
        let other_class = office.make("classes", other).await;
        let mut persons = HashMap::new();
        for (name, role) in
            [("Cole", "teacher"), ("Gus", "guardian"), ("Hal", "guardian"), ("Ines", "guardian"), ("Tess", "teacher")]
        {
            let role = json!([{"role": role, "role_type": "primary", "org_id": frame.school["id"]}]);
            let body = json!({"given_name": name, "family_name": "Adult", "email": format!("{name}@home.example"),
                "roles": role});
            persons.insert(name, office.make("persons", body).await);
        }
        for (name, agents) in [("Mila", vec!["Gus", "Ines"]), ("Quin", vec!["Hal"])] {
            let agents: Vec<&Value> = agents.iter().map(|agent| &persons[agent]["id"]).collect();
            let role = json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"]}]);
            let body = json!({"given_name": name, "family_name": "Child", "agent_ids": agents, "roles": role});
            let child = office.make("persons", body).await;
            let put = office.call("PUT", &format!("persons/{}/demographics", id(&child)));
            put.json(json!({"sex": "female"})).expect(200).await;
            persons.insert(name, child);
        }
        let mut places = HashMap::new();
        for (name, class, role) in [
            ("Tess", &frame.class, "teacher"),
            ("Cole", &other_class, "teacher"),
            ("Mila", &frame.class, "student"),
            ("Quin", &other_class, "student"),
        ] {
            let place = json!({"class_id": class["id"], "person_id": persons[name]["id"], "role": role});
            places.insert(name, office.make("enrollments", place).await);
        }
        let mut contacts = HashMap::new();
        for name in ["Gus", "Hal", "Ines"] {
            let [contact] =
                office.list(&format!("contacts?contact_id={}", id(&persons[name]))).await.try_into().unwrap();
            contacts.insert(name, contact);
        }
        for (role, name) in [("teacher", "Tess"), ("guardian", "Gus"), ("student", "Mila")] {
            link(platform, tenant, &persons[name], accounts.of(role)).await;
        }
        Self { office, tenant: tenant.clone(), accounts, frame, other_class, persons, places, contacts }
    }

    pub(crate) fn person(&self, name: &str) -> &str {
        id(&self.persons[name])
    }

    pub(crate) fn place(&self, name: &str) -> &str {
        id(&self.places[name])
    }

    /// What this adult is to their child.
    pub(crate) fn contact(&self, name: &str) -> &str {
        id(&self.contacts[name])
    }

    /// A request by whoever has this role here.
    pub(crate) fn by(&self, role: &str, method: &str, path: &str) -> Call {
        self.with(role, &permissions(role), method, path)
    }

    /// A request with the account of a role and other permissions.
    pub(crate) fn with(&self, role: &str, permissions: &[String], method: &str, path: &str) -> Call {
        let token = signed_in(self.accounts.of(role), &self.tenant, permissions);
        self.office.call(method, path).token(&token)
    }

    /// The given names in a list of persons.
    pub(crate) async fn names(&self, role: &str, path: &str) -> Vec<String> {
        let page = self.by(role, "GET", path).expect(200).await;
        assert_eq!(page["next_cursor"], Value::Null, "{path}");
        names(&page)
    }
}

pub(crate) fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["given_name"].as_str().unwrap().to_owned()).collect()
}
