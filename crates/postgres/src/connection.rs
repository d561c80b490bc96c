//! One connection: what it has prepared, which schema it stands in, and whether it may be lent again.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{
    CopyIn, Error, Parameters, Row, Server, Statement,
    mutation::{Guard, is_off},
    record::Log,
    sqlstate,
    wire::{Answers, Prepared, Status, Wire},
};

/// A statement and what it is run with.
pub(crate) type Item<'a> = (&'static Statement, &'a Parameters<'a>);

/// How a transaction is entered.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The only schema on the search path, a plain lower-case identifier; none for `pg_catalog` alone.
    pub schema: Option<&'a str>,
    /// Run before anything else of the transaction. What it refuses, nothing behind it does.
    pub enter: Option<(&'static Statement, &'a Parameters<'a>)>,
    /// What its statements see of each other's time.
    pub isolation: Isolation,
}

impl<'a> Entry<'a> {
    /// Without anything to let it in.
    pub const fn plain(schema: Option<&'a str>) -> Self {
        Self { schema, enter: None, isolation: Isolation::ReadCommitted }
    }
}

/// What the statements of a transaction see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each what was committed when it began.
    ReadCommitted,
    /// All what was committed when the first began; they may not write.
    Snapshot,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            Self::ReadCommitted => "begin",
            Self::Snapshot => "begin isolation level repeatable read read only",
        }
    }
}

/// A connection and what is known of its session.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    prepared: HashMap<usize, Prepared>,
    /// How many names statements were given; none is given twice.
    names: u64,
    standing: Option<Box<str>>,
    visited: HashSet<Box<str>>,
    state: State,
    /// A step was marked: what fails behind it takes back the step, not the transaction.
    marked: bool,
    log: Log,
}

/// What the server may believe about our session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside any transaction: may be lent.
    Idle,
    /// Inside one, waiting for us: a ROLLBACK makes it idle.
    Open,
    /// Something was sent whose answer was not read: only good for closing.
    Unknown,
}

/// Backends keep what they learnt of every table they touched (1 MiB a schema of 40 tables), so they are replaced.
const MAX_SCHEMAS: usize = 200;

impl Connection {
    pub(crate) async fn open(server: &Server, database: &str) -> Result<Self, Error> {
        let wire = Wire::open(server, database).await?;
        let (prepared, visited) = (HashMap::new(), HashSet::new());
        let log = Log::new(database);
        Ok(Self { wire, prepared, names: 0, standing: None, visited, state: State::Idle, marked: false, log })
    }

    /// Ends the session and returns when it is over, so that another may be opened in its place.
    pub(crate) async fn close(self, server: &Server) {
        self.wire.close(server).await;
    }

    pub(crate) fn standing(&self) -> Option<&str> {
        self.standing.as_deref()
    }

    /// May be lent to another borrower.
    pub(crate) fn is_clean(&mut self) -> bool {
        let is_over = self.wire.has_ended();
        let is_clean = self.state == State::Idle && self.visited.len() <= MAX_SCHEMAS;
        !is_over && (is_clean || is_off(Guard::DiscardOnDrop))
    }

