//! All SQL about failures to sign in.
//!
//! An attempt is counted as a failure before the password is looked at, and taken back when it was right: of a thousand
//! attempts sent at once, no more get through than of a thousand sent one by one.

use cloister_tenancy::{
    ControlPlane, Result,
    sql::{Row, statements},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    attempts::{Counted, Decision, Failures, Keys, MEMORY, decide},
    policy::PasswordPolicy,
};

statements! {
    /// Failures under some keys that are not forgotten yet.
    READ = "select key, failures, last_at from sign_in_failure where key = any($1) and last_at >= $2";
    /// One more failure under each key; the rows as they are then. What is older than `$3` is forgotten. Rows are always
    /// locked in the order of their keys.
    COUNT = "insert into sign_in_failure as f (key, failures, last_at)
        select key, 1, $2 from unnest($1::bytea[]) as key order by key
        on conflict (key) do update set
            failures = case when f.last_at < $3 then 1 else least(f.failures, 1000000) + 1 end,
            last_at = greatest(f.last_at, excluded.last_at)
        returning key, failures, last_at";
    /// Takes one failure back under each of `$1`, and all of them under `$2`.
    TAKE_BACK = "with held as (select key from sign_in_failure where key = any($1) order by key for update)
        update sign_in_failure f set failures = case when f.key = $2 then 0 else greatest(f.failures - 1, 0) end
        from held where f.key = held.key";
    /// Removes some of what is forgotten.
    SWEEP = "with old as (select key from sign_in_failure where last_at < $1 order by key limit $2 for update skip locked)
        delete from sign_in_failure f using old where f.key = old.key returning f.key";
}

impl Keys {
    fn all(&self) -> [&[u8]; 3] {
        [&self.own, &self.source, &self.name]
    }
}

fn failures(keys: &Keys, rows: &[Row]) -> Failures {
    let of = |key: &[u8]| {
        rows.iter().find(|row| row.get::<_, &[u8]>("key") == key).map(|row| Counted {
            failures: row.get::<_, i32>("failures").try_into().unwrap_or(0),
            last_at: row.get("last_at"),
        })
    };
    Failures { own: of(&keys.own), source: of(&keys.source), name: of(&keys.name) }
}

/// Whether a password may be tried now; if so, it is already counted as a failure. Then [`succeeded`] or [`not_tried`] take
/// it back; a wrong password leaves it as it is.
pub(crate) async fn admit(
    control: &ControlPlane,
    keys: &Keys,
    policy: &PasswordPolicy,
    now: Timestamp,
) -> Result<Decision> {
    let (all, forgotten) = (keys.all().to_vec(), now - SignedDuration::try_from(MEMORY).unwrap_or_default());
    let before = failures(keys, &control.run(&READ, &[&all, &forgotten]).await?);
    let decision = decide(&before, keys.known_device, now, policy);
    if decision != Decision::Allow {
        return Ok(decision);
    }
    let after = failures(keys, &control.run(&COUNT, &[&all, &now, &forgotten]).await?);
    // Others may have come in between, and are judged as if they had been first.
    let earlier = |before: Option<Counted>, after: Option<Counted>| match (before, after) {
        (Some(before), Some(after)) if after.failures == before.failures + 1 => Some(before),
        (_, after) => after.map(|after| Counted { failures: after.failures.saturating_sub(1), ..after }),
    };
    let failures = Failures {
        own: earlier(before.own, after.own),
        source: earlier(before.source, after.source),
        name: earlier(before.name, after.name),
    };
    let decision = decide(&failures, keys.known_device, now, policy);
    if decision != Decision::Allow {
        not_tried(control, keys).await?;
    }
    Ok(decision)
}

/// The password was right: the failures of the pair or device are forgotten, and this attempt was none.
pub(crate) async fn succeeded(control: &ControlPlane, keys: &Keys) -> Result<()> {
    take_back(control, keys, &keys.own).await
}

/// The password was not looked at, for want of time or of a database: this attempt was no failure.
pub(crate) async fn not_tried(control: &ControlPlane, keys: &Keys) -> Result<()> {
    take_back(control, keys, &[]).await
}

async fn take_back(control: &ControlPlane, keys: &Keys, forget: &[u8]) -> Result<()> {
    control.run(&TAKE_BACK, &[&keys.all().to_vec(), &forget]).await.map(drop)
}

