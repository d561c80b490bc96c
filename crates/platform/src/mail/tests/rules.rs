//! What holds of every mail.

use super::{LINK, brand, every, invitation, verify_email};
use crate::mail::{
    render::{Brand, clean, readable_on, render},
    template::Template,
};

#[test]
fn text_and_html_say_the_same() {
    for locale in ["en", "de"] {
        for template in every() {
            let rendered = render(&template, locale, &brand()).unwrap();
            let html = rendered
                .html
                .replace("&quot;", "\"")
                .replace("&#x27;", "'")
                .replace("&#x2f;", "/")
                .replace("&amp;", "&");
            for line in rendered.text.lines().filter(|line| !line.is_empty() && *line != "-- ") {
                // The colon behind a button is the text's alone.
                let line = line.trim_end_matches(':');
                let (label, value) = line.split_once(": ").unwrap_or((line, line));
                assert!(html.contains(label) && html.contains(value), "{locale} {}: {line}\n{html}", template.name());
            }
            assert_eq!(rendered.html.contains("href"), rendered.text.contains(LINK), "{}", template.name());
            assert!(
                !rendered.html.contains("<img") && !rendered.html.contains("<script") && !rendered.html.contains("{{")
            );
            assert!(rendered.html.contains(&format!("<html lang=\"{locale}\">")));
        }
    }
}

#[test]
fn names_are_cleaned_and_cut() {
    for (text, cleaned) in [
        ("  Ada   Okafor ", "Ada Okafor"),
        ("Ada\r\nBcc: x@y.example", "Ada Bcc: x@y.example"),
        ("A\0d\u{7}a\u{2028}b", "A d a b"),
        ("\u{202e}gro.live\u{202c}", "gro.live"),
        ("pay\u{200b}pal\u{feff}", "paypal"),
        ("Ålesund 学校", "Ålesund 学校"),
    ] {
        assert_eq!(clean(text, 100), cleaned);
    }
    assert_eq!(clean("abcdef", 6), "abcdef");
    assert_eq!(clean("abcdefg", 6), "abcde…");

    let long = "x".repeat(10_000);
    let template = invitation(Some(&long), &[long.as_str(); 50]);
    let rendered = render(&template, "en", &Brand { name: long.clone(), ..brand() }).unwrap();
    assert!(rendered.text.len() < 5000, "{}", rendered.text.len());
    assert!(rendered.subject.chars().count() <= 200);
}

#[test]
fn what_people_wrote_is_no_markup_and_no_template() {
    let hostile = "<b onclick='x'>{{ 7 * 7 }}</b>{% for x in range(100000) %}";
    let brand = Brand { name: hostile.to_owned(), colour: Some("red;background:url(x)".to_owned()), ..brand() };
    let rendered = render(&invitation(Some(hostile), &[hostile]), "en", &brand).unwrap();
    assert!(!rendered.html.contains("<b ") && !rendered.html.contains("url(x)"), "{}", rendered.html);
    assert!(rendered.html.contains("&lt;b onclick=&#x27;x&#x27;&gt;{{ 7 * 7 }}"), "{}", rendered.html);
    assert!(rendered.text.contains("{{ 7 * 7 }}"), "{}", rendered.text);
}

#[test]
fn a_link_that_is_no_web_address_is_our_mistake() {
    let long = format!("https://north.example/{}", "x".repeat(2000));
    for link in
        ["", "javascript:alert(1)", "https://a.example/\"x", "https://a.example/ b", "https://a.example/\nb", &long]
    {
        let refused = render(&Template::VerifyEmail { link: link.to_owned() }, "en", &brand()).unwrap_err();
        assert_eq!(refused.code(), "internal_error");
        assert!(link.is_empty() || !refused.log().contains(link), "{}", refused.log());
    }
    assert_eq!(format!("{:?}", verify_email()), "verify_email", "links are secrets");
}

#[test]
fn a_time_zone_that_is_gone_and_a_wrong_colour_do_not_stop_a_mail() {
    let odd = Brand { colour: Some("yellow".to_owned()), time_zone: "Mars/Olympus".to_owned(), ..brand() };
    let rendered = render(&invitation(None, &["teacher"]), "en", &odd).unwrap();
    assert!(rendered.text.contains("5 January 2026, 09:00 (UTC)"), "{}", rendered.text);
    assert!(rendered.html.contains("#1f3a5f"));
}

#[test]
fn writing_on_a_colour_can_be_read() {
    for (colour, on) in [("#ffffff", "#111827"), ("#ffcc00", "#111827"), ("#1f3a5f", "#ffffff"), ("#000000", "#ffffff")]
    {
        assert_eq!(readable_on(colour), on, "{colour}");
    }
}
