//! One look into a database: at some of its schemas, and at the database itself.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use cloister_ids::TenantId;
use cloister_postgres::{Client, ConnectError};

use super::{
    ask, code, drift,
    expected::Expected,
    fence,
    finding::{Finding, Place},
    place_store as store,
    reference::{Form, digests, facts},
    rows,
    rule::{self, OF_DATABASE, OF_RELATIONS, OF_TABLES},
    survey::{AT_ONCE, Cluster, Depth, took},
};
use crate::{Error, Result, control, install, ledger::PLUMBING_SCHEMA};

/// Schemas of one part, at least and at most: a database with many is looked at by several sessions. Each goes through the
/// catalogs of the whole database, so there are no more parts than hands.
const OF_PART: (usize, usize) = (32, 256);
/// What could not be looked at is tried once more, after this.
const ONCE_MORE_AFTER: Duration = Duration::from_secs(1);

/// Some schemas of a database. The first part of each is about the database itself too.
pub(super) struct Part<'a> {
    database: &'a Expected,
    schemas: Vec<String>,
    is_first: bool,
}

pub(super) fn parts(database: &Expected) -> Vec<Part<'_>> {
    let all = database.schemas();
    let (first, rest) = all.split_at(all.len().div_ceil(AT_ONCE).clamp(OF_PART.0, OF_PART.1).min(all.len()));
    let rest = rest.chunks(first.len().max(1)).map(|schemas| (schemas, false));
    // One that must have no schema yet has a first part too.
    let parts = std::iter::once((first, true)).chain(rest);
    parts.map(|(schemas, is_first)| Part { database, schemas: schemas.to_vec(), is_first }).collect()
}

/// What was found, how many schemas and how many tables were looked at.
type Found = (Vec<Finding>, usize, usize);

/// Looks at a part of a database. What cannot be looked at is a finding, and keeps nobody from looking at the others. It is
/// looked at once more first: a server that is busy for a moment is no hole.
pub(super) async fn judge_part(
    cluster: &Cluster<'_>,
    part: &Part<'_>,
    depth: Depth,
    tenants: &HashSet<TenantId>,
) -> Found {
    let found = judge_once(cluster, part, depth, tenants).await;
    if found.0.iter().all(|finding| finding.code != code::DATABASE_UNREACHABLE.name) {
        return found;
    }
    tokio::time::sleep(ONCE_MORE_AFTER).await;
    judge_once(cluster, part, depth, tenants).await
}

async fn judge_once(cluster: &Cluster<'_>, part: &Part<'_>, depth: Depth, tenants: &HashSet<TenantId>) -> Found {
    let database = part.database;
    let place = Place { cluster: &cluster.name, database: &database.name };
    let failed = match cluster.owner.connect(&database.name).await {
        Ok(client) => match look(&client, cluster, part, depth, tenants).await {
            Ok(found) => return found,
            Err(error) => error,
        },
        Err(ConnectError::Refused { source, .. }) if source.code().is_some_and(|code| code.code() == "3D000") => {
            if database.is_passing() {
                return (Vec::new(), 0, 0);
            }
            let detail = "the registry names it and the server does not have it".to_owned();
            let mend = "-- restore the database from a backup, or give up the tenants in it".to_owned();
            return (vec![place.finding(&code::DATABASE_MISSING, database.name.clone(), detail, mend)], 0, 0);
        }
        Err(error) => install::connect(error),
    };
    (vec![unseen(place, &failed)], 0, 0)
}

/// What could not be looked at is not proven.
fn unseen(place: Place<'_>, error: &Error) -> Finding {
    let mend = "-- see why the owner's login cannot look into it, and look again".to_owned();
    place.finding(&code::DATABASE_UNREACHABLE, place.database.to_owned(), error.log(), mend)
}

