//! JSON bodies.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloister_http::fuzzing::json(bytes));
