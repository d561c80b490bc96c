//! Compares what was staged with what the tenant has, and writes the difference.

use cloister_ids::{ContactId, ImportRunId};
use cloister_tenancy::{
    Action, Error, ErrorKind, Result, TenantTx,
    sql::{Parameters, Statement, ToSql},
};
use jiff::Timestamp;

use super::{
    Observer, Phase, example, problem,
    report::FileReport,
    stage::Staged,
    store::{ENTITIES, Entity, class, demographics, enrollment, frame, person, places, role},
};
use crate::{
    ROSTER,
    oneroster::{File, FileMode, Mode, Plan},
};

/// Keeps other imports out and makes the temporary tables.
pub(super) async fn open(tx: &mut TenantTx) -> Result<()> {
    if !tx.begin_large("import").await? {
        return Err(running());
    }
    let frame = [&frame::FILES, &frame::ISSUES];
    let parts =
        [&class::term::READY, &person::agent::READY, &person::presence::ABSENT_TABLE, &role::primary::SURPLUS_TABLE];
    let tables = ENTITIES.iter().flat_map(|entity| entity.tables);
    for statement in frame.into_iter().chain(tables).chain(parts) {
        tx.stage(statement).await?;
    }
    Ok(())
}

/// One at a time.
pub(super) fn running() -> Error {
    let message = "Another import into this tenant is under way. Wait until it has ended.";
    Error::new(ErrorKind::Unavailable, "import_running", message)
}

/// What is compared, and how.
pub(super) struct Comparison<'a> {
    pub(super) plan: &'a Plan,
    pub(super) staged: &'a Staged,
    /// Whether records that no import made are taken over.
    pub(super) adopt: bool,
    pub(super) mode: Mode,
    /// How many examples of each kind of change there are to be.
    pub(super) examples: u16,
}

/// Statements between which the progress is told.
const STEPS: u64 = 24;

