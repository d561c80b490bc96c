//! Which connection goes to whom: those that rest, those who wait, and how many are open.

use std::{
    cmp::Reverse,
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
/// The same where the database that wants it has as many of its own or more: whoever comes ten times a second finds its
/// connection still there beside a crowd, as long as nobody in that has waited for [`STARVED`].
const IN_USE_BY_FEW: Duration = Duration::from_secs(1);
/// Whoever has waited for this long gets what comes next, however few connections other databases are left with.
pub(crate) const STARVED: Duration = Duration::from_millis(100);
/// Callers that may wait at once; more are refused at once.
const MOST_WAITING: usize = 10_000;

/// What a caller asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) database: &'a Arc<str>,
    pub(crate) schema: Option<&'a str>,
}

/// What a caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Only just come: nothing that is in use is closed for it.
    Fresh,
    /// Waits for a while: a database that has more connections than its own gives one.
    Waiting,
    /// Waits for too long: any database does.
    Starved,
}

impl Patience {
    fn after(waited: Duration) -> Self {
        match waited {
            short if short < IN_USE => Self::Fresh,
            long if long < STARVED => Self::Waiting,
            _ => Self::Starved,
        }
    }
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
    /// Open connections by database, lent or not; none is listed with zero.
    open: HashMap<Arc<str>, usize>,
    idle: HashMap<Arc<str>, Vec<Resting>>,
    waiting: VecDeque<Waiter<T>>,
}

