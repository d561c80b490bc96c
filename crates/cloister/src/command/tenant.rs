//! `cloister tenant …`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use cloister_ids::WorkflowId;
use cloister_platform::NewPerson;
use cloister_tenancy::{
    Error, ErrorKind, NewTenant, Sources, Tenancy, Tenant,
    lifecycle::{State, StepReport, TenantFilter},
};
use secrecy::SecretString;

use crate::{
    cli::{TenantAct, TenantCommand, TenantCreate, TenantDelete, TenantMember},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::Output,
    password,
    progress::Bar,
};

/// Runs one of them.
pub(crate) async fn run(configuration: &Configuration, command: TenantCommand, output: Output) -> anyhow::Result<()> {
    let password = match &command {
        TenantCommand::AddMember(_) => Some(password::ask()?),
        _ => None,
    };
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let result = match (command, password) {
        (TenantCommand::AddMember(args), Some(password)) => add_member(&platform, args, password, output).await,
        (command, _) => act(&platform.tenancy, command, output).await,
    };
    platform.close().await?;
    result
}

async fn act(tenancy: &Tenancy, command: TenantCommand, output: Output) -> anyhow::Result<()> {
    match command {
        TenantCommand::Create(args) => create(tenancy, *args, output).await,
        TenantCommand::List(args) => {
            let (status, tier, after, limit) = (args.status, args.tier, args.after, args.limit);
            let filter = TenantFilter { status, tier, after, limit, ..TenantFilter::default() };
            let tenants = tenancy.list_tenants(&filter).await?;
            if tenants.is_empty() && output == Output::Table {
                eprintln!("no tenants; make one with `cloister tenant create SLUG`");
                return Ok(());
            }
            output.list(&["slug", "name", "kind", "tier", "status", "plan", "created", "id"], &tenants, |t| {
                let created = t.created_at.strftime("%Y-%m-%d").to_string();
                let words = [&t.slug.to_string(), &t.display_name, &t.kind].map(Clone::clone);
                let more = [t.tier.to_string(), t.status.to_string(), t.plan.clone(), created, t.id.to_string()];
                words.into_iter().chain(more).collect()
            })
        }
        TenantCommand::Show(args) => show(&tenancy.find_tenant(&args.tenant).await?, output),
        TenantCommand::Suspend(args) => {
            let tenant = tenancy.find_tenant(&args.tenant).await?;
            confirm(&args, &format!("Suspend {} ({})? Its people are shut out.", tenant.slug, tenant.display_name))?;
            let workflow = tenancy.suspend_tenant(tenant.id, args.reason.as_deref(), &operator()).await?;
            finish(tenancy, workflow).await?;
            show(&tenancy.tenant(tenant.id).await?, output)
        }
        TenantCommand::Resume(args) => {
            let tenant = tenancy.find_tenant(&args.tenant).await?;
            let workflow = tenancy.resume_tenant(tenant.id, args.reason.as_deref(), &operator()).await?;
            finish(tenancy, workflow).await?;
            show(&tenancy.tenant(tenant.id).await?, output)
        }
        TenantCommand::Delete(args) => delete(tenancy, args, output).await,
        TenantCommand::Retry(args) => {
            let tenant = tenancy.find_tenant(&args.tenant).await?;
            let workflow = tenancy.retry_workflow(tenant.id).await?;
            finish(tenancy, workflow).await?;
            show(&tenancy.tenant(tenant.id).await?, output)
        }
        TenantCommand::Abandon(args) => {
            let tenant = tenancy.find_tenant(&args.tenant).await?;
            confirm(&args, &format!("Abandon {}? Everything made for it is removed.", tenant.slug))?;
            let workflow = tenancy.abandon_provisioning(tenant.id).await?;
            finish(tenancy, workflow).await?;
            eprintln!("{} is gone", tenant.slug);
            Ok(())
        }
        TenantCommand::Maintenance(args) => {
            let tenant = tenancy.find_tenant(&args.tenant).await?;
            tenancy.set_maintenance(tenant.id, args.state == "on", args.message.as_deref(), &operator()).await?;
            show(&tenancy.tenant(tenant.id).await?, output)
        }
        TenantCommand::AddMember(_) => anyhow::bail!("a member needs a password"),
        TenantCommand::Resolve(args) => {
            let host = args.host.trim_end_matches('.').to_lowercase();
            let host = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
                if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host.as_str() }
            });
            let sources =
                Sources { host: Some(host), path: args.path.as_deref(), header: args.header.as_deref(), token: None };
            let (steps, found) = tenancy.registry().explain(&sources, tenancy.base_domain());
            output.list(&["source", "value", "finding"], &steps, |step| {
                vec![step.source.to_owned(), step.value.clone(), step.finding.clone()]
            })?;
            found.map(drop).map_err(|refusal| refusal.error().into())
        }
    }
}

