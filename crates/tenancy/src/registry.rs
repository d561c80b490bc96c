//! The registry in memory: every tenant by id, slug and host, kept up to date by the control plane.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use cloister_ids::{ClusterId, TenantId};
use cloister_postgres::{Error, Row};
use tokio::sync::Mutex;

use crate::{
    Slug, Status, TenantLimits, Tier,
    control::{Control, store},
    data_key::DataKeys,
    ports::KeyWrapper,
};

/// Where a tenant's rows are, as this node believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Which server.
    pub cluster: ClusterId,
    /// Which database there.
    pub database: Arc<str>,
    /// Which schema there.
    pub schema: Arc<str>,
    /// How often the placement was closed or moved; a node that believes in another epoch is refused.
    pub epoch: i64,
}

/// A tenant as requests need it. Made by the registry alone, and not to be copied: a changed copy would be a way into
/// another tenant.
#[derive(Debug, PartialEq, Eq)]
pub struct TenantEntry {
    /// The tenant.
    pub id: TenantId,
    /// Name in addresses.
    pub slug: Slug,
    /// Name on pages.
    pub display_name: Box<str>,
    /// Kind of organisation.
    pub kind: Arc<str>,
    /// Where it is in its life.
    pub status: Status,
    /// How its rows are kept apart.
    pub tier: Tier,
    /// BCP 47 language tag.
    pub locale: Arc<str>,
    /// IANA time zone.
    pub time_zone: Arc<str>,
    /// Closed for maintenance.
    pub maintenance: bool,
    /// What its people are told meanwhile.
    pub maintenance_message: Option<Box<str>>,
    /// Host names of its own.
    pub hosts: Box<[Box<str>]>,
    /// What it pays for.
    pub plan: Arc<str>,
    /// What it may do how often, and how much of a node it may have: its own limits, else its plan's.
    pub limits: TenantLimits,
    /// Its own alone.
    own: TenantLimits,
    /// Where its rows are; none before provisioning chose a place.
    pub placement: Option<Placement>,
    pub(crate) modules: Arc<[&'static str]>,
    /// What its encrypted columns are sealed under.
    pub(crate) keys: Arc<DataKeys>,
}

impl TenantEntry {
    /// True when this kind of tenant has the module.
    pub fn has_module(&self, module: &str) -> bool {
        self.modules.contains(&module)
    }

    /// The same tenant under other limits.
    fn with(&self, limits: TenantLimits) -> Self {
        Self {
            id: self.id,
            slug: self.slug.clone(),
            display_name: self.display_name.clone(),
            kind: self.kind.clone(),
            status: self.status,
            tier: self.tier,
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
            maintenance: self.maintenance,
            maintenance_message: self.maintenance_message.clone(),
            hosts: self.hosts.clone(),
            plan: self.plan.clone(),
            limits,
            own: self.own,
            placement: self.placement.clone(),
            modules: self.modules.clone(),
            keys: self.keys.clone(),
        }
    }
}

/// Turns a kind of tenant into the modules it has.
pub(crate) type ModulesOf = Box<dyn Fn(&str) -> Arc<[&'static str]> + Send + Sync>;

/// All tenants, in memory.
pub struct Registry {
    by_id: papaya::HashMap<TenantId, Arc<TenantEntry>>,
    by_slug: papaya::HashMap<Box<str>, TenantId>,
    by_host: papaya::HashMap<Box<str>, TenantId>,
    /// Limits of the plans.
    plans: papaya::HashMap<Box<str>, TenantLimits>,
    seen: AtomicI64,
    /// Held from asking the control plane until the answer is put in: what was read earlier never replaces what was read
    /// later. Remembers the last single tenant that was read, and when that began.
    reading: Mutex<Option<(TenantId, Instant)>>,
    /// Repeated texts (database, schema, kind, …) are kept once: a shared-tier tenant costs a few hundred bytes.
    texts: papaya::HashMap<Box<str>, Arc<str>>,
    modules_of: ModulesOf,
    wrapper: Arc<dyn KeyWrapper>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry({} tenants)", self.by_id.len())
    }
}

impl Registry {
    pub(crate) fn new(modules_of: ModulesOf, wrapper: Arc<dyn KeyWrapper>) -> Self {
        Self {
            by_id: papaya::HashMap::new(),
            by_slug: papaya::HashMap::new(),
            by_host: papaya::HashMap::new(),
            plans: papaya::HashMap::new(),
            seen: AtomicI64::new(0),
            reading: Mutex::new(None),
            texts: papaya::HashMap::new(),
            modules_of,
            wrapper,
        }
    }

