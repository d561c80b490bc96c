//! Writes made-up OneRoster packages: a district with schools, families, classes and a year of enrollments.
//!
//! The same settings give the same bytes, whenever and wherever this build runs: no clock, no random source of the
//! machine, fixed times in the archive. The package is to the letter of the standard.

mod calendar;
mod class;
mod district;
mod names;
mod person;
mod random;
pub mod school;
mod write;
mod write_people;

#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub use calendar::school_year_of;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSettings {
    /// Another seed gives other people.
    pub seed: u64,
    /// How many students, from 1 to [`SampleSettings::MOST_STUDENTS`].
    pub students: u32,
    /// The year in which the school year ends.
    pub school_year: i16,
}

impl SampleSettings {
    /// A district the size of the largest.
    pub const MOST_STUDENTS: u32 = 200_000;

    /// A sample of the usual school year.
    pub const fn new(seed: u64, students: u32) -> Self {
        Self { seed, students, school_year: 2026 }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SampleSummary {
    /// Rows of `orgs.csv`: the district and its schools.
    pub orgs: u64,
    /// Rows of `academicSessions.csv`.
    pub academic_sessions: u64,
    /// Rows of `courses.csv`.
    pub courses: u64,
    /// Rows of `classes.csv`.
    pub classes: u64,
    /// Rows of `users.csv`: students, guardians and staff.
    pub users: u64,
    /// Rows of `roles.csv`.
    pub roles: u64,
    /// Rows of `enrollments.csv`.
    pub enrollments: u64,
    /// Rows of `demographics.csv`: one a student.
    pub demographics: u64,
    /// Size of the package.
    pub bytes: u64,
}

/// Why no sample was written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Too few or too many students.
    #[error("a sample has from 1 to {} students", SampleSettings::MOST_STUDENTS)]
    Students,
    /// A school year nobody could attend.
    #[error("a school year is from 1950 to 2150")]
    SchoolYear,
    /// The target is not a file in a folder.
    #[error("the target of a sample is a file")]
    Target,
    /// The file system failed.
    #[error("`{path}` cannot be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SampleError {
    /// The stable name of this failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Students => "sample_students",
            Self::SchoolYear => "sample_school_year",
            Self::Target => "sample_target",
            Self::Io { .. } => "sample_io",
        }
    }
}

/// Writes a bulk package of OneRoster 1.2 as a zip archive. A file already there is replaced, once the new one is whole.
pub fn write(settings: &SampleSettings, target: &Path) -> Result<SampleSummary, SampleError> {
    if !(1..=SampleSettings::MOST_STUDENTS).contains(&settings.students) {
        return Err(SampleError::Students);
    }
    if !(1950..=2150).contains(&settings.school_year) {
        return Err(SampleError::SchoolYear);
    }
    let Some(name) = target.file_name() else { return Err(SampleError::Target) };
    if target.is_dir() {
        return Err(SampleError::Target);
    }
    let calendar = calendar::Calendar::new(settings.school_year)?;
    let district = district::District::new(settings);

    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = target.with_file_name(partial);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SampleError::Io { path, source }
    };
    let file = fs::File::create(&partial).map_err(failed(&partial))?;
    let written = write::write_package(&district, &calendar, file).and_then(|(mut summary, file)| {
        summary.bytes = file.metadata()?.len();
        fs::rename(&partial, target)?;
        Ok(summary)
    });
    written.map_err(|error| {
        // What is half written is of no use; that it is left over when even this fails is the lesser trouble.
        let _ = fs::remove_file(&partial);
        failed(target)(error)
    })
}
