//! Reads the rows of a package, one by one, into a sink.

use std::ops::ControlFlow;

use serde::Serialize;

use super::{
    date::DateOrder,
    file_reading::FileReading,
    finding::{Findings, Mode},
    manifest::FileMode,
    package::{Package, PackageError},
    plan::{Plan, plan},
    row::Row,
    schema::File,
};

/// How a package is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// To the letter, or for its meaning.
    pub mode: Mode,
    /// The order of day and month in dates with the year last, when someone knows it. Used in lenient mode only.
    pub date_order: Option<DateOrder>,
    /// How many issues of each code and file are kept whole. All are counted.
    pub issues_kept: usize,
}

impl Settings {
    /// The usual settings of a mode.
    pub const fn new(mode: Mode) -> Self {
        Self { mode, date_order: None, issues_kept: 100 }
    }
}

/// What became of the rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Which file it is.
    pub file: File,
    /// Bulk or delta.
    pub mode: FileMode,
    /// Rows in it, without the header and blank lines.
    pub rows: u64,
    /// Rows handed on.
    pub accepted: u64,
    /// Rows refused.
    pub rejected: u64,
    /// Rows of a file that is checked and counted only.
    pub ignored: u64,
}

/// All there is to say when the package has been read.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was read.
    pub plan: Plan,
    /// What became of the rows, file by file.
    pub files: Vec<FileSummary>,
    /// Issues and repairs.
    pub findings: Findings,
    /// Whether it was read to its end; false when the sink stopped it.
    pub complete: bool,
}

/// A package whose plan is known and whose rows are still to be read.
#[derive(Debug)]
pub struct Reading {
    package: Package,
    plan: Plan,
    findings: Findings,
}

impl Reading {
    /// Reads the manifest and the headers.
    pub fn begin(mut package: Package, settings: &Settings) -> Result<Self, PackageError> {
        let mut findings = Findings::new(settings.mode, settings.issues_kept);
        let plan = plan(&mut package, settings, &mut findings)?;
        package.restart_progress();
        Ok(Self { package, plan, findings })
    }

    /// What will be read.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What is known so far.
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The package, for its progress.
    pub const fn package(&self) -> &Package {
        &self.package
    }

    /// Reads all rows. Memory is bounded by one row and the findings that are kept.
    pub fn read(mut self, sink: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<Report, PackageError> {
        let mut files = Vec::new();
        let mut complete = true;
        for planned in &self.plan.files {
            let mut file_reading = FileReading::new(planned, self.plan.date_order, &mut self.findings);
            let flow = file_reading.read(&mut self.package, sink)?;
            files.push(file_reading.summary);
            if flow.is_break() {
                complete = false;
                break;
            }
        }
        Ok(Report { plan: self.plan, files, findings: self.findings, complete })
    }
}

/// Reads a whole package in one call.
pub fn read(
    package: Package,
    settings: &Settings,
    sink: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<Report, PackageError> {
    Reading::begin(package, settings)?.read(sink)
}

#[cfg(test)]
mod tests {
    use super::Reading;

    #[test]
    fn a_reading_can_be_handed_to_a_blocking_thread() {
        const fn is_send<T: Send + 'static>() {}
        is_send::<Reading>();
    }
}
