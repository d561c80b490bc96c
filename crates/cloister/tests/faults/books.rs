//! What was asked, what was acknowledged, and what went wrong: kept by the clients, who know nothing but the answers.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{client::Answer, dice::Dice, fault::Season, installation::Tenant};

/// Ids of each tenant that others try.
const KNOWN: usize = 200;
/// Troubles of a kind that are told; more are only counted.
const TOLD: u64 = 10;

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Acknowledged, and not there.
    Lost,
    /// Asked for once, and there twice.
    Doubled,
    /// A word, a row or an id of another tenant.
    Leaked,
    /// An answer that nobody can explain by the fault.
    Unexpected,
    /// Nobody learnt in time what became of it.
    Unsettled,
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Lost, Self::Doubled, Self::Leaked, Self::Unexpected, Self::Unsettled];
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Leaked => "leaked",
            Self::Unexpected => "unexpected",
            Self::Unsettled => "unsettled",
        })
    }
}

#[derive(Debug, Default)]
struct Pages {
    /// When the last acknowledged write was sent, by node and tenant.
    sent: BTreeMap<(usize, usize), Instant>,
    /// When a tenant's last write was acknowledged, and the longest it ever waited for the next.
    waits: BTreeMap<usize, (Instant, Duration)>,
    counts: BTreeMap<&'static str, u64>,
    answers: BTreeMap<String, u64>,
    troubles: BTreeMap<Trouble, u64>,
    told: Vec<String>,
    ids: BTreeMap<usize, VecDeque<String>>,
    give_up: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Books {
    tenants: Arc<Vec<Tenant>>,
    nodes: usize,
    pages: Mutex<Pages>,
}

impl Books {
    pub(crate) fn new(tenants: &Arc<Vec<Tenant>>, nodes: usize) -> Self {
        Self { tenants: tenants.clone(), nodes, pages: Mutex::default() }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one more of something.
    pub(crate) fn count(&self, what: &'static str) {
        *self.pages().counts.entry(what).or_default() += 1;
    }

    /// Notes what must not be.
    pub(crate) fn trouble(&self, trouble: Trouble, what: impl fmt::Display) {
        let mut pages = self.pages();
        let count = pages.troubles.entry(trouble).or_default();
        *count += 1;
        if *count <= TOLD {
            pages.told.push(format!("{trouble}: {what}"));
        }
    }

    /// Notes an answer to a tenant, and looks through the whole of it for words of the others.
    pub(crate) fn answered(&self, tenant: usize, asked: &str, answer: &Answer) {
        let code = answer.code();
        let text = if code.is_empty() { answer.status.to_string() } else { format!("{} {code}", answer.status) };
        *self.pages().answers.entry(text).or_default() += 1;
        let head = format!("{:?}", answer.headers);
        for other in self.tenants.iter().filter(|other| other.number != tenant) {
            if answer.text.contains(&other.canary) || head.contains(&other.canary) {
                let slug = self.tenants[tenant].slug;
                self.trouble(
                    Trouble::Leaked,
                    format!("{slug} asked {asked} and read of {}: {}", other.slug, answer.text),
                );
            }
        }
    }

    /// Notes that there was no answer, or only a part of one.
    pub(crate) fn silence(&self) {
        *self.pages().answers.entry("none".to_owned()).or_default() += 1;
    }

    /// Notes that a node acknowledged a write that it was sent at this moment.
    pub(crate) fn acknowledged(&self, node: usize, tenant: usize, sent: Instant) {
        let (mut pages, now) = (self.pages(), Instant::now());
        let last = pages.sent.entry((node, tenant)).or_insert(sent);
        *last = (*last).max(sent);
        let (last, longest) = pages.waits.entry(tenant).or_insert((now, Duration::ZERO));
        *longest = (*longest).max(now - *last);
        *last = now;
    }

    /// Whether every node acknowledged to every tenant a write that was sent later than this.
    pub(crate) fn all_wrote_since(&self, moment: Instant) -> bool {
        let pages = self.pages();
        let fresh = pages.sent.values().filter(|sent| **sent > moment).count();
        fresh == self.nodes * self.tenants.len()
    }

    /// An id that others may try.
    pub(crate) fn made(&self, tenant: usize, id: &str) {
        let mut pages = self.pages();
        let ids = pages.ids.entry(tenant).or_default();
        if ids.len() == KNOWN {
            ids.pop_front();
        }
        ids.push_back(id.to_owned());
    }

    /// An id of some other tenant that keeps the same kind of thing.
    pub(crate) fn foreign(&self, tenant: usize, dice: &mut Dice) -> Option<String> {
        let path = self.tenants[tenant].path;
        let alike = self.tenants.iter().filter(|other| other.number != tenant && other.path == path);
        let alike: Vec<usize> = alike.map(|other| other.number).collect();
        let other = dice.of(&alike)?;
        let pages = self.pages();
        let ids = pages.ids.get(other)?;
        ids.get(dice.below(ids.len())).cloned()
    }

    /// No more new requests; what was asked is asked again until it is answered, or for so long.
    pub(crate) fn stop(&self, settle: Duration) {
        self.pages().give_up = Some(Instant::now() + settle);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.pages().give_up.is_some()
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.pages().give_up.is_some_and(|at| Instant::now() > at)
    }

    pub(crate) fn troubles(&self) -> Vec<String> {
        self.pages().told.clone()
    }

    /// The whole, in a few lines.
    pub(crate) fn summary(&self, load: Duration, season: &Season) -> String {
        let pages = self.pages();
        let list = |counts: &mut dyn Iterator<Item = (String, u64)>| {
            counts.map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
        };
        let operations: u64 = pages.counts.values().sum();
        let counts = list(&mut pages.counts.iter().map(|(what, count)| ((*what).to_owned(), *count)));
        let answers = list(&mut pages.answers.iter().map(|(what, count)| (what.clone(), *count)));
        let of = |trouble: Trouble| (trouble.to_string(), pages.troubles.get(&trouble).copied().unwrap_or_default());
        let troubles = list(&mut Trouble::ALL.into_iter().map(of));
        let longest = pages.waits.values().map(|(_, longest)| *longest).max().unwrap_or_default();
        format!(
            "in {:.0} s {operations} operations: {counts}\nanswers: {answers}\n{season}{troubles}; \
             longest outage of a tenant {:.1} s",
            load.as_secs_f64(),
            longest.as_secs_f64()
        )
    }
}
