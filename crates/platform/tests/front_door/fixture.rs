//! A platform with accounts, and a door to it.

use std::{future::pending, sync::Arc, time::Duration};

use cloister_http::{EdgeSettings, HttpModule};
use cloister_ids::{AccountId, ManualClock};
use cloister_platform::{Keyring, NewPerson, Platform, PlatformSettings, Service};
use cloister_tenancy::{Actor, Module, Requester, TenantEntry, Tier, jobs::WorkSettings};
use cloister_testkit::{Call, FrontDoor, Notebook, Proxy, Seen, TestPlatform, TestSettings};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::roster::Roster;

pub(crate) const PASSWORD: &str = "seven quiet herons at dusk";

pub(crate) struct House {
    pub(crate) platform: TestPlatform,
    pub(crate) service: Service,
    pub(crate) door: FrontDoor,
    pub(crate) room: Platform,
    pub(crate) clock: ManualClock,
}

/// A clock that tests move. It starts today: the database's own is near.
pub(crate) fn clock() -> ManualClock {
    use cloister_ids::Clock;
    ManualClock::new(cloister_ids::SystemClock.now())
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(Arc::new(Notebook), PlatformSettings::default(), EdgeSettings::default()).await
    }

    /// A platform of tenants that keep a roster.
    pub(crate) async fn with_roster() -> Self {
        Self::with(Arc::new(Roster), PlatformSettings::default(), EdgeSettings::default()).await
    }

    /// A platform whose room of accounts and edge are set otherwise.
    pub(crate) async fn open_with(room_settings: PlatformSettings, edge: EdgeSettings) -> Self {
        Self::with(Arc::new(Notebook), room_settings, edge).await
    }

    async fn with(module: Arc<dyn Module>, room_settings: PlatformSettings, edge: EdgeSettings) -> Self {
        let clock = clock();
        let room = Platform::new();
        let modules: Vec<Arc<dyn Module>> = vec![Arc::new(room.clone()), module];
        let settings = TestSettings { modules, clock: Arc::new(clock.clone()), ..TestSettings::default() };
        let platform = TestPlatform::with(settings).await;
        let (service, door) = Self::node(&room, platform.control.clone(), room_settings, edge).await;
        Self { platform, service, door, room, clock }
    }

    async fn node(
        room: &Platform,
        control: cloister_tenancy::ControlPlane,
        settings: PlatformSettings,
        edge: EdgeSettings,
    ) -> (Service, FrontDoor) {
        let tenancy = control.tenancy().clone();
        let service = room.open(control, Keyring::new([7; 32]), settings).await.unwrap();
        let http: Vec<Arc<dyn HttpModule>> = vec![Arc::new(room.clone())];
        let door = FrontDoor::authenticated(&tenancy, Arc::new(service.clone()), &http, edge);
        (service, door)
    }

    /// Another node on the same databases.
    pub(crate) async fn second_node(&self) -> (Service, FrontDoor) {
        let room = Platform::new();
        let modules: Vec<Arc<dyn Module>> = vec![Arc::new(room.clone()), Arc::new(Notebook)];
        let (_, control) = self.platform.node_with(modules).await;
        Self::node(&room, control, PlatformSettings::default(), EdgeSettings::default()).await
    }

    /// A node whose connections to PostgreSQL go through a proxy.
    pub(crate) async fn node_through(&self, proxy: &Proxy) -> (Service, FrontDoor) {
        let room = Platform::new();
        let modules: Vec<Arc<dyn Module>> = vec![Arc::new(room.clone()), Arc::new(Notebook)];
        let (_, control) = self.platform.node_through(modules, proxy).await;
        Self::node(&room, control, PlatformSettings::default(), EdgeSettings::default()).await
    }

    pub(crate) async fn school(&self, slug: &str) -> Arc<TenantEntry> {
        self.platform.tenant(slug, Tier::Shared).await
    }

    pub(crate) async fn member(&self, tenant: &TenantEntry, email: &str, role: &str) -> AccountId {
        let person = person(email);
        self.service.make_member(tenant.id, &person, &[role.to_owned()], &by()).await.unwrap()
    }

    /// A request to the tenant's own host, or to the installation's.
    pub(crate) fn at(&self, tenant: Option<&TenantEntry>, method: &str, path: &str) -> Call {
        let host = tenant.map_or_else(|| "localhost".to_owned(), |tenant| format!("{}.localhost", tenant.slug));
        self.door.call(method, path).header("host", &host)
    }

    pub(crate) async fn sign_in(&self, tenant: Option<&TenantEntry>, email: &str) -> Value {
        let body = json!({ "email": email, "password": PASSWORD });
        self.at(tenant, "POST", "/api/v1/sessions").json(body).expect(201).await
    }

    /// Runs jobs until it is aborted.
    pub(crate) fn work(&self) -> tokio::task::JoinHandle<()> {
        let tenancy = self.platform.tenancy.clone();
        tokio::spawn(async move { drop(tenancy.work(WorkSettings::default(), pending()).await) })
    }

    /// What a tenant's own audit log says of an action, once it says anything, the oldest first.
    pub(crate) async fn log(&self, tenant: &TenantEntry, action: &str) -> Vec<Value> {
        self.log_of(tenant, action, 1).await
    }

    /// The same once it says so much. Jobs must be running.
    pub(crate) async fn log_of(&self, tenant: &TenantEntry, action: &str, least: usize) -> Vec<Value> {
        let database = &tenant.placement.as_ref().unwrap().database;
        let client = self.platform.admin(database).await;
        let text = "select to_jsonb(a) as entry from cloister.audit a where tenant_id = $1 and action = $2 order by id";
        for _ in 0..200 {
            let rows = client.query(text, &[&tenant.id.uuid(), &action]).await.unwrap();
            if rows.len() >= least {
                return rows.iter().map(|row| row.get("entry")).collect();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the log does not say {action} {least} times");
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
    }
}

pub(crate) fn person(email: &str) -> NewPerson {
    NewPerson {
        email: email.to_owned(),
        display_name: "Somebody Else".to_owned(),
        locale: "en".to_owned(),
        password: PASSWORD.to_owned().into(),
    }
}

pub(crate) fn by() -> Requester {
    (&Actor::Operator("test".into())).into()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// The value of the cookie that an answer sets.
pub(crate) fn cookie(seen: &Seen) -> String {
    let header = seen.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {}", seen.body));
    header.split(';').next().unwrap_or_default().to_owned()
}
