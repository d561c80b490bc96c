//! Queries of listings: filter, order and page.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| cloister_http::fuzzing::filter(text));
