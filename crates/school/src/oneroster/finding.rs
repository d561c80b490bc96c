//! What the reader has to say about a package: issues and repairs, counted in full and kept in part.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::deviation::Deviation;

/// Whether a package is held to the letter of the standard or read for what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each departure from the standard is an error.
    #[default]
    Strict,
    /// What real files contain is repaired where its meaning is beyond doubt, and each repair is counted.
    Lenient,
}

/// How bad an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record only.
    Info,
    /// The row or file is read, and someone should look at it.
    Warning,
    /// The row or file is refused.
    Error,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name in snake_case.
    pub code: &'static str,
    /// The file's name as in the package.
    pub file: String,
    /// The physical line on which the row begins, from 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// What is there, cut to 80 characters. Never from a password column, and never from a row whose columns may have shifted.
    pub value: Option<String>,
    /// What is wrong, for a person.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
}

/// One kind of repair in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The same stable name that the departure has as an error in strict mode.
    pub code: &'static str,
    /// The file's name as in the package.
    pub file: String,
    /// What departs from the standard.
    pub message: &'static str,
    /// How it was read instead.
    pub repair: &'static str,
    /// How often.
    pub count: u64,
    /// Where it was met first.
    pub first: RepairExample,
}

/// The first place of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairExample {
    /// The physical line, from 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// What was there, cut to 80 characters; never a password.
    pub value: Option<String>,
}

/// A place in a file of the package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) const fn file(file: &'a str) -> Self {
        Self { file, line: None, column: None }
    }

    pub(crate) const fn line(file: &'a str, line: u64) -> Self {
        Self { file, line: Some(line), column: None }
    }

    pub(crate) const fn column(self, column: &'a str) -> Self {
        Self { column: Some(column), ..self }
    }
}

/// The row, or the file, is not used: an error has been noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// How many issues there are of one code in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssueCount {
    /// How bad they are.
    pub severity: Severity,
    /// The stable name.
    pub code: &'static str,
    /// The file's name as in the package.
    pub file: String,
    /// How many there are, kept or not.
    pub count: u64,
}

/// Everything found: the first issues of each code and file, the number of all, and the repairs.
#[derive(Debug, Clone)]
pub struct Findings {
    mode: Mode,
    keep: usize,
    issues: Vec<Issue>,
    counts: BTreeMap<(&'static str, String), (Severity, u64)>,
    repairs: BTreeMap<(String, &'static str), Repair>,
}

impl Findings {
    /// Keeps the first `keep` issues of each code and file.
    pub(crate) fn new(mode: Mode, keep: usize) -> Self {
        Self { mode, keep, issues: Vec::new(), counts: BTreeMap::new(), repairs: BTreeMap::new() }
    }

    /// The mode the package was read in.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The issues that were kept, in the order they were met.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// The number of issues by code and file, also of those not kept.
    pub fn counts(&self) -> impl Iterator<Item = IssueCount> {
        self.counts.iter().map(|((code, file), (severity, count))| IssueCount {
            severity: *severity,
            code,
            file: file.clone(),
            count: *count,
        })
    }

    /// The repairs by file and code.
    pub fn repairs(&self) -> impl Iterator<Item = &Repair> {
        self.repairs.values()
    }

    /// How many issues of this severity there are, kept or not.
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.values().filter(|(of, _)| *of == severity).map(|(_, count)| count).sum()
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many issues of each code and file are kept.
    pub(crate) const fn kept(&self) -> usize {
        self.keep
    }

    /// Counts issues, or repairs where no severity is given, beyond those that were noted one by one.
    pub(crate) fn count_more(&mut self, code: &'static str, file: &str, severity: Option<Severity>, times: u64) {
        match severity {
            Some(severity) => self.counts.entry((code, file.to_owned())).or_insert((severity, 0)).1 += times,
            None => {
                if let Some(repair) = self.repairs.get_mut(&(file.to_owned(), code)) {
                    repair.count += times;
                }
            }
        }
    }

    /// Notes an issue. The texts are made only when it is kept.
    fn note(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: Place<'_>,
        value: Option<&str>,
        message: impl FnOnce() -> String,
        expected: Option<Cow<'_, str>>,
    ) {
        let key = (code, place.file.to_owned());
        let (_, count) = self.counts.entry(key).or_insert((severity, 0));
        *count += 1;
        if *count > self.keep as u64 {
            return;
        }
        self.issues.push(Issue {
            severity,
            code,
            file: place.file.to_owned(),
            line: place.line,
            column: place.column.map(cut),
            value: value.map(cut),
            message: message(),
            expected: expected.map(Cow::into_owned),
        });
    }

    /// Notes an error that no mode repairs.
    pub(crate) fn error<'e>(
        &mut self,
        code: &'static str,
        place: Place<'_>,
        value: Option<&str>,
        message: &str,
        expected: impl Into<Option<Cow<'e, str>>>,
    ) -> Refused {
        self.note(Severity::Error, code, place, value, || message.to_owned(), expected.into());
        Refused
    }

    /// Notes a warning.
    pub(crate) fn warning<'e>(
        &mut self,
        code: &'static str,
        place: Place<'_>,
        value: Option<&str>,
        message: &str,
        expected: impl Into<Option<Cow<'e, str>>>,
    ) {
        self.note(Severity::Warning, code, place, value, || message.to_owned(), expected.into());
    }

    /// Notes something for the record.
    pub(crate) fn info(&mut self, code: &'static str, place: Place<'_>, message: &str) {
        self.note(Severity::Info, code, place, None, || message.to_owned(), None);
    }

    /// Notes a departure from the standard: an error in strict mode, a counted repair in lenient mode.
    pub(crate) fn deviation<'e>(
        &mut self,
        deviation: &'static Deviation,
        place: Place<'_>,
        value: Option<&str>,
        expected: impl Into<Option<Cow<'e, str>>>,
    ) -> Result<(), Refused> {
        match self.mode {
            Mode::Strict => Err(self.error(deviation.code, place, value, deviation.message, expected)),
            Mode::Lenient => {
                self.repaired(deviation, place, value);
                Ok(())
            }
        }
    }

    /// Counts a repair that the standard itself asks for.
    pub(crate) fn repaired(&mut self, deviation: &'static Deviation, place: Place<'_>, value: Option<&str>) {
        self.repairs
            .entry((place.file.to_owned(), deviation.code))
            .or_insert_with(|| Repair {
                code: deviation.code,
                file: place.file.to_owned(),
                message: deviation.message,
                repair: deviation.repair,
                count: 0,
                first: RepairExample { line: place.line, column: place.column.map(cut), value: value.map(cut) },
            })
            .count += 1;
    }
}

/// Cuts a text from the package for showing, and takes out what a terminal would obey.
fn cut(text: &str) -> String {
    const SHOWN: usize = 80;
    let clean = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    if text.chars().count() <= SHOWN {
        return text.chars().map(clean).collect();
    }
    text.chars().take(SHOWN - 1).map(clean).chain(['…']).collect()
}