    /// How many tenants there are, in any state.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Generation of the last change this node has seen.
    pub fn generation(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    /// A tenant by id.
    pub fn by_id(&self, id: TenantId) -> Option<Arc<TenantEntry>> {
        self.by_id.pin().get(&id).cloned()
    }

    /// A tenant by slug.
    pub fn by_slug(&self, slug: &str) -> Option<Arc<TenantEntry>> {
        let id = *self.by_slug.pin().get(slug)?;
        self.by_id(id)
    }

    /// A tenant by a host name of its own.
    pub fn by_host(&self, host: &str) -> Option<Arc<TenantEntry>> {
        let id = *self.by_host.pin().get(host)?;
        self.by_id(id)
    }

    /// Reads what changed since the last time. Cheap when nothing did.
    pub(crate) async fn catch_up(&self, control: &Control) -> Result<(), Error> {
        let _reading = self.reading.lock().await;
        let since = self.generation();
        let mut answers = control
            .snapshot(&[
                (&store::PLANS_SINCE, &[&since]),
                (&store::ENTRIES_SINCE, &[&since]),
                (&store::REMOVED_SINCE, &[&since]),
                (&store::GENERATION, &[]),
            ])
            .await?
            .into_iter();
        let plans = answers.next();
        let (changed, removed, now) = (answers.next(), answers.next(), answers.next());
        for row in plans.iter().flatten() {
            self.put_plan(row);
        }
        for row in changed.iter().flatten() {
            self.put(row);
        }
        for row in removed.iter().flatten() {
            self.remove(row.get("id"));
        }
        if let Some(row) = now.iter().flatten().next() {
            self.seen.fetch_max(row.get("value"), Ordering::AcqRel);
        }
        Ok(())
    }

    /// Reads one tenant again, because the database contradicted what this node believed.
    ///
    /// When many are refused at once, one reading that began after they asked serves them all.
    pub(crate) async fn refresh(&self, control: &Control, id: TenantId) -> Result<Option<Arc<TenantEntry>>, Error> {
        let asked = Instant::now();
        let mut last = self.reading.lock().await;
        if last.is_some_and(|(of, began)| of == id && began >= asked) {
            return Ok(self.by_id(id));
        }
        let began = Instant::now();
        let found = match control.run(&store::ENTRY, &[&id]).await?.first() {
            Some(row) => Some(self.put(row)),
            None => {
                self.remove(id);
                None
            }
        };
        *last = Some((id, began));
        Ok(found)
    }

    fn text(&self, text: &str) -> Arc<str> {
        let texts = self.texts.pin();
        texts.get(text).cloned().unwrap_or_else(|| texts.get_or_insert(text.into(), Arc::from(text)).clone())
    }

    /// A plan's limits hold at once for every tenant of it.
    fn put_plan(&self, row: &Row) {
        let (name, limits) = (row.get::<_, &str>("name"), TenantLimits::known(&row.get("limits")));
        if self.plans.pin().insert(name.into(), limits) == Some(&limits) {
            return;
        }
        let by_id = self.by_id.pin();
        let of_plan: Vec<_> = by_id.values().filter(|entry| *entry.plan == *name).cloned().collect();
        for entry in of_plan {
            by_id.insert(entry.id, Arc::new(entry.with(entry.own.or(&limits))));
        }
    }

    /// What a tenant's keys are now. Those that were opened already stay open as long as they are the same.
    fn keys(&self, id: TenantId, row: &Row) -> Arc<DataKeys> {
        let versions = row.get::<_, Vec<i16>>("key_versions").into_iter();
        let wrapped = versions.zip(row.get::<_, Vec<Vec<u8>>>("data_keys")).collect();
        let now = DataKeys::new(id, wrapped, self.wrapper.clone());
        match self.by_id(id) {
            Some(before) if *before.keys == now => before.keys.clone(),
            _ => Arc::new(now),
        }
    }

    fn put(&self, row: &Row) -> Arc<TenantEntry> {
        let id: TenantId = row.get("id");
        let kind: &str = row.get("kind");
        let status: &str = row.get("status");
        let tier: &str = row.get("tier");
        let (plan, own) = (row.get::<_, &str>("plan"), TenantLimits::known(&row.get("limits")));
        let tier = tier.parse().unwrap_or(Tier::Shared);
        let placement = row.get::<_, Option<ClusterId>>("cluster_id").map(|cluster| Placement {
            cluster,
            // A database or schema of one's own is shared with nobody: keeping its name apart would gain nothing.
            database: match tier {
                Tier::Database => Arc::from(row.get::<_, &str>("database_name")),
                _ => self.text(row.get("database_name")),
            },
            schema: match tier {
                Tier::Schema => Arc::from(row.get::<_, &str>("schema_name")),
                _ => self.text(row.get("schema_name")),
            },
            epoch: row.get("epoch"),
        });
        let entry = Arc::new(TenantEntry {
            id,
            slug: Slug::known(row.get("slug")),
            display_name: row.get::<_, &str>("display_name").into(),
            kind: self.text(kind),
            // An unknown word can only come from a newer program: closed is the safe reading.
            status: status.parse().unwrap_or(Status::Suspended),
            tier,
            locale: self.text(row.get("locale")),
            time_zone: self.text(row.get("time_zone")),
            maintenance: row.get("maintenance"),
            maintenance_message: row.get::<_, Option<&str>>("maintenance_message").map(Into::into),
            hosts: row.get::<_, Vec<&str>>("hosts").into_iter().map(Into::into).collect(),
            limits: own.or(&self.plans.pin().get(plan).copied().unwrap_or_default()),
            plan: self.text(plan),
            own,
            placement,
            modules: (self.modules_of)(kind),
            keys: self.keys(id, row),
        });
        let (by_slug, by_host) = (self.by_slug.pin(), self.by_host.pin());
        let before = self.by_id.pin().insert(id, entry.clone()).cloned();
        if let Some(before) = before {
            if before.slug != entry.slug {
                let _ = by_slug.remove_if(before.slug.as_str(), |_, owner| *owner == id);
            }
            for host in before.hosts.iter().filter(|host| !entry.hosts.contains(host)) {
                let _ = by_host.remove_if(host, |_, owner| *owner == id);
            }
        }
        by_slug.insert(entry.slug.as_str().into(), id);
        for host in &entry.hosts {
            by_host.insert(host.clone(), id);
        }
        entry
    }

    fn remove(&self, id: TenantId) {
        if let Some(gone) = self.by_id.pin().remove(&id) {
            let _ = self.by_slug.pin().remove_if(gone.slug.as_str(), |_, owner| *owner == id);
            for host in &gone.hosts {
                let _ = self.by_host.pin().remove_if(host, |_, owner| *owner == id);
            }
        }
    }
}
