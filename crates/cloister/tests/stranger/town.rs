//! Tenants of one kind: the rightful one, another one of the same shape, and one that is suspended.

use std::{collections::BTreeMap, sync::Arc};

use cloister_ids::PersonId;
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::operator::suspend;
use serde_json::{Value, json};

use crate::{
    answer::{done, text},
    document::About,
    fill::{Things, fill},
    people::Person,
    recipe_documents,
    world::World,
};

/// A tenant with one thing of each kind in it, and its people.
pub(crate) struct Home {
    pub(crate) tenant: Arc<TenantEntry>,
    pub(crate) owner: Person,
    pub(crate) things: Things,
    /// Members by their role; only the rightful tenant has any besides the owner.
    pub(crate) members: BTreeMap<&'static str, Person>,
    /// Those whose rights end at what is their own, and what that is. Two of them, apart from each other.
    pub(crate) families: Vec<Family>,
}

/// A child, who acts for it, who teaches it, and what is theirs.
pub(crate) struct Family {
    pub(crate) people: BTreeMap<&'static str, Person>,
    /// Differs from the other family's.
    pub(crate) things: Things,
}

/// A role of a tenant's own that allows nothing.
const BARE: &str = "bare";

pub(crate) struct Town {
    pub(crate) kind: &'static str,
    pub(crate) own: Home,
    pub(crate) other: Home,
    pub(crate) closed: Home,
}

impl Town {
    /// Makes the tenants with what is in them.
    pub(crate) async fn found(world: &World, kind: &'static str, tier: Tier) -> Result<Self, String> {
        let own = Home::new(world, &format!("north-{kind}"), kind, tier).await?;
        let other = Home::new(world, &format!("south-{kind}"), kind, Tier::Shared).await?;
        let closed = Home::new(world, &format!("closed-{kind}"), kind, Tier::Shared).await?;
        Ok(Self { kind, own, other, closed })
    }

    /// Signs everybody in, and shuts what is to be shut.
    pub(crate) async fn people(&mut self, world: &World) -> Result<(), String> {
        for home in [&mut self.own, &mut self.other, &mut self.closed] {
            // The first tokens are old by now.
            world.renew(&home.owner).await?;
        }
        self.own.settle(world, self.kind).await?;
        if self.kind == "school" {
            self.other.families = vec![Family::new(world, &self.other, "Mila").await?];
            self.own.families = vec![
                Family::new(world, &self.own, "Mila").await?.signed_in(world, &self.own).await?,
                Family::new(world, &self.own, "Quin").await?.signed_in(world, &self.own).await?,
            ];
        }
        suspend(&world.platform.tenancy, self.closed.tenant.id).await;
        Ok(())
    }
}

impl Home {
    async fn new(world: &World, slug: &str, kind: &'static str, tier: Tier) -> Result<Self, String> {
        let tenant = world.platform.tenant_of(slug, kind, tier).await;
        let owner = world.fresh_member(&tenant, "owner").await?;
        let mut home = Self { tenant, owner, things: Things::new(), members: BTreeMap::new(), families: Vec::new() };
        home.furnish(world, kind).await?;
        Ok(home)
    }

    /// Makes one thing by each operation that makes things, in whatever order they need each other.
    async fn furnish(&mut self, world: &World, kind: &str) -> Result<(), String> {
        let here =
            |name: &str| world.modules.iter().any(|module| module.name() == name && module.kinds().contains(&kind));
        let mut left: Vec<_> = (world.document.operations.iter())
            .filter(|operation| here(operation.module) && operation.about() == About::Tenant)
            .filter(|operation| operation.method == "POST" && operation.names.is_empty() && operation.body.is_some())
            .collect();
        while !left.is_empty() {
            let before = left.len();
            let mut still = Vec::new();
            for operation in left {
                let body = fill(operation.body.as_ref().unwrap_or(&Value::Null), &self.things, world.number());
                match self.make(world, &operation.path, body).await {
                    Ok(made) => drop(self.keep(&made)),
                    Err(_) => still.push(operation),
                }
            }
            if still.len() == before {
                // Those that need more than their example are left to their recipes.
                break;
            }
            left = still;
        }
        Ok(())
    }

    fn keep(&mut self, made: &Value) -> Option<()> {
        let id = made["id"].as_str()?;
        self.things.insert(crate::ask::kind_of(id)?.to_owned(), id.to_owned());
        Some(())
    }

    /// Makes something as its owner.
    pub(crate) async fn make(&self, world: &World, path: &str, body: Value) -> Result<Value, String> {
        let call = world.door.call("POST", path).header("host", &self.host()).token(&self.owner.token());
        Ok(done(call.json(body).send().await, &format!("POST {path}"))?.body)
    }

