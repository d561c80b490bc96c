//! `cloister sample`: a made-up OneRoster package.

use cloister_school::sample::{self, SampleError, SampleSettings};
use cloister_tenancy::{Error, ErrorKind};

use crate::{cli::Sample, output::Output};

/// Writes it and says what is in it.
pub(crate) async fn run(args: Sample, output: Output) -> anyhow::Result<()> {
    let settings = SampleSettings { seed: args.seed, students: args.students, school_year: args.school_year };
    let path = args.path.clone();
    let written = tokio::task::spawn_blocking(move || sample::write(&settings, &path)).await?;
    let summary = written.map_err(refused)?;
    let count = |number: u64| number.to_string();
    output.record(
        &summary,
        &[
            ("package", args.path.display().to_string()),
            ("orgs", count(summary.orgs)),
            ("academic sessions", count(summary.academic_sessions)),
            ("courses", count(summary.courses)),
            ("classes", count(summary.classes)),
            ("users", count(summary.users)),
            ("roles", count(summary.roles)),
            ("enrollments", count(summary.enrollments)),
            ("demographics", count(summary.demographics)),
            ("bytes", count(summary.bytes)),
        ],
    )
}

fn refused(error: SampleError) -> anyhow::Error {
    match &error {
        SampleError::Io { .. } => error.into(),
        _ => Error::new(ErrorKind::Invalid, error.code(), error.to_string()).into(),
    }
}
