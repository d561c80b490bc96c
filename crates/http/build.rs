//! Finds the reader of the API document that is built into the binary.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use flate2::{Compression, write::GzEncoder};

const PACKAGE: &str = "../../web/node_modules/@scalar/api-reference";

fn main() -> ExitCode {
    let Some(here) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else { return ExitCode::FAILURE };
    let script = here.join(PACKAGE).join("dist/browser/standalone.js");
    let manifest = here.join(PACKAGE).join("package.json");
    println!("cargo::rerun-if-changed={}", script.display());
    println!("cargo::rerun-if-changed={}", manifest.display());
    let version = fs::read_to_string(&manifest).ok().and_then(|text| {
        let line = text.lines().find(|line| line.trim_start().starts_with("\"version\""))?;
        line.split('"').nth(3).map(str::to_owned)
    });
    let (Some(version), true) = (version, script.is_file()) else {
        println!(
            "cargo::error=the reader of the API document is not installed ({} is missing). Run `make setup`, or \
             `npm ci --ignore-scripts` in the folder web/.",
            script.display()
        );
        return ExitCode::FAILURE;
    };
    // Compressed once and here: millions of bytes are too much work for each stranger who asks.
    let Some(packed) = env::var_os("OUT_DIR").map(|out| PathBuf::from(out).join("reader.js.gz")) else {
        return ExitCode::FAILURE;
    };
    if let Err(error) = pack(&script, &packed) {
        println!("cargo::error={} could not be compressed: {error}", script.display());
        return ExitCode::FAILURE;
    }
    println!("cargo::rustc-env=CLOISTER_API_READER={}", script.display());
    println!("cargo::rustc-env=CLOISTER_API_READER_PACKED={}", packed.display());
    println!("cargo::rustc-env=CLOISTER_API_READER_VERSION={version}");
    ExitCode::SUCCESS
}

fn pack(from: &Path, to: &Path) -> io::Result<()> {
    let mut packed = GzEncoder::new(fs::File::create(to)?, Compression::best());
    packed.write_all(&fs::read(from)?)?;
    packed.finish().map(drop)
}
