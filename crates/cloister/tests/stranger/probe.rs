//! Who tries what they should get nothing from, and what each must get.

use std::sync::Arc;

use crate::{
    answer::Answer,
    ask::{Ask, Place},
    document::About,
    world::World,
};

/// What a stranger must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// 401.
    Unknown,
    /// A refusal, and the same as for what is nowhere; 403 only about what they may see.
    Refused,
    /// 403, `tenant_mismatch`.
    Mismatch,
    /// From their own place, pointing at what is not theirs: the same as for what is nowhere, and nothing done.
    Pointing,
    /// What is theirs to see, and nothing of what is not.
    Own,
    /// What is theirs to see, and nothing of what is not; of a change, nothing done. Whatever else is said must be the same as
    /// for what is nowhere.
    Narrow,
}

/// One try.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) who: String,
    pub(crate) token: Option<String>,
    pub(crate) ask: Ask,
    /// The same about nothing.
    pub(crate) nothing: Ask,
    pub(crate) place: Place,
    pub(crate) rule: Rule,
    pub(crate) words: Vec<String>,
    /// What they must not read.
    pub(crate) private: Arc<Vec<String>>,
}

impl Probe {
    /// What came of it, if that is not what must.
    pub(crate) async fn fault(&self, world: &World) -> Option<String> {
        let send = async |ask: &Ask| {
            let seen = ask.send(&world.door, self.token.as_deref(), Some(&self.place)).await;
            Answer::of(&seen, ask, &self.words)
        };
        let (answer, nothing) = (send(&self.ask).await, send(&self.nothing).await);
        let wrong = match self.rule {
            Rule::Unknown => answer.status != 401,
            Rule::Refused => !answer.is_refusal(),
            Rule::Mismatch => (answer.status, answer.code.as_str()) != (403, "tenant_mismatch"),
            Rule::Pointing if self.ask.operation.is_read() => answer.status >= 500,
            Rule::Pointing => answer.is_done() || answer.status >= 500,
            Rule::Own => !answer.is_done(),
            Rule::Narrow => answer.status >= 500 || answer.is_done() && !self.ask.operation.is_read(),
        };
        let said = || format!("{} → {}", self.ask.address(), answer.brief());
        if wrong {
            return Some(format!("{}: {:?} is wanted: {}", self.who, self.rule, said()));
        }
        if answer.is_done() {
            let given = answer.gives_away(self.private.iter());
            return given.map(|word| format!("{}: gives away {word}: {}", self.who, said()));
        }
        let is_told = answer.code == "permission_denied" && self.ask.names_something(&self.words);
        if is_told && !self.may_see(world).await {
            return Some(format!("{}: is told that they may not, of what they may not see: {}", self.who, said()));
        }
        if is_told || answer.is_same_as(&nothing) {
            return None;
        }
        Some(format!("{}: {}\n    but about nothing {}", self.who, said(), nothing.brief()))
    }

    /// Whether they may read what they tried to change, or, of what is the platform's, its list.
    async fn may_see(&self, world: &World) -> bool {
        let mut path = self.ask.operation.path.as_str();
        loop {
            if let Some(read) = world.document.at("GET", path) {
                let params = self.ask.params.iter().take(read.names.len()).cloned().collect();
                let (query, headers) = (Vec::new(), Vec::new());
                let ask = Ask {
                    operation: read.clone(),
                    params,
                    query,
                    headers,
                    body: None,
                    file: None,
                    place: self.place.clone(),
                };
                let is_seen = ask.send(&world.door, self.token.as_deref(), None).await.status == 200;
                if is_seen || self.ask.operation.about() != About::Platform {
                    return is_seen;
                }
            }
            match path.rsplit_once('/') {
                Some((front, _)) if front.len() > "/api/v1".len() => path = front,
                _ => return false,
            }
        }
    }
}
