//! The schedule: jobs that come again at times of a clock on some wall.

use std::time::Duration;

use cloister_ids::{JobId, TenantId, Uuid};
use cloister_postgres::{Parameters, Row, Statement};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{queue::Incoming, settings::Stop, store};
use crate::{Error, Result, Tenancy, failpoint};

/// Something to be done again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct CronEntry {
    /// Its name, one of its kind within the tenant or the platform, at most 100 characters.
    pub name: String,
    /// Whose it is; none for the platform's own.
    pub tenant: Option<TenantId>,
    /// The kind of job.
    pub kind: String,
    /// What the job is given.
    pub payload: Value,
    /// When, in five fields: minute, hour, day of month, month, day of week.
    pub schedule: String,
    /// On whose clock: an IANA time zone. A time of day that the clock skips in spring comes when it has jumped; one that
    /// it shows twice in autumn comes once. Intervals (`*/10 * * * *`) are unmoved by either.
    pub time_zone: String,
    /// Whether it is followed.
    pub enabled: bool,
}

/// An entry of the schedule as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct CronStatus {
    /// What was asked for.
    pub entry: CronEntry,
    /// When it comes next.
    pub next_at: Timestamp,
    /// When it last came.
    pub last_at: Option<Timestamp>,
}

const ENTRIES_AT_ONCE: i64 = 100;
/// An entry whose times cannot be computed any more, such as after its time zone was abolished, is looked at this seldom.
const BROKEN: SignedDuration = SignedDuration::from_hours(1);

/// The first time of a schedule after an instant.
fn next_after(schedule: &str, time_zone: &str, after: Timestamp) -> Result<Timestamp> {
    let zone = TimeZone::get(time_zone).map_err(|error| {
        Error::field("time_zone", "time_zone_unknown", "Use an IANA time zone, such as Europe/Berlin.").because(error)
    })?;
    let bad = |error: croner::errors::CronError| {
        let message = format!("{error} Use five fields: minute, hour, day of month, month, day of week.");
        Error::field("schedule", "schedule_invalid", message)
    };
    let pattern: croner::Cron = schedule.parse().map_err(bad)?;
    let next = pattern.find_next_occurrence(&after.to_zoned(zone), false).map_err(bad)?;
    Ok(next.timestamp())
}

fn lane(tenant: Option<TenantId>) -> Uuid {
    tenant.map_or(Uuid::nil(), TenantId::uuid)
}

impl Tenancy {
    /// Puts an entry on the schedule, or changes the one of this name. Doing so again changes nothing.
    pub async fn schedule(&self, entry: &CronEntry) -> Result<()> {
        if !(1..=100).contains(&entry.name.chars().count()) {
            return Err(Error::field("name", "name_invalid", "Use 1 to 100 characters."));
        }
        if self.0.jobs.get(&entry.kind).is_none() {
            return Err(Error::field("kind", "job_kind_unknown", format!("There is no job kind \"{}\".", entry.kind)));
        }
        if entry.schedule.chars().count() > 200 {
            return Err(Error::field("schedule", "schedule_invalid", "Use at most 200 characters."));
        }
        super::queue::check_size(&entry.payload, None)?;
        let now = self.0.clock.now();
        let next = next_after(&entry.schedule, &entry.time_zone, now)?;
        let CronEntry { name, tenant, kind, payload, schedule, time_zone, enabled } = entry;
        self.0
            .control
            .run(
                &store::SCHEDULE,
                &[&lane(*tenant), name, tenant, kind, payload, schedule, time_zone, enabled, &next, &now],
            )
            .await?;
        Ok(())
    }

    /// Strikes an entry from the schedule. False when there was none.
    pub async fn unschedule(&self, tenant: Option<TenantId>, name: &str) -> Result<bool> {
        Ok(!self.0.control.run(&store::UNSCHEDULE, &[&lane(tenant), &name]).await?.is_empty())
    }

    /// A page of the schedule, after one of its entries; at most 1000.
    pub async fn scheduled(&self, after: Option<&CronStatus>, limit: u16) -> Result<Vec<CronStatus>> {
        let (lane, name) = after.map_or((Uuid::nil(), ""), |at| (lane(at.entry.tenant), at.entry.name.as_str()));
        let rows = self.0.control.run(&store::SCHEDULED, &[&lane, &name, &i64::from(limit.min(1000))]).await?;
        let status = |row: &Row| CronStatus {
            entry: CronEntry {
                name: row.get("name"),
                tenant: row.get("tenant_id"),
                kind: row.get("kind"),
                payload: row.get("payload"),
                schedule: row.get("schedule"),
                time_zone: row.get("time_zone"),
                enabled: row.get("enabled"),
            },
            next_at: row.get("next_at"),
            last_at: row.get("last_at"),
        };
        Ok(rows.iter().map(status).collect())
    }

