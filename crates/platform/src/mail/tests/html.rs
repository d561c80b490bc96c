//! The layout in HTML.

use super::{brand, invitation, new_device};
use crate::mail::render::{Brand, render};

#[test]
fn with_a_button() {
    let template = invitation(Some("Ada Okafor"), &["teacher"]);
    insta::assert_snapshot!(render(&template, "en", &brand()).unwrap().html, @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Invitation to North High</title>
    </head>
    <body style="margin:0;padding:0;background-color:#f3f4f6">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f3f4f6">
    <tr><td align="center" style="padding:24px 12px">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;background-color:#ffffff;border:1px solid #e5e7eb;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px;color:#111827">
    <tr><td style="padding:16px 24px;background-color:#ffcc00;color:#111827;font-weight:bold">North High</td></tr>
    <tr><td style="padding:24px">
    <h1 style="margin:0 0 16px;font-size:22px;line-height:28px">Join North High</h1>
    <p style="margin:0 0 16px">Ada Okafor invites you to join North High.</p>
    <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px">
    <tr><td style="padding:2px 16px 2px 0;color:#4b5563;vertical-align:top">As</td><td style="padding:2px 0">teacher</td></tr>
    <tr><td style="padding:2px 16px 2px 0;color:#4b5563;vertical-align:top">Open until</td><td style="padding:2px 0">5 January 2026, 10:00 (CET)</td></tr>
    </table>
    <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px">
    <tr><td style="background-color:#ffcc00;border-radius:4px"><a href="https://north.schools.example/x?token=t&amp;more=1" style="display:inline-block;padding:12px 20px;color:#111827;text-decoration:none;font-weight:bold">Accept the invitation</a></td></tr>
    </table>
    <p style="margin:0 0 16px;font-size:13px;line-height:18px;color:#4b5563">If the button does not work, copy this address into your browser:<br><a href="https://north.schools.example/x?token=t&amp;more=1" style="color:#4b5563;word-break:break-all">https://north.schools.example/x?token=t&amp;more=1</a></p>
    <p style="margin:0 0 16px">The link is meant for you alone: do not pass it on. If you did not expect it, do nothing.</p>
    </td></tr>
    <tr><td style="padding:16px 24px;border-top:1px solid #e5e7eb;font-size:13px;line-height:18px;color:#4b5563">This mail was sent automatically on behalf of North High.</td></tr>
    </table>
    </td></tr>
    </table>
    </body>
    </html>
    "#);
}

#[test]
fn with_facts_and_no_button() {
    let plain = Brand { colour: None, ..brand() };
    insta::assert_snapshot!(render(&new_device(None), "de", &plain).unwrap().html, @r#"
    <!doctype html>
    <html lang="de">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ihr Konto wurde auf einem neuen Gerät verwendet</title>
    </head>
    <body style="margin:0;padding:0;background-color:#f3f4f6">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f3f4f6">
    <tr><td align="center" style="padding:24px 12px">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;background-color:#ffffff;border:1px solid #e5e7eb;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px;color:#111827">
    <tr><td style="padding:16px 24px;background-color:#1f3a5f;color:#ffffff;font-weight:bold">North High</td></tr>
    <tr><td style="padding:24px">
    <h1 style="margin:0 0 16px;font-size:22px;line-height:28px">Waren Sie das?</h1>
    <p style="margin:0 0 16px">Ihr Konto bei North High wurde auf einem Gerät verwendet, auf dem es bisher nie verwendet wurde.</p>
    <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px">
    <tr><td style="padding:2px 16px 2px 0;color:#4b5563;vertical-align:top">Gerät</td><td style="padding:2px 0">Firefox on Linux</td></tr>
    <tr><td style="padding:2px 16px 2px 0;color:#4b5563;vertical-align:top">Wann</td><td style="padding:2px 0">5. Januar 2026, 10:00 Uhr (CET)</td></tr>
    </table>
    <p style="margin:0 0 16px">Falls Sie es waren, ist nichts zu tun.</p>
    <p style="margin:0 0 16px">Falls Sie es nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie in den Einstellungen Ihres Kontos alle Sitzungen.</p>
    </td></tr>
    <tr><td style="padding:16px 24px;border-top:1px solid #e5e7eb;font-size:13px;line-height:18px;color:#4b5563">Diese Nachricht wurde automatisch im Namen von North High versandt.</td></tr>
    </table>
    </td></tr>
    </table>
    </body>
    </html>
    "#);
}
