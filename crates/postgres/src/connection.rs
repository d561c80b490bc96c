//! One connection: what it has prepared, which schema it stands in, and whether it may be lent again.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::{FutureExt, future::OptionFuture, join};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Row};

use crate::{Error, Parameters, Server, Statement, sqlstate};

/// How a transaction is entered. Both texts are constant for a placement at an epoch, so they are rendered once and kept.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The only schema on the search path, a plain lower-case identifier; none for `pg_catalog` alone.
    pub schema: Option<&'a str>,
    /// `begin …` and whatever must be true inside, as one simple query: any failure in it fails the transaction.
    pub begin: &'a str,
}

/// A connection and what is known of its session.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    driver: JoinHandle<()>,
    prepared: HashMap<usize, tokio_postgres::Statement>,
    standing: Option<Box<str>>,
    visited: HashSet<Box<str>>,
    state: State,
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
/// How long a session that is no longer wanted may take to finish by itself.
const CLOSE_PATIENCE: Duration = Duration::from_millis(100);
/// And how long after it was told to stop.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

impl Connection {
    pub(crate) async fn open(server: &Server, database: &str) -> Result<Self, Error> {
        let (client, driver) = server.open(database).await?;
        let (prepared, visited) = (HashMap::new(), HashSet::new());
        Ok(Self { client, driver, prepared, standing: None, visited, state: State::Idle })
    }

    /// Ends the session and returns when it is over, so that another may be opened in its place. The driver first reads the
    /// answers to what was sent; a statement that takes its time over it is cancelled.
    pub(crate) async fn close(self, server: &Server) {
        let Self { client, mut driver, prepared, .. } = self;
        let token = client.cancel_token();
        drop((prepared, client));
        if timeout(CLOSE_PATIENCE, &mut driver).await.is_ok() {
            return;
        }
        let _ = timeout(CLOSE_LIMIT, server.cancel(&token)).await;
        if timeout(CLOSE_LIMIT, &mut driver).await.is_err() {
            // The server does not answer. Without the socket its backend ends by itself, within a second.
            driver.abort();
        }
    }

    pub(crate) fn standing(&self) -> Option<&str> {
        self.standing.as_deref()
    }

    /// May be lent to another borrower.
    pub(crate) fn is_clean(&self) -> bool {
        self.state == State::Idle && !self.client.is_closed() && self.visited.len() <= MAX_SCHEMAS
    }

