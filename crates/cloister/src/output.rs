//! Data on stdout: a table for people, JSON for programs.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Columns.
    Table,
    /// One JSON document.
    Json,
}

impl Output {
    /// A list: `columns` of each item for people, the whole items for programs.
    pub(crate) fn list<T: Serialize>(
        self,
        header: &[&str],
        items: &[T],
        columns: impl Fn(&T) -> Vec<String>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Json => print(&serde_json::to_string_pretty(items)?)?,
            Self::Table => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
                table.set_header(header.iter().map(|title| title.to_uppercase()));
                for item in items {
                    table.add_row(columns(item));
                }
                print(&trimmed(&table))?;
            }
        }
        Ok(())
    }

    /// One thing: name and value a line for people, the whole for programs.
    pub(crate) fn record<T: Serialize>(self, item: &T, lines: &[(&str, String)]) -> anyhow::Result<()> {
        match self {
            Self::Json => print(&serde_json::to_string_pretty(item)?)?,
            Self::Table => {
                let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
                    print(&format!("{name:width$}  {value}"))?;
                }
            }
        }
        Ok(())
    }
}

/// `1 finding`, `2 findings`.
pub(crate) fn counted(number: impl TryInto<u64>, what: &str) -> String {
    let number = number.try_into().unwrap_or(0);
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A line on stdout. Whoever reads it may have seen enough (`| head`): that is no failure.
pub(crate) fn print(line: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
