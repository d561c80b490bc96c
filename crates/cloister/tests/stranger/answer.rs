//! What an answer tells, freed of what differs between any two requests.

use std::collections::BTreeSet;

use cloister_testkit::Seen;
use serde_json::Value;

use crate::ask::Ask;

/// Differ from request to request whoever asks for what.
const PASSING: [&str; 5] = ["x-request-id", "date", "ratelimit", "ratelimit-policy", "retry-after"];

/// Status, headers and body of an answer, with what the request itself pointed at left out.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: String,
    headers: BTreeSet<(String, String)>,
    text: String,
    /// The body as it came.
    whole: String,
}

impl Answer {
    /// Of what was seen after `ask`, in which these words point at something.
    pub(crate) fn of(seen: &Seen, ask: &Ask, words: &[String]) -> Self {
        let mut body = seen.body.clone();
        if let Some(problem) = body.as_object_mut().filter(|body| body.contains_key("code")) {
            // The request's own address and id.
            problem.remove("instance");
            problem.remove("request_id");
        }
        let mut text = if body.is_null() { seen.text.clone() } else { body.to_string() };
        let mut headers: BTreeSet<_> = (seen.headers.iter())
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .filter(|(name, _)| !PASSING.contains(&name.as_str()))
            .collect();
        for (_, pointed) in ask.spots(words) {
            text = text.replace(&pointed, "…");
            headers = headers.into_iter().map(|(name, value)| (name, value.replace(&pointed, "…"))).collect();
        }
        let code = seen.body["code"].as_str().unwrap_or_default().to_owned();
        Self { status: seen.status, code, headers, text, whole: seen.text.clone() }
    }

    /// Nobody could tell the two apart.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (self.status, &self.headers, &self.text) == (other.status, &other.headers, &other.text)
    }

    pub(crate) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// It is a refusal that a stranger may get.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status, 401 | 403 | 404)
    }

    /// The first of these that it gives away.
    pub(crate) fn gives_away<'a>(&self, private: impl IntoIterator<Item = &'a String>) -> Option<&'a String> {
        private.into_iter().find(|word| {
            self.whole.contains(word.as_str()) || self.headers.iter().any(|(_, value)| value.contains(word.as_str()))
        })
    }

    /// In a few words.
    pub(crate) fn brief(&self) -> String {
        let text: String = self.text.chars().take(300).collect();
        format!("{} {} {text} {:?}", self.status, self.code, self.headers)
    }
}

/// Insists on success; says what came otherwise.
pub(crate) fn done(seen: Seen, what: &str) -> Result<Seen, String> {
    if (200..300).contains(&seen.status) { Ok(seen) } else { Err(format!("{what}: {} {}", seen.status, seen.text)) }
}

/// A text in an answer.
pub(crate) fn text(body: &Value, field: &str) -> Result<String, String> {
    body[field].as_str().map(str::to_owned).ok_or_else(|| format!("no {field} in {body}"))
}
