//! The command line, as words.

mod admin;
mod doctor;
mod mail;
mod roster;
mod serve;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use cloister_tenancy::{Status, Tier};
use jiff::civil::Date;

pub(crate) use admin::{AdminCommand, AdminCreate};
pub(crate) use doctor::{Doctor, DoctorCommand, DoctorIsolation};
pub(crate) use mail::{MailCommand, MailList};
pub(crate) use roster::{
    DateOrder, ExportCommand, ExportOneroster, ImportCommand, ImportOneroster, ImportTable, ImportUndo,
};
pub(crate) use serve::Serve;

use crate::output::Output;

/// One platform, many schools, each behind its own walls.
#[derive(Parser)]
#[command(name = "cloister", version, about, propagate_version = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such thing, 4 refused, 5 not now,\n\
    6 found something wrong.\n\
    Settings come from cloister.toml, then CLOISTER_* variables, then flags.")]
pub(crate) struct Cli {
    /// Configuration file; `cloister.toml` here when there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the embedded cluster, logins and keys are.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How data is printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve HTTP and do the background work, until interrupted.
    Serve(Serve),
    /// Make three schools and a company, fill them, and serve.
    Demo(Demo),
    /// Make logins, control plane and shared tables on a server.
    Init(Init),
    /// Tenants: make, look at, shut, open, remove.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Audit logs: look whether anybody was at them.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Bring every database and tenant up to date.
    Migrate(Migrate),
    /// Bring records into a tenant.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Take records out of a tenant.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Make a whole school of made-up people, or write a OneRoster package of a district.
    Sample(Sample),
    /// Mails: which there are, and what those say that nobody sent.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Operators, and the keys that sign tokens.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Look for what is wrong.
    Doctor(Doctor),
    /// Print the API document.
    Openapi,
    /// Print who may do what.
    Permissions(Permissions),
    /// Measure what isolation costs.
    Bench(Bench),
}

#[derive(Args)]
pub(crate) struct Permissions {
    /// In which kind of tenant.
    #[arg(long, default_value = "school")]
    pub(crate) kind: String,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Address and port for HTTP.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Students of each school.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) students: u32,
    /// Make and fill everything, print the addresses, and end.
    #[arg(long)]
    pub(crate) no_serve: bool,
}

#[derive(Args)]
pub(crate) struct Init {
    /// An administrator of an external server: postgresql://user:password@host/postgres?sslmode=verify-full. Used once and
    /// not kept. Best given by the variable, which no process list shows.
    #[arg(long, env = "CLOISTER_ADMIN_URL", hide_env_values = true)]
    pub(crate) admin_url: Option<String>,
    /// Logins that exist already, each as user:password: all three or none.
    #[arg(long, env = "CLOISTER_OWNER_LOGIN", hide_env_values = true, value_name = "USER:PASSWORD")]
    #[arg(requires_all = ["application_login", "system_login"], conflicts_with = "admin_url")]
    pub(crate) owner_login: Option<String>,
    #[arg(long, env = "CLOISTER_APPLICATION_LOGIN", hide_env_values = true, value_name = "USER:PASSWORD")]
    #[arg(requires_all = ["owner_login", "system_login"], help = "See --owner-login")]
    pub(crate) application_login: Option<String>,
    #[arg(long, env = "CLOISTER_SYSTEM_LOGIN", hide_env_values = true, value_name = "USER:PASSWORD")]
    #[arg(requires_all = ["owner_login", "application_login"], help = "See --owner-login")]
    pub(crate) system_login: Option<String>,
    /// With --admin-url: give logins that exist already new passwords. Nodes that hold the old ones are locked out until
    /// they have the new logins.toml.
    #[arg(long, requires = "admin_url")]
    pub(crate) new_passwords: bool,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant.
    Create(Box<TenantCreate>),
    /// List tenants.
    List(TenantList),
    /// Show one tenant.
    Show(TenantName),
    /// Shut a tenant; everything is kept.
    Suspend(TenantAct),
    /// Open a suspended tenant, or bring one back that was deleted.
    Resume(TenantAct),
    /// Shut a tenant and remove it when its days of grace are over.
    Delete(TenantDelete),
    /// Try again what failed.
    Retry(TenantName),
    /// Give up a provisioning that failed; everything it made is removed.
    Abandon(TenantAct),
    /// Close a tenant for maintenance, or end that.
    Maintenance(TenantMaintenance),
    /// Give somebody an account here, such as the first owner. Later ones are invited by their school.
    AddMember(TenantMember),
    /// Say which tenant a host name means, and why.
    Resolve(TenantResolve),
}

#[derive(Args)]
pub(crate) struct TenantName {
    /// Slug or id.
    pub(crate) tenant: String,
}

#[derive(Args)]
pub(crate) struct TenantAct {
    /// Slug or id.
    pub(crate) tenant: String,
    /// Why; kept in the audit log.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct TenantDelete {
    #[command(flatten)]
    pub(crate) act: TenantAct,
    /// Remove it at once and for good.
    #[arg(long)]
    pub(crate) now: bool,
    /// Days to keep it, instead of the configured ones.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=3650), conflicts_with = "now")]
    pub(crate) grace_days: Option<u32>,
}

