//! Builds the tests once and runs them, whole, again, or with a guard switched off.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use cloister_postgres::mutation::Guard as Placed;
use serde_json::Value;

use super::{
    record::{Record, Tests, stem},
    report::Guard,
};
use crate::tidy::root;

/// Tests about what tenants can do, that do not take long: those that kill processes or measure time are about other things.
const TESTS: &str = "(binary(front_door) + binary(import) + binary(kernel) + binary(jobs) + binary(edge) + binary(audit) \
     + binary(stranger)) - test(/^(kill|killed|durability|fairness)::/) - test(/large_/)";
const BUILD: [&str; 3] = ["--workspace", "--features", "cloister/failpoints"];
/// A test that takes longer without a guard hangs for want of it.
const PATIENCE: Duration = Duration::from_mins(4);
/// Tests that are tried on one guard.
const MOST: usize = 12;
/// On one that stands in every test's way.
const MOST_EVERYWHERE: usize = 30;

/// A guard of the program, and how it is switched off.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) name: String,
    /// Others that stand before it and are off too.
    before: Vec<String>,
}

/// Every guard that has a switch: permissions and scopes as the tests asked for them, and those placed by hand.
pub(crate) fn switches(records: &[Record]) -> Vec<Switch> {
    let passed: BTreeSet<&String> = records.iter().flat_map(|record| &record.passed).collect();
    let plain = |name: String| Switch { name, before: Vec::new() };
    let permissions = passed.iter().filter_map(|name| name.strip_prefix("asked/"));
    let permissions = permissions.map(|permission| plain(format!("permission/{permission}")));
    let scopes = passed
        .iter()
        .filter(|name| name.starts_with("scope/") && name.len() > "scope/".len())
        .map(|name| plain((*name).clone()));
    let placed = Placed::ALL.iter().map(|guard| Switch {
        name: guard.name().to_owned(),
        before: guard.behind().iter().map(|other| other.name().to_owned()).collect(),
    });
    permissions.chain(scopes).chain(placed).collect()
}

/// So many of them, others with each commit.
pub(crate) fn sample(all: Vec<Switch>, most: usize) -> anyhow::Result<Vec<Switch>> {
    let step = all.len() / most.max(1);
    if step < 2 {
        return Ok(all);
    }
    let begin = turn()? % step;
    Ok(all.into_iter().skip(begin).step_by(step).take(most).collect())
}

/// A number that changes with the commit.
fn turn() -> anyhow::Result<usize> {
    let said = Command::new("git").args(["rev-parse", "--short=6", "HEAD"]).current_dir(root()).output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    Ok(usize::from_str_radix(text.trim(), 16).unwrap_or_default())
}

/// A test's program and name, and what is off.
type Baseline = (String, String, String);

/// What is run, and on which server.
pub(crate) struct Runner {
    url: String,
    /// The folder of its package, for each program with tests.
    programs: HashMap<PathBuf, PathBuf>,
    folder: PathBuf,
}