/// Removes at most `limit` rows that are forgotten, and says how many: call it again while it finds some.
pub(crate) async fn sweep(control: &ControlPlane, now: Timestamp, limit: i64) -> Result<usize> {
    let forgotten = now - SignedDuration::try_from(MEMORY).unwrap_or_default();
    Ok(control.run(&SWEEP, &[&forgotten, &limit]).await?.len())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use cloister_testkit::{TestPlatform, TestSettings};
    use jiff::{SignedDuration, Timestamp};

    use super::{admit, not_tried, succeeded, sweep};
    use crate::{
        Keyring, Platform,
        attempts::{Decision, Keys},
        policy::PasswordPolicy,
    };

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

    async fn platform() -> TestPlatform {
        let modules: Vec<Arc<dyn cloister_tenancy::Module>> = vec![Arc::new(Platform::new())];
        TestPlatform::with(TestSettings { modules, follow: false, ..TestSettings::default() }).await
    }

    fn keys(name: &str, client: &str, device: Option<&[u8]>) -> Keys {
        Keys::new(&Keyring::new([5; 32]), None, name, Some(client.parse().unwrap()), device).unwrap()
    }

    #[tokio::test]
    async fn failures_lock_a_pair_and_nobody_else_and_a_success_forgets_them() {
        let platform = platform().await;
        let (control, policy) = (&platform.control, &PasswordPolicy::default());
        let attacker = keys("ada", "203.0.113.7", None);
        let locked = Decision::Wait(Duration::from_mins(15));
        for attempt in 0..10 {
            assert_eq!(admit(control, &attacker, policy, NOON).await.unwrap(), Decision::Allow, "{attempt}");
        }
        assert_eq!(admit(control, &attacker, policy, NOON).await.unwrap(), locked);
        // Ada from elsewhere, Ada beside the attacker with her own telephone, and another person beside him.
        for other in [
            keys("ada", "198.51.100.1", None),
            keys("ada", "203.0.113.7", Some(b"telephone")),
            keys("bob", "203.0.113.7", None),
        ] {
            assert_eq!(admit(control, &other, policy, NOON).await.unwrap(), Decision::Allow);
        }
        // When the lock is over there is one attempt, and a longer lock.
        let later = NOON + SignedDuration::from_secs(900);
        assert_eq!(admit(control, &attacker, policy, later).await.unwrap(), Decision::Allow);
        let longer = Decision::Wait(Duration::from_mins(30));
        assert_eq!(admit(control, &attacker, policy, later).await.unwrap(), longer);
        let after = later + SignedDuration::from_secs(1800);
        assert_eq!(admit(control, &attacker, policy, after).await.unwrap(), Decision::Allow);
        succeeded(control, &attacker).await.unwrap();
        for attempt in 0..10 {
            assert_eq!(admit(control, &attacker, policy, after).await.unwrap(), Decision::Allow, "{attempt}");
        }
        assert!(matches!(admit(control, &attacker, policy, after).await.unwrap(), Decision::Wait(_)));
    }

    #[tokio::test]
    async fn good_attempts_and_untried_ones_count_for_nothing() {
        let platform = platform().await;
        let (control, policy) = (&platform.control, &PasswordPolicy::default());
        let ada = keys("ada", "203.0.113.7", None);
        for attempt in 0..30 {
            assert_eq!(admit(control, &ada, policy, NOON).await.unwrap(), Decision::Allow, "{attempt}");
            if attempt % 2 == 0 {
                not_tried(control, &ada).await.unwrap();
            } else {
                succeeded(control, &ada).await.unwrap();
            }
        }
        let client = platform.admin(&format!("{}_control", platform.prefix)).await;
        let row =
            client.query_one("select sum(failures)::int, count(*) from control.sign_in_failure", &[]).await.unwrap();
        assert_eq!((row.get::<_, i32>(0), row.get::<_, i64>(1)), (0, 3), "a school that signs in does not lock itself");
    }

    #[tokio::test]
    async fn many_attempts_at_once_are_no_more_than_one_by_one() {
        let platform = platform().await;
        let attacker = keys("ada", "203.0.113.7", None);
        let all: Vec<_> = (0..40)
            .map(|_| {
                let (control, attacker) = (platform.control.clone(), attacker.clone());
                tokio::spawn(async move { admit(&control, &attacker, &PasswordPolicy::default(), NOON).await.unwrap() })
            })
            .collect();
        let mut allowed = 0;
        for one in all {
            allowed += u32::from(one.await.unwrap() == Decision::Allow);
        }
        assert!((1..=10).contains(&allowed), "{allowed} of 40 came through");
    }

    #[tokio::test]
    async fn after_a_day_all_is_forgotten_and_can_be_removed() {
        let platform = platform().await;
        let (control, policy) = (&platform.control, &PasswordPolicy::default());
        let attacker = keys("ada", "203.0.113.7", None);
        for _ in 0..10 {
            admit(control, &attacker, policy, NOON).await.unwrap();
        }
        let day = NOON + SignedDuration::from_hours(24);
        assert_eq!(sweep(control, day, 100).await.unwrap(), 0, "not yet");
        let later = day + SignedDuration::from_secs(1);
        for _ in 0..10 {
            assert_eq!(admit(control, &attacker, policy, later).await.unwrap(), Decision::Allow);
        }
        assert!(matches!(admit(control, &attacker, policy, later).await.unwrap(), Decision::Wait(_)));
        let end = later + SignedDuration::from_hours(25);
        assert_eq!((sweep(control, end, 2).await.unwrap(), sweep(control, end, 2).await.unwrap()), (2, 1));
    }
}