#[derive(Args)]
pub(crate) struct TenantMaintenance {
    /// Slug or id.
    pub(crate) tenant: String,
    /// `on` or `off`.
    #[arg(value_parser = ["on", "off"])]
    pub(crate) state: String,
    /// What its people are told.
    #[arg(long)]
    pub(crate) message: Option<String>,
}

#[derive(Args)]
pub(crate) struct TenantMember {
    /// Slug or id.
    pub(crate) tenant: String,
    /// The address to sign in with. An account that exists keeps its password.
    pub(crate) email: String,
    /// The name on pages.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the person is here; may be given more than once.
    #[arg(long = "role", value_name = "ROLE", default_value = "owner")]
    pub(crate) roles: Vec<String>,
}

#[derive(Args)]
pub(crate) struct TenantResolve {
    /// A host name, such as north.localhost.
    pub(crate) host: String,
    /// As if the path began with /t/SLUG.
    #[arg(long, value_name = "SLUG")]
    pub(crate) path: Option<String>,
    /// As if X-Tenant-ID were sent.
    #[arg(long, value_name = "SLUG_OR_ID")]
    pub(crate) header: Option<String>,
}

#[derive(Args)]
pub(crate) struct TenantList {
    /// Only in this state.
    #[arg(long, value_parser = parse::<Status>)]
    pub(crate) status: Option<Status>,
    /// Only in this tier.
    #[arg(long, value_parser = parse::<Tier>)]
    pub(crate) tier: Option<Tier>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
    /// After this slug.
    #[arg(long, default_value = "")]
    pub(crate) after: String,
}

#[derive(Args)]
pub(crate) struct TenantCreate {
    /// Name in addresses: a-z, 0-9 and -.
    pub(crate) slug: String,
    /// Name on pages; the slug when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Name in contracts.
    #[arg(long)]
    pub(crate) legal_name: Option<String>,
    /// Kind of organisation.
    #[arg(long, default_value = "school")]
    pub(crate) kind: String,
    /// How its rows are kept apart: shared, schema or database.
    #[arg(long, default_value = "shared", value_parser = parse::<Tier>)]
    pub(crate) tier: Tier,
    /// What it pays for.
    #[arg(long, default_value = "standard")]
    pub(crate) plan: String,
    /// Where its rows may be.
    #[arg(long, default_value = "local")]
    pub(crate) region: String,
    /// Language, such as en or de-CH.
    #[arg(long, default_value = "en")]
    pub(crate) locale: String,
    /// Time zone, such as Europe/Zurich.
    #[arg(long, default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Whom to write to.
    #[arg(long)]
    pub(crate) contact_name: Option<String>,
    /// Where to write.
    #[arg(long)]
    pub(crate) contact_email: Option<String>,
    /// Where to call.
    #[arg(long)]
    pub(crate) contact_phone: Option<String>,
    /// Postal address.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// First day of a trial, YYYY-MM-DD.
    #[arg(long)]
    pub(crate) trial_start: Option<Date>,
    /// Last day of a trial, YYYY-MM-DD.
    #[arg(long)]
    pub(crate) trial_end: Option<Date>,
    /// Mark it as a demonstration.
    #[arg(long)]
    pub(crate) demo: bool,
    /// A host name of its own; may be given more than once.
    #[arg(long = "domain", value_name = "HOST")]
    pub(crate) domains: Vec<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Look through the chains over audit logs, and name the first entry that was altered, removed, put in or moved.
    Verify(AuditVerify),
}

#[derive(Args)]
pub(crate) struct AuditVerify {
    /// Only this tenant's log: slug or id.
    #[arg(long, value_name = "SLUG_OR_ID", conflicts_with = "all")]
    pub(crate) tenant: Option<String>,
    /// Every tenant's log and the platform's own; the default.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Migrate {
    /// Say how many targets are behind, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Targets at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) at_once: u16,
}

#[derive(Args)]
pub(crate) struct Sample {
    /// Write a OneRoster package there, as a zip, instead of making a school.
    #[arg(value_name = "FILE", required_unless_present = "tenant", conflicts_with = "tenant")]
    pub(crate) path: Option<PathBuf>,
    /// Make a whole school with three years of data in this tenant: its slug or id.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// The same seed gives the same people; of a package, the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many students; of a package 300 as usual and 200,000 at most, of a school 1,200 and 20,000.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) students: Option<u32>,
    /// The year in which the school year ends; of a school the last of three. As usual 2026, or the year that is under way.
    #[arg(long, value_parser = clap::value_parser!(i16).range(1950..=2150))]
    pub(crate) school_year: Option<i16>,
    /// Attendance of so many school days before today only.
    #[arg(long, requires = "tenant")]
    pub(crate) attendance_days: Option<u32>,
    /// Make it although there are people in the tenant already.
    #[arg(long, requires = "tenant")]
    pub(crate) add: bool,
    /// Make no accounts that can sign in.
    #[arg(long, requires = "tenant")]
    pub(crate) no_accounts: bool,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// Only measurements whose names begin so, such as `neighbours` or `neighbours/reads`.
    #[arg(value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// Shorter runs, for a first look.
    #[arg(long)]
    pub(crate) quick: bool,
}

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}
