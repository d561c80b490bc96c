//! A platform on which cases are played, two new tenants for each.

use std::{future::pending, sync::Arc};

use cloister_catalog::Catalog;
use cloister_http::{EdgeSettings, HttpModule, RateSettings};
use cloister_platform::{Keyring, Platform, PlatformSettings, Service};
use cloister_school::School;
use cloister_tenancy::{Module, TenantEntry, Tier, jobs::WorkSettings};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings};
use metrics_exporter_prometheus::PrometheusHandle;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::{
    operation::{Case, Who, case},
    player::{Player, Shown, Tally, Verdict, canary_of},
    scan::{Log, mixed},
};

/// Steps of one case.
const STEPS: usize = 120;

/// What the cases of a pair must come upon: who asks nothing finds nothing.
const REACHED: [&str; 9] = [
    "200 ok",
    "201 ok",
    "204 ok",
    "201 again",
    "400 cursor_invalid",
    "404 not_found for a foreign id",
    "409 already_invited",
    "412 version_mismatch",
    "422 idempotency_key_reused",
];

/// The whole platform in this process: every module, jobs that run, and a log that is listened to.
pub(crate) struct Stage {
    pub(crate) platform: TestPlatform,
    pub(crate) service: Service,
    modules: Vec<Arc<dyn HttpModule>>,
    pub(crate) door: FrontDoor,
    pub(crate) log: Log,
    work: tokio::task::JoinHandle<()>,
    made: usize,
    tally: Tally,
}

impl Stage {
    pub(crate) async fn open() -> Self {
        let log = Log::listen();
        let room = Platform::new();
        let modules: Vec<Arc<dyn Module>> = vec![Arc::new(room.clone()), Arc::new(School), Arc::new(Catalog)];
        let platform = TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await;
        let control = platform.control.clone();
        let service = room.open(control, Keyring::new([7; 32]), PlatformSettings::default()).await.unwrap();
        let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(room), Arc::new(School), Arc::new(Catalog)];
        // How often one may ask is not the subject.
        let settings = unlimited();
        let door = FrontDoor::with(&platform.tenancy, &modules, settings, None);
        let tenancy = platform.tenancy.clone();
        let work = tokio::spawn(async move { drop(tenancy.work(WorkSettings::default(), pending()).await) });
        Self { platform, service, modules, door, log, work, made: 0, tally: Tally::default() }
    }

    /// The same door, for people who signed in.
    pub(crate) fn signed_in_door(&self, metrics: Option<PrometheusHandle>) -> FrontDoor {
        let service = Arc::new(self.service.clone());
        FrontDoor::authenticated_with(&self.platform.tenancy, service, &self.modules, unlimited(), metrics)
    }

    /// Plays a case with two new tenants.
    async fn play(&mut self, pair: &[(&str, Tier); 2], case: &Case) -> Verdict {
        self.made += 1;
        let (first, second) = (Shown::default(), Shown::default());
        let (mut players, mut words) = (Vec::new(), Vec::new());
        for ((kind, tier), (name, mine, theirs)) in pair.iter().zip([("a", &first, &second), ("b", &second, &first)]) {
            let slug = format!("{name}-{}", self.made);
            let tenant = self.platform.tenant_of(&slug, kind, *tier).await;
            let own = vec![canary_of(&tenant), tenant.id.to_string(), tenant.id.uuid().to_string()];
            words.push((tenant.clone(), own));
            players.push(Player::new(&self.door, &tenant, &self.tally, (mine, theirs)).await?);
        }
        let (mut b, mut a) = (players.pop().unwrap(), players.pop().unwrap());
        if case.at_once {
            let part = async |player: &mut Player, who: Who| -> Verdict {
                for (_, operation) in case.steps.iter().filter(|(whose, _)| *whose == who) {
                    player.play(*operation).await?;
                }
                Ok(())
            };
            let (one, other) = tokio::join!(part(&mut a, Who::A), part(&mut b, Who::B));
            one.and(other)?;
        } else {
            for (who, operation) in &case.steps {
                match who {
                    Who::A => a.play(*operation).await?,
                    Who::B => b.play(*operation).await?,
                }
            }
        }
        self.look(&words).await
    }

    /// Looks through all rows and the log for what these two said.
    async fn look(&self, words: &[(Arc<TenantEntry>, Vec<String>)]) -> Verdict {
        if let Some(found) = mixed(&self.platform, words).await.into_iter().next() {
            return Err(found);
        }
        // What people write is nobody's to log, not even under their own tenant's name.
        let log = self.log.take();
        let canaries = || words.iter().filter_map(|(_, words)| words.first());
        match log.lines().find(|line| canaries().any(|canary| line.contains(canary))) {
            Some(line) => Err(format!("what a tenant keeps is in the log: {line}")),
            None => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn unlimited() -> EdgeSettings {
    EdgeSettings { rates: RateSettings::UNLIMITED, ..EdgeSettings::default() }
}

/// Plays as many cases as there is patience for, and shows the smallest that goes wrong.
pub(crate) fn play(seed: u8, pair: &[(&str, Tier); 2]) {
    let cases: u32 = if std::env::var_os("CLOISTER_TEST_LARGE").is_some() { 60 } else { 6 };
    // A database takes its time to be made.
    let cases = if pair.iter().any(|(_, tier)| *tier == Tier::Database) { cases.div_ceil(3) } else { cases };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stage = std::cell::RefCell::new(runtime.block_on(Stage::open()));
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    // Other cases on demand; the same ones for the same number.
    let other: u8 = std::env::var("CLOISTER_RANDOM_SEED").ok().map_or(0, |text| text.parse().unwrap());
    let seed = seed ^ other.rotate_left(3);
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let outcome = TestRunner::new_with_rng(config, random).run(&case(STEPS), |case| {
        let verdict = runtime.block_on(stage.borrow_mut().play(pair, &case));
        verdict.map_err(TestCaseError::fail)
    });
    let _inside = runtime.enter();
    let came = stage.into_inner().tally.take();
    if let Err(error) = outcome {
        panic!("{pair:?}, seed {seed}: {error}");
    }
    let missing: Vec<_> = REACHED.iter().filter(|what| !came.contains_key(**what)).collect();
    assert!(missing.is_empty(), "{pair:?}, seed {seed}: what is drawn never led to {missing:?}, only to {came:?}");
}
