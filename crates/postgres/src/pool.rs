//! One budget of connections for a login on a cluster, shared by all of its databases.
//!
//! A ready-made pool keeps one set of connections a database and hands out any of them. Here a connection is chosen: one
//! that already stands in the schema asked for needs no new plans, and one of another database gives way when the budget
//! is spent. When callers must wait, a connection goes to the next of them that wants just what it is; whoever is passed
//! over too often gets the next one, whatever it is (docs/adr/0006).

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    Connection, Error, Permit, Server,
    shelf::{self, Found, Patience, Shelf, Wanted},
};

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
        Self { budget: 8, wait: Duration::from_secs(5), idle: Duration::from_mins(5) }
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
    shelf: Mutex<Shelf<Offer>>,
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
    /// Callers that wait for one.
    pub waiting: usize,
}

/// What a waiting caller is handed: it goes back where it came from when the caller has gone meanwhile.
#[derive(Debug)]
enum Offer {
    /// A connection to the database asked for.
    Lease(Lease),
    /// A place in the budget, and what must be closed before it is used.
    Place(Place, Option<Connection>),
}

impl Pool {
    /// Opens nothing yet.
    pub fn new(server: Server, settings: PoolSettings) -> Self {
        Self(Arc::new(Inner { server, settings, shelf: Mutex::new(Shelf::new(settings.budget)) }))
    }

    /// Whom it enters as, and where.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// Lends a connection to `database`, best one that stands in `schema`.
    pub async fn lease(&self, database: &Arc<str>, schema: Option<&str>) -> Result<Lease, Error> {
        let home = &self.0;
        let wanted = Wanted { database, schema };
        // A caller's place in the queue is taken under the same lock as the look at the shelf: none is overlooked.
        let (found, queue) = {
            let mut shelf = home.shelf();
            match shelf.find(&wanted, Patience::Fresh) {
                Some(found) => (Some(found), None),
                None => (None, Some(shelf.wait(&wanted))),
            }
        };
        let offer = match (found, queue) {
            (Some(found), _) => home.offer(found, database),
            (None, Some(offered)) => self.wait(&wanted, offered).await?,
            (None, None) => return Err(home.exhausted(Duration::ZERO)),
        };
        match offer {
            Offer::Lease(lease) => Ok(lease),
            Offer::Place(place, gives_way) => {
                if let Some(connection) = gives_way {
                    connection.close(&home.server).await;
                }
                let connection = Connection::open(&home.server, database).await?;
                place.keep();
                Ok(home.lend(connection, database))
            }
        }
    }

    /// Waits in the queue, and looks for something to close when it has waited for a while.
    async fn wait(&self, wanted: &Wanted<'_>, mut offered: oneshot::Receiver<Offer>) -> Result<Offer, Error> {
        let home = &self.0;
        let mut waited = Duration::ZERO;
        for (until, patience) in [(shelf::IN_USE, Patience::Waiting), (shelf::STARVED, Patience::Starved)] {
            let until = until.min(home.settings.wait);
            if let Ok(offer) = timeout(until.saturating_sub(waited), &mut offered).await {
                return offer.map_err(|_| home.exhausted(Duration::ZERO));
            }
            let found = home.shelf().find(wanted, patience);
            if let Some(found) = found {
                return Ok(home.offer(found, wanted.database));
            }
            waited = until;
        }
        let offer = timeout(home.settings.wait.saturating_sub(waited), offered).await;
        offer.ok().and_then(Result::ok).ok_or_else(|| home.exhausted(home.settings.wait))
    }

    /// Closes what has rested for longer than the settings allow; called from time to time.
    pub fn sweep(&self, now: Instant) {
        let tired = self.0.shelf().sweep(now, self.0.settings.idle);
        drop(tired);
    }

    /// Closes the resting connections to one database, so that it can be renamed, copied or dropped.
    pub fn forget(&self, database: &str) {
        let gone = self.0.shelf().forget(database);
        drop(gone);
    }

    /// Counts for metrics.
    pub fn status(&self) -> PoolStatus {
        self.0.shelf().status()
    }
}

/// A place in the budget whose connection is being opened or closed; free again when this is dropped.
#[derive(Debug)]
struct Place(Option<(Arc<Inner>, Arc<str>)>);

impl Place {
    fn of(home: &Arc<Inner>, database: &Arc<str>) -> Self {
        Self(Some((home.clone(), database.clone())))
    }

    /// The connection exists now and holds the place itself.
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((home, database)) = self.0.take() {
            home.free_place(&database);
        }
    }
}

impl Inner {
    fn shelf(&self) -> MutexGuard<'_, Shelf<Offer>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(self: &Arc<Self>, found: Found, database: &Arc<str>) -> Offer {
        match found {
            Found::Ready(connection) => Offer::Lease(self.lend(connection, database)),
            Found::Room(gives_way) => Offer::Place(Place::of(self, database), gives_way),
        }
    }

    fn exhausted(&self, waited: Duration) -> Error {
        Error::Exhausted { budget: self.settings.budget, waited }
    }

    fn lend(self: &Arc<Self>, connection: Connection, database: &Arc<str>) -> Lease {
        Lease { connection: Some(connection), home: self.clone(), database: database.clone(), permit: None }
    }

    /// A place in the budget is free: the caller who has waited longest may open a connection.
    fn free_place(self: &Arc<Self>, database: &str) {
        let waiter = self.shelf().free(database);
        if let Some(waiter) = waiter {
            // Refused when the caller has gone: the offer comes back, and with it the place.
            drop(waiter.offer.send(Offer::Place(Place::of(self, &waiter.database), None)));
        }
    }

    /// Hands on or shelves a connection that is fit to be lent again; gives back any other.
    fn take_back(self: &Arc<Self>, database: &Arc<str>, mut connection: Connection) -> Option<Connection> {
        if !connection.is_clean() {
            return Some(connection);
        }
        let mut shelf = self.shelf();
        let Some(waiter) = shelf.next_for(database, connection.standing()) else {
            shelf.rest(database, connection);
            return None;
        };
        drop(shelf);
        let offer = if *waiter.database == **database {
            Offer::Lease(self.lend(connection, database))
        } else {
            Offer::Place(Place::of(self, &waiter.database), Some(connection))
        };
        drop(waiter.offer.send(offer));
        None
    }

    /// What a borrower left behind: rolled back where it stands still, closed where an answer was awaited. Its place in the
    /// budget is free only when the server is done with it.
    async fn restore(self: &Arc<Self>, database: &Arc<str>, mut connection: Connection) {
        if connection.is_open() {
            // A use case that returned early, such as for a version that did not match. Nothing is in flight.
            let _ = timeout(ROLLBACK_LIMIT, connection.rollback()).await;
        }
        if let Some(unfit) = self.take_back(database, connection) {
            let place = Place::of(self, database);
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
    /// A place among those of whoever holds it. It goes when the connection is ready for others.
    permit: Option<Permit>,
}

impl Lease {
    pub(crate) fn held_by(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }
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
        let Some(unfit) = self.home.take_back(&self.database, connection) else { return };
        let (home, database, permit) = (self.home.clone(), self.database.clone(), self.permit.take());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                home.restore(&database, unfit).await;
                drop(permit);
            })),
            Err(_) => home.free_place(&database),
        }
    }
}