impl Runner {
    pub(crate) fn build(url: &str) -> anyhow::Result<Self> {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--no-run", "--message-format", "json"]).args(BUILD);
        let built = cargo.current_dir(root()).stderr(Stdio::inherit()).output()?;
        if !built.status.success() {
            bail!("the tests do not build");
        }
        let programs = String::from_utf8_lossy(&built.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|message| {
                let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
                Some((PathBuf::from(message["executable"].as_str()?), folder))
            })
            .collect();
        let folder = root().join("target/isolation");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { url: url.to_owned(), programs, folder })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Where cargo would run it.
        command.current_dir(self.programs.get(program).map_or_else(root, PathBuf::clone));
        command.env("CLOISTER_TEST_ADMIN_URL", &self.url).env_remove("CLOISTER_RECORD").env("INSTA_UPDATE", "no");
        command
    }

    /// Where the records of the tests that are tried are gathered.
    pub(crate) fn chosen(&self) -> PathBuf {
        self.folder.join("chosen")
    }

    /// The tests that are tried: the program of each that was built now, by its name without what cargo adds, and the test's.
    pub(crate) fn tests(&self) -> anyhow::Result<Tests> {
        let mut nextest = self.command(Path::new("cargo"));
        nextest.args(["nextest", "list", "--message-format", "json"]).args(BUILD).args(["-E", TESTS]);
        let said = nextest.stderr(Stdio::inherit()).output().context("cargo-nextest cannot be run")?;
        if !said.status.success() {
            bail!("the tests cannot be named");
        }
        Tests::read(&serde_json::from_slice(&said.stdout)?)
    }

    /// Runs the tests as they are: they must be green, and write down what they do.
    pub(crate) fn record(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("record");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let mut nextest = self.command(Path::new("cargo"));
        nextest.args(["nextest", "run"]).args(BUILD).args(["-E", TESTS]).env("CLOISTER_RECORD", &folder);
        if !nextest.status().context("cargo-nextest cannot be run")?.success() {
            bail!("the tests fail as they are");
        }
        Ok(folder)
    }

    /// Holes in what stands around tables.
    pub(crate) fn around_tables(&self) -> anyhow::Result<Vec<Guard>> {
        let mut guards = Vec::new();
        for test in ["tables::another_tenants_rows_are_out_of_reach", "fence::whoever_enters_is_looked_at"] {
            guards.extend(self.report("report", test, |_| {})?);
        }
        Ok(guards)
    }

    /// Statements without their conditions on the tenant; only those whose names contain a word, where there is one.
    pub(crate) fn in_statements(&self, recorded: &Path, only: Option<&str>) -> anyhow::Result<Vec<Guard>> {
        let parts = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            let part = |part: usize| {
                self.report(
                    &format!("report{part}"),
                    "replay::what_is_done_for_one_tenant_tells_another_nothing",
                    |command| {
                        command
                            .env("CLOISTER_RECORDED", recorded)
                            .env("CLOISTER_REPLAY_PART", format!("{part}/{parts}"))
                            .envs(only.map(|only| ("CLOISTER_REPLAY_ONLY", only)));
                    },
                )
            };
            let all: Vec<_> = (0..parts).map(|at| scope.spawn(move || part(at))).collect();
            let mut guards = Vec::new();
            for worker in all {
                guards.extend(worker.join().map_err(|_| anyhow::anyhow!("a part of the replay gave up"))??);
            }
            Ok(guards)
        })
    }

    /// Runs one of the tests of the walls, which makes its holes itself.
    fn report(&self, name: &str, test: &str, set: impl FnOnce(&mut Command)) -> anyhow::Result<Vec<Guard>> {
        let path = self.folder.join(name);
        let _ = std::fs::remove_file(&path);
        eprintln!("{test} …");
        let is_walls =
            |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("walls-"));
        let ours = |path: &&PathBuf| self.programs.get(*path).is_some_and(|folder| folder.ends_with("crates/cloister"));
        let walls =
            self.programs.keys().filter(is_walls).find(ours).context("the tests of the walls were not built")?;
        let mut command = self.command(walls);
        command.args(["--include-ignored", "--exact", test]).env("CLOISTER_MUTANTS_REPORT", &path);
        set(&mut command);
        let done = command.output()?;
        if !done.status.success() {
            bail!("{test} fails as it is:\n{}", String::from_utf8_lossy(&done.stdout));
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("{test} made no holes"))?;
        Ok(text.lines().filter_map(|line| Guard::read(line, &format!("walls {test}"))).collect())
    }

    /// Guards of the program, each switched off for the tests that came by it.
    pub(crate) fn in_the_program(&self, switches: &[Switch], records: &[Record]) -> anyhow::Result<Vec<Guard>> {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        // What is red as it is, or without the guards that stand before another, which says nothing about that one.
        let before = Mutex::new(HashMap::new());
        std::thread::scope(|scope| {
            let work = || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(switch) = switches.get(at) else { return Ok::<(), anyhow::Error>(()) };
                    let guard = self.try_without(switch, records, &before)?;
                    eprintln!(
                        "{}/{} {}: {}",
                        at + 1,
                        switches.len(),
                        guard.name,
                        guard.killed_by.as_deref().unwrap_or("survived")
                    );
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, guard);
                }
            };
            let all: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            all.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker gave up"))?)
        })?;
        Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
    }

    fn try_without(
        &self,
        switch: &Switch,
        records: &[Record],
        before: &Mutex<HashMap<Baseline, bool>>,
    ) -> anyhow::Result<Guard> {
        let came = || {
            records.iter().filter(|record| {
                record.passed.contains(&switch.name) || switch.before.iter().any(|other| record.passed.contains(other))
            })
        };
        // Those first whose names are about it; among the others those that do least.
        let words: Vec<&str> = switch.name.split(['/', '_', '.']).skip(1).filter(|word| word.len() > 3).collect();
        let mut came: Vec<&Record> = came().collect();
        came.sort_by_key(|record| std::cmp::Reverse(words.iter().filter(|word| record.test.contains(*word)).count()));
        let most = if came.len() > MOST { MOST_EVERYWHERE } else { MOST };
        let off = [switch.before.as_slice(), std::slice::from_ref(&switch.name)].concat().join(",");
        let mut tried = 0;
        for record in came.into_iter().take(most) {
            tried += 1;
            if self.is_green(record, &off)? {
                continue;
            }
            // Red for want of this guard alone: with it, and without what stands before it, the same test is green.
            let key = (record.program.clone(), record.test.clone(), switch.before.join(","));
            let known = before.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
            let green = known.map_or_else(|| self.is_green(record, &key.2), Ok)?;
            before.lock().unwrap_or_else(PoisonError::into_inner).insert(key, green);
            if !green {
                continue;
            }
            let killed_by = Some(format!("{} {}", stem(&record.program), record.test));
            return Ok(Guard { name: switch.name.clone(), killed_by, otherwise: String::new() });
        }
        let otherwise = match tried {
            0 => "no test comes to where it refuses".to_owned(),
            some => format!("{some} tests stay green"),
        };
        Ok(Guard::alive(switch.name.clone(), otherwise))
    }

    /// Runs one test without some guards.
    fn is_green(&self, record: &Record, off: &str) -> anyhow::Result<bool> {
        let mut command = self.command(Path::new(&record.program));
        command.args(["--exact", &record.test]).env("CLOISTER_MUTATE", off).env("RUST_BACKTRACE", "0");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