    /// Inside a transaction that a ROLLBACK would end.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open && !self.wire.is_over()
    }

    /// A whole transaction of one statement in one round trip.
    pub async fn run(
        &mut self,
        entry: Entry<'_>,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = self.begin_and(entry, &[(statement, parameters)], true).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// The same for several statements, whose rows come back in their order.
    pub async fn run_all(&mut self, entry: Entry<'_>, items: &[Item<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.begin_and(entry, items, true).await
    }

    /// Sends the entry, the statements and, when asked, the end of the transaction, all in one round trip.
    pub(crate) async fn begin_and(
        &mut self,
        entry: Entry<'_>,
        items: &[Item<'_>],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>, Error> {
        match self.begin_once(entry, items, commit).await {
            // Nothing of it happened: it was the first of its transaction.
            Err(error) if error.is_stale_plan() && self.state == State::Idle => {
                self.forget_statements();
                self.begin_once(entry, items, commit).await
            }
            other => other,
        }
    }

    async fn begin_once(&mut self, entry: Entry<'_>, items: &[Item<'_>], commit: bool) -> Result<Vec<Vec<Row>>, Error> {
        let way = self.way_to(entry.schema);
        self.learn(way.map(|way| (way, entry.schema)), entry.enter.iter().chain(items)).await?;
        // What goes in one piece needs no BEGIN and no COMMIT: the Sync behind it ends it, whole or not at all.
        let whole = commit && entry.isolation == Isolation::ReadCommitted;
        let begin = (!whole).then(|| entry.isolation.begin());
        let commit = (commit && !whole).then_some("commit");
        let way = self.way_to(entry.schema);
        let outcome = self.exchange(way.map(|way| (way, entry.schema)), begin, entry.enter, items, commit).await;
        if outcome.as_ref().is_err_and(|error| error.is(sqlstate::FENCE_SCHEMA)) {
            tracing::error!(believed = self.standing, "a session stood in another schema than believed; it is closed");
            self.state = State::Unknown;
        }
        outcome
    }

    /// Statements inside a transaction that is already open; with `commit`, they end it.
    pub(crate) async fn inside(&mut self, items: &[Item<'_>], commit: bool) -> Result<Vec<Vec<Row>>, Error> {
        if self.state != State::Open {
            return Err(Error::Aborted);
        }
        // Inside a transaction the search path stands: preparing costs a round trip, but only the first time.
        self.learn(None, items.iter()).await?;
        let outcome = self.exchange(None, None, None, items, commit.then_some("commit")).await;
        if outcome.as_ref().is_err_and(Error::is_stale_plan) {
            // What went before cannot be repeated here. The next transaction prepares anew.
            self.forget_statements();
        }
        outcome
    }

    /// Sends everything at once and reads the answers. A transaction that failed is rolled back.
    async fn exchange(
        &mut self,
        way: Option<(String, Option<&str>)>,
        begin: Option<&'static str>,
        enter: Option<Item<'_>>,
        items: &[Item<'_>],
        commit: Option<&'static str>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        let Self { wire, prepared, .. } = &mut *self;
        let before = wire.outbox().len();
        if let Some((way, _)) = &way {
            wire.ask_batch(way).map_err(Error::statement("search_path"))?;
        }
        begin.map_or(Ok(()), |text| wire.control(text)).map_err(Error::statement("begin"))?;
        for (statement, parameters) in enter.iter().chain(items) {
            let asked = match prepared.get(&statement.key()) {
                Some(prepared) => wire.execute(prepared, parameters).map_err(Error::statement(statement.name())),
                None => Err(Error::Aborted),
            };
            if let Err(error) = asked {
                // Nothing was sent yet.
                wire.outbox().truncate(before);
                if self.state == State::Open {
                    self.fall_back().await?;
                }
                return Err(error);
            }
        }
        commit.map_or(Ok(()), |text| wire.control(text)).map_err(Error::statement("commit"))?;
        wire.sync();
        self.state = State::Unknown;
        if let Some((_, schema)) = way {
            self.arrive(schema).await?;
        }
        let Self { wire, prepared, .. } = &mut *self;
        let before = usize::from(begin.is_some()) + usize::from(enter.is_some());
        let wanted = std::iter::repeat_n(None, before);
        let wanted = wanted.chain(items.iter().map(|(statement, _)| prepared.get(&statement.key())));
        let wanted = wanted.chain(commit.map(|_| None));
        let name = |done: usize| match (done.checked_sub(before), enter) {
            (None, Some((enter, _))) => enter.name(),
            (None, None) => "begin",
            (Some(at), _) => items.get(at).map_or("commit", |(statement, _)| statement.name()),
        };
        let answers = wire.answers(wanted).await.map_err(Error::statement(name(before)))?;
        let done = answers.done;
        for item in items {
            self.log.ran(item, self.prepared.get(&item.0.key()));
        }
        self.settle(answers).await?.map_err(Error::statement(name(done)))
    }

    /// Notes where the session stands. The inner result is what the server refused, after which no transaction is open.
    async fn settle(&mut self, answers: Answers) -> Result<Result<Vec<Vec<Row>>, crate::Refused>, Error> {
        match answers.status {
            Status::Idle => {
                self.state = State::Idle;
                self.marked = false;
                self.log.ended(self.standing.as_deref(), answers.refused.is_none());
            }
            Status::Open => self.state = State::Open,
            Status::Failed => self.fall_back().await?,
        }
        Ok(match answers.refused {
            Some(refused) => Err(refused),
            None => Ok(answers.rows),
        })
    }

    /// After a failure: to the mark, where there is one, or out of the transaction.
    async fn fall_back(&mut self) -> Result<(), Error> {
        if self.marked { self.rollback_to_mark().await } else { self.rollback().await }
    }

    /// Marks the end of a step of the open transaction, and the beginning of the next.
    pub(crate) async fn mark(&mut self) -> Result<(), Error> {
        let text = if self.marked { "release savepoint step; savepoint step" } else { "savepoint step" };
        self.batch(text).await?;
        self.marked = true;
        Ok(())
    }

    /// Takes back what was done behind the mark. The mark stays.
    pub(crate) async fn rollback_to_mark(&mut self) -> Result<(), Error> {
        const TEXT: &str = "rollback to savepoint step";
        self.state = State::Unknown;
        self.log.said(TEXT);
        let answers = self.wire.batch(TEXT).await.map_err(Error::statement("savepoint"))?;
        if let Some(refused) = answers.refused {
            return Err(Error::statement("savepoint")(refused));
        }
        self.state = State::Open;
        Ok(())
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Error> {
        self.state = State::Unknown;
        self.marked = false;
        self.log.ended(self.standing.as_deref(), false);
        let answers = self.wire.batch("rollback").await.map_err(Error::statement("rollback"))?;
        if let Some(refused) = answers.refused {
            return Err(Error::statement("rollback")(refused));
        }
        self.state = State::Idle;
        Ok(())
    }

    /// Runs a text inside the open transaction: for temporary tables, whose text is constant too.
    pub(crate) async fn batch(&mut self, text: &'static str) -> Result<(), Error> {
        if self.state != State::Open {
            return Err(Error::Aborted);
        }
        self.state = State::Unknown;
        self.log.said(text);
        let answers = self.wire.batch(text).await.map_err(Error::statement("batch"))?;
        self.settle(answers).await?.map(drop).map_err(Error::statement("batch"))
    }

    /// Opens a COPY inside the open transaction.
    pub(crate) async fn copy_in(&mut self, text: &'static str) -> Result<CopyIn<'_>, Error> {
        if self.state != State::Open {
            return Err(Error::Aborted);
        }
        self.state = State::Unknown;
        self.log.copying(text);
        if let Some(answers) = self.wire.begin_copy(text).await.map_err(Error::statement("copy"))? {
            self.settle(answers).await?.map_err(Error::statement("copy"))?;
            return Err(Error::Aborted);
        }
        Ok(CopyIn::new(self))
    }

    pub(crate) async fn copy(&mut self, lines: Bytes) -> Result<(), Error> {
        self.log.copied(&lines);
        self.wire.copy(lines).await.map_err(Error::statement("copy"))
    }

    pub(crate) async fn end_copy(&mut self) -> Result<u64, Error> {
        let (count, answers) = self.wire.end_copy().await.map_err(Error::statement("copy"))?;
        self.settle(answers).await?.map_err(Error::statement("copy"))?;
        Ok(count)
    }

    /// Has the server learn what it does not know yet, in one round trip, in the schema it is for. Costs nothing once it
    /// does, wherever the session stands: statements follow the search path.
    async fn learn<'a>(
        &mut self,
        way: Option<(String, Option<&str>)>,
        items: impl Iterator<Item = &'a Item<'a>>,
    ) -> Result<(), Error> {
        let mut missing: SmallVec<[&'static Statement; 4]> = SmallVec::new();
        for (statement, _) in items {
            let known = self.prepared.contains_key(&statement.key());
            if !known && !missing.iter().any(|other| other.key() == statement.key()) {
                missing.push(statement);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if let Some((way, _)) = &way {
            self.wire.ask_batch(way).map_err(Error::statement("search_path"))?;
        }
        let first = self.names;
        let name = |at: usize| format!("s{}", first + at as u64);
        for (at, statement) in missing.iter().enumerate() {
            self.wire.ask_prepare(&name(at), statement.sql()).map_err(Error::statement(statement.name()))?;
        }
        self.names += missing.len() as u64;
        self.wire.sync();
        self.state = State::Unknown;
        if let Some((_, schema)) = way {
            self.arrive(schema).await?;
        }
        let names = (0..missing.len()).map(|at| name(at).into());
        let (learnt, answers) = self.wire.prepared(names).await.map_err(Error::statement(missing[0].name()))?;
        let refused_at = missing.get(learnt.len()).map_or("prepare", |statement| statement.name());
        for (statement, prepared) in missing.iter().zip(learnt) {
            self.prepared.insert(statement.key(), prepared);
        }
        self.settle(answers).await?.map(drop).map_err(Error::statement(refused_at))
    }

    /// Statements that outlived their tables are learnt anew, by other names.
    fn forget_statements(&mut self) {
        for (_, prepared) in self.prepared.drain() {
            self.wire.ask_forget(&prepared);
        }
    }

    /// What makes the session stand in `schema`; nothing when it does. The schema is a property of the session, not of the
    /// transaction: setting it each time would re-plan every statement. It carries no identity; entering a transaction
    /// checks it against the placement's.
    fn way_to(&self, schema: Option<&str>) -> Option<String> {
        if self.standing.as_deref() == schema || (self.standing.is_some() && is_off(Guard::SearchPath)) {
            return None;
        }
        Some(match schema {
            Some(schema) => format!("set search_path = \"{}\"", schema.replace('"', "\"\"")),
            None => "set search_path = pg_catalog".to_owned(),
        })
    }

    /// Reads the answer to the way, and notes where the session stands now. On a failure it stays unknown, and the session
    /// is closed.
    async fn arrive(&mut self, schema: Option<&str>) -> Result<(), Error> {
        let answers = self.wire.answers(std::iter::empty()).await.map_err(Error::statement("search_path"))?;
        if let Some(refused) = answers.refused {
            return Err(Error::statement("search_path")(refused));
        }
        self.standing = schema.map(Into::into);
        if let Some(schema) = schema {
            self.visited.insert(schema.into());
        }
        Ok(())
    }
}
