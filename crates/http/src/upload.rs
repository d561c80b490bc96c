//! A body that is a file: received into a file of ours, within bounds, never as a whole in memory.

use std::{fs::File, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, Method, StatusCode, header},
};
use cloister_tenancy::{Error, ErrorKind};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::{EdgeSettings, IdempotencyKey, Problem, body};

/// The body of a request that brings a file, not read yet.
#[derive(Debug)]
pub struct Upload {
    method: Method,
    /// With the query: how a file is used is part of what is asked for.
    address: String,
    headers: HeaderMap,
    body: Body,
    /// The most time between two parts of it.
    pause: Duration,
}

/// A file that was received whole.
#[derive(Debug)]
pub struct Received {
    /// Its bytes, read or written to up to their end.
    pub file: File,
    /// How many they are; at least one.
    pub length: u64,
    /// What the request says it is: one of the media types that were asked for.
    pub media_type: String,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
    /// The key that the request came with. It stands for the file's bytes and the whole address.
    pub key: Option<IdempotencyKey>,
}

impl<S> FromRequest<S> for Upload
where
    S: Send + Sync,
    Arc<EdgeSettings>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let pause = Arc::<EdgeSettings>::from_ref(state).limits.body_time;
        let (parts, body) = request.into_parts();
        let address = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        Ok(Self { method: parts.method, address, headers: parts.headers, body, pause })
    }
}

impl Upload {
    /// Receives it into an empty file. It must say that it is of one of these media types, and have `most` bytes at most.
    pub async fn receive(self, media_types: &[&str], most: u64, file: File) -> Result<Received, Problem> {
        let media_type = self.expect(media_types)?;
        let announced = self.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > most) {
            return Err(body::too_large(most));
        }
        let Self { method, address, headers, mut body, pause } = self;
        let (mut file, mut length, mut hash) = (tokio::fs::File::from_std(file), 0u64, Sha256::new());
        loop {
            let next = tokio::time::timeout(pause, body.frame()).await.map_err(|_| body::too_slow())?;
            let Some(frame) = next else { break };
            let Ok(bytes) = frame.map_err(|_| body::incomplete())?.into_data() else { continue };
            length = length.saturating_add(bytes.len() as u64);
            if length > most {
                return Err(body::too_large(most));
            }
            hash.update(&bytes);
            file.write_all(&bytes).await.map_err(Error::internal)?;
        }
        if length == 0 {
            return Err(Problem::malformed("body_missing", "This needs a file as its body."));
        }
        file.flush().await.map_err(Error::internal)?;
        let sha256: [u8; 32] = hash.finalize().into();
        let key = IdempotencyKey::read(&method, &address, &headers, &sha256)?;
        Ok(Received { file: file.into_std().await, length, media_type, sha256, key })
    }

    fn expect(&self, media_types: &[&str]) -> Result<String, Problem> {
        let said = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = said.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
        if let Some(said) = said.filter(|said| media_types.contains(&said.as_str())) {
            return Ok(said);
        }
        let message = format!("Send a file, with the header Content-Type: {}.", media_types.join(" or "));
        let error = Error::new(ErrorKind::Malformed, "media_type_unsupported", message);
        Err(Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
    }
}
