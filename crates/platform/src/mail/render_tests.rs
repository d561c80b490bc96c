use jiff::Timestamp;

use super::{Brand, clean, is_colour, readable_on, render};
use crate::mail::template::{MfaChange, Template};
mod print {
    use super::*;
    #[test]
    fn print() {
        for lang in ["en","de"] {
            for t in super::every() {
                println!("@@@ {lang} {}\n{}", t.name(), super::said(lang, &t));
            }
        }
        println!("@@@ html 1\n{}", super::html("en", &super::every()[3]));
        println!("@@@ html 2\n{}", super::html("de", &super::every()[2]));
        println!("@@@ end");
    }
}
const LINK: &str = "https://north.schools.example/x?token=t&more=1";
fn brand() -> Brand {
    Brand { name: "North High".to_owned(), colour: Some("#ffcc00".to_owned()), contact: None, time_zone: "Europe/Zurich".to_owned() }
}
fn every() -> Vec<Template> {
    let link = || LINK.to_owned();
    let at = Timestamp::constant(1_767_603_600, 0);
    let mut all = vec![
        Template::VerifyEmail { link: link() },
        Template::ResetPassword { link: link(), minutes: 60 },
        Template::NewDevice { device: "Firefox on Linux".to_owned(), place: Some("192.0.2.7".to_owned()), at },
        Template::Invitation { tenant: "North High".to_owned(), inviter: Some("Ada Okafor".to_owned()), roles: vec!["teacher".to_owned(), "guardian".to_owned(), "Choir lead".to_owned()], link: link(), expires: at },
        Template::Invitation { tenant: "North High".to_owned(), inviter: None, roles: vec!["student".to_owned()], link: link(), expires: at },
        Template::SignupVerify { name: "South High".to_owned(), link: link() },
        Template::SignupExisting { name: "South High".to_owned(), link: link() },
        Template::OperatorEntered { operator: "Olga".to_owned(), reason: "Looks at ticket 4711".to_owned(), elevated: false, until: at },
        Template::OperatorEntered { operator: "Olga".to_owned(), reason: "Mends ticket 4711".to_owned(), elevated: true, until: at },
        Template::PasswordChanged { device: None, at },
    ];
    all.extend(MfaChange::ALL.map(|what| Template::MfaChanged { what, at }));
    all
}
fn said(locale: &str, template: &Template) -> String {
    let rendered = render(template, locale, &brand()).unwrap();
    format!("{}\n\n{}", rendered.subject, rendered.text.replace("-- \n", "--\n"))
}
fn html(locale: &str, template: &Template) -> String {
    render(template, locale, &brand()).unwrap().html
}
