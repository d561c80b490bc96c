//! Every mail in every language, as its reader sees it.

mod english;
mod german;
mod html;
mod rules;

use jiff::Timestamp;

use super::{
    render::{Brand, render},
    template::{MfaChange, Template},
};

const LINK: &str = "https://north.schools.example/x?token=t&more=1";
const AT: Timestamp = Timestamp::constant(1_767_603_600, 0);

fn brand() -> Brand {
    Brand {
        name: "North High".to_owned(),
        colour: Some("#ffcc00".to_owned()),
        contact: None,
        time_zone: "Europe/Zurich".to_owned(),
    }
}

fn link() -> String {
    LINK.to_owned()
}

fn verify_email() -> Template {
    Template::VerifyEmail { link: link() }
}

fn reset_password() -> Template {
    Template::ResetPassword { link: link(), minutes: 60 }
}

fn new_device(place: Option<&str>) -> Template {
    Template::NewDevice { device: "Firefox on Linux".to_owned(), place: place.map(str::to_owned), at: AT }
}

fn invitation(inviter: Option<&str>, roles: &[&str]) -> Template {
    Template::Invitation {
        tenant: "North High".to_owned(),
        inviter: inviter.map(str::to_owned),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        link: link(),
        expires: AT,
    }
}

fn signup_verify() -> Template {
    Template::SignupVerify { name: "South High".to_owned(), link: link() }
}

fn signup_existing() -> Template {
    Template::SignupExisting { name: "South High".to_owned(), link: link() }
}

fn operator_entered(elevated: bool) -> Template {
    let (operator, reason) = ("Olga".to_owned(), "Looks at ticket 4711".to_owned());
    Template::OperatorEntered { operator, reason, elevated, until: AT }
}

fn password_changed(device: Option<&str>) -> Template {
    Template::PasswordChanged { device: device.map(str::to_owned), at: AT }
}

fn mfa_changed(what: MfaChange) -> Template {
    Template::MfaChanged { what, at: AT }
}

/// One of each, and one of each sort of them.
fn every() -> Vec<Template> {
    let mut all = vec![
        verify_email(),
        reset_password(),
        new_device(Some("192.0.2.7")),
        invitation(Some("Ada Okafor"), &["teacher", "guardian", "Choir lead"]),
        invitation(None, &["student"]),
        signup_verify(),
        signup_existing(),
        operator_entered(false),
        operator_entered(true),
        password_changed(Some("Firefox on Linux")),
    ];
    all.extend(MfaChange::ALL.map(mfa_changed));
    all
}

/// Its subject, a line, and its text. The mark of the signature ends with a space, which no file of ours may.
fn said(locale: &str, template: &Template) -> String {
    let rendered = render(template, locale, &brand()).unwrap();
    format!("{}\n=====\n{}", rendered.subject, rendered.text.replace("\n-- \n", "\n--\n"))
}