    /// Inside a transaction that a ROLLBACK would end.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open && !self.client.is_closed()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// A whole transaction of one statement in one round trip: path, entry, statement and COMMIT are sent together.
    pub async fn run(
        &mut self,
        entry: Entry<'_>,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        match self.run_once(entry, statement, parameters).await {
            Err(error) if error.is_stale_plan() => {
                self.prepared.clear();
                self.run_once(entry, statement, parameters).await
            }
            other => other,
        }
    }

    async fn run_once(
        &mut self,
        entry: Entry<'_>,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        self.prepare(entry.schema, &[(statement, parameters)]).await?;
        let prepared = self.prepared.get(&statement.key()).ok_or(Error::Aborted)?;
        let (way, client) = (self.way_to(entry.schema), &self.client);
        self.state = State::Unknown;
        // Polled in this order, so sent in this order: the driver writes them to the socket one behind the other.
        let (moved, begun, rows, ended) = join!(
            OptionFuture::from(way.as_deref().map(|way| client.batch_execute(way))),
            client.batch_execute(entry.begin),
            client.query(prepared, parameters),
            client.batch_execute("commit"),
        );
        self.arrive(entry.schema, moved)?;
        self.settle(ended)?;
        self.entered(begun)?;
        rows.map_err(Error::statement(statement.name()))
    }

    /// The same for several statements, whose rows come back in their order.
    pub async fn run_all(
        &mut self,
        entry: Entry<'_>,
        items: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.begin_and(entry, items, true).await
    }

    /// Sends the entry (when given), the statements and, when asked, COMMIT, all in one round trip.
    pub(crate) async fn begin_and(
        &mut self,
        entry: Entry<'_>,
        items: &[(&'static Statement, &Parameters<'_>)],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>, Error> {
        match self.begin_once(entry, items, commit).await {
            // Nothing of it happened: it was the first of its transaction.
            Err(error) if error.is_stale_plan() && self.state == State::Idle => {
                self.prepared.clear();
                self.begin_once(entry, items, commit).await
            }
            other => other,
        }
    }

    async fn begin_once(
        &mut self,
        entry: Entry<'_>,
        items: &[(&'static Statement, &Parameters<'_>)],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.prepare(entry.schema, items).await?;
        // Also when no statement follows, as before the making of a temporary table.
        let way = self.way_to(entry.schema);
        self.state = State::Unknown;
        let (moved, begun, outcome, ended) = join!(
            OptionFuture::from(way.as_deref().map(|way| self.client.batch_execute(way))),
            self.client.batch_execute(entry.begin),
            self.pipeline(items),
            self.commit_if(commit),
        );
        self.arrive(entry.schema, moved)?;
        if let Some(ended) = ended {
            self.settle(ended)?;
        } else if outcome.is_ok() && begun.is_ok() {
            self.state = State::Open;
        } else {
            self.rollback().await?;
        }
        self.entered(begun)?;
        outcome
    }

    /// A session that is found in another schema than it was believed to stand in is not used again.
    fn entered(&mut self, begun: Result<(), tokio_postgres::Error>) -> Result<(), Error> {
        let begun = begun.map_err(Error::statement("enter"));
        if let Err(error) = &begun
            && error.is(sqlstate::FENCE_SCHEMA)
        {
            tracing::error!(believed = self.standing, "a session stood in another schema than believed; it is closed");
            self.state = State::Unknown;
        }
        begun
    }

    /// Statements inside a transaction that is already open; with `commit`, they end it.
    pub(crate) async fn inside(
        &mut self,
        items: &[(&'static Statement, &Parameters<'_>)],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>, Error> {
        if self.state != State::Open {
            return Err(Error::Aborted);
        }
        self.state = State::Unknown;
        // Inside a transaction the search path stands: preparing costs a round trip, but only the first time.
        for (statement, _) in items {
            if !self.prepared.contains_key(&statement.key()) {
                match self.client.prepare(statement.sql()).await {
                    Ok(ready) => drop(self.prepared.insert(statement.key(), ready)),
                    Err(error) => {
                        self.rollback().await?;
                        return Err(Error::statement(statement.name())(error));
                    }
                }
            }
        }
        let (outcome, ended) = join!(self.pipeline(items), self.commit_if(commit));
        if let Some(ended) = ended {
            self.settle(ended)?;
        } else if outcome.is_ok() {
            self.state = State::Open;
        } else {
            self.rollback().await?;
        }
        if outcome.as_ref().is_err_and(Error::is_stale_plan) {
            // What went before cannot be repeated here. The next transaction prepares anew.
            self.prepared.clear();
        }
        outcome
    }

    fn commit_if(&self, commit: bool) -> OptionFuture<impl Future<Output = Result<(), tokio_postgres::Error>>> {
        OptionFuture::from(commit.then(|| self.client.batch_execute("commit")))
    }

    /// Sends prepared statements one behind the other and reads the answers in order; the first failure is the answer.
    fn pipeline<'a>(
        &'a self,
        items: &'a [(&'static Statement, &'a Parameters<'a>)],
    ) -> impl Future<Output = Result<Vec<Vec<Row>>, Error>> {
        let mut pending: Vec<_> = items
            .iter()
            .map(|(statement, parameters)| {
                async move {
                    let prepared = self.prepared.get(&statement.key()).ok_or(Error::Aborted)?;
                    self.client.query(prepared, parameters).await.map_err(Error::statement(statement.name()))
                }
                .boxed()
            })
            .collect();
        // The first poll of this future must send everything: a COMMIT is polled right behind it.
        let mut early: Vec<Option<Result<Vec<Row>, Error>>> = Vec::with_capacity(pending.len());
        let mut started = false;
        std::future::poll_fn(move |cx| {
            if !started {
                started = true;
                early.resize_with(pending.len(), || None);
            }
            let mut waiting = false;
            for (future, result) in pending.iter_mut().zip(early.iter_mut()) {
                if result.is_none() {
                    match future.as_mut().poll(cx) {
                        std::task::Poll::Ready(value) => *result = Some(value),
                        std::task::Poll::Pending => waiting = true,
                    }
                }
            }
            if waiting {
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(early.drain(..).flatten().collect())
        })
    }

    /// What COMMIT's answer says about the session: after it, failed or not, no transaction is open.
    fn settle(&mut self, ended: Result<(), tokio_postgres::Error>) -> Result<(), Error> {
        match ended {
            Ok(()) => {
                self.state = State::Idle;
                Ok(())
            }
            Err(error) => {
                // A deferred constraint may fail here; the server has then rolled back. Anything else closed the connection.
                if error.as_db_error().is_some() && !self.client.is_closed() {
                    self.state = State::Idle;
                }
                Err(Error::statement("commit")(error))
            }
        }
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Error> {
        self.state = State::Unknown;
        self.client.batch_execute("rollback").await.map_err(Error::statement("rollback"))?;
        self.state = State::Idle;
        Ok(())
    }

    /// Runs a text inside the open transaction: for temporary tables, whose text is constant too.
    pub(crate) async fn batch(&mut self, text: &'static str) -> Result<(), Error> {
        if self.state != State::Open {
            return Err(Error::Aborted);
        }
        self.state = State::Unknown;
        let done = self.client.batch_execute(text).await;
        match done {
            Ok(()) => self.state = State::Open,
            Err(_) => self.rollback().await?,
        }
        done.map_err(Error::statement("batch"))
    }

    /// Makes statements ready in the schema they are for. Costs nothing once they are, wherever the session stands: they
    /// follow the search path.
    async fn prepare(
        &mut self,
        schema: Option<&str>,
        items: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<(), Error> {
        for (statement, _) in items {
            if self.prepared.contains_key(&statement.key()) {
                continue;
            }
            let way = self.way_to(schema);
            self.state = State::Unknown;
            let (moved, prepared) = join!(
                OptionFuture::from(way.as_deref().map(|way| self.client.batch_execute(way))),
                self.client.prepare(statement.sql()),
            );
            self.arrive(schema, moved)?;
            if prepared.is_ok() || !self.client.is_closed() {
                self.state = State::Idle;
            }
            let ready = prepared.map_err(Error::statement(statement.name()))?;
            self.prepared.insert(statement.key(), ready);
        }
        Ok(())
    }

    /// What makes the session stand in `schema`; nothing when it does. The schema is a property of the session, not of the
    /// transaction: setting it each time would re-plan every statement. It carries no identity; entering a transaction
    /// checks it against the placement's.
    fn way_to(&self, schema: Option<&str>) -> Option<String> {
        if self.standing.as_deref() == schema {
            return None;
        }
        Some(match schema {
            Some(schema) => format!("set search_path = \"{}\"", schema.replace('"', "\"\"")),
            None => "set search_path = pg_catalog".to_owned(),
        })
    }

    /// Notes where the session stands now. On a failure it stays unknown, and the session is closed.
    fn arrive(&mut self, schema: Option<&str>, moved: Option<Result<(), tokio_postgres::Error>>) -> Result<(), Error> {
        let Some(moved) = moved else { return Ok(()) };
        moved.map_err(Error::statement("search_path"))?;
        self.standing = schema.map(Into::into);
        if let Some(schema) = schema {
            self.visited.insert(schema.into());
        }
        Ok(())
    }
}
