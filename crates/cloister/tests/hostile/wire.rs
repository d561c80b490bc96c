//! Bytes sent as they are, and what comes back.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than the server takes for anything: what is not over by then is held on to.
const PATIENCE: Duration = Duration::from_secs(45);

/// What came back on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing: the connection was closed.
    Closed,
    /// One answer, or the first of several.
    Answer(Answer),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The stable word of a refusal; `-` for a bare one.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("-").to_owned()
    }

    pub(crate) fn text(&self) -> String {
        let head: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{} {head}{}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Heard {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Closed => 0,
            Self::Answer(answer) => answer.status,
        }
    }

    /// Status and code, for comparing: `400 host_invalid`, `400 -`, `closed`.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::Closed => "closed".to_owned(),
            Self::Answer(answer) if answer.status < 400 => answer.status.to_string(),
            Self::Answer(answer) => format!("{} {}", answer.status, answer.code()),
        }
    }
}

/// Sends bytes on a connection of their own and hears the first answer. The client says no more afterwards, but listens.
pub(crate) async fn send(address: SocketAddr, bytes: &[u8]) -> Heard {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Whoever is refused while still sending is cut off in the middle of it.
    let sent = timeout(PATIENCE, stream.write_all(bytes)).await.expect("the server reads on or closes");
    hear(&mut stream, sent.is_err()).await
}

/// Reads until one answer is whole or the server closed.
pub(crate) async fn hear(stream: &mut TcpStream, cut: bool) -> Heard {
    let mut received = Vec::new();
    let heard = timeout(PATIENCE, async {
        let mut part = vec![0; 64 * 1024];
        loop {
            if let Some(answer) = whole(&received, false) {
                return Heard::Answer(answer);
            }
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return whole(&received, true).map_or(Heard::Closed, Heard::Answer),
                Ok(count) => received.extend_from_slice(&part[..count]),
            }
        }
    });
    heard.await.unwrap_or_else(|_| {
        panic!("no answer, and the connection stays open (cut: {cut}): {}", String::from_utf8_lossy(&received))
    })
}

/// An answer, once all of it is there.
fn whole(received: &[u8], ended: bool) -> Option<Answer> {
    let end = received.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &received[end + 4..];
    let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if status == 100 {
        return whole(rest, ended);
    }
    let body = if find("transfer-encoding") == Some("chunked") {
        joined(rest)
    } else {
        let length = find("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        rest.get(..length).map(<[u8]>::to_vec)
    };
    let body = body.or_else(|| ended.then(|| rest.to_vec()))?;
    Some(Answer { status, headers, body })
}

/// The chunks of a body, once the last is there.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|part| part == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// A text as it may stand in an address: everything but letters and digits as `%xx`.
pub(crate) fn percent(text: &[u8]) -> String {
    text.iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
