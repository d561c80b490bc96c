//! Addresses of requests, and the tenant in their path.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| cloister_http::fuzzing::address(text));
