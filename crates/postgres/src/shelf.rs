//! Which connection goes to whom: those that rest, those who wait, and how many are open.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{Connection, PoolStatus};

/// How often a waiting caller may be passed over by one that a connection suits better: changing its schema costs about as
/// much as thirty reads, opening one to another database as much as some hundreds.
const PATIENCE: u32 = 32;
const PATIENCE_ELSEWHERE: u32 = 400;
/// A connection that rested for less than this is in use, as good as: whoever wants one of another database waits for so long
/// before it is closed for them. Databases that take turns would otherwise close each other's all the time.
pub(crate) const IN_USE: Duration = Duration::from_millis(10);
/// Callers that may wait at once; more are refused at once.
const MOST_WAITING: usize = 10_000;

/// What a caller asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) database: &'a Arc<str>,
    pub(crate) schema: Option<&'a str>,
}

/// What can be had at once.
pub(crate) enum Found {
    /// A connection to the database asked for.
    Ready(Connection),
    /// A place in the budget, once what gives way for it is closed.
    Room(Option<Connection>),
}

/// A caller in the queue.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    pub(crate) database: Arc<str>,
    schema: Option<Box<str>>,
    since: Instant,
    passed: u32,
    pub(crate) offer: oneshot::Sender<T>,
}

impl<T> Waiter<T> {
    fn wants(&self, database: &str, schema: Option<&str>) -> bool {
        *self.database == *database && self.schema.as_deref() == schema
    }
}

#[derive(Debug)]
struct Resting {
    connection: Connection,
    since: Instant,
}

/// Connections nobody uses, callers that wait, and how many connections are open in all.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    budget: usize,
    open: usize,
    idle: HashMap<Arc<str>, Vec<Resting>>,
    waiting: VecDeque<Waiter<T>>,
}

impl<T> Shelf<T> {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, open: 0, idle: HashMap::new(), waiting: VecDeque::new() }
    }

    /// In this order: one standing in the schema; a new one while there is room; the longest rested of this database; room
    /// made by closing the longest rested of a database that has several, or else of all. The last only when it is not in
    /// use, or the caller is `impatient`.
    pub(crate) fn find(&mut self, wanted: &Wanted<'_>, impatient: bool) -> Option<Found> {
        let Self { idle, open, budget, .. } = self;
        if let Some(resting) = idle.get_mut(wanted.database) {
            while let Some(at) = resting.iter().rposition(|r| r.connection.standing() == wanted.schema) {
                let mut connection = resting.remove(at).connection;
                if connection.is_clean() {
                    return Some(Found::Ready(connection));
                }
                *open -= 1;
            }
        }
        if *open < *budget {
            *open += 1;
            return Some(Found::Room(None));
        }
        if let Some(resting) = idle.get_mut(wanted.database)
            && !resting.is_empty()
        {
            let mut connection = resting.remove(0).connection;
            // One that has ended meanwhile leaves its place to a new one.
            return Some(if connection.is_clean() { Found::Ready(connection) } else { Found::Room(None) });
        }
        let eldest = idle
            .iter()
            .filter_map(|(name, resting)| resting.first().map(|r| (resting.len() < 2, r.since, name)))
            .min_by_key(|(last, since, _)| (*last, *since));
        let (_, since, name) = eldest?;
        if !impatient && since.elapsed() < IN_USE {
            return None;
        }
        let name = name.clone();
        let gives_way = idle.get_mut(&name).map(|resting| resting.remove(0).connection);
        Some(Found::Room(gives_way))
    }

    /// Joins the queue. The receiver fails at once when the queue is full.
    pub(crate) fn wait(&mut self, wanted: &Wanted<'_>) -> oneshot::Receiver<T> {
        let (offer, offered) = oneshot::channel();
        if self.waiting.len() < MOST_WAITING {
            let schema = wanted.schema.map(Into::into);
            self.waiting.push_back(Waiter { database: wanted.database.clone(), schema, since: Instant::now(), passed: 0, offer });
        }
        offered
    }

    /// Who has waited longest and still waits.
    pub(crate) fn next_in_line(&mut self) -> Option<Waiter<T>> {
        while let Some(waiter) = self.waiting.pop_front() {
            if !waiter.offer.is_closed() {
                return Some(waiter);
            }
        }
        None
    }

    /// Who gets a connection that stands here: the first who wants just this, else the first who wants its database, else
    /// the first of all, unless that one has only just come; and before them whoever was passed over too often.
    pub(crate) fn next_for(&mut self, database: &str, schema: Option<&str>) -> Option<Waiter<T>> {
        while self.waiting.front().is_some_and(|waiter| waiter.offer.is_closed()) {
            self.waiting.pop_front();
        }
        let first = self.waiting.front()?;
        let patience = if *first.database == *database { PATIENCE } else { PATIENCE_ELSEWHERE };
        let suited = |wanted: &dyn Fn(&Waiter<T>) -> bool| {
            self.waiting.iter().position(|waiter| wanted(waiter) && !waiter.offer.is_closed())
        };
        let at = if first.passed >= patience {
            0
        } else {
            suited(&|waiter| waiter.wants(database, schema))
                .or_else(|| suited(&|waiter| *waiter.database == *database))
                .or_else(|| (first.since.elapsed() >= IN_USE).then_some(0))?
        };
        if at > 0
            && let Some(first) = self.waiting.front_mut()
        {
            first.passed += 1;
        }
        self.waiting.remove(at)
    }

    /// Puts a connection on the shelf.
    pub(crate) fn rest(&mut self, database: &Arc<str>, connection: Connection) {
        let resting = Resting { connection, since: Instant::now() };
        if let Some(shelved) = self.idle.get_mut(database) {
            shelved.push(resting);
        } else {
            self.idle.insert(database.clone(), vec![resting]);
        }
    }

    pub(crate) fn open_one(&mut self) {
        self.open += 1;
    }

    pub(crate) fn close_one(&mut self) {
        self.open -= 1;
    }

    /// Takes off what has rested for longer than this, or is not fit any more; to be closed without the lock.
    pub(crate) fn sweep(&mut self, now: Instant, longest: Duration) -> Vec<Connection> {
        let mut tired = Vec::new();
        for resting in self.idle.values_mut() {
            let rested = resting
                .extract_if(.., |r| now.saturating_duration_since(r.since) >= longest || !r.connection.is_clean());
            tired.extend(rested.map(|r| r.connection));
        }
        self.idle.retain(|_, resting| !resting.is_empty());
        self.open -= tired.len();
        tired
    }

    /// Takes off what rests of one database; to be closed without the lock.
    pub(crate) fn forget(&mut self, database: &str) -> Vec<Connection> {
        let gone: Vec<_> = self.idle.remove(database).into_iter().flatten().map(|r| r.connection).collect();
        self.open -= gone.len();
        gone
    }

    pub(crate) fn status(&self) -> PoolStatus {
        PoolStatus {
            open: self.open,
            idle: self.idle.values().map(Vec::len).sum(),
            budget: self.budget,
            waiting: self.waiting.len(),
        }
    }
}
