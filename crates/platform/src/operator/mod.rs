//! Operators: accounts that may do things to the platform itself.

/// What an operator of this role may do on the platform, outside of every tenant.
pub(crate) fn permissions(role: &str) -> Vec<String> {
    let may: &[&str] = match role {
        "viewer" => &["platform.tenant.read", "platform.audit.read", "platform.mail.read", "platform.signup.read"],
        "support" => &[
            "platform.tenant.read",
            "platform.audit.read",
            "platform.mail.read",
            "platform.mail_body.read",
            "platform.signup.*",
            "platform.entry.*",
        ],
        "admin" => &["platform.*"],
        _ => &[],
    };
    may.iter().map(|permission| (*permission).to_owned()).collect()
}