impl<T> Shelf<T> {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, open: HashMap::new(), idle: HashMap::new(), waiting: VecDeque::new() }
    }

    /// In this order: one standing in the schema; a new one while there is room; the longest rested of this database; room
    /// made by closing one of the database that has most, if the caller's patience allows it.
    pub(crate) fn find(&mut self, wanted: &Wanted<'_>, patience: Patience) -> Option<Found> {
        if let Some(resting) = self.idle.get_mut(wanted.database) {
            let mut ended = 0;
            let mut found = None;
            while let Some(at) = resting.iter().rposition(|r| r.connection.standing() == wanted.schema) {
                let mut connection = resting.remove(at).connection;
                if connection.is_clean() {
                    found = Some(Found::Ready(connection));
                    break;
                }
                ended += 1;
            }
            self.closed(wanted.database, ended);
            if found.is_some() {
                return found;
            }
        }
        if self.count() < self.budget {
            self.opened(wanted.database);
            return Some(Found::Room(None));
        }
        if let Some(resting) = self.idle.get_mut(wanted.database)
            && !resting.is_empty()
        {
            let mut connection = resting.remove(0).connection;
            // One that has ended meanwhile leaves its place to a new one.
            return Some(if connection.is_clean() { Found::Ready(connection) } else { Found::Room(None) });
        }
        let richest = self
            .idle
            .iter()
            .filter_map(|(name, resting)| resting.first().map(|r| (Reverse(self.open_of(name)), r.since, name)))
            .min_by_key(|(count, since, _)| (*count, *since));
        let (_, since, name) = richest?;
        if !self.may_close(name, wanted.database, since.elapsed(), patience) {
            return None;
        }
        let name = name.clone();
        let gives_way = self.idle.get_mut(&name).map(|resting| resting.remove(0).connection);
        self.moved(&name, wanted.database);
        Some(Found::Room(gives_way))
    }

    /// Whether a connection that has rested for so long may be closed so that another database gets one.
    fn may_close(&self, of: &str, wanted: &str, rested: Duration, patience: Patience) -> bool {
        let in_use = if self.is_poorer(wanted, of) { IN_USE } else { IN_USE_BY_FEW };
        rested >= in_use || self.may_give(of, wanted, patience)
    }

    /// Whether a connection in use may be closed so that another database gets one. Without this rule databases that take
    /// turns would close each other's without end.
    fn may_give(&self, from: &str, to: &str, patience: Patience) -> bool {
        match patience {
            Patience::Fresh => false,
            Patience::Waiting => self.is_poorer(to, from),
            Patience::Starved => true,
        }
    }

    /// Has nothing, or would still not have more if it got one of the other's.
    fn is_poorer(&self, database: &str, other: &str) -> bool {
        self.open_of(database) == 0 || self.open_of(database) + 1 < self.open_of(other)
    }

    fn open_of(&self, database: &str) -> usize {
        self.open.get(database).copied().unwrap_or(0)
    }

    fn count(&self) -> usize {
        self.open.values().sum()
    }

    /// A place in the budget is taken for a connection to this database.
    fn opened(&mut self, database: &Arc<str>) {
        *self.open.entry(database.clone()).or_default() += 1;
    }

    /// Places of this database are free again.
    pub(crate) fn closed(&mut self, database: &str, count: usize) {
        if let Some(open) = self.open.get_mut(database) {
            *open = open.saturating_sub(count);
            if *open == 0 {
                self.open.remove(database);
            }
        }
    }

    fn moved(&mut self, from: &str, to: &Arc<str>) {
        self.closed(from, 1);
        self.opened(to);
    }

    /// Joins the queue. The receiver fails at once when the queue is full.
    pub(crate) fn wait(&mut self, wanted: &Wanted<'_>) -> oneshot::Receiver<T> {
        let (offer, offered) = oneshot::channel();
        if self.waiting.len() < MOST_WAITING {
            let schema = wanted.schema.map(Into::into);
            self.waiting.push_back(Waiter {
                database: wanted.database.clone(),
                schema,
                since: Instant::now(),
                passed: 0,
                offer,
            });
        }
        offered
    }

    /// A place of this database is free: who has waited longest, and still waits, gets it.
    pub(crate) fn free(&mut self, database: &str) -> Option<Waiter<T>> {
        self.closed(database, 1);
        while let Some(waiter) = self.waiting.pop_front() {
            if !waiter.offer.is_closed() {
                self.opened(&waiter.database);
                return Some(waiter);
            }
        }
        None
    }

    /// Who gets a connection that stands here: the first who wants just this, else the first who wants its database, else
    /// the first of all, if its patience and the database's share allow it; and before them whoever was passed over too
    /// often. With the connection goes its place in the budget.
    pub(crate) fn next_for(&mut self, database: &str, schema: Option<&str>) -> Option<Waiter<T>> {
        while self.waiting.front().is_some_and(|waiter| waiter.offer.is_closed()) {
            self.waiting.pop_front();
        }
        let first = self.waiting.front()?;
        let here = *first.database == *database;
        let patience = if here { PATIENCE } else { PATIENCE_ELSEWHERE };
        let gives = || self.may_give(database, &first.database, Patience::after(first.since.elapsed()));
        let suited = |wanted: &dyn Fn(&Waiter<T>) -> bool| {
            self.waiting.iter().position(|waiter| wanted(waiter) && !waiter.offer.is_closed())
        };
        let at = if first.passed >= patience && (here || gives()) {
            0
        } else {
            suited(&|waiter| waiter.wants(database, schema))
                .or_else(|| suited(&|waiter| *waiter.database == *database))
                .or_else(|| gives().then_some(0))?
        };
        if at > 0
            && let Some(first) = self.waiting.front_mut()
        {
            first.passed += 1;
        }
        let waiter = self.waiting.remove(at)?;
        if *waiter.database != *database {
            self.moved(database, &waiter.database);
        }
        Some(waiter)
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

    /// Takes off what has rested for longer than this, or is not fit any more; to be closed without the lock.
    pub(crate) fn sweep(&mut self, now: Instant, longest: Duration) -> Vec<Connection> {
        let mut tired = Vec::new();
        let mut counts = Vec::new();
        for (database, resting) in &mut self.idle {
            let before = tired.len();
            let rested = resting
                .extract_if(.., |r| now.saturating_duration_since(r.since) >= longest || !r.connection.is_clean());
            tired.extend(rested.map(|r| r.connection));
            counts.push((database.clone(), tired.len() - before));
        }
        self.idle.retain(|_, resting| !resting.is_empty());
        for (database, count) in counts {
            self.closed(&database, count);
        }
        tired
    }

    /// Takes off what rests of one database; to be closed without the lock.
    pub(crate) fn forget(&mut self, database: &str) -> Vec<Connection> {
        let gone: Vec<_> = self.idle.remove(database).into_iter().flatten().map(|r| r.connection).collect();
        self.closed(database, gone.len());
        gone
    }

    pub(crate) fn status(&self) -> PoolStatus {
        PoolStatus {
            open: self.count(),
            idle: self.idle.values().map(Vec::len).sum(),
            budget: self.budget,
            waiting: self.waiting.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Patience, Shelf};

    #[test]
    fn a_crowd_leaves_the_connection_of_the_few_until_somebody_in_it_starves() {
        let mut shelf = Shelf::<()>::new(4);
        shelf.opened(&"few".into());
        (0..3).for_each(|_| shelf.opened(&"crowd".into()));
        let may = |of, wanted, rested, patience| shelf.may_close(of, wanted, Duration::from_millis(rested), patience);
        for patience in [Patience::Fresh, Patience::Waiting] {
            assert!(!may("few", "crowd", 0, patience) && !may("few", "crowd", 900, patience));
            assert!(may("few", "crowd", 1000, patience), "nobody has come for a second");
        }
        assert!(may("few", "crowd", 0, Patience::Starved));
        // The other way round it is enough that the connection was not used just now.
        assert!(!may("crowd", "few", 9, Patience::Fresh) && may("crowd", "few", 10, Patience::Fresh));
        assert!(may("crowd", "few", 0, Patience::Waiting));
    }
}
