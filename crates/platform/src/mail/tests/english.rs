//! Mails in English.

use super::{
    invitation, mfa_changed, new_device, operator_entered, password_changed, reset_password, said, signup_existing,
    signup_verify, verify_email,
};
use crate::mail::template::MfaChange;

#[test]
fn an_address_is_to_be_confirmed() {
    insta::assert_snapshot!(said("en", &verify_email()), @r#"
    Confirm your e-mail address
    =====
    North High

    Is this your e-mail address?

    Somebody, presumably you, gave this address for an account at North High. Confirm that it is yours.

    Confirm the address:
    https://north.schools.example/x?token=t&more=1

    If it was not you, do nothing. Without the confirmation the address is not used.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_password_was_forgotten() {
    insta::assert_snapshot!(said("en", &reset_password()), @r#"
    Choose a new password
    =====
    North High

    Choose a new password

    Somebody, presumably you, forgot the password of your account at North High.

    Choose a new password:
    https://north.schools.example/x?token=t&more=1

    The link works once, within 60 minutes.

    If it was not you, do nothing. Your password stays as it is.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_new_device_was_used() {
    insta::assert_snapshot!(said("en", &new_device(Some("192.0.2.7"))), @r#"
    Your account was used on a new device
    =====
    North High

    Was this you?

    Your account at North High was used on a device it had not been used on before.

    Device: Firefox on Linux
    From: 192.0.2.7
    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, change your password now and end all sessions in your account's settings.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn somebody_invites() {
    insta::assert_snapshot!(said("en", &invitation(Some("Ada Okafor"), &["teacher", "guardian", "Choir lead"])), @r#"
    Invitation to North High
    =====
    North High

    Join North High

    Ada Okafor invites you to join North High.

    As: teacher, guardian and Choir lead
    Open until: 5 January 2026, 10:00 (CET)

    Accept the invitation:
    https://north.schools.example/x?token=t&more=1

    The link is meant for you alone: do not pass it on. If you did not expect it, do nothing.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn nobody_in_particular_invites() {
    insta::assert_snapshot!(said("en", &invitation(None, &["student"])), @r#"
    Invitation to North High
    =====
    North High

    Join North High

    You are invited to join North High.

    As: student
    Open until: 5 January 2026, 10:00 (CET)

    Accept the invitation:
    https://north.schools.example/x?token=t&more=1

    The link is meant for you alone: do not pass it on. If you did not expect it, do nothing.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_signup_is_to_be_confirmed() {
    insta::assert_snapshot!(said("en", &signup_verify()), @r#"
    Confirm your sign-up
    =====
    North High

    Confirm your sign-up

    Somebody, presumably you, asked for a space of their own at North High and gave this address. Confirm it, and everything is prepared.

    Name: South High

    Confirm the sign-up:
    https://north.schools.example/x?token=t&more=1

    If it was not you, do nothing. What was asked for is then removed.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_signup_of_an_account() {
    insta::assert_snapshot!(said("en", &signup_existing()), @r#"
    Sign in to confirm your sign-up
    =====
    North High

    Sign in to confirm your sign-up

    Somebody, presumably you, asked for a space of their own at North High and gave this address. You have an account already: sign in to confirm it.

    Name: South High

    Sign in and confirm:
    https://north.schools.example/x?token=t&more=1

    If it was not you, do nothing. Your account stays as it is, and what was asked for is removed.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn an_operator_looks() {
    insta::assert_snapshot!(said("en", &operator_entered(false)), @r#"
    An operator of the platform has entered North High
    =====
    North High

    An operator has entered North High

    An operator of the platform has entered North High and may see data there, and change nothing.

    Operator: Olga
    Reason: Looks at ticket 4711
    Until: 5 January 2026, 10:00 (CET)

    What the operator does is in your audit log. If you have questions about it, ask the operator of the platform.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn an_operator_may_change() {
    insta::assert_snapshot!(said("en", &operator_entered(true)), @r#"
    An operator of the platform has entered North High
    =====
    North High

    An operator has entered North High

    An operator of the platform has entered North High and may see and change data there.

    Operator: Olga
    Reason: Looks at ticket 4711
    Until: 5 January 2026, 10:00 (CET)

    What the operator does is in your audit log. If you have questions about it, ask the operator of the platform.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_password_was_changed() {
    insta::assert_snapshot!(said("en", &password_changed(Some("Firefox on Linux"))), @r#"
    Your password was changed
    =====
    North High

    Your password was changed

    The password of your account at North High was changed.

    Device: Firefox on Linux
    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, choose a new password at once ("forgot password" on the sign-in page) and tell those who manage North High.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn the_second_factor_is_on() {
    insta::assert_snapshot!(said("en", &mfa_changed(MfaChange::Enabled)), @r#"
    Two-step sign-in was switched on
    =====
    North High

    Two-step sign-in is on

    From now on your account at North High asks for a code of your authenticator app.

    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, change your password now and tell those who manage North High.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn the_second_factor_is_off() {
    insta::assert_snapshot!(said("en", &mfa_changed(MfaChange::Disabled)), @r#"
    Two-step sign-in was switched off
    =====
    North High

    Two-step sign-in is off

    Your account at North High no longer asks for a code of your authenticator app.

    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, change your password now and tell those who manage North High.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn there_are_new_codes() {
    insta::assert_snapshot!(said("en", &mfa_changed(MfaChange::CodesRenewed)), @r#"
    New recovery codes
    =====
    North High

    There are new recovery codes

    Your account at North High has new recovery codes. The old ones are worth nothing from now on.

    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, change your password now and tell those who manage North High.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}

#[test]
fn a_code_was_used() {
    insta::assert_snapshot!(said("en", &mfa_changed(MfaChange::CodeUsed)), @r#"
    A recovery code was used
    =====
    North High

    A recovery code was used

    Somebody signed in to your account at North High by a recovery code. That code is worth nothing from now on.

    When: 5 January 2026, 10:00 (CET)

    If it was you, there is nothing to do.

    If it was not you, change your password now and tell those who manage North High.

    --
    This mail was sent automatically on behalf of North High.
    "#);
}
