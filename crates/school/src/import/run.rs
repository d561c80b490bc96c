//! An import that is remembered: what was asked for, how far it is, how it ended, and whether it can be taken back.

use cloister_http::words;
use cloister_ids::ImportRunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ImportSettings, TableSettings};
use crate::oneroster::{DateOrder, Mode};

words! {
    /// How an import stands.
    pub enum RunState {
        /// Its package is here, and it is about to begin.
        Waiting = "waiting",
        /// It is under way.
        Running = "running",
        /// It is done.
        Applied = "applied",
        /// It would be done; nothing has changed.
        DryRun = "dry_run",
        /// It was refused for what its report says; nothing has changed.
        Refused = "refused",
        /// It failed for a reason that is not the package's; nothing has changed.
        Failed = "failed",
        /// It was done, and was taken back.
        Undone = "undone",
    }
}

words! {
    /// How closely a package is read.
    pub enum ReadingMode {
        /// What real files contain is repaired where its meaning is beyond doubt.
        Lenient = "lenient",
        /// To the letter of the standard.
        Strict = "strict",
    }
}

words! {
    /// What a package is.
    pub enum RosterFormat {
        /// OneRoster 1.1 or 1.2.
        OneRoster = "oneroster",
        /// Files of Microsoft School Data Sync 2.1.
        Sds = "sds",
        /// CSV, or a workbook, with records of one list.
        Table = "table",
    }
}

words! {
    /// Which comes first in dates such as 3/4/2025.
    pub enum DayOrMonth {
        /// 31/8/2025
        DayFirst = "day_first",
        /// 8/31/2025
        MonthFirst = "month_first",
    }
}

/// How a package is brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunSettings {
    /// What the package is.
    pub format: RosterFormat,
    /// Find out what would change, and change nothing.
    pub dry_run: bool,
    /// To the letter, or for its meaning.
    pub mode: ReadingMode,
    /// How dates are written, where the package does not tell.
    pub date_order: Option<DayOrMonth>,
    /// Go on without rows that have an error.
    pub skip_bad_rows: bool,
    /// Take over records that no import made.
    pub adopt: bool,
    /// Percentage of records that a bulk file may remove.
    #[schema(maximum = 100, example = 20)]
    pub removal_threshold: u8,
    /// Of a table: what it is brought into, and how it is read.
    #[serde(default)]
    pub table: Option<TableSettings>,
}

impl RunSettings {
    /// As the import takes them.
    pub(super) fn for_import(&self) -> ImportSettings {
        ImportSettings {
            mode: if self.mode == ReadingMode::Strict { Mode::Strict } else { Mode::Lenient },
            date_order: self.date_order.as_ref().map(|order| match order {
                DayOrMonth::DayFirst => DateOrder::DayFirst,
                DayOrMonth::MonthFirst => DateOrder::MonthFirst,
            }),
            dry_run: self.dry_run,
            skip_bad_rows: self.skip_bad_rows,
            adopt: self.adopt,
            removal_threshold: self.removal_threshold,
            examples: EXAMPLES,
            issues_kept: ISSUES,
        }
    }

    /// Of an import that is done at once.
    pub(super) fn of(settings: &ImportSettings) -> Self {
        Self {
            format: RosterFormat::OneRoster,
            dry_run: settings.dry_run,
            mode: if settings.mode == Mode::Strict { ReadingMode::Strict } else { ReadingMode::Lenient },
            date_order: settings.date_order.map(|order| match order {
                DateOrder::DayFirst => DayOrMonth::DayFirst,
                DateOrder::MonthFirst => DayOrMonth::MonthFirst,
            }),
            skip_bad_rows: settings.skip_bad_rows,
            adopt: settings.adopt,
            removal_threshold: settings.removal_threshold,
            table: None,
        }
    }

    /// Of a table that is brought in at once.
    pub fn of_table(table: TableSettings, dry_run: bool, date_order: Option<DayOrMonth>, skip_bad_rows: bool) -> Self {
        Self {
            format: RosterFormat::Table,
            dry_run,
            mode: ReadingMode::Lenient,
            date_order,
            skip_bad_rows,
            adopt: false,
            removal_threshold: 0,
            table: Some(table),
        }
    }
}

/// Examples of each kind of change and file that are kept with a report.
const EXAMPLES: u16 = 20;
/// Issues of each code and file that are kept with it.
const ISSUES: usize = 50;

/// An import of a roster.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportRun {
    /// Which one.
    pub id: ImportRunId,
    /// How it stands.
    pub state: RunState,
    /// What was asked for.
    pub settings: RunSettings,
    /// Size of the package.
    #[schema(example = 48211)]
    pub bytes: i64,
    /// What it is doing: `reading` (counted in bytes), `checking` or `merging` (in steps).
    #[schema(example = "checking")]
    pub phase: Option<String>,
    /// How far it is.
    pub done: i64,
    /// Of how much.
    pub total: i64,
    /// What it did, would do, or was refused for: counts and examples file by file, issues and repairs. Lists leave it out. Examples,
    /// issues and repairs are for whoever asked for the import, or may import.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Value>,
    /// Why it failed, in a word that is stable.
    pub failure: Option<String>,
    /// What would be right. Lists leave it out, it is for whoever asked for the import or may import, and it is forgotten after 30 days.
    pub failure_message: Option<String>,
    /// When it was done.
    pub applied_at: Option<Timestamp>,
    /// Whether it can be taken back: the last one that changed anything, for a while.
    pub undoable: bool,
    /// When it was taken back.
    pub undone_at: Option<Timestamp>,
    /// By whom.
    pub undone_by: Option<String>,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

impl cloister_http::Versioned for ImportRun {
    fn version(&self) -> i64 {
        self.version
    }
}

impl ImportRun {
    /// One that has not begun.
    pub(super) fn waiting(id: ImportRunId, settings: RunSettings, bytes: i64, now: Timestamp, by: String) -> Self {
        Self {
            id,
            state: RunState::Waiting,
            settings,
            bytes,
            phase: None,
            done: 0,
            total: 0,
            report: None,
            failure: None,
            failure_message: None,
            applied_at: None,
            undoable: false,
            undone_at: None,
            undone_by: None,
            version: 1,
            created_at: now,
            created_by: by.clone(),
            updated_at: now,
            updated_by: by,
        }
    }
}
