//! Mails in German.

use super::{Catalogue, Text};

pub(super) static CATALOGUE: Catalogue = Catalogue {
    tag: "de",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    moment: "{{ day }}. {{ month }} {{ year }}, {{ time }} Uhr ({{ zone }})",
    and: "und",
    roles: &[
        ("owner", "Inhaberin oder Inhaber"),
        ("admin", "Verwaltung"),
        ("teacher", "Lehrperson"),
        ("student", "Schülerin oder Schüler"),
        ("guardian", "erziehungsberechtigte Person"),
        ("staff", "Personal"),
    ],
    link_hint: "Falls der Knopf nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:",
    footer: "Diese Nachricht wurde automatisch im Namen von {{ brand }} versandt.",
    verify_email: Text {
        subject: "Bestätigen Sie Ihre E-Mail-Adresse",
        heading: "Ist das Ihre E-Mail-Adresse?",
        before: &[
            "Jemand, vermutlich Sie, hat diese Adresse für ein Konto bei {{ brand }} angegeben. Bestätigen Sie, dass es Ihre ist.",
        ],
        facts: &[],
        button: Some("Adresse bestätigen"),
        after: &["Falls Sie es nicht waren, tun Sie nichts. Ohne Bestätigung wird die Adresse nicht verwendet."],
    },
    reset_password: Text {
        subject: "Wählen Sie ein neues Passwort",
        heading: "Wählen Sie ein neues Passwort",
        before: &["Jemand, vermutlich Sie, hat das Passwort Ihres Kontos bei {{ brand }} vergessen."],
        facts: &[],
        button: Some("Neues Passwort wählen"),
        after: &[
            "Der Link funktioniert einmal, innerhalb von {{ minutes }} Minuten.",
            "Falls Sie es nicht waren, tun Sie nichts. Ihr Passwort bleibt, wie es ist.",
        ],
    },
    new_device: Text {
        subject: "Ihr Konto wurde auf einem neuen Gerät verwendet",
        heading: "Waren Sie das?",
        before: &["Ihr Konto bei {{ brand }} wurde auf einem Gerät verwendet, auf dem es bisher nie verwendet wurde."],
        facts: &[("Gerät", "{{ device }}"), ("Von", "{{ place }}"), ("Wann", "{{ at }}")],
        button: None,
        after: &[
            "Falls Sie es waren, ist nichts zu tun.",
            "Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie in den Einstellungen Ihres Kontos alle Sitzungen.",
        ],
    },
    invitation: Text {
        subject: "Einladung zu {{ tenant }}",
        heading: "Treten Sie {{ tenant }} bei",
        before: &[
            "{% if inviter %}{{ inviter }} lädt Sie ein, {{ tenant }} beizutreten.{% else %}Sie sind eingeladen, {{ tenant }} beizutreten.{% endif %}",
        ],
        facts: &[("Als", "{{ roles }}"), ("Offen bis", "{{ expires }}")],
        button: Some("Einladung annehmen"),
        after: &[
            "Der Link ist nur für Sie bestimmt: Geben Sie ihn nicht weiter. Falls Sie ihn nicht erwartet haben, tun Sie nichts.",
        ],
    },
    signup_verify: Text {
        subject: "Bestätigen Sie Ihre Registrierung",
        heading: "Bestätigen Sie Ihre Registrierung",
        before: &[
            "Jemand, vermutlich Sie, möchte bei {{ brand }} einen eigenen Bereich und hat diese Adresse angegeben. Bestätigen Sie es, und alles wird vorbereitet.",
        ],
        facts: &[("Name", "{{ name }}")],
        button: Some("Registrierung bestätigen"),
        after: &["Falls Sie es nicht waren, tun Sie nichts. Die Registrierung wird dann gelöscht."],
    },
    signup_existing: Text {
        subject: "Melden Sie sich an, um die Registrierung zu bestätigen",
        heading: "Melden Sie sich an, um die Registrierung zu bestätigen",
        before: &[
            "Jemand, vermutlich Sie, möchte bei {{ brand }} einen eigenen Bereich und hat diese Adresse angegeben. Sie haben bereits ein Konto: Melden Sie sich damit an, um es zu bestätigen.",
        ],
        facts: &[("Name", "{{ name }}")],
        button: Some("Anmelden und bestätigen"),
        after: &[
            "Falls Sie es nicht waren, tun Sie nichts. Ihr Konto bleibt, wie es ist, und die Registrierung wird gelöscht.",
        ],
    },
    operator_entered: Text {
        subject: "Eine Betriebsperson der Plattform hat {{ brand }} betreten",
        heading: "Eine Betriebsperson hat {{ brand }} betreten",
        before: &[
            "{% if elevated %}Eine Betriebsperson der Plattform hat {{ brand }} betreten und darf dort Daten sehen und ändern.{% else %}Eine Betriebsperson der Plattform hat {{ brand }} betreten und darf dort Daten sehen, aber nichts ändern.{% endif %}",
        ],
        facts: &[("Betriebsperson", "{{ operator }}"), ("Grund", "{{ reason }}"), ("Bis", "{{ until }}")],
        button: None,
        after: &[
            "Was die Betriebsperson tut, steht in Ihrem Protokoll. Bei Fragen dazu wenden Sie sich an den Betrieb der Plattform.",
        ],
    },
    password_changed: Text {
        subject: "Ihr Passwort wurde geändert",
        heading: "Ihr Passwort wurde geändert",
        before: &["Das Passwort Ihres Kontos bei {{ brand }} wurde geändert."],
        facts: &[("Gerät", "{{ device }}"), ("Wann", "{{ at }}")],
        button: None,
        after: &[
            "Falls Sie es waren, ist nichts zu tun.",
            "Falls Sie es nicht waren, wählen Sie sofort ein neues Passwort («Passwort vergessen» auf der Anmeldeseite) und melden Sie es denen, die {{ brand }} verwalten.",
        ],
    },
    mfa_changed: Text {
        subject: "{% if what == 'enabled' %}Die Anmeldung in zwei Schritten wurde eingeschaltet{% elif what == 'disabled' %}Die Anmeldung in zwei Schritten wurde ausgeschaltet{% elif what == 'codes_renewed' %}Neue Wiederherstellungscodes{% else %}Ein Wiederherstellungscode wurde verwendet{% endif %}",
        heading: "{% if what == 'enabled' %}Die Anmeldung in zwei Schritten ist eingeschaltet{% elif what == 'disabled' %}Die Anmeldung in zwei Schritten ist ausgeschaltet{% elif what == 'codes_renewed' %}Es gibt neue Wiederherstellungscodes{% else %}Ein Wiederherstellungscode wurde verwendet{% endif %}",
        before: &[
            "{% if what == 'enabled' %}Ab jetzt verlangt Ihr Konto bei {{ brand }} einen Code Ihrer Authenticator-App.{% elif what == 'disabled' %}Ihr Konto bei {{ brand }} verlangt keinen Code Ihrer Authenticator-App mehr.{% elif what == 'codes_renewed' %}Ihr Konto bei {{ brand }} hat neue Wiederherstellungscodes. Die alten sind ab jetzt wertlos.{% else %}Jemand hat sich mit einem Wiederherstellungscode bei Ihrem Konto bei {{ brand }} angemeldet. Dieser Code ist ab jetzt wertlos.{% endif %}",
        ],
        facts: &[("Wann", "{{ at }}")],
        button: None,
        after: &[
            "Falls Sie es waren, ist nichts zu tun.",
            "Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und melden Sie es denen, die {{ brand }} verwalten.",
        ],
    },
};
