//! The fuzzer's targets without the fuzzer: a second of each, from its corpus on. `cargo xtask fuzz` looks longer and sees which
//! ways were taken.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

const TIME: Duration = Duration::from_secs(1);
/// However slow the machine is.
const AT_LEAST: usize = 100;
const LONGEST: usize = 4096;
/// For one input: far more than any takes, far less than what does not end.
const SLOW: Duration = Duration::from_secs(30);
/// What parsers make something of.
const MARKS: &[u8] = b"\0\n\r\t \"',;:/\\.-_%=&?#@[]{}<>()+*~|`$^!0aZ\x7f\x80\xc0\xff";

type Target = fn(&[u8]);

fn text(bytes: &[u8], target: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        target(text);
    }
}

/// Those in `fuzz/fuzz_targets`, by name.
fn targets() -> BTreeMap<&'static str, Target> {
    use cloister_http::fuzzing as http;
    use cloister_school::fuzzing as school;
    let all: [(&str, Target); 8] = [
        ("address", |bytes| text(bytes, http::address)),
        ("csv", school::csv),
        ("cursor", |bytes| text(bytes, http::cursor)),
        ("filter", |bytes| text(bytes, http::filter)),
        ("host", |bytes| text(bytes, http::host)),
        ("json", http::json),
        ("token", http::headers),
        ("zip", school::zip),
    ];
    all.into()
}

fn names(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = paths.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A number below `most`.
fn below(rng: &mut TestRng, most: usize) -> usize {
    usize::try_from(rng.next_u64() % u64::try_from(most.max(1)).unwrap()).unwrap()
}

/// One of the inputs with a few changes: a byte, a mark, a piece of another, something twice, something gone.
fn change(rng: &mut TestRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = inputs[below(rng, inputs.len())].clone();
    for _ in 0..=below(rng, 6) {
        let at = below(rng, input.len() + 1);
        match below(rng, 6) {
            0 if at < input.len() => input[at] = rng.next_u32().to_le_bytes()[0],
            1 => input.insert(at, MARKS[below(rng, MARKS.len())]),
            2 => {
                let other = &inputs[below(rng, inputs.len())];
                let from = below(rng, other.len() + 1);
                input.splice(at..at, other[from..].iter().copied());
            }
            3 => {
                let piece: Vec<u8> = input[at..].iter().copied().take(64).collect();
                (0..=below(rng, 32)).for_each(|_| drop(input.splice(at..at, piece.iter().copied())));
            }
            4 => drop(input.drain(at..(at + below(rng, 16)).min(input.len()))),
            _ => input.truncate(at),
        }
        input.truncate(LONGEST);
    }
    input
}

#[test]
fn nothing_a_stranger_writes_breaks_what_reads_it() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let targets = targets();
    assert_eq!(names(&fuzz.join("fuzz_targets")), targets.keys().copied().collect::<Vec<_>>());
    for (name, target) in targets {
        let corpus = fs::read_dir(fuzz.join("corpus").join(name)).unwrap();
        let inputs: Vec<_> = corpus.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let (begun, mut tried) = (Instant::now(), 0);
        while begun.elapsed() < TIME || tried < inputs.len().max(AT_LEAST) {
            let input = inputs.get(tried).cloned().unwrap_or_else(|| change(&mut rng, &inputs));
            let started = Instant::now();
            assert!(
                catch_unwind(AssertUnwindSafe(|| target(&input))).is_ok(),
                "{name} breaks by {:?}",
                input.escape_ascii().to_string()
            );
            assert!(started.elapsed() < SLOW, "{name} takes long: {:?}", input.escape_ascii().to_string());
            tried += 1;
        }
    }
}
