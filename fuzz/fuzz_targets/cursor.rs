//! Cursors of listings.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| cloister_http::fuzzing::cursor(text));
