//! One budget of connections for a login on a cluster, shared by all of its databases.
//!
//! A ready-made pool keeps one set of connections a database and hands out any of them. Here a connection is chosen: one
//! that already stands in the schema asked for needs no new plans, and one of another database gives way when the budget
//! is spent (docs/adr/0006).

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Connection, Error, Server};

/// Bounds of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Connections open at once, over all databases.
    pub budget: usize,
    /// How long a caller waits for one.
    pub wait: Duration,
    /// A connection unused for this long is closed.
    pub idle: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { budget: 8, wait: Duration::from_secs(5), idle: Duration::from_secs(300) }
    }
}

/// How long the rollback of an abandoned transaction may take before its connection is given up.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(5);

/// A pool of one login on one cluster.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Server,
    settings: PoolSettings,
    permits: Arc<Semaphore>,
    shelf: Mutex<Shelf>,
}

/// Connections nobody uses, and how many are open in all.
#[derive(Debug, Default)]
struct Shelf {
    idle: HashMap<Arc<str>, Vec<Resting>>,
    open: usize,
}

#[derive(Debug)]
struct Resting {
    connection: Connection,
    since: Instant,
}

/// Counts for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Open connections, lent or not.
    pub open: usize,
    /// Open connections nobody uses.
    pub idle: usize,
    /// The most that may be open.
    pub budget: usize,
}

enum Found {
    Ready(Connection),
    /// There is room: open another, when what gives way for it is closed.
    Room(Option<Connection>),
}

impl Pool {
    /// Opens nothing yet.
    pub fn new(server: Server, settings: PoolSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.budget));
        Self(Arc::new(Inner { server, settings, permits, shelf: Mutex::default() }))
    }

    /// Whom it enters as, and where.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// Lends a connection to `database`, best one that stands in `schema`.
    pub async fn lease(&self, database: &Arc<str>, schema: Option<&str>) -> Result<Lease, Error> {
        let settings = &self.0.settings;
        let permit = match self.0.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(settings.wait, self.0.permits.clone().acquire_owned())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(Error::Exhausted { budget: settings.budget, waited: settings.wait })?,
        };
        let connection = match self.0.find(database, schema) {
            Found::Ready(connection) => connection,
            Found::Room(gives_way) => {
                // Counted before it exists, given back when it does not come to be, also when we are dropped waiting.
                let place = Passing(&self.0);
                if let Some(connection) = gives_way {
                    connection.close(&self.0.server).await;
                }
                let connection = Connection::open(&self.0.server, database).await?;
                std::mem::forget(place);
                connection
            }
        };
        Ok(Lease {
            connection: Some(connection),
            home: self.0.clone(),
            database: database.clone(),
            permit: Some(permit),
        })
    }

    /// Closes what has rested for longer than the settings allow; called from time to time.
    pub fn sweep(&self, now: Instant) {
        let mut tired = Vec::new();
        let mut shelf = self.0.shelf();
        for resting in shelf.idle.values_mut() {
            let (keep, drop): (Vec<_>, Vec<_>) = resting.drain(..).partition(|r| {
                now.saturating_duration_since(r.since) < self.0.settings.idle && r.connection.is_clean()
            });
            *resting = keep;
            tired.extend(drop);
        }
        shelf.idle.retain(|_, resting| !resting.is_empty());
        shelf.open -= tired.len();
        drop(shelf);
    }

    /// Closes the resting connections to one database, so that it can be renamed, copied or dropped.
    pub fn forget(&self, database: &str) {
        let mut shelf = self.0.shelf();
        let gone = shelf.idle.remove(database).unwrap_or_default();
        shelf.open -= gone.len();
        drop(shelf);
    }

    /// Counts for metrics.
    pub fn status(&self) -> PoolStatus {
        let shelf = self.0.shelf();
        PoolStatus { open: shelf.open, idle: shelf.idle.values().map(Vec::len).sum(), budget: self.0.settings.budget }
    }
}

/// A place in the budget whose connection is being opened or closed; free again when this is dropped.
struct Passing<'a>(&'a Inner);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.shelf().open -= 1;
    }
}

impl Inner {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In this order: one standing in the schema; a new one while there is room; the longest rested of this database; room
    /// made by closing the longest rested of all.
    fn find(&self, database: &Arc<str>, schema: Option<&str>) -> Found {
        let mut shelf = self.shelf();
        let Shelf { idle, open } = &mut *shelf;
        if let Some(resting) = idle.get_mut(database) {
            resting.retain(|r| {
                let alive = r.connection.is_clean();
                if !alive {
                    *open -= 1;
                }
                alive
            });
            if let Some(at) = resting.iter().rposition(|r| r.connection.standing() == schema) {
                return Found::Ready(resting.remove(at).connection);
            }
        }
        if *open < self.settings.budget {
            *open += 1;
            return Found::Room(None);
        }
        if let Some(resting) = idle.get_mut(database)
            && !resting.is_empty()
        {
            return Found::Ready(resting.remove(0).connection);
        }
        // Fewer are lent than the budget allows (we hold a permit) and all that may be open are: one of them rests elsewhere.
        let eldest = idle
            .iter()
            .filter_map(|(name, resting)| resting.first().map(|r| (r.since, name.clone())))
            .min_by_key(|(since, _)| *since);
        let evicted = eldest.and_then(|(_, name)| idle.get_mut(&name)).map(|resting| resting.remove(0).connection);
        if evicted.is_none() {
            *open += 1;
        }
        Found::Room(evicted)
    }

    /// Shelves a connection that is fit to be lent again; gives back any other.
    fn take_back(&self, database: &Arc<str>, connection: Connection) -> Result<(), Connection> {
        if !connection.is_clean() {
            return Err(connection);
        }
        let resting = Resting { connection, since: Instant::now() };
        let mut shelf = self.shelf();
        if let Some(shelved) = shelf.idle.get_mut(database) {
            shelved.push(resting);
        } else {
            shelf.idle.insert(database.clone(), vec![resting]);
        }
        Ok(())
    }

    /// What a borrower left behind: rolled back where it stands still, closed where an answer was awaited. Its place in the
    /// budget is free only when the server is done with it.
    async fn restore(&self, database: &Arc<str>, mut connection: Connection) {
        if connection.is_open() {
            // A use case that returned early, such as for a version that did not match. Nothing is in flight.
            let _ = tokio::time::timeout(ROLLBACK_LIMIT, connection.rollback()).await;
        }
        if let Err(unfit) = self.take_back(database, connection) {
            let place = Passing(self);
            unfit.close(&self.server).await;
            drop(place);
        }
    }
}

/// A borrowed connection; it goes home when dropped, if it is fit to be lent again.
#[derive(Debug)]
pub struct Lease {
    connection: Option<Connection>,
    home: Arc<Inner>,
    database: Arc<str>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Deref for Lease {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "taken only by drop")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease holds its connection until it is dropped")
    }
}

impl DerefMut for Lease {
    #[expect(clippy::expect_used, reason = "taken only by drop")]
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease holds its connection until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let Err(unfit) = self.home.take_back(&self.database, connection) else { return };
        let (home, database, permit) = (self.home.clone(), self.database.clone(), self.permit.take());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                home.restore(&database, unfit).await;
                drop(permit);
            })),
            Err(_) => home.shelf().open -= 1,
        }
    }
}