    /// Puts the jobs whose time has come into the queue, each once however many nodes do this at once; answers how many
    /// entries came due. An entry that came due several times meanwhile comes once, and not at all while its last job
    /// still waits, such as that of a suspended tenant.
    pub async fn keep_schedule(&self) -> Result<usize> {
        let now = self.0.clock.now();
        if self.0.control.run(&store::CRON_PEEK, &[&now]).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.0.control.begin().await?;
        let due: Vec<Due> =
            tx.query(&store::CRON_DUE, &[&now, &ENTRIES_AT_ONCE]).await?.iter().map(Due::read).collect();
        if due.is_empty() {
            // Another node has them.
            tx.commit(&[]).await?;
            return Ok(0);
        }
        let mut jobs = Vec::with_capacity(due.len());
        let mut next = Vec::with_capacity(due.len());
        for entry in &due {
            match next_after(&entry.schedule, &entry.time_zone, now) {
                Ok(at) => {
                    next.push(at);
                    jobs.push(Incoming {
                        id: JobId::generate(&*self.0.clock),
                        tenant: entry.tenant,
                        kind: entry.kind.clone(),
                        payload: entry.payload.clone(),
                        unique_key: Some(format!("cron {}", entry.name)),
                        run_at: entry.at,
                        created_at: now,
                    });
                }
                Err(error) => {
                    tracing::error!(entry = entry.name, error = %error.log(), "an entry of the schedule cannot be followed");
                    next.push(now + BROKEN);
                }
            }
        }
        self.put(&mut tx, jobs).await?;
        failpoint::reach("cron/before_commit");
        let moves: Vec<_> = due
            .iter()
            .zip(&next)
            .map(|(entry, next)| -> [&(dyn cloister_postgres::ToSql + Sync); 5] {
                [&entry.lane, &entry.name, &entry.at, next, &now]
            })
            .collect();
        let mut items: Vec<(&'static Statement, &Parameters<'_>)> =
            moves.iter().map(|with| (&store::CRON_ADVANCE, with.as_slice())).collect();
        items.push((&store::NOTIFY, &[]));
        tx.commit(&items).await?;
        Ok(due.len())
    }
}

/// An entry whose time has come.
struct Due {
    lane: Uuid,
    name: String,
    tenant: Option<TenantId>,
    kind: String,
    payload: Value,
    schedule: String,
    time_zone: String,
    at: Timestamp,
}

impl Due {
    fn read(row: &Row) -> Self {
        Self {
            lane: row.get("lane"),
            name: row.get("name"),
            tenant: row.get("tenant_id"),
            kind: row.get("kind"),
            payload: row.get("payload"),
            schedule: row.get("schedule"),
            time_zone: row.get("time_zone"),
            at: row.get("next_at"),
        }
    }
}

/// Keeps the schedule until told to stop.
pub(super) async fn run(tenancy: Tenancy, every: Duration, mut stop: Stop) {
    loop {
        match tenancy.keep_schedule().await {
            // More may be due than were taken at once.
            Ok(due) if i64::try_from(due).is_ok_and(|due| due >= ENTRIES_AT_ONCE) && !stop.is_told() => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %error.log(), "the schedule could not be looked at"),
        }
        if stop.within(every).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::next_after;

    fn times(schedule: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let mut at: Timestamp = from.parse().expect("a timestamp");
        let mut all = Vec::new();
        for _ in 0..count {
            at = next_after(schedule, zone, at).expect("a time");
            all.push(at.to_string());
        }
        all
    }

    #[test]
    fn a_time_of_day_stays_on_the_wall_clock_when_it_is_set_forward() {
        // Berlin, 2026-03-29: 02:00 becomes 03:00.
        assert_eq!(
            times("0 7 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z", "2026-03-30T05:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_is_skipped_comes_right_after_the_jump() {
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_is_shown_twice_comes_once() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn an_interval_goes_on_through_the_repeated_hour() {
        assert_eq!(
            times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 5),
            [
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z",
                "2026-10-25T02:30:00Z"
            ]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let now = Timestamp::UNIX_EPOCH;
        for (schedule, zone, code) in [
            ("61 * * * *", "UTC", "schedule_invalid"),
            ("", "UTC", "schedule_invalid"),
            ("0 0 30 2 *", "UTC", "schedule_invalid"),
            ("0 0 * * *", "Mars/Olympus", "time_zone_unknown"),
        ] {
            let refused = next_after(schedule, zone, now).expect_err(schedule);
            assert_eq!(refused.fields()[0].code, code, "{schedule}");
        }
    }
}
