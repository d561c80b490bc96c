//! What mails there are, each with what it must be told.

use std::fmt;

use jiff::Timestamp;

/// A mail's content. Texts that came from people are cleaned and shortened when it is written.
#[derive(Clone)]
pub enum Template {
    /// Somebody gave this address: is it theirs?
    VerifyEmail {
        /// Opens the page that says yes.
        link: String,
    },
    /// Somebody forgot the password of the account with this address.
    ResetPassword {
        /// Opens the page for a new one.
        link: String,
        /// How long the link is good.
        minutes: u32,
    },
    /// The account was used on a device it was never used on.
    NewDevice {
        /// Such as `Firefox on Linux`.
        device: String,
        /// From where, as far as that is known: an address or a place.
        place: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Somebody is asked to join a tenant.
    Invitation {
        /// Its name.
        tenant: String,
        /// Who asks, by name.
        inviter: Option<String>,
        /// Names of roles, such as `teacher`; a tenant's own roles by their display name.
        roles: Vec<String>,
        /// Opens the page that says yes.
        link: String,
        /// How long the link is good.
        expires: Timestamp,
    },
    /// Somebody asked for a tenant and gave this address.
    SignupVerify {
        /// The tenant's name.
        name: String,
        /// Opens the page that says yes.
        link: String,
    },
    /// The same, and there is an account with this address already: its owner must sign in to say yes.
    SignupExisting {
        /// The tenant's name.
        name: String,
        /// Opens the page to sign in and say yes.
        link: String,
    },
    /// An operator of the platform has entered the tenant.
    OperatorEntered {
        /// By name.
        operator: String,
        /// Why, in the operator's words.
        reason: String,
        /// May also change things.
        elevated: bool,
        /// For how long.
        until: Timestamp,
    },
    /// The account has a new password.
    PasswordChanged {
        /// Where it was set, such as `Firefox on Linux`.
        device: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Something changed about the account's second factor.
    MfaChanged {
        /// What.
        what: MfaChange,
        /// When.
        at: Timestamp,
    },
}

/// A change about a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfaChange {
    /// An authenticator app is asked for from now on.
    Enabled,
    /// It no longer is.
    Disabled,
    /// There are new recovery codes, and the old ones are worth nothing.
    CodesRenewed,
    /// Somebody signed in by a recovery code.
    CodeUsed,
}

impl MfaChange {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Enabled, Self::Disabled, Self::CodesRenewed, Self::CodeUsed];

    /// The word for it in the texts.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::CodesRenewed => "codes_renewed",
            Self::CodeUsed => "code_used",
        }
    }
}

impl Template {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::ResetPassword { .. } => "reset_password",
            Self::NewDevice { .. } => "new_device",
            Self::Invitation { .. } => "invitation",
            Self::SignupVerify { .. } => "signup_verify",
            Self::SignupExisting { .. } => "signup_existing",
            Self::OperatorEntered { .. } => "operator_entered",
            Self::PasswordChanged { .. } => "password_changed",
            Self::MfaChanged { .. } => "mfa_changed",
        }
    }

    /// Whether it goes out by the tenant's lane of the queue, which stands still while the tenant is not in use. A tenant that
    /// is being signed up is not in use yet, and the owner of a suspended one must still learn who looks at it: those mails
    /// go by the platform's lane.
    pub const fn waits_for_tenant(&self) -> bool {
        !matches!(self, Self::SignupVerify { .. } | Self::SignupExisting { .. } | Self::OperatorEntered { .. })
    }

    /// Whether it bears the tenant's brand. Anybody can sign up a tenant of any name and any address: what goes there is the
    /// platform's own mail.
    pub(super) const fn bears_brand(&self) -> bool {
        !matches!(self, Self::SignupVerify { .. } | Self::SignupExisting { .. })
    }

    /// The link in it.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::VerifyEmail { link }
            | Self::ResetPassword { link, .. }
            | Self::Invitation { link, .. }
            | Self::SignupVerify { link, .. }
            | Self::SignupExisting { link, .. } => Some(link),
            _ => None,
        }
    }
}

impl fmt::Debug for Template {
    /// The name alone: the links are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