async fn add_member(
    running: &Running,
    args: TenantMember,
    password: SecretString,
    output: Output,
) -> anyhow::Result<()> {
    let tenant = running.tenancy.find_tenant(&args.tenant).await?;
    let person = NewPerson {
        display_name: args.name.unwrap_or_else(|| args.email.clone()),
        email: args.email,
        locale: tenant.locale.clone(),
        password,
    };
    let id = running.service.make_member(tenant.id, &person, &args.roles, &(&operator()).into()).await?;
    output.record(
        &serde_json::json!({ "id": id, "email": person.email, "tenant": tenant.slug, "roles": args.roles }),
        &[
            ("id", id.to_string()),
            ("email", person.email.clone()),
            ("tenant", tenant.slug.to_string()),
            ("roles", args.roles.join(", ")),
        ],
    )
}

async fn create(tenancy: &Tenancy, args: TenantCreate, output: Output) -> anyhow::Result<()> {
    let slug = args
        .slug
        .parse()
        .map_err(|error: cloister_tenancy::SlugError| Error::field("slug", error.code(), error.to_string()))?;
    let new = NewTenant {
        slug,
        display_name: args.name.unwrap_or(args.slug),
        legal_name: args.legal_name,
        kind: args.kind,
        tier: args.tier,
        plan: args.plan,
        region: args.region,
        locale: args.locale,
        time_zone: args.time_zone,
        contact_name: args.contact_name,
        contact_email: args.contact_email,
        contact_phone: args.contact_phone,
        address: args.address,
        trial_start_date: args.trial_start,
        trial_end_date: args.trial_end,
        demo: args.demo,
        domains: args.domains,
    };
    if args.dry_run {
        let plan = tenancy.plan_tenant(&new).await?;
        eprintln!("dry run: nothing was made");
        return output.record(
            &plan,
            &[
                ("slug", plan.slug.clone()),
                ("tier", plan.tier.to_string()),
                ("modules", plan.modules.join(", ")),
                ("schema", plan.schema.clone()),
                ("steps", plan.steps.join(" → ")),
            ],
        );
    }
    let (id, workflow) = tenancy.create_tenant(&new, &operator()).await?;
    finish(tenancy, workflow).await?;
    show(&tenancy.tenant(id).await?, output)
}

async fn delete(tenancy: &Tenancy, args: TenantDelete, output: Output) -> anyhow::Result<()> {
    let tenant = tenancy.find_tenant(&args.act.tenant).await?;
    let question = if args.now {
        format!("Remove {} ({}) with all its records, now and for good?", tenant.slug, tenant.display_name)
    } else {
        format!(
            "Delete {} ({})? It can be brought back until its days of grace are over.",
            tenant.slug, tenant.display_name
        )
    };
    confirm(&args.act, &question)?;
    let reason = args.act.reason.as_deref();
    if tenant.status != cloister_tenancy::Status::Purging {
        let grace = args.grace_days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
        let workflow = tenancy.delete_tenant(tenant.id, grace, reason, &operator()).await?;
        finish(tenancy, workflow).await?;
    }
    if args.now {
        let workflow = tenancy.purge_tenant(tenant.id, reason, &operator()).await?;
        finish(tenancy, workflow).await?;
        eprintln!("{} is gone", tenant.slug);
        return Ok(());
    }
    show(&tenancy.tenant(tenant.id).await?, output)
}

