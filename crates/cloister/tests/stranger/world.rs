//! A platform as the binary composes it, with tenants of every kind and everybody who has to do with them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use cloister_catalog::Catalog;
use cloister_http::{EdgeSettings, HttpModule, RateSettings};
use cloister_ids::{Clock, ManualClock, SystemClock};
use cloister_platform::{Keyring, Platform, PlatformSettings, Service, signup::SignupSettings};
use cloister_school::School;
use cloister_tenancy::{Module, Tier};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings};
use jiff::SignedDuration;

use crate::{
    answer::{done, text},
    document::{Document, Operation},
    people::Person,
    recipe_platform::visit,
    town::{Home, Town},
};

/// The platform and who is on it.
pub(crate) struct World {
    pub(crate) platform: TestPlatform,
    pub(crate) service: Service,
    pub(crate) door: FrontDoor,
    /// It stands still.
    pub(crate) clock: ManualClock,
    pub(crate) document: Document,
    pub(crate) modules: Vec<Arc<dyn HttpModule>>,
    /// One for each kind of tenant.
    pub(crate) towns: Vec<Town>,
    /// Operators, by role.
    pub(crate) admin: Option<Person>,
    pub(crate) support: Option<Person>,
    pub(crate) viewer: Option<Person>,
    /// A token of an owner that was good a while ago.
    pub(crate) expired: String,
    /// A token of an operator's visit that has ended.
    pub(crate) left: String,
    /// A token of an operator's visit that is under way, to see and not to change.
    pub(crate) inside: String,
    /// A token of the first owner, for no tenant.
    pub(crate) outside: String,
    /// The cookie of a browser in which the other tenant's owner is signed in.
    pub(crate) cookie: String,
    number: AtomicU64,
    /// Requests that named two tenants, by the kind of town they were sent in.
    contradictions: Mutex<HashMap<&'static str, usize>>,
}

impl World {
    /// With the rightful tenants in this tier, and all others in the shared one; of these kinds alone, where any are named.
    pub(crate) async fn open(tier: Tier, only: &[&str]) -> Self {
        let clock = ManualClock::new(SystemClock.now());
        let room = Platform::new();
        let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(room.clone()), Arc::new(School), Arc::new(Catalog)];
        let for_kernel: Vec<Arc<dyn Module>> = modules.iter().map(|module| module.clone() as Arc<dyn Module>).collect();
        let settings = TestSettings { modules: for_kernel, clock: Arc::new(clock.clone()), ..TestSettings::default() };
        let platform = TestPlatform::with(settings).await;
        // Whoever signs up wants to be where no cluster is, so that operators have something to mend.
        let signups = SignupSettings { region: "nowhere".to_owned(), ..SignupSettings::default() };
        let settings = PlatformSettings { signups, ..PlatformSettings::default() };
        let service = room.open(platform.control.clone(), Keyring::new([7; 32]), settings).await.unwrap();
        let edge = EdgeSettings { rates: RateSettings::UNLIMITED, ..EdgeSettings::default() };
        let door = FrontDoor::authenticated(&platform.tenancy, Arc::new(service.clone()), &modules, edge);
        let document = Document::of(&modules);
        let mut world = Self {
            platform,
            service,
            door,
            clock: clock.clone(),
            document,
            modules,
            towns: Vec::new(),
            admin: None,
            support: None,
            viewer: None,
            expired: String::new(),
            left: String::new(),
            inside: String::new(),
            outside: String::new(),
            cookie: String::new(),
            number: AtomicU64::new(1),
            contradictions: Mutex::default(),
        };
        world.settle(tier, only, &clock).await.unwrap_or_else(|error| panic!("the fixture: {error}"));
        world
    }

    async fn settle(&mut self, tier: Tier, only: &[&str], clock: &ManualClock) -> Result<(), String> {
        let kinds: Vec<&'static str> =
            self.modules.iter().filter_map(|module| module.kinds().first().copied()).collect();
        let mut towns = Vec::new();
        for kind in kinds.iter().filter(|kind| only.is_empty() || only.contains(kind)) {
            towns.push(Town::found(self, kind, tier).await?);
        }
        self.expired = towns[0].own.owner.token();
        clock.advance(SignedDuration::from_mins(20));
        for town in &mut towns {
            town.people(self).await?;
        }
        self.admin = Some(self.operator("ann", "admin").await?);
        self.support = Some(self.operator("sam", "support").await?);
        self.viewer = Some(self.operator("vic", "viewer").await?);
        let (visitor, own) = (self.operator("kim", "support").await?.token(), &towns[0].own);
        let over = visit(self, &visitor, own, true).await?;
        self.left = text(&over, "access_token")?;
        let path = format!("/api/v1/platform/entries/{}", text(&over, "id")?);
        done(self.door.call("DELETE", &path).header("host", "localhost").token(&visitor).send().await, "leaving")?;
        let support = self.support.as_ref().map(Person::token).unwrap_or_default();
        self.inside = text(&visit(self, &support, own, false).await?, "access_token")?;
        self.outside = text(&self.sign_in(None, &own.owner.email).await?, "access_token")?;
        self.cookie = self.browse(&towns[0].other).await?;
        self.towns = towns;
        Ok(())
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// So many more requests name two tenants.
    pub(crate) fn contradict(&self, kind: &'static str, times: usize) {
        *self.contradictions.lock().unwrap().entry(kind).or_default() += times;
    }

    /// How many did so far.
    pub(crate) fn contradictions(&self, kind: &str) -> i64 {
        i64::try_from(self.contradictions.lock().unwrap().get(kind).copied().unwrap_or_default()).unwrap()
    }

    /// Where the operation's module is at work. What every tenant has is asked of the first kind.
    pub(crate) fn town(&self, operation: &Operation) -> &Town {
        let module = self.modules.iter().find(|module| module.name() == operation.module);
        let kind = module.and_then(|module| module.kinds().first().copied());
        let town = self.towns.iter().find(|town| Some(town.kind) == kind);
        town.unwrap_or(&self.towns[0])
    }

    pub(crate) fn admin(&self) -> &Person {
        self.admin.as_ref().unwrap()
    }

    /// Everybody whose rights may have changed gets another token.
    pub(crate) async fn renew_all(&self) -> Result<(), String> {
        let operators = [&self.admin, &self.support, &self.viewer].into_iter().flatten();
        let homes = self.towns.iter().flat_map(|town| [&town.own, &town.other]);
        for person in operators.chain(homes.flat_map(Home::everybody)) {
            self.renew(person).await?;
        }
        Ok(())
    }
}
