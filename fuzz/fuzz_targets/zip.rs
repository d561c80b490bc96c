//! OneRoster packages as they come: archives.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloister_school::fuzzing::zip(bytes));
