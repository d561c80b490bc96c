//! Mails in English.

use super::{Catalogue, Text};

pub(super) static CATALOGUE: Catalogue = Catalogue {
    tag: "en",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    moment: "{{ day }} {{ month }} {{ year }}, {{ time }} ({{ zone }})",
    and: "and",
    roles: &[
        ("owner", "owner"),
        ("admin", "administrator"),
        ("teacher", "teacher"),
        ("student", "student"),
        ("guardian", "guardian"),
        ("staff", "staff"),
    ],
    link_hint: "If the button does not work, copy this address into your browser:",
    footer: "This mail was sent automatically on behalf of {{ brand }}.",
    verify_email: Text {
        subject: "Confirm your e-mail address",
        heading: "Is this your e-mail address?",
        before: &[
            "Somebody, presumably you, gave this address for an account at {{ brand }}. Confirm that it is yours.",
        ],
        facts: &[],
        button: Some("Confirm the address"),
        after: &["If it was not you, do nothing. Without the confirmation the address is not used."],
    },
    reset_password: Text {
        subject: "Choose a new password",
        heading: "Choose a new password",
        before: &["Somebody, presumably you, forgot the password of your account at {{ brand }}."],
        facts: &[],
        button: Some("Choose a new password"),
        after: &[
            "The link works once, within {{ minutes }} minutes.",
            "If it was not you, do nothing. Your password stays as it is.",
        ],
    },
    new_device: Text {
        subject: "Your account was used on a new device",
        heading: "Was this you?",
        before: &["Your account at {{ brand }} was used on a device it had not been used on before."],
        facts: &[("Device", "{{ device }}"), ("From", "{{ place }}"), ("When", "{{ at }}")],
        button: None,
        after: &[
            "If it was you, there is nothing to do.",
            "If it was not you, change your password now and end all sessions in your account's settings.",
        ],
    },
    invitation: Text {
        subject: "Invitation to {{ tenant }}",
        heading: "Join {{ tenant }}",
        before: &[
            "{% if inviter %}{{ inviter }} invites you to join {{ tenant }}.{% else %}You are invited to join {{ tenant }}.{% endif %}",
        ],
        facts: &[("As", "{{ roles }}"), ("Open until", "{{ expires }}")],
        button: Some("Accept the invitation"),
        after: &["The link is meant for you alone: do not pass it on. If you did not expect it, do nothing."],
    },
    signup_verify: Text {
        subject: "Confirm your sign-up",
        heading: "Confirm your sign-up",
        before: &[
            "Somebody, presumably you, asked for a space of their own at {{ brand }} and gave this address. Confirm it, and everything is prepared.",
        ],
        facts: &[("Name", "{{ name }}")],
        button: Some("Confirm the sign-up"),
        after: &["If it was not you, do nothing. What was asked for is then removed."],
    },
    signup_existing: Text {
        subject: "Sign in to confirm your sign-up",
        heading: "Sign in to confirm your sign-up",
        before: &[
            "Somebody, presumably you, asked for a space of their own at {{ brand }} and gave this address. You have an account already: sign in to confirm it.",
        ],
        facts: &[("Name", "{{ name }}")],
        button: Some("Sign in and confirm"),
        after: &["If it was not you, do nothing. Your account stays as it is, and what was asked for is removed."],
    },
    operator_entered: Text {
        subject: "An operator of the platform has entered {{ brand }}",
        heading: "An operator has entered {{ brand }}",
        before: &[
            "{% if elevated %}An operator of the platform has entered {{ brand }} and may see and change data there.{% else %}An operator of the platform has entered {{ brand }} and may see data there, and change nothing.{% endif %}",
        ],
        facts: &[("Operator", "{{ operator }}"), ("Reason", "{{ reason }}"), ("Until", "{{ until }}")],
        button: None,
        after: &[
            "What the operator does is in your audit log. If you have questions about it, ask the operator of the platform.",
        ],
    },
    password_changed: Text {
        subject: "Your password was changed",
        heading: "Your password was changed",
        before: &["The password of your account at {{ brand }} was changed."],
        facts: &[("Device", "{{ device }}"), ("When", "{{ at }}")],
        button: None,
        after: &[
            "If it was you, there is nothing to do.",
            "If it was not you, choose a new password at once (\"forgot password\" on the sign-in page) and tell those who manage {{ brand }}.",
        ],
    },
    mfa_changed: Text {
        subject: "{% if what == 'enabled' %}Two-step sign-in was switched on{% elif what == 'disabled' %}Two-step sign-in was switched off{% elif what == 'codes_renewed' %}New recovery codes{% else %}A recovery code was used{% endif %}",
        heading: "{% if what == 'enabled' %}Two-step sign-in is on{% elif what == 'disabled' %}Two-step sign-in is off{% elif what == 'codes_renewed' %}There are new recovery codes{% else %}A recovery code was used{% endif %}",
        before: &[
            "{% if what == 'enabled' %}From now on your account at {{ brand }} asks for a code of your authenticator app.{% elif what == 'disabled' %}Your account at {{ brand }} no longer asks for a code of your authenticator app.{% elif what == 'codes_renewed' %}Your account at {{ brand }} has new recovery codes. The old ones are worth nothing from now on.{% else %}Somebody signed in to your account at {{ brand }} by a recovery code. That code is worth nothing from now on.{% endif %}",
        ],
        facts: &[("When", "{{ at }}")],
        button: None,
        after: &[
            "If it was you, there is nothing to do.",
            "If it was not you, change your password now and tell those who manage {{ brand }}.",
        ],
    },
};
