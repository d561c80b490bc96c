//! Mails in German.

use super::{
    invitation, mfa_changed, new_device, operator_entered, password_changed, reset_password, said, signup_existing,
    signup_verify, verify_email,
};
use crate::mail::template::MfaChange;

#[test]
fn an_address_is_to_be_confirmed() {
    insta::assert_snapshot!(said("de", &verify_email()), @r#"
    Bestätigen Sie Ihre E-Mail-Adresse
    =====
    North High

    Ist das Ihre E-Mail-Adresse?

    Jemand, vermutlich Sie, hat diese Adresse für ein Konto bei North High angegeben. Bestätigen Sie, dass es Ihre ist.

    Adresse bestätigen:
    https://north.schools.example/x?token=t&more=1

    Falls Sie es nicht waren, tun Sie nichts. Ohne Bestätigung wird die Adresse nicht verwendet.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_password_was_forgotten() {
    insta::assert_snapshot!(said("de", &reset_password()), @r#"
    Wählen Sie ein neues Passwort
    =====
    North High

    Wählen Sie ein neues Passwort

    Jemand, vermutlich Sie, hat das Passwort Ihres Kontos bei North High vergessen.

    Neues Passwort wählen:
    https://north.schools.example/x?token=t&more=1

    Der Link funktioniert einmal, innerhalb von 60 Minuten.

    Falls Sie es nicht waren, tun Sie nichts. Ihr Passwort bleibt, wie es ist.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_new_device_was_used() {
    insta::assert_snapshot!(said("de", &new_device(Some("192.0.2.7"))), @r#"
    Ihr Konto wurde auf einem neuen Gerät verwendet
    =====
    North High

    Waren Sie das?

    Ihr Konto bei North High wurde auf einem Gerät verwendet, auf dem es bisher nie verwendet wurde.

    Gerät: Firefox on Linux
    Von: 192.0.2.7
    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie in den Einstellungen Ihres Kontos alle Sitzungen.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn somebody_invites() {
    insta::assert_snapshot!(said("de", &invitation(Some("Ada Okafor"), &["teacher", "guardian", "Choir lead"])), @r#"
    Einladung zu North High
    =====
    North High

    Treten Sie North High bei

    Ada Okafor lädt Sie ein, North High beizutreten.

    Als: Lehrperson, erziehungsberechtigte Person und Choir lead
    Offen bis: 5. Januar 2026, 10:00 Uhr (CET)

    Einladung annehmen:
    https://north.schools.example/x?token=t&more=1

    Der Link ist nur für Sie bestimmt: Geben Sie ihn nicht weiter. Falls Sie ihn nicht erwartet haben, tun Sie nichts.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn nobody_in_particular_invites() {
    insta::assert_snapshot!(said("de", &invitation(None, &["student"])), @r#"
    Einladung zu North High
    =====
    North High

    Treten Sie North High bei

    Sie sind eingeladen, North High beizutreten.

    Als: Schülerin oder Schüler
    Offen bis: 5. Januar 2026, 10:00 Uhr (CET)

    Einladung annehmen:
    https://north.schools.example/x?token=t&more=1

    Der Link ist nur für Sie bestimmt: Geben Sie ihn nicht weiter. Falls Sie ihn nicht erwartet haben, tun Sie nichts.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_signup_is_to_be_confirmed() {
    insta::assert_snapshot!(said("de", &signup_verify()), @r#"
    Bestätigen Sie Ihre Registrierung
    =====
    North High

    Bestätigen Sie Ihre Registrierung

    Jemand, vermutlich Sie, möchte bei North High einen eigenen Bereich und hat diese Adresse angegeben. Bestätigen Sie es, und alles wird vorbereitet.

    Name: South High

    Registrierung bestätigen:
    https://north.schools.example/x?token=t&more=1

    Falls Sie es nicht waren, tun Sie nichts. Die Registrierung wird dann gelöscht.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_signup_of_an_account() {
    insta::assert_snapshot!(said("de", &signup_existing()), @r#"
    Melden Sie sich an, um die Registrierung zu bestätigen
    =====
    North High

    Melden Sie sich an, um die Registrierung zu bestätigen

    Jemand, vermutlich Sie, möchte bei North High einen eigenen Bereich und hat diese Adresse angegeben. Sie haben bereits ein Konto: Melden Sie sich damit an, um es zu bestätigen.

    Name: South High

    Anmelden und bestätigen:
    https://north.schools.example/x?token=t&more=1

    Falls Sie es nicht waren, tun Sie nichts. Ihr Konto bleibt, wie es ist, und die Registrierung wird gelöscht.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn an_operator_looks() {
    insta::assert_snapshot!(said("de", &operator_entered(false)), @r#"
    Eine Betriebsperson der Plattform hat North High betreten
    =====
    North High

    Eine Betriebsperson hat North High betreten

    Eine Betriebsperson der Plattform hat North High betreten und darf dort Daten sehen, aber nichts ändern.

    Betriebsperson: Olga
    Grund: Looks at ticket 4711
    Bis: 5. Januar 2026, 10:00 Uhr (CET)

    Was die Betriebsperson tut, steht in Ihrem Protokoll. Bei Fragen dazu wenden Sie sich an den Betrieb der Plattform.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn an_operator_may_change() {
    insta::assert_snapshot!(said("de", &operator_entered(true)), @r#"
    Eine Betriebsperson der Plattform hat North High betreten
    =====
    North High

    Eine Betriebsperson hat North High betreten

    Eine Betriebsperson der Plattform hat North High betreten und darf dort Daten sehen und ändern.

    Betriebsperson: Olga
    Grund: Looks at ticket 4711
    Bis: 5. Januar 2026, 10:00 Uhr (CET)

    Was die Betriebsperson tut, steht in Ihrem Protokoll. Bei Fragen dazu wenden Sie sich an den Betrieb der Plattform.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_password_was_changed() {
    insta::assert_snapshot!(said("de", &password_changed(Some("Firefox on Linux"))), @r#"
    Ihr Passwort wurde geändert
    =====
    North High

    Ihr Passwort wurde geändert

    Das Passwort Ihres Kontos bei North High wurde geändert.

    Gerät: Firefox on Linux
    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, wählen Sie sofort ein neues Passwort («Passwort vergessen» auf der Anmeldeseite) und melden Sie es denen, die North High verwalten.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn the_second_factor_is_on() {
    insta::assert_snapshot!(said("de", &mfa_changed(MfaChange::Enabled)), @r#"
    Die Anmeldung in zwei Schritten wurde eingeschaltet
    =====
    North High

    Die Anmeldung in zwei Schritten ist eingeschaltet

    Ab jetzt verlangt Ihr Konto bei North High einen Code Ihrer Authenticator-App.

    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und melden Sie es denen, die North High verwalten.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn the_second_factor_is_off() {
    insta::assert_snapshot!(said("de", &mfa_changed(MfaChange::Disabled)), @r#"
    Die Anmeldung in zwei Schritten wurde ausgeschaltet
    =====
    North High

    Die Anmeldung in zwei Schritten ist ausgeschaltet

    Ihr Konto bei North High verlangt keinen Code Ihrer Authenticator-App mehr.

    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und melden Sie es denen, die North High verwalten.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn there_are_new_codes() {
    insta::assert_snapshot!(said("de", &mfa_changed(MfaChange::CodesRenewed)), @r#"
    Neue Wiederherstellungscodes
    =====
    North High

    Es gibt neue Wiederherstellungscodes

    Ihr Konto bei North High hat neue Wiederherstellungscodes. Die alten sind ab jetzt wertlos.

    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und melden Sie es denen, die North High verwalten.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}

#[test]
fn a_code_was_used() {
    insta::assert_snapshot!(said("de", &mfa_changed(MfaChange::CodeUsed)), @r#"
    Ein Wiederherstellungscode wurde verwendet
    =====
    North High

    Ein Wiederherstellungscode wurde verwendet

    Jemand hat sich mit einem Wiederherstellungscode bei Ihrem Konto bei North High angemeldet. Dieser Code ist ab jetzt wertlos.

    Wann: 5. Januar 2026, 10:00 Uhr (CET)

    Falls Sie es waren, ist nichts zu tun.

    Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und melden Sie es denen, die North High verwalten.

    --
    Diese Nachricht wurde automatisch im Namen von North High versandt.
    "#);
}
