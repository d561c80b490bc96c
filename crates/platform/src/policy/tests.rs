//! Rules merge as they should, and bad passwords are refused for the reason that is true.

use garde::Validate;
use serde_json::json;

use super::{PasswordPolicy, PolicyOverrides, check_password};

const ABOUT: &[&str] = &["ada.lovelace@analytical.example", "Ada Lovelace", "Nordlicht Schule"];

fn verdict(policy: &PasswordPolicy, password: &str) -> String {
    match check_password("password", policy, password, ABOUT) {
        Ok(_) => "good".to_owned(),
        Err(error) => {
            assert_eq!(error.fields()[0].field, "password");
            assert!(!error.fields()[0].message.contains(password) || password == "password", "it is not repeated");
            error.fields()[0].code.to_string()
        }
    }
}

#[test]
fn bad_passwords_are_refused_for_what_is_wrong_with_them() {
    let policy = PasswordPolicy::default();
    for (password, outcome) in [
        ("gravel-otter-fifty-lantern", "good"),
        ("tr0ub4dour&3xyzzy", "good"),
        ("Straßenbahn fährt ohne Käse", "good"),
        ("学校の庭に大きな木がある", "good"),
        ("gravel-ada-otter-lantern", "good"),
        ("Xk7#pQ2!v", "password_too_short"),
        ("éééé", "password_too_short"),
        ("1234567890", "password_breached"),
        ("qwertyuiop", "password_breached"),
        ("Password123", "password_breached"),
        ("aaaaaaaaaaaaaaaa", "password_too_weak"),
        ("asdfghjkl;asdf", "password_too_weak"),
        ("21.11.2026", "password_too_weak"),
        ("adalovelace1", "password_breached"),
        ("Lovelace!2026", "password_breached"),
        ("ada.lovelace@analytical.example", "password_breached"),
        ("Nordlicht2026", "password_breached"),
        ("Cloister!!99", "password_breached"),
    ] {
        assert_eq!(verdict(&policy, password), outcome, "{password}");
    }
    assert_eq!(verdict(&policy, &"é".repeat(513)), "password_too_long");
}

#[test]
fn each_rule_counts_by_itself() {
    let lax = PasswordPolicy { min_strength: 0, min_length: 8, ..PasswordPolicy::default() };
    assert_eq!(verdict(&lax, "asdfghjkl;asdf"), "good");
    assert_eq!(verdict(&lax, "password"), "password_breached", "however lax");
    assert_eq!(verdict(&lax, "P@ssw0rd"), "password_breached", "disguised");
    let long = PasswordPolicy { min_length: 30, ..PasswordPolicy::default() };
    assert_eq!(verdict(&long, "gravel-otter-fifty-lantern"), "password_too_short");
    assert_eq!(verdict(&PasswordPolicy { min_length: 26, ..long }, "gravel-otter-fifty-lantern"), "good");
}

#[test]
fn whatever_is_sent_is_judged_and_soon() {
    let policy = PasswordPolicy { min_strength: 4, ..PasswordPolicy::default() };
    let started = std::time::Instant::now();
    for text in ["a", "ab", "@4(0$1!", "İ", "ß", "p@$$w0rd", "1qaz2wsx", "\u{301}", "🔑"] {
        let long: String = text.chars().cycle().take(MAX / 4).collect();
        let _ = check_password("password", &policy, &long, &[long.as_str(); 50]);
        let _ = check_password("password", &policy, &long, &[]);
    }
    // Measured: well under a second in all. The bound is for a machine that is busy with other tests.
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

const MAX: usize = super::MAX_BYTES;

#[test]
fn the_stricter_rule_holds_each_time() {
    let a = PasswordPolicy {
        min_length: 12,
        max_age_days: Some(90),
        attempts: 5,
        session_hours: 8,
        mfa_roles: vec!["owner".to_owned(), "admin".to_owned()],
        ..PasswordPolicy::default()
    };
    let b = PasswordPolicy {
        min_strength: 4,
        max_age_days: Some(365),
        lock_minutes: 60,
        idle_minutes: 30,
        mfa_roles: vec!["teacher".to_owned(), "owner".to_owned()],
        ..PasswordPolicy::default()
    };
    let both = PasswordPolicy::strictest(&a, &b);
    assert_eq!(both, PasswordPolicy::strictest(&b, &a));
    assert_eq!(
        both,
        PasswordPolicy {
            min_length: 12,
            min_strength: 4,
            max_age_days: Some(90),
            attempts: 5,
            lock_minutes: 60,
            session_hours: 8,
            idle_minutes: 30,
            mfa_roles: ["admin", "owner", "teacher"].map(str::to_owned).to_vec(),
        }
    );
    assert_eq!(PasswordPolicy::strictest(&PasswordPolicy::default(), &b).max_age_days, Some(365), "never is laxer");
    assert!(both.asks_second_factor(&["student", "teacher"]));
    assert!(!both.asks_second_factor(&["student"]));
}

#[test]
fn a_tenant_overrides_what_it_names() {
    let base = PasswordPolicy { max_age_days: Some(365), ..PasswordPolicy::default() };
    assert_eq!(PolicyOverrides::from_json(json!({})).unwrap().over(&base), base);
    let own = json!({ "min_length": 14, "max_age_days": 0, "mfa_roles": ["owner"] });
    let overrides = PolicyOverrides::from_json(own.clone()).unwrap();
    assert_eq!(serde_json::to_value(&overrides).unwrap(), own, "what is not named is not kept");
    assert_eq!(
        overrides.over(&base),
        PasswordPolicy { min_length: 14, max_age_days: None, mfa_roles: vec!["owner".to_owned()], ..base }
    );
}

#[test]
fn rules_have_bounds() {
    PasswordPolicy::default().validate().unwrap();
    for wrong in [
        json!({ "min_length": 7 }),
        json!({ "min_length": 129 }),
        json!({ "min_strength": 5 }),
        json!({ "attempts": 2 }),
        json!({ "lock_minutes": 0 }),
        json!({ "session_hours": 0 }),
        json!({ "idle_minutes": 4 }),
        json!({ "mfa_roles": [""] }),
        json!({ "mfa_roles": vec!["owner"; 21] }),
    ] {
        let overrides = PolicyOverrides::from_json(wrong.clone()).unwrap();
        assert!(overrides.validate().is_err(), "{wrong}");
        assert!(overrides.over(&PasswordPolicy::default()).validate().is_err(), "{wrong}");
    }
}