async fn look(
    client: &Client,
    cluster: &Cluster<'_>,
    part: &Part<'_>,
    depth: Depth,
    tenants: &HashSet<TenantId>,
) -> Result<Found> {
    let (began, database) = (Instant::now(), part.database);
    let place = Place { cluster: &cluster.name, database: &database.name };
    client.batch_execute(store::LOOK.sql()).await.map_err(Error::internal)?;
    let there = ask(client, &store::SCHEMAS, &[]).await?;
    let there: HashSet<String> = there.iter().map(|row| row.get(0)).collect();
    let (schemas, missing): (Vec<String>, Vec<String>) =
        part.schemas.iter().cloned().partition(|schema| there.contains(schema));
    let mut findings = Vec::new();
    for schema in missing {
        let detail = "the registry names it and it is not there".to_owned();
        let mend = "-- restore the schema from a backup, or give up the tenant".to_owned();
        findings.push(place.finding(&code::SCHEMA_MISSING, schema, detail, mend));
    }
    if part.is_first {
        let passing = database.passing();
        let known = [database.schemas(), passing.clone()].concat();
        let mut broken = Vec::new();
        if database.is_made() {
            broken.extend(rule::judge(client, OF_DATABASE, &known, &cluster.names, place).await?);
        }
        let passing: Vec<String> = passing.into_iter().filter(|schema| there.contains(schema)).collect();
        if !passing.is_empty() {
            broken.extend(rule::judge(client, OF_TABLES, &passing, &cluster.names, place).await?);
            broken.extend(rule::judge(client, OF_RELATIONS, &passing, &cluster.names, place).await?);
        }
        findings.extend(broken.into_iter().map(|broken| broken.finding));
    }
    let form = |schema: &str| -> &Form {
        match schema {
            control::SCHEMA => &cluster.reference.control,
            PLUMBING_SCHEMA => &cluster.reference.kernel,
            _ => &cluster.reference.place,
        }
    };
    let digests = digests(client, &schemas).await?;
    let differ: Vec<String> =
        schemas.iter().filter(|schema| digests.get(*schema) != Some(&form(schema).digest)).cloned().collect();
    let tables = |schema: &String| form(schema).facts.keys().filter(|(kind, ..)| kind == "relation").count();
    let looked_at = (schemas.len(), schemas.iter().map(tables).sum());
    if !differ.is_empty() {
        findings.extend(deviations(client, cluster, database, &differ, form, place).await?);
    }
    // Last: tables that cannot be read do not hide what is wrong with them.
    if !database.is_control && part.is_first {
        findings
            .extend(fence::judge(client, database, place).await.unwrap_or_else(|error| vec![unseen(place, &error)]));
    }
    if !database.is_control && depth == Depth::Rows {
        let misplaced = rows::misplaced(client, &schemas, &database.owners(), tenants, place).await;
        findings.extend(misplaced.unwrap_or_else(|error| vec![unseen(place, &error)]));
    }
    took("looking", &database.name, began);
    Ok((findings, looked_at.0, looked_at.1))
}

/// What is wrong with schemas that are not as the reference is.
async fn deviations<'a>(
    client: &Client,
    cluster: &Cluster<'_>,
    database: &Expected,
    differ: &[String],
    form: impl Fn(&str) -> &'a Form,
    place: Place<'_>,
) -> Result<Vec<Finding>> {
    let of_tenants: Vec<String> = differ.iter().filter(|schema| *schema != control::SCHEMA).cloned().collect();
    let mut broken = rule::judge(client, OF_TABLES, &of_tenants, &cluster.names, place).await?;
    broken.extend(rule::judge(client, OF_RELATIONS, differ, &cluster.names, place).await?);
    let facts = facts(client, differ).await?;
    let none = drift::Facts::new();
    let mut findings = Vec::new();
    for schema in differ {
        if database.behind.contains(schema) {
            let (detail, mend) = ("the migrations have not run here", "-- run `cloister migrate`");
            findings.push(place.finding(&code::SCHEMA_BEHIND, schema.clone(), detail.to_owned(), mend.to_owned()));
        } else {
            let found = facts.get(schema).unwrap_or(&none);
            findings.extend(drift::compare(place, schema, &form(schema).facts, found, &broken));
        }
    }
    findings.extend(broken.into_iter().map(|broken| broken.finding));
    Ok(findings)
}