impl Comparison<'_> {
    /// The kinds of records that the package has, with what its file is. Roles of 1.1 are what the users are.
    fn present(&self) -> impl Iterator<Item = (&'static Entity, FileMode)> {
        let follow = self.plan.roles_follow_users();
        ENTITIES.into_iter().filter_map(move |entity| {
            let file = if follow && entity.file == File::Roles { File::Users } else { entity.file };
            let mode = self.plan.mode(file);
            (mode != FileMode::Absent).then_some((entity, mode))
        })
    }

    fn has(&self, file: File) -> bool {
        self.present().any(|(entity, _)| entity.file == file)
    }

    /// Finds out what becomes of each row, and what is wrong with it. Returns the counts file by file.
    pub(super) async fn compare(&self, tx: &mut TenantTx, observer: &dyn Observer) -> Result<Vec<FileReport>> {
        let mut step = 0;
        let mut tell = |what| {
            step += 1;
            observer.progress(Phase::Checking, step, STEPS, what);
        };
        self.note_files(tx).await?;
        tx.query(&person::presence::ABSENT, &[]).await?;
        let strict = self.mode == Mode::Strict;
        for entity in ENTITIES {
            tell(entity.table);
            tx.stage(entity.analyze_stage).await?;
            tx.query(entity.name, &[&strict, &self.adopt]).await?;
            tx.stage(entity.analyze_named).await?;
        }
        if self.plan.roles_follow_users() {
            tx.query(&role::primary::REFUSE_USERS, &[]).await?;
            tx.query(&person::agent::KEEP_NEWER_FIELDS, &[]).await?;
        }
        if self.has(File::Roles) {
            tx.query(&role::primary::DEMOTE_MERGED, &[]).await?;
            tx.query(&role::primary::SURPLUS, &[]).await?;
            if strict {
                tx.query(&role::primary::REFUSE, &[]).await?;
            }
            tx.query(&role::primary::DEMOTE, &[&!strict]).await?;
            tx.query(&role::primary::ISSUES, &[]).await?;
        }
        for (entity, _) in self.present() {
            tell(entity.table);
            self.resolve(tx, entity).await?;
        }
        let mut files = Vec::new();
        for entity in ENTITIES {
            tell(entity.table);
            let mode = self.present().find(|(other, _)| other.file == entity.file).map(|(_, mode)| mode);
            // Demographics leave with their persons, whatever the package says of demographics.
            if mode.is_some() || (entity.file == File::Demographics && self.has(File::Users)) {
                tx.query(entity.gone, &[]).await?;
                let file = self.count(tx, entity, mode).await?;
                if mode.is_some() || file.removed > 0 {
                    files.push(file);
                }
            }
        }
        Ok(files)
    }

    /// Tells the tables what is complete.
    async fn note_files(&self, tx: &mut TenantTx) -> Result<()> {
        for entity in ENTITIES {
            let follows = entity.file == File::Roles && self.plan.roles_follow_users();
            let file = if follows { File::Users } else { entity.file };
            let unread = self.staged.unread.contains(&file);
            let complete = self.plan.mode(file) == FileMode::Bulk && !unread;
            tx.query(&frame::INSERT_FILE, &[&entity.table, &complete, &unread, &follows]).await?;
        }
        Ok(())
    }

    async fn resolve(&self, tx: &mut TenantTx, entity: &Entity) -> Result<()> {
        match entity.file {
            File::Classes => {
                tx.query(&class::term::RESOLVE, &[]).await?;
                tx.stage(&class::term::ANALYZE).await?;
                tx.query(&class::term::ISSUES, &[]).await?;
            }
            File::Users => {
                tx.query(&person::agent::RESOLVE, &[]).await?;
                tx.stage(&person::agent::ANALYZE).await?;
                tx.query(&person::agent::ISSUES, &[]).await?;
            }
            _ => {}
        }
        tx.query(entity.resolve, &[]).await?;
        match entity.file {
            File::Orgs => drop(tx.query(&places::ORG_CIRCLES, &[]).await?),
            File::AcademicSessions => drop(tx.query(&places::SESSION_CIRCLES, &[]).await?),
            _ => {}
        }
        tx.query(entity.refuse, &[]).await?;
        if entity.file == File::Enrollments {
            tx.query(&enrollment::overlap::ISSUES, &[]).await?;
        }
        tx.query(entity.issues, &[]).await?;
        tx.stage(entity.analyze_ready).await
    }

    async fn count(&self, tx: &mut TenantTx, entity: &Entity, mode: Option<FileMode>) -> Result<FileReport> {
        let rows = tx.query(entity.count, &[]).await?;
        let row = rows.first().ok_or_else(|| Error::internal("counts without a row"))?;
        let count = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or(0);
        let (created, changed) = (count("created"), count("changed"));
        let derived = entity.file == File::Roles && self.plan.roles_follow_users();
        let summary = self.staged.report.files.iter().find(|file| file.file == entity.file);
        let unnamed = match summary {
            // Rows whose name could not be read are in no table.
            Some(summary) => summary.rejected.saturating_sub(count("rejected")),
            None => 0,
        };
        let shown = created + changed + count("removed") > 0 && self.examples > 0;
        let examples = if shown { example::examples(tx, entity, self.examples).await? } else { Vec::new() };
        Ok(FileReport {
            file: entity.file,
            name: problem::name_of(self.plan, if derived { File::Users } else { entity.file }),
            mode: mode.unwrap_or(FileMode::Absent),
            derived,
            rows: if derived { self.staged.derived_roles } else { summary.map_or(0, |summary| summary.rows) },
            created,
            changed,
            unchanged: count("settled").saturating_sub(created + changed + count("removed_by_name")),
            removed: count("removed"),
            kept: count("kept"),
            skipped: count("skipped") + unnamed,
            active_before: count("active"),
            examples,
        })
    }
}