    pub(crate) fn host(&self) -> String {
        format!("{}.localhost", self.tenant.slug)
    }

    /// Members of every role whose rights are for all, and one without any right.
    async fn settle(&mut self, world: &World, kind: &str) -> Result<(), String> {
        let bare = json!({ "name": BARE, "display_name": "Bare", "inherits": [], "permissions": [] });
        self.make(world, "/api/v1/tenant/roles", bare).await?;
        self.members.insert(BARE, world.member(&self.tenant, BARE, BARE).await?);
        let modules = world.modules.iter().filter(|one| one.is_for_every_kind() || one.kinds().contains(&kind));
        for role in modules.flat_map(|module| module.roles()) {
            if role.name != "owner" && !is_scoped(world, role.name) {
                self.members.insert(role.name, world.member(&self.tenant, role.name, role.name).await?);
            }
        }
        Ok(())
    }

    pub(crate) fn bare(&self) -> Option<&Person> {
        self.members.get(BARE)
    }

    /// Everybody who is signed in here.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &Person> {
        let families = self.families.iter().flat_map(|family| family.people.values());
        std::iter::once(&self.owner).chain(self.members.values()).chain(families)
    }

    /// What nobody elsewhere may read: the ids of what is here. The tenant's own is no secret: others name it in a header, and
    /// read in their own audit log that they did.
    pub(crate) fn private(&self) -> Vec<String> {
        let of_families = self.families.iter().flat_map(|family| family.things.values());
        let owner = [self.owner.email.clone(), self.owner.account.to_string()];
        self.things.values().chain(of_families).cloned().chain(owner).collect()
    }
}

/// Whether a role's rights end at what is its own.
pub(crate) fn is_scoped(world: &World, role: &str) -> bool {
    let mut grants = world.modules.iter().flat_map(|module| module.grants());
    grants.any(|grant| grant.role == role && grant.scope.is_some())
}

impl Family {
    /// A child with a guardian, in a class with a teacher.
    async fn new(world: &World, home: &Home, name: &str) -> Result<Self, String> {
        let make = async |what: &str, things: &Things, change: Value| {
            let path = format!("/api/v1/{what}");
            let example = world.document.at("POST", &path).and_then(|operation| operation.body.clone());
            let mut body = fill(&example.unwrap_or_default(), things, world.number());
            for (field, value) in change.as_object().into_iter().flatten() {
                body[field] = value.clone();
            }
            text(&home.make(world, &path, body).await?, "id")
        };
        let mut things = home.things.clone();
        let adult = json!({ "agent_ids": [], "roles": [] });
        let guardian = make("persons", &things, adult.clone()).await?;
        let teacher = make("persons", &things, adult).await?;
        let class = make("classes", &things, json!({ "title": format!("The class of {name}") })).await?;
        let child = json!({ "given_name": name, "agent_ids": [] });
        let child = make("persons", &things, child).await?;
        let contact = json!({ "student_id": child, "contact_id": guardian });
        let contact = make("contacts", &things, contact).await?;
        things.insert("cls".to_owned(), class);
        things.insert("per".to_owned(), child.clone());
        things.insert("con".to_owned(), contact);
        // For guardians and the child.
        let document = make("documents", &things, json!({})).await?;
        recipe_documents::put_in(world, home, &document).await?;
        things.insert("doc".to_owned(), document);
        let place = make("enrollments", &things, json!({})).await?;
        things.insert("enr".to_owned(), place);
        make("enrollments", &things, json!({ "person_id": teacher, "role": "teacher" })).await?;
        // What is the same for both families is no secret between them.
        things.retain(|kind, id| home.things.get(kind) != Some(id));
        let persons = [("guardian", &guardian), ("teacher", &teacher), ("student", &child)];
        things.extend(persons.map(|(role, id)| (format!("the {role}"), id.clone())));
        Ok(Self { people: BTreeMap::new(), things })
    }

    /// With accounts for the three of them.
    async fn signed_in(mut self, world: &World, home: &Home) -> Result<Self, String> {
        for role in ["guardian", "teacher", "student"] {
            let person = world.fresh_member(&home.tenant, role).await?;
            let id: PersonId = self.things[&format!("the {role}")].parse().map_err(|_| "no id".to_owned())?;
            let linked = async {
                let mut tx = world.platform.tenancy.write(&world.platform.cx(&home.tenant)).await?;
                cloister_school::person::link_account(&mut tx, id, person.account).await?;
                tx.commit().await
            };
            linked.await.map_err(|error| error.log())?;
            self.people.insert(role, person);
        }
        Ok(self)
    }
}
