//! `cloister import` and `cloister export`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cloister_ids::ImportRunId;

#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// A OneRoster 1.1 or 1.2 package, a zip or a folder.
    Oneroster(ImportOneroster),
    /// Files of Microsoft School Data Sync 2.1, a zip or a folder.
    Sds(ImportOneroster),
    /// A table with records of one list: CSV, or a workbook (.xlsx). It adds and changes, and deletes nothing.
    Table(ImportTable),
    /// Take the last import back.
    Undo(ImportUndo),
}

#[derive(Args)]
pub(crate) struct ImportUndo {
    /// Slug or id.
    #[arg(long)]
    pub(crate) tenant: String,
    /// Only if the last import is this one.
    #[arg(long, value_name = "ID")]
    pub(crate) import: Option<ImportRunId>,
    /// Let records that were changed since stay as they are now, instead of refusing.
    #[arg(long)]
    pub(crate) keep_changed: bool,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ImportOneroster {
    /// Slug or id.
    #[arg(long)]
    pub(crate) tenant: String,
    /// The zip or folder.
    pub(crate) path: PathBuf,
    /// To the letter of the standard.
    #[arg(long, conflicts_with = "lenient")]
    pub(crate) strict: bool,
    /// Repair what real files contain; the default.
    #[arg(long)]
    pub(crate) lenient: bool,
    /// How dates such as 3/4/2025 are written, where the package does not tell.
    #[arg(long, value_enum, conflicts_with = "strict")]
    pub(crate) date_order: Option<DateOrder>,
    /// Say what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on without rows that have an error, and without what depends on them.
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    /// Take over records of the package that no import made; imports keep them from then on.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Percentage of records that a bulk import may remove before it is refused.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) removal_threshold: u8,
    /// Show so many examples of each kind of change and file, with the fields that differ. A dry run shows 5 anyway.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) examples: Option<u16>,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ImportTable {
    /// Slug or id.
    #[arg(long)]
    pub(crate) tenant: String,
    /// The table.
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// The list it is brought into, as its address has it, such as `persons`.
    #[arg(long)]
    pub(crate) resource: String,
    /// What a column is taken for, such as `Vorname=given_name` or `School=school_id:name`. Others are taken for what their names
    /// suggest. Nothing behind the sign leaves the column out.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = pair)]
    pub(crate) maps: Vec<(String, String)>,
    /// A value that every row has, such as `roles.role=student`.
    #[arg(long = "constant", value_name = "FIELD=VALUE", value_parser = pair)]
    pub(crate) constants: Vec<(String, String)>,
    /// The field by which a row finds its record; more than one where it takes several.
    #[arg(long = "key", value_name = "FIELD")]
    pub(crate) keys: Vec<String>,
    /// Every row makes a record, whatever its columns.
    #[arg(long, conflicts_with = "keys")]
    pub(crate) no_key: bool,
    /// An empty cell empties the field.
    #[arg(long)]
    pub(crate) clear_empty: bool,
    /// The sheet of a workbook; the first where none is named.
    #[arg(long)]
    pub(crate) sheet: Option<String>,
    /// How dates such as 3/4/2025 are written.
    #[arg(long, value_enum)]
    pub(crate) date_order: Option<DateOrder>,
    /// Say what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on without rows that have an error.
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.rsplit_once('=').ok_or("write it with a sign of equality, such as Vorname=given_name")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Which comes first in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DateOrder {
    /// 31/8/2025
    DayFirst,
    /// 8/31/2025
    MonthFirst,
}

#[derive(Subcommand)]
pub(crate) enum ExportCommand {
    /// A OneRoster 1.2 package of everything that counts, to the letter of the standard.
    Oneroster(ExportOneroster),
}

#[derive(Args)]
pub(crate) struct ExportOneroster {
    /// Slug or id.
    #[arg(long)]
    pub(crate) tenant: String,
    /// Where to write the zip. Nobody but its owner may read it.
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
}
