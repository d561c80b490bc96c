//! Preparing, asking and understanding answers.

use std::{io, sync::Arc};

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::{backend::Message, frontend};
use smallvec::SmallVec;
use tokio_postgres::types::{IsNull, Oid, ToSql, Type};

use super::{Column, Row, Wire};
use crate::{
    Parameters,
    error::{Cause, Refused},
};

/// A statement the server knows by a name.
#[derive(Debug)]
pub(crate) struct Prepared {
    name: Box<str>,
    parameters: Box<[Type]>,
    columns: Arc<[Column]>,
}

#[cfg(feature = "failpoints")]
impl Prepared {
    /// The types of its parameters.
    pub(crate) fn parameters(&self) -> &[Type] {
        &self.parameters
    }
}

/// Where a session stands after a Sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Outside any transaction.
    Idle,
    /// Inside one.
    Open,
    /// Inside one that failed.
    Failed,
}

/// What was answered up to a Sync.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Of the requests whose rows were wanted, in order.
    pub(crate) rows: Vec<Vec<Row>>,
    /// How many requests succeeded.
    pub(crate) done: usize,
    /// What the request behind those was refused with; what comes behind it was not looked at.
    pub(crate) refused: Option<Refused>,
    pub(crate) status: Status,
}

impl Wire {
    /// Asks for a prepared statement to be run. On an error nothing was asked.
    pub(crate) fn execute(&mut self, prepared: &Prepared, parameters: &Parameters<'_>) -> Result<(), Cause> {
        let kinds = &prepared.parameters;
        if kinds.len() != parameters.len() {
            let what = format!("{} parameters are needed, {} were given", kinds.len(), parameters.len());
            return Err(Cause::Value(what.into()));
        }
        let outbox = self.outbox();
        let before = outbox.len();
        let formats = parameters.iter().zip(kinds).map(|(value, kind)| value.encode_format(kind) as i16);
        let formats: SmallVec<[i16; 16]> = formats.collect();
        let mut place = 0;
        let bound = frontend::bind(
            "",
            &prepared.name,
            formats,
            parameters.iter().zip(kinds),
            |(value, kind), buffer| {
                place += 1;
                value.to_sql_checked(kind, buffer).map(|null| match null {
                    IsNull::No => postgres_protocol::IsNull::No,
                    IsNull::Yes => postgres_protocol::IsNull::Yes,
                })
            },
            Some(1),
            outbox,
        );
        let bound = bound.map_err(|error| match error {
            frontend::BindError::Conversion(error) => Cause::Value(format!("parameter ${place}: {error}").into()),
            frontend::BindError::Serialization(error) => Cause::Value(error.into()),
        });
        let asked = bound.and_then(|()| frontend::execute("", 0, outbox).map_err(|error| Cause::Value(error.into())));
        if asked.is_err() {
            outbox.truncate(before);
        }
        asked
    }

    /// Asks for BEGIN or COMMIT, which take no parameters and answer no rows.
    pub(crate) fn control(&mut self, text: &'static str) -> io::Result<()> {
        let outbox = self.outbox();
        frontend::parse("", text, None, outbox)?;
        frontend::bind("", "", None, None::<&dyn ToSql>, |_, _| Ok(postgres_protocol::IsNull::Yes), None, outbox)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        frontend::execute("", 0, outbox)
    }

    /// Ends what was asked: outside a transaction it commits here, whole or not at all.
    pub(crate) fn sync(&mut self) {
        frontend::sync(self.outbox());
    }