/// Writes what [`Comparison::compare`] found, in an order in which every reference leads somewhere at every moment.
pub(super) async fn write(
    tx: &mut TenantTx,
    files: &[FileReport],
    now: Timestamp,
    observer: &dyn Observer,
) -> Result<()> {
    let by = tx.cx().actor().to_string();
    let stamp: &Parameters<'_> = &[&now, &by];
    let moment: &Parameters<'_> = &[&now];
    for (step, entity) in ENTITIES.into_iter().enumerate() {
        observer.progress(Phase::Merging, step as u64 + 1, ENTITIES.len() as u64, entity.table);
        if step == 0 && gone_since(tx).await? {
            return Err(roster_changed());
        }
        let Some(file) = files.iter().find(|file| file.file == entity.file) else { continue };
        let mut steps: Vec<(&'static Statement, &Parameters<'_>)> = Vec::new();
        let mut when = |needed: bool, statement: &'static Statement, with| {
            if needed {
                steps.push((statement, with));
            }
        };
        let (come, differ, leave) = (file.created > 0, file.changed > 0, file.removed > 0);
        if entity.file == File::Roles {
            // First what makes room: a person has one primary role in an organisation at every moment.
            when(come || differ || leave, &person::agent::TOUCH, stamp);
            when(leave, entity.remove, stamp);
            when(differ, &role::primary::RELEASE, &[]);
            when(differ, entity.update, stamp);
            when(come, entity.insert, stamp);
        } else {
            when(differ && entity.file == File::Users, &demographics::reappearance::RESTORE, stamp);
            when(come, entity.insert, stamp);
            when(differ, entity.update, stamp);
            when(leave, entity.remove, stamp);
        }
        if entity.file == File::Classes {
            when(differ, &class::term::REMOVE, &[]);
            when(come || differ, &class::term::INSERT, &[]);
        }
        if differ || leave {
            steps.push((entity.missed, moment));
        }
        let rows = tx.query_all(&steps).await.map_err(changed_meanwhile)?;
        let missed = rows.last().filter(|_| differ || leave).and_then(|rows| rows.first());
        if missed.is_some_and(|row| row.get::<_, i64>("count") > 0) {
            return Err(roster_changed());
        }
    }
    // Last, because what somebody is to a child is told by their roles.
    match files.iter().find(|file| file.file == File::Users) {
        Some(users) if users.created > 0 || users.changed > 0 => {
            write_agents(tx, stamp).await.map_err(changed_meanwhile)
        }
        _ => Ok(()),
    }
}

/// Whether somebody who gets a role, a place or a relation was deleted or merged since it was compared. Nobody is from here on: what
/// is made for them belongs to somebody who is there.
async fn gone_since(tx: &mut TenantTx) -> Result<bool> {
    let rows = tx.query(&person::presence::GONE_SINCE, &[]).await?;
    Ok(rows.first().is_some_and(|row| row.get::<_, i64>("count") > 0))
}

/// Ends and makes contacts. Their ids are made here, as all ids are.
async fn write_agents(tx: &mut TenantTx, stamp: &Parameters<'_>) -> Result<()> {
    let steps = [(&person::agent::REMOVE, stamp), (&person::agent::RESTORE, stamp), (&person::agent::COUNT_NEW, &[])];
    let rows = tx.query_all(&steps).await?;
    let count: i64 = rows[2].first().map_or(0, |row| row.get("count"));
    if count == 0 {
        return Ok(());
    }
    let ids: Vec<ContactId> = (0..count).map(|_| ContactId::generate(tx.cx().clock())).collect();
    let with: Vec<_> = stamp.iter().copied().chain([&ids as &(dyn ToSql + Sync)]).collect();
    tx.query(&person::agent::INSERT, &with).await.map(drop)
}

/// Everything was compared in this transaction, so what contradicts it now was written by somebody else since.
fn changed_meanwhile(error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Invalid) {
        return error;
    }
    roster_changed().because(error)
}

/// What the package differs in is no longer what was found: it is compared once more, and nobody's change is lost unseen.
fn roster_changed() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "roster_changed",
        "Somebody changed the roster while it was compared with the package. Nothing was changed; import again.",
    )
}

/// Notes the import in the audit log, with its counts.
pub(super) fn audit(tx: &mut TenantTx, run: ImportRunId, counts: serde_json::Value) {
    tx.audit(Action::Import, &ROSTER, run, Some(counts));
}
