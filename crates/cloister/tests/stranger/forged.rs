//! Tokens that nobody signed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Made from a good token of somebody who should be let in: each with what is wrong with it.
pub(crate) fn forgeries(good: &str, other: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{good} is no token") };
    let mut altered = URL_SAFE_NO_PAD.decode(signature).unwrap();
    altered[20] ^= 1;
    let altered = URL_SAFE_NO_PAD.encode(altered);
    let unsigned = encoded(&json!({ "typ": "JWT", "alg": "none", "kid": decoded(header)["kid"] }));
    let weaker = encoded(&json!({ "typ": "JWT", "alg": "HS256", "kid": decoded(header)["kid"] }));
    let unknown = encoded(&json!({ "typ": "JWT", "alg": "EdDSA", "kid": "AAAAAAAAAAAAAAAA" }));
    // Somebody else's claims, made to be for the tenant that is asked.
    let theirs: Vec<&str> = other.split('.').collect();
    let mut moved = decoded(theirs[1]);
    moved["ten"] = decoded(claims)["ten"].clone();
    moved["prm"] = json!(["*"]);
    moved["opr"] = json!(["platform.*"]);
    vec![
        ("a signature that was altered", format!("{header}.{claims}.{altered}")),
        ("no signature", format!("{unsigned}.{claims}.")),
        ("another algorithm", format!("{weaker}.{claims}.{signature}")),
        ("an unknown key", format!("{unknown}.{claims}.{signature}")),
        ("claims moved to another tenant", format!("{}.{}.{}", theirs[0], encoded(&moved), theirs[2])),
    ]
}
