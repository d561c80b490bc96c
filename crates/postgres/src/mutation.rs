//! Guards that a test can take away, one at a time, to see whether another test then fails.
//!
//! With the feature `failpoints`, `CLOISTER_MUTATE=<name>,…` takes away the guards of these names. Without it every question
//! here is a constant, and nothing of this is in the program. A release does not compile with the feature.
//!
//! The names lie in this room because connections have guards too, and every other room leans on it. What they are about is
//! told where they are asked for.

macro_rules! guards {
    ($($(#[$doc:meta])* $guard:ident = $name:literal;)*) => {
        /// A guard that stands in the program's text, by hand. Those that follow from tables, statements and permissions
        /// are found there instead.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Guard {
            $($(#[$doc])* $guard,)*
        }

        impl Guard {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$guard),*];

            /// What it is taken away by.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$guard => concat!("guard/", $name),)*
                }
            }
        }
    };
}

guards! {
    /// A connection that is given back inside a transaction is not lent to another.
    DiscardOnDrop = "discard_on_drop";
    /// A session that stands in another schema is told to go to the one that is asked for.
    SearchPath = "search_path";
    /// `$1` is the tenant of the context.
    TenantBound = "tenant_bound";
    /// Sources that name two tenants are refused.
    SourcesAgree = "sources_agree";
    /// The token's tenant is one of the sources.
    TokenIsSource = "token_is_source";
    /// A source that names nobody is refused though another names a tenant.
    UnknownSourceRefused = "unknown_source_refused";
    /// A token of one tenant makes no context of another, though it were no source.
    TokenTenant = "token_tenant";
    /// A caller's token is of the tenant that the address names, where no tenant is needed too.
    CallerTenant = "caller_tenant";
    /// A tenant that is not in use admits nobody.
    StatusAdmits = "status_admits";
    /// A kind of tenant has only its own modules.
    ModuleOfKind = "module_of_kind";
    /// Who may not see a thing is told that it does not exist.
    NotFoundBeforeForbidden = "not_found_before_forbidden";
    /// The same for operators.
    OperatorNotFound = "operator_not_found";
    /// Within a tenant nobody is an operator.
    OperatorOutside = "operator_outside";
    /// A token for a tenant claims no operator's permissions.
    OperatorClaims = "operator_claims";
    /// A permission within a scope is none for everything.
    ScopeIsNotAll = "scope_is_not_all";
    /// An idempotency key is its actor's own.
    IdempotencyActor = "idempotency_actor";
    /// A cursor is good for the list and the tenant it was made for.
    CursorTenant = "cursor_tenant";
    /// What is counted for a tenant is counted by the tenant.
    RateKeyTenant = "rate_key_tenant";
    /// A job works for the tenant that left it.
    JobTenant = "job_tenant";
    /// A job of a tenant waits in the tenant's own lane.
    JobLane = "job_lane";
    /// A cookie that is remembered is good on the host it was set for.
    CookieHostRemembered = "cookie_host_remembered";
    /// A cookie that is looked up is good on the host it was set for.
    CookieHostRead = "cookie_host_read";
    /// A credential is remembered under the whole of its text.
    CredentialMemory = "credential_memory";
    /// A token is good while its session and roles are what they were.
    Revocation = "revocation";
    /// A token's signature is looked at.
    TokenSignature = "token_signature";
    /// A token ends.
    TokenExpiry = "token_expiry";
    /// A login that could get round the walls is refused.
    PrivilegesChecked = "privileges_checked";
}

/// Whether this guard was taken away.
#[cfg(feature = "failpoints")]
pub fn is_off(guard: Guard) -> bool {
    is_named(guard.name())
}

/// It never is: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn is_off(_guard: Guard) -> bool {
    false
}

impl Guard {
    /// The guards without which this one is looked at: they stand before it, and would hide that it is gone.
    pub const fn behind(self) -> &'static [Self] {
        match self {
            Self::TokenTenant => &[Self::TokenIsSource],
            Self::OperatorOutside => &[Self::OperatorClaims],
            Self::OperatorClaims => &[Self::OperatorOutside],
            _ => &[],
        }
    }
}

/// Whether the permission of this resource and action was made everybody's.
#[cfg(feature = "failpoints")]
pub fn is_permission_off(resource: &dyn std::fmt::Display, action: &str) -> bool {
    is_named(&format!("permission/{resource}.{action}"))
}

/// It never is: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn is_permission_off(_resource: &dyn std::fmt::Display, _action: &str) -> bool {
    false
}

/// A note that somebody was asked for this permission.
#[cfg(feature = "failpoints")]
pub fn asked(resource: &dyn std::fmt::Display, action: &str) {
    crate::record::passed(&format!("asked/{resource}.{action}"));
}

/// Nothing: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn asked(_resource: &dyn std::fmt::Display, _action: &str) {}

/// Whether what a scope keeps out was let in.
#[cfg(feature = "failpoints")]
pub fn is_scope_off(scope: &str) -> bool {
    is_named(&format!("scope/{scope}"))
}

/// It never is: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn is_scope_off(_scope: &str) -> bool {
    false
}

/// Whether it was taken away; and a note that it was asked for, so that only the tests that pass a guard are run without it.
#[cfg(feature = "failpoints")]
fn is_named(name: &str) -> bool {
    use std::{collections::HashSet, sync::LazyLock};

    static OFF: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let names = std::env::var("CLOISTER_MUTATE").unwrap_or_default();
        names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    });
    crate::record::passed(name);
    OFF.contains(name)
}
