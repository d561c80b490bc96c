//! A session of the administrator, in which a test's work is done again and undone.

use std::{cell::RefCell, collections::HashMap, error::Error};

use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::{
    Client, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::book::Value;

/// Bytes of any type, as they come and go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Raw(Option<Vec<u8>>);

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(bytes.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What a statement came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Its rows in an order of their own.
    Rows(Vec<Vec<Option<Vec<u8>>>>),
    /// The code it was refused with.
    Refused(String),
}

impl Outcome {
    fn of(rows: &[tokio_postgres::Row]) -> Self {
        let bytes = |row: &tokio_postgres::Row| (0..row.len()).map(|at| row.get::<_, Raw>(at).0).collect();
        let mut rows: Vec<Vec<Option<Vec<u8>>>> = rows.iter().map(bytes).collect();
        rows.sort();
        Self::Rows(rows)
    }

    /// The text is no statement.
    pub(crate) fn is_nonsense(&self) -> bool {
        matches!(self, Self::Refused(code) if code.starts_with("42"))
    }
}

fn code_of(text: &str, error: &tokio_postgres::Error) -> String {
    error.as_db_error().unwrap_or_else(|| panic!("{text}: {error}")).code().code().to_owned()
}

pub(crate) struct Session {
    client: Client,
    prepared: RefCell<HashMap<(String, Vec<u32>), Statement>>,
}

impl Session {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, prepared: RefCell::new(HashMap::new()) }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a text that must succeed.
    pub(crate) async fn must(&self, text: &str) {
        self.client.batch_execute(text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }

    /// Runs a text in a savepoint of its own. Whether it was done.
    pub(crate) async fn attempt(&self, text: &str) -> bool {
        self.must("savepoint attempt").await;
        let done = self.client.batch_execute(text).await.is_ok();
        self.must(if done { "release attempt" } else { "rollback to attempt; release attempt" }).await;
        done
    }

    /// Prepares a statement outside of any savepoint: one that cannot be prepared is found out in one of its own.
    async fn prepare(&self, text: &str, values: &[Value]) -> Result<Statement, tokio_postgres::Error> {
        let key = (text.to_owned(), values.iter().map(|value| value.kind).collect::<Vec<_>>());
        if let Some(known) = self.prepared.borrow().get(&key) {
            return Ok(known.clone());
        }
        let kinds: Vec<Type> = key.1.iter().map(|kind| Type::from_oid(*kind).unwrap()).collect();
        self.must("savepoint prepare").await;
        let prepared = self.client.prepare_typed(text, &kinds).await;
        self.must(if prepared.is_ok() { "release prepare" } else { "rollback to prepare; release prepare" }).await;
        let statement = prepared?;
        self.prepared.borrow_mut().insert(key, statement.clone());
        Ok(statement)
    }

    /// The types of a statement's parameters, or why it cannot be prepared by itself.
    pub(crate) async fn kinds(&self, text: &str) -> Result<Vec<u32>, String> {
        self.must("savepoint kinds").await;
        let prepared = self.client.prepare(text).await;
        self.must("rollback to kinds; release kinds").await;
        let prepared = prepared.map_err(|error| code_of(text, &error))?;
        Ok(prepared.params().iter().map(Type::oid).collect())
    }

    /// Temporary tables are gone, and what was prepared on them.
    pub(crate) fn forget(&self) {
        self.prepared.borrow_mut().clear();
    }

    /// Runs a statement. One that is refused leaves the transaction as it was before.
    pub(crate) async fn run(&self, text: &str, values: &[Value]) -> Outcome {
        let parameters: Vec<Raw> = values.iter().map(|value| Raw(value.bytes.clone())).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|raw| raw as _).collect();
        let done = match self.prepare(text, values).await {
            Ok(statement) => {
                // All in one round trip: the release fails with what it would release.
                let (begun, done, _) = futures_util::join!(
                    self.client.batch_execute("savepoint run"),
                    self.client.query(&statement, &parameters),
                    self.client.batch_execute("release run")
                );
                begun.unwrap();
                done
            }
            Err(error) => return Outcome::Refused(code_of(text, &error)),
        };
        match done {
            Ok(rows) => Outcome::of(&rows),
            Err(error) => {
                self.must("rollback to run; release run").await;
                Outcome::Refused(code_of(text, &error))
            }
        }
    }

    /// What each of these texts comes to by itself, with what `print` says then: all in one round trip, and all undone.
    pub(crate) async fn each(
        &self,
        texts: &[&str],
        values: &[Value],
        print: Option<&str>,
    ) -> Vec<(Outcome, Vec<String>)> {
        for text in texts {
            // Known from here on, or refused again below.
            let _ = self.prepare(text, values).await;
        }
        let mut all = Vec::new();
        // More at once would no longer be sent in their order.
        for some in texts.chunks(20) {
            all.extend(futures_util::future::join_all(some.iter().map(|text| self.once(text, values, print))).await);
        }
        all
    }

    async fn once(&self, text: &str, values: &[Value], print: Option<&str>) -> (Outcome, Vec<String>) {
        let statement = match self.prepare(text, values).await {
            Ok(statement) => statement,
            Err(error) => return (Outcome::Refused(code_of(text, &error)), Vec::new()),
        };
        let parameters: Vec<Raw> = values.iter().map(|value| Raw(value.bytes.clone())).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|raw| raw as _).collect();
        let printed = async {
            match print {
                Some(text) => self.client.simple_query(text).await.ok(),
                None => None,
            }
        };
        let (begun, done, printed, undone) = futures_util::join!(
            self.client.batch_execute("savepoint once"),
            self.client.query(&statement, &parameters),
            printed,
            self.client.batch_execute("rollback to once; release once")
        );
        begun.and(undone).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let outcome = match done {
            Ok(rows) => Outcome::of(&rows),
            Err(error) => Outcome::Refused(code_of(text, &error)),
        };
        let mut left = Vec::new();
        for message in printed.into_iter().flatten() {
            if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                left.extend((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()));
            }
        }
        (outcome, left)
    }

    pub(crate) async fn copy(&self, text: &str, lines: &[u8]) -> bool {
        self.must("savepoint run").await;
        let done = match self.client.copy_in::<_, Bytes>(text).await {
            Ok(sink) => {
                let mut sink = Box::pin(sink);
                match sink.send(Bytes::copy_from_slice(lines)).await {
                    Ok(()) => sink.as_mut().finish().await.is_ok(),
                    Err(_) => false,
                }
            }
            Err(_) => false,
        };
        self.must(if done { "release run" } else { "rollback to run; release run" }).await;
        done
    }
}
