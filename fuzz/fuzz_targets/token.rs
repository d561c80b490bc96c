//! Credentials: the headers that hold them, and the tokens themselves.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cloister_http::fuzzing::headers(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        cloister_platform::fuzzing::token(text);
    }
});
