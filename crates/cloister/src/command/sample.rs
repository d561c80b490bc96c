//! `cloister sample`: a made-up school in a tenant, or a made-up OneRoster package.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use cloister_platform::NewPerson;
use cloister_school::{
    person::link_account,
    sample::{
        self, SampleError, SampleSettings,
        school::{self, Observer, SchoolSettings, SchoolSummary, Somebody},
    },
};
use cloister_tenancy::{Error, ErrorKind, TenantEntry};
use serde::Serialize;

use super::import::tenant_with_roster;
use crate::{
    cli::Sample,
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::Output,
    progress::Bar,
};

/// Students of a package, and of a school, where nobody says how many.
const PACKAGE: u32 = 300;
const SCHOOL: u32 = 1_200;

/// Writes a package, or makes a school, and says what is in it.
pub(crate) async fn run(configuration: &Configuration, args: Sample, output: Output) -> anyhow::Result<()> {
    match (args.path.clone(), args.tenant.clone()) {
        (_, Some(tenant)) => make(configuration, &args, &tenant, output).await,
        (Some(path), None) => write(&args, path, output).await,
        (None, None) => {
            Err(Error::new(ErrorKind::Invalid, "sample_target", "Name a file, or a tenant with --tenant.").into())
        }
    }
}

async fn write(args: &Sample, path: PathBuf, output: Output) -> anyhow::Result<()> {
    let mut settings = SampleSettings::new(args.seed, args.students.unwrap_or(PACKAGE));
    settings.school_year = args.school_year.unwrap_or(settings.school_year);
    let target = path.clone();
    let written = tokio::task::spawn_blocking(move || sample::write(&settings, &target)).await?;
    let summary = written.map_err(refused)?;
    let count = |number: u64| number.to_string();
    output.record(
        &summary,
        &[
            ("package", path.display().to_string()),
            ("orgs", count(summary.orgs)),
            ("academic sessions", count(summary.academic_sessions)),
            ("courses", count(summary.courses)),
            ("classes", count(summary.classes)),
            ("users", count(summary.users)),
            ("roles", count(summary.roles)),
            ("enrollments", count(summary.enrollments)),
            ("demographics", count(summary.demographics)),
            ("bytes", count(summary.bytes)),
        ],
    )
}

fn refused(error: SampleError) -> anyhow::Error {
    match &error {
        SampleError::Io { .. } => error.into(),
        _ => Error::new(ErrorKind::Invalid, error.code(), error.to_string()).into(),
    }
}

/// Somebody who can sign in.
#[derive(Debug, Serialize)]
struct SignIn {
    role: &'static str,
    name: String,
    email: String,
    password: String,
}

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    #[serde(flatten)]
    summary: SchoolSummary,
    /// How long the records took, without the accounts.
    seconds: f64,
    sign_ins: Vec<SignIn>,
}

/// What people of the sample are in the tenant.
const ROLES: [(&str, &str); 6] = [
    ("principal", "owner"),
    ("staff", "staff"),
    ("teacher", "teacher"),
    ("guardian", "guardian"),
    ("restricted", "guardian"),
    ("student", "student"),
];

async fn make(configuration: &Configuration, args: &Sample, tenant: &str, output: Output) -> anyhow::Result<()> {
    let mut settings = SchoolSettings::new(args.seed, args.students.unwrap_or(SCHOOL));
    settings.school_year = args.school_year;
    settings.attendance_days = args.attendance_days;
    settings.add = args.add;
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let made = make_in(&platform, configuration, &settings, tenant, !args.no_accounts, output).await;
    platform.close().await?;
    made
}

async fn make_in(
    platform: &Running,
    configuration: &Configuration,
    settings: &SchoolSettings,
    tenant: &str,
    with_accounts: bool,
    output: Output,
) -> anyhow::Result<()> {
    let entry = tenant_with_roster(&platform.tenancy, tenant).await?;
    show(&fill(platform, &entry, settings, with_accounts).await?, output)?;
    // The school is there and the passwords were shown, once: nothing that goes wrong from here on takes that away.
    if let Err(error) = platform.analyze(configuration, &entry).await {
        eprintln!(
            "warning: the server could not look how much there is now ({error:#}). It does so by itself within minutes \
             (autovacuum); until then some lists are slow."
        );
    }
    Ok(())
}

fn show(made: &Made, output: Output) -> anyhow::Result<()> {
    let mut lines: Vec<(&str, String)> =
        made.summary.records.iter().map(|(what, count)| (*what, count.to_string())).collect();
    lines.push(("seconds", format!("{:.1}", made.seconds)));
    let told = |one: &SignIn| format!("{:12} {:28} {}   {}", one.role, one.name, one.email, one.password);
    let people: Vec<String> = made.sign_ins.iter().map(told).collect();
    for line in &people {
        lines.push(("sign in as", line.clone()));
    }
    output.record(made, &lines)
}

async fn fill(
    platform: &Running,
    entry: &Arc<TenantEntry>,
    settings: &SchoolSettings,
    with_accounts: bool,
) -> anyhow::Result<Made> {
    let cx = platform.tenancy.background(entry.clone(), operator());
    let progress = Progress::default();
    let begun = std::time::Instant::now();
    let summary = school::make(&platform.tenancy, &cx, settings, &progress).await;
    progress.clear();
    let summary = summary?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut sign_ins = Vec::new();
    if with_accounts {
        for (what, role) in ROLES {
            let Some(somebody) = summary.people.get(what) else { continue };
            sign_ins.push(sign_in(platform, entry, what, role, somebody, settings.add).await?);
        }
    }
    Ok(Made { summary, seconds, sign_ins })
}

/// Makes an account with a password that nobody had before, and ties it to the person.
async fn sign_in(
    platform: &Running,
    entry: &Arc<TenantEntry>,
    what: &'static str,
    role: &str,
    somebody: &Somebody,
    again: bool,
) -> anyhow::Result<SignIn> {
    // Beside an earlier sample there may be such an account, which would keep its password.
    let mark = if again { format!(".{}", letters(4)) } else { String::new() };
    let email = format!("{what}{mark}@{}.example", entry.slug);
    let password = [(); 4].map(|()| letters(5)).join("-");
    let new = NewPerson {
        email: email.clone(),
        display_name: somebody.name.clone(),
        locale: entry.locale.to_string(),
        password: password.clone().into(),
    };
    let cx = platform.tenancy.background(entry.clone(), operator());
    let account = platform.service.make_member_as(&cx, somebody.id, &new, &[role.to_owned()]).await?;
    // A job does so too, once the platform runs; a school whose people see nothing until then would be a poor sample.
    let mut tx = platform.tenancy.write(&cx).await?;
    link_account(&mut tx, somebody.id, account).await?;
    tx.commit().await?;
    Ok(SignIn { role: what, name: somebody.name.clone(), email, password })
}

/// So many random letters and digits that are not taken for each other; each is worth almost five bits.
fn letters(count: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = || char::from(ALPHABET[usize::from(rand::random::<u8>()) % ALPHABET.len()]);
    std::iter::repeat_with(letter).take(count).collect()
}

/// A bar for each kind of record, where a person watches.
#[derive(Default)]
struct Progress(Mutex<Option<Bar>>);

impl Progress {
    fn clear(&self) {
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.clear();
        }
    }
}

impl Observer for Progress {
    fn wrote(&self, what: &'static str, count: u64) {
        let mut bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bar.get_or_insert_with(|| Bar::new("sample", 0)).set(count, count, what);
    }
}