/// Runs a workflow with a bar, and fails when it does.
pub(crate) async fn finish(tenancy: &Tenancy, workflow: WorkflowId) -> anyhow::Result<()> {
    let kind = tenancy.workflow(workflow).await?.kind;
    let bar = Bar::new(kind.word(), kind.step_names().count() as u64);
    let tell = |report: StepReport| bar.set(report.number as u64, report.of as u64, report.step);
    let ended = tenancy.finish(workflow, &tell).await;
    bar.clear();
    let ended = ended?;
    match ended.state {
        State::Failed => Err(Error::new(
            ErrorKind::Unavailable,
            "workflow_failed",
            "This failed and waits for you: `cloister tenant retry` tries again, `cloister tenant abandon` gives a provisioning up.",
        )
        .because(ended.error.unwrap_or_default())
        .into()),
        _ => Ok(()),
    }
}

/// Destructive acts are asked for twice: by a person at a terminal, or by --yes.
fn confirm(args: &TenantAct, question: &str) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    let refused = |message: &str| -> anyhow::Result<()> {
        Err(Error::new(ErrorKind::Invalid, "not_confirmed", message.to_owned()).into())
    };
    if !std::io::stdin().is_terminal() {
        return refused("Nothing was done. Add --yes to do this without being asked.");
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { refused("Nothing was done.") }
}

fn show(tenant: &Tenant, output: Output) -> anyhow::Result<()> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let place = match (&tenant.database, &tenant.schema) {
        (Some(database), Some(schema)) => format!("{database}.{schema}, epoch {}", tenant.epoch.unwrap_or(0)),
        _ => String::new(),
    };
    let trial = match (tenant.trial_start_date, tenant.trial_end_date) {
        (None, None) => String::new(),
        (start, end) => format!(
            "{} to {}",
            start.map_or_else(|| "…".to_owned(), |d| d.to_string()),
            end.map_or_else(|| "…".to_owned(), |d| d.to_string())
        ),
    };
    let flags: Vec<&str> = [(tenant.demo, "demo"), (tenant.maintenance, "maintenance")]
        .iter()
        .filter_map(|(on, name)| on.then_some(*name))
        .collect();
    output.record(
        tenant,
        &[
            ("id", tenant.id.to_string()),
            ("slug", tenant.slug.to_string()),
            ("name", tenant.display_name.clone()),
            ("legal name", text(&tenant.legal_name)),
            ("kind", tenant.kind.clone()),
            ("status", tenant.status.to_string()),
            ("reason", text(&tenant.suspended_reason)),
            ("removed after", tenant.purge_after.map(|at| at.to_string()).unwrap_or_default()),
            ("tier", tenant.tier.to_string()),
            ("place", place),
            ("plan", tenant.plan.clone()),
            ("region", tenant.region.clone()),
            ("locale", tenant.locale.clone()),
            ("time zone", tenant.time_zone.clone()),
            (
                "contact",
                [&tenant.contact_name, &tenant.contact_email, &tenant.contact_phone]
                    .map(text)
                    .join(" ")
                    .trim()
                    .to_owned(),
            ),
            ("address", text(&tenant.address)),
            ("trial", trial),
            ("flags", flags.join(", ")),
            ("domains", tenant.domains.join(", ")),
            ("created", format!("{} by {}", tenant.created_at, tenant.created_by)),
            ("updated", format!("{} by {}", tenant.updated_at, tenant.updated_by)),
        ],
    )
}