    /// Reads the answers up to the next Sync. `wanted` are the requests in order, with nothing for those whose rows nobody
    /// reads.
    pub(crate) async fn answers<'a>(
        &mut self,
        mut wanted: impl Iterator<Item = Option<&'a Prepared>>,
    ) -> Result<Answers, Cause> {
        let (mut rows, mut done, mut refused) = (Vec::new(), 0, None);
        let mut current: Option<(&Prepared, Vec<Row>)> = None;
        loop {
            match self.message().await? {
                Message::ParseComplete => {}
                Message::BindComplete => match wanted.next() {
                    Some(prepared) => current = prepared.map(|prepared| (prepared, Vec::new())),
                    None => return Err(self.lost_count()),
                },
                Message::DataRow(body) => {
                    if let Some((prepared, rows)) = &mut current {
                        rows.push(Row::new(prepared.columns.clone(), body)?);
                    }
                }
                Message::CommandComplete(_) | Message::EmptyQueryResponse => {
                    done += 1;
                    rows.extend(current.take().map(|(_, rows)| rows));
                }
                Message::ErrorResponse(body) => refused = refused.or(Some(Refused::read(&body)?)),
                Message::ReadyForQuery(body) => {
                    let status = status(body.status())?;
                    return Ok(Answers { rows, done, refused, status });
                }
                _ => return Err(self.lost_count()),
            }
        }
    }

    /// An answer to nothing that was asked: the session is of no use any more.
    pub(super) fn lost_count(&mut self) -> Cause {
        self.over = true;
        Cause::Lost(io::Error::new(io::ErrorKind::InvalidData, "an answer to nothing that was asked"))
    }

    /// Runs a text that answers no rows, in a request of its own.
    pub(crate) async fn batch(&mut self, text: &str) -> Result<Answers, Cause> {
        self.ask_batch(text)?;
        self.answers(std::iter::empty()).await
    }

    /// Asks for it, and reads nothing yet.
    pub(crate) fn ask_batch(&mut self, text: &str) -> Result<(), Cause> {
        frontend::query(text, self.outbox()).map_err(|error| Cause::Value(error.into()))
    }

    /// Asks the server to learn a statement by a name that it does not know yet.
    pub(crate) fn ask_prepare(&mut self, name: &str, text: &str) -> Result<(), Cause> {
        let outbox = self.outbox();
        let asked = frontend::parse(name, text, None, outbox).and_then(|()| frontend::describe(b'S', name, outbox));
        asked.map_err(|error| Cause::Value(error.into()))
    }

    /// Asks the server to forget one. Its answer is not waited for.
    pub(crate) fn ask_forget(&mut self, prepared: &Prepared) {
        // Its name was good enough to be learnt.
        let _ = frontend::close(b'S', &prepared.name, self.outbox());
    }

    /// What the server learnt of the statements asked for up to the next Sync.
    pub(crate) async fn prepared(
        &mut self,
        names: impl Iterator<Item = Box<str>>,
    ) -> Result<(Vec<Prepared>, Answers), Cause> {
        let (mut names, mut learnt, mut refused) = (names, Vec::new(), None);
        let mut parameters = Vec::new();
        loop {
            match self.message().await? {
                Message::ParseComplete => {}
                Message::ParameterDescription(body) => {
                    parameters = body.parameters().map(known).collect::<Vec<_>>()?;
                }
                message @ (Message::RowDescription(_) | Message::NoData) => {
                    let columns = match message {
                        Message::RowDescription(body) => {
                            let column = |field: postgres_protocol::message::backend::Field<'_>| {
                                Ok(Column { name: field.name().into(), kind: known(field.type_oid())? })
                            };
                            body.fields().map(column).collect::<Vec<_>>()?
                        }
                        _ => Vec::new(),
                    };
                    let Some(name) = names.next() else { return Err(self.lost_count()) };
                    let parameters = std::mem::take(&mut parameters).into();
                    learnt.push(Prepared { name, parameters, columns: columns.into() });
                }
                Message::ErrorResponse(body) => refused = refused.or(Some(Refused::read(&body)?)),
                Message::ReadyForQuery(body) => {
                    let status = status(body.status())?;
                    let answers = Answers { rows: Vec::new(), done: learnt.len(), refused, status };
                    return Ok((learnt, answers));
                }
                _ => return Err(self.lost_count()),
            }
        }
    }
}

fn status(byte: u8) -> io::Result<Status> {
    match byte {
        b'I' => Ok(Status::Idle),
        b'T' => Ok(Status::Open),
        b'E' => Ok(Status::Failed),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("transaction status {other}"))),
    }
}

/// Types that come with every server. Others would have to be asked for; our statements use none.
fn known(oid: Oid) -> io::Result<Type> {
    Type::from_oid(oid).ok_or_else(|| {
        let what = format!("a value of the type with the number {oid}, which is not one of PostgreSQL's own");
        io::Error::new(io::ErrorKind::Unsupported, what)
    })
}
