//! The faults, and how long it takes until every tenant can write on every node again.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    books::{Books, Trouble},
    dice::Dice,
    installation::Installation,
};

/// Longer than this nothing may take to be well again.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// One node loses all its connections to PostgreSQL, in the middle of whatever goes over them, and gets none for a while.
    CutNode,
    /// All nodes do.
    CutAll,
    /// A node stands still, with its transactions open, and then goes on.
    FreezeNode,
    /// A process of PostgreSQL that serves a session is killed: the server throws out everybody and recovers.
    KillSession,
    /// A node is killed, and started again.
    KillNode,
    /// PostgreSQL itself is killed, and started again.
    KillServer,
}

impl Fault {
    pub(crate) const ALL: &[Self] =
        &[Self::CutNode, Self::CutAll, Self::FreezeNode, Self::KillSession, Self::KillNode, Self::KillServer];
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::CutNode => "a node's connections cut",
            Self::CutAll => "all connections cut",
            Self::FreezeNode => "a node frozen",
            Self::KillSession => "a session of PostgreSQL killed",
            Self::KillNode => "a node killed",
            Self::KillServer => "PostgreSQL killed",
        })
    }
}

/// A time of faults, and what each took.
pub(crate) struct Season {
    dice: Dice,
    books: Arc<Books>,
    taken: BTreeMap<Fault, Vec<Duration>>,
}

impl Season {
    pub(crate) fn new(seed: u64, books: &Arc<Books>) -> Self {
        Self { dice: Dice::new(seed), books: books.clone(), taken: BTreeMap::new() }
    }

    pub(crate) fn count(&self, fault: Fault) -> usize {
        self.taken.get(&fault).map_or(0, Vec::len)
    }

    /// Every fault, one after the other.
    pub(crate) async fn each_once(&mut self, installation: &mut Installation) {
        for fault in Fault::ALL {
            self.strike(*fault, installation).await;
        }
    }

    /// Faults all along, each as often as the others, in an order of chance.
    pub(crate) async fn until(&mut self, installation: &mut Installation, end: Instant) {
        while Instant::now() < end {
            let fewest = Fault::ALL.iter().map(|fault| self.count(*fault)).min().unwrap_or_default();
            let next: Vec<Fault> = Fault::ALL.iter().copied().filter(|fault| self.count(*fault) == fewest).collect();
            let fault = *self.dice.of(&next).unwrap();
            self.strike(fault, installation).await;
            let pause = Duration::from_millis(200 + 10 * u64::try_from(self.dice.below(150)).unwrap());
            tokio::time::sleep(pause).await;
        }
    }

    async fn strike(&mut self, fault: Fault, installation: &mut Installation) {
        let number = self.dice.below(installation.nodes.len());
        let pause = Duration::from_millis(100 + u64::try_from(self.dice.below(900)).unwrap());
        let begun = Instant::now();
        let in_force = match fault {
            Fault::CutNode | Fault::CutAll => {
                let all = fault == Fault::CutAll;
                let proxies = || installation.proxies.iter().enumerate().filter(|(at, _)| all || *at == number);
                proxies().for_each(|(_, proxy)| proxy.cut());
                let in_force = Instant::now();
                tokio::time::sleep(pause).await;
                proxies().for_each(|(_, proxy)| proxy.admit());
                in_force
            }
            Fault::FreezeNode => {
                installation.nodes[number].freeze();
                let in_force = Instant::now();
                tokio::time::sleep(pause * 2).await;
                installation.nodes[number].thaw();
                in_force
            }
            Fault::KillSession => {
                installation.kill_session().await;
                // The server sees it a moment later; until then it may still take a write.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Instant::now()
            }
            Fault::KillNode => {
                let client = installation.client.clone();
                installation.nodes[number].kill();
                let in_force = Instant::now();
                tokio::time::sleep(pause).await;
                installation.nodes[number].start(&client).await;
                in_force
            }
            Fault::KillServer => {
                installation.kill_server().await;
                Instant::now()
            }
        };
        let took = self.recovered_since(begun, in_force).await;
        eprintln!("{fault}: every tenant writes on every node again after {:.2} s", took.as_secs_f64());
        self.taken.entry(fault).or_default().push(took);
    }

    /// Waits until every tenant has written on every node.
    pub(crate) async fn recovered(&self, least: Duration) {
        let now = Instant::now();
        tokio::time::sleep(least).await;
        self.recovered_since(now, now).await;
    }

    async fn recovered_since(&self, begun: Instant, in_force: Instant) -> Duration {
        while !self.books.all_wrote_since(in_force) {
            if in_force.elapsed() > PATIENCE {
                self.books.trouble(Trouble::Unsettled, "not every tenant could write on every node again in time");
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }
}

impl fmt::Display for Season {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault, taken) in &self.taken {
            let mut taken: Vec<f64> = taken.iter().map(Duration::as_secs_f64).collect();
            taken.sort_by(f64::total_cmp);
            let (count, middle, worst) = (taken.len(), taken[taken.len() / 2], taken[taken.len() - 1]);
            writeln!(formatter, "{fault:<32} {count:>4} times, well again after {middle:.2} s, at worst {worst:.2} s")?;
        }
        Ok(())
    }
}
