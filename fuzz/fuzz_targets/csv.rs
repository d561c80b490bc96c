//! Files of a OneRoster package that is sound otherwise. The first byte says which file and how it is read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloister_school::fuzzing::csv(bytes));
