//! One tenant that imports without end keeps no other from importing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_school::{
    import::{ImportSettings, import},
    oneroster::{File, Limits, Package},
    sample::{self, SampleSettings},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, bring, platform};

const CROWD: usize = 16;

async fn timed(platform: &TestPlatform, tenant: &Arc<TenantEntry>) -> Duration {
    let begun = Instant::now();
    bring(platform, tenant, &Fixture::school(), &ImportSettings::default())
        .await
        .expect("a quiet import is not refused");
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_flood_of_imports_a_small_one_gets_through() {
    let platform = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.zip");
    sample::write(&SampleSettings::new(3, 150), &large).unwrap();
    let mut bad = Fixture::school();
    bad.add(File::Users, "nobody,,,perhaps,nobody,,No,Body,,,,,,,,,,,,,,");
    for tier in Tier::ALL {
        let loud = platform.tenant(&format!("loud-{tier}"), *tier).await;
        let quiet = platform.tenant(&format!("quiet-{tier}"), *tier).await;
        let alone = timed(&platform, &quiet).await.max(timed(&platform, &quiet).await);
        let (stop, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut flood = JoinSet::new();
        for at in 0..CROWD {
            let (tenancy, cx, stop, refused) =
                (platform.tenancy.clone(), platform.cx(&loud), stop.clone(), refused.clone());
            let (large, bad) = (large.clone(), bad.clone());
            flood.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let package =
                        if at % 4 == 0 { bad.open() } else { Package::open(&large, Limits::default()).unwrap() };
                    match import(&tenancy, &cx, package, &ImportSettings::default(), &()).await {
                        Ok(_) => {}
                        Err(error) => {
                            assert!(["busy", "import_running"].contains(&error.code()), "{error:?}");
                            refused.fetch_add(1, Ordering::Relaxed);
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut beside = Duration::ZERO;
        for _ in 0..3 {
            beside = beside.max(timed(&platform, &quiet).await);
        }
        assert!(beside < (alone * 8).max(Duration::from_secs(1)), "{tier}: {beside:?} beside {alone:?}");
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = flood.join_next().await {
            ended.unwrap();
        }
        assert!(refused.load(Ordering::Relaxed) > 0, "no import of the flood was refused: it was none");
    }
}
