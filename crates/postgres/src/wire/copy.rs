//! Rows copied into a table.

use std::io;

use bytes::Bytes;
use postgres_protocol::message::{
    backend::Message,
    frontend::{self, CopyData},
};

use super::{Answers, Wire};
use crate::error::{Cause, Refused};

/// How much may wait to be sent.
const WAITING: usize = 64 * 1024;

impl Wire {
    /// Begins a COPY. When the server refuses it, the answers say so.
    pub(crate) async fn begin_copy(&mut self, text: &str) -> Result<Option<Answers>, Cause> {
        self.ask_batch(text)?;
        match self.message().await? {
            Message::CopyInResponse(_) => {
                self.copying = true;
                Ok(None)
            }
            Message::ErrorResponse(body) => {
                let refused = Refused::read(&body)?;
                let mut answers = self.answers(std::iter::empty()).await?;
                answers.refused = Some(refused);
                Ok(Some(answers))
            }
            _ => Err(self.lost_count()),
        }
    }

    /// Sends lines. What is wrong with them is told at the end: until then the server reads, and says nothing.
    pub(crate) async fn copy(&mut self, lines: Bytes) -> Result<(), Cause> {
        CopyData::new(lines)?.write(self.outbox());
        if self.outbox.len() > WAITING {
            self.send().await?;
        }
        Ok(())
    }

    /// Ends the COPY: how many rows there were, and what the server says to them.
    pub(crate) async fn end_copy(&mut self) -> Result<(u64, Answers), Cause> {
        self.copying = false;
        frontend::copy_done(self.outbox());
        match self.message().await? {
            Message::CommandComplete(body) => {
                let count = body.tag()?.rsplit(' ').next().and_then(|count| count.parse().ok());
                let count = count.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                Ok((count, self.answers(std::iter::empty()).await?))
            }
            Message::ErrorResponse(body) => {
                let refused = Refused::read(&body)?;
                let mut answers = self.answers(std::iter::empty()).await?;
                answers.refused = Some(refused);
                Ok((0, answers))
            }
            _ => Err(self.lost_count()),
        }
    }
}
