//! Tokens that strangers write, read as the authenticator reads them: an entrance for the fuzzer (`fuzz/`), and for nobody
//! else.

use std::sync::OnceLock;

use jiff::Timestamp;

use crate::token::{Claims, SigningKeys};

/// Keys, and the one token that was ever signed by them.
static SIGNED: OnceLock<Option<(SigningKeys, Claims, String)>> = OnceLock::new();

fn signed() -> Option<(SigningKeys, Claims, String)> {
    let keys = SigningKeys::of_one_new().ok()?;
    let claims: Claims = serde_json::from_value(serde_json::json!({
        "sub": "acc_01jd4kqvm6e8x9t3c5z7b2n0fa",
        "sid": "sid_01jd4kqvm6e8x9t3c5z7b2n0fa",
        "rv": 1, "prm": ["school.person.read"], "iat": 1, "exp": 2,
    }))
    .ok()?;
    let token = keys.sign(&claims, Timestamp::UNIX_EPOCH).ok()?;
    Some((keys, claims, token))
}

/// A token: nothing is believed that was not signed. What is given is tried as it is, and in the place of each part of a
/// token that is good.
pub fn token(text: &str) {
    let Some((keys, claims, good)) = SIGNED.get_or_init(signed) else { panic!("no key can be made") };
    let read = |token: &str| keys.read(token, Timestamp::UNIX_EPOCH).ok().flatten();
    assert_eq!(read(good).as_ref(), Some(claims), "what was signed is believed");
    let parts: Vec<&str> = good.split('.').collect();
    let mut tried = vec![text.to_owned(), format!("{good}{text}"), format!("{text}{good}")];
    for place in 0..parts.len() {
        let mut changed = parts.clone();
        changed[place] = text;
        tried.push(changed.join("."));
    }
    for token in &tried {
        assert!(read(token).is_none_or(|found| found == *claims), "{token:?} was never signed");
    }
}
