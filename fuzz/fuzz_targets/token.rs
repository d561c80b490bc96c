//! Credentials, and whatever else stands in the headers of a request.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloister_http::fuzzing::headers(bytes));
