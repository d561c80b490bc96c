//! `cloister permissions`: who may do what, as checked in under docs/school/.

use serde::Serialize;

use crate::{
    cli::Permissions,
    output::{self, Output},
    permissions::Declared,
};

/// What a role is granted.
#[derive(Serialize)]
struct Granted {
    role: &'static str,
    permission: String,
}

/// Prints it: a page for people, a list for programs.
pub(crate) fn run(args: &Permissions, output: Output) -> anyhow::Result<()> {
    let declared = Declared::by(&crate::installation::Rooms::new().modules, &args.kind);
    match output {
        Output::Table => output::print(declared.page(&args.kind).trim_end())?,
        Output::Json => {
            let all: Vec<_> = declared.permissions().map(|(role, permission)| Granted { role, permission }).collect();
            output::print(&serde_json::to_string_pretty(&all)?)?;
        }
    }
    Ok(())
}
