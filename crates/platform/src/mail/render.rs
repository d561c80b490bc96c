//! A mail's subject, text and HTML, of its template, the reader's language and a brand.

use std::{collections::BTreeMap, sync::LazyLock};

use cloister_tenancy::{Error, Result};
use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};

use super::{
    template::Template,
    text::{Catalogue, Text},
};

/// Whose mail it is, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brand {
    /// The name on top.
    pub(super) name: String,
    /// Its colour, as `#rrggbb`.
    pub(super) colour: Option<String>,
    /// Where answers go.
    pub(super) contact: Option<String>,
    /// On whose clock times are told: an IANA time zone.
    pub(super) time_zone: String,
}

/// A mail that can be read.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Tag of the language it is in.
    pub(super) language: &'static str,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Steps of a text, and characters of a value in it.
const FUEL: u64 = 20_000;
const MOST_OF_A_NAME: usize = 120;
const MOST_OF_A_REASON: usize = 500;
const MOST_OF_A_SUBJECT: usize = 200;
const MOST_OF_A_LINK: usize = 2000;
/// Of a mail without a brand's colour.
const COLOUR: &str = "#1f3a5f";

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // The ending of the name decides what is escaped.
    environment.add_template("layout.html", include_str!("layout.html"))?;
    environment.add_template("layout.txt", include_str!("layout.txt"))?;
    Ok(environment)
});

pub(super) fn render(template: &Template, locale: &str, brand: &Brand) -> Result<Rendered> {
    let templates = TEMPLATES.as_ref().map_err(Error::internal)?;
    let catalogue = Catalogue::of(locale);
    let writer = Writer { templates, catalogue, zone: TimeZone::get(&brand.time_zone).unwrap_or(TimeZone::UTC) };
    let brand_name = clean(&brand.name, MOST_OF_A_NAME);
    let mut values = writer.values(template)?;
    values.insert("brand", Value::from(brand_name.clone()));
    let values = Value::from_object(values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>());

    let text = text_of(catalogue, template);
    let subject = clean(&writer.plain(text.subject, &values)?, MOST_OF_A_SUBJECT);
    let link = link(template)?;
    let colour = brand.colour.as_deref().filter(|colour| is_colour(colour)).unwrap_or(COLOUR);
    let whole = context! {
        language => catalogue.tag,
        brand => brand_name,
        subject => subject.clone(),
        heading => writer.plain(text.heading, &values)?,
        before => writer.paragraphs(text.before, &values)?,
        facts => writer.facts(text.facts, &values)?,
        link => link,
        // Escaped by hand: nothing else in it means anything in HTML, and programs that look for links find it as it is.
        href => Value::from_safe_string(link.unwrap_or_default().replace('&', "&amp;")),
        button => text.button.unwrap_or_default(),
        link_hint => catalogue.link_hint,
        after => writer.paragraphs(text.after, &values)?,
        footer => writer.plain(catalogue.footer, &values)?,
        colour => colour,
        on_colour => readable_on(colour),
    };
    let laid_out =
        |name: &str| templates.get_template(name).and_then(|layout| layout.render(&whole)).map_err(Error::internal);
    let (text, html) = (laid_out("layout.txt")?, laid_out("layout.html")?);
    Ok(Rendered { language: catalogue.tag, subject, text, html })
}

fn text_of(catalogue: &'static Catalogue, template: &Template) -> &'static Text {
    match template {
        Template::VerifyEmail { .. } => &catalogue.verify_email,
        Template::ResetPassword { .. } => &catalogue.reset_password,
        Template::NewDevice { .. } => &catalogue.new_device,
        Template::Invitation { .. } => &catalogue.invitation,
        Template::SignupVerify { .. } => &catalogue.signup_verify,
        Template::SignupExisting { .. } => &catalogue.signup_existing,
        Template::OperatorEntered { .. } => &catalogue.operator_entered,
        Template::PasswordChanged { .. } => &catalogue.password_changed,
        Template::MfaChanged { .. } => &catalogue.mfa_changed,
    }
}

struct Writer {
    templates: &'static Environment<'static>,
    catalogue: &'static Catalogue,
    zone: TimeZone,
}

impl Writer {
    /// A text of the catalogue, filled in and not escaped: what it yields goes into a layout.
    fn plain(&self, text: &str, values: &Value) -> Result<String> {
        self.templates.render_named_str("text.txt", text, values.clone()).map_err(Error::internal)
    }

    fn paragraphs(&self, texts: &[&str], values: &Value) -> Result<Vec<String>> {
        let all: Vec<String> = texts.iter().map(|text| self.plain(text, values)).collect::<Result<_>>()?;
        Ok(all.into_iter().filter(|text| !text.trim().is_empty()).collect())
    }

    fn facts(&self, facts: &[(&str, &str)], values: &Value) -> Result<Vec<Value>> {
        let mut all = Vec::with_capacity(facts.len());
        for (label, value) in facts {
            let value = self.plain(value, values)?;
            if !value.trim().is_empty() {
                all.push(context! { label => *label, value => value });
            }
        }
        Ok(all)
    }

    /// What the texts about a template may name.
    fn values(&self, template: &Template) -> Result<BTreeMap<&'static str, Value>> {
        let name = |text: &str| Value::from(clean(text, MOST_OF_A_NAME));
        let maybe = |text: &Option<String>| Value::from(clean(text.as_deref().unwrap_or_default(), MOST_OF_A_NAME));
        let moment = |at: &Timestamp| self.moment(*at).map(Value::from);
        Ok(match template {
            Template::VerifyEmail { link: _ } => BTreeMap::new(),
            Template::ResetPassword { link: _, minutes } => BTreeMap::from([("minutes", Value::from(*minutes))]),
            Template::NewDevice { device, place, at } => {
                BTreeMap::from([("device", name(device)), ("place", maybe(place)), ("at", moment(at)?)])
            }
            Template::Invitation { tenant, inviter, roles, link: _, expires } => BTreeMap::from([
                ("tenant", name(tenant)),
                ("inviter", maybe(inviter)),
                ("roles", Value::from(self.roles(roles))),
                ("expires", moment(expires)?),
            ]),
            Template::SignupVerify { name: tenant, link: _ } | Template::SignupExisting { name: tenant, link: _ } => {
                BTreeMap::from([("name", name(tenant))])
            }
            Template::OperatorEntered { operator, reason, elevated, until } => BTreeMap::from([
                ("operator", name(operator)),
                ("reason", Value::from(clean(reason, MOST_OF_A_REASON))),
                ("elevated", Value::from(*elevated)),
                ("until", moment(until)?),
            ]),
            Template::PasswordChanged { device, at } => {
                BTreeMap::from([("device", maybe(device)), ("at", moment(at)?)])
            }
            Template::MfaChanged { what, at } => {
                BTreeMap::from([("what", Value::from(what.word())), ("at", moment(at)?)])
            }
        })
    }

    fn moment(&self, at: Timestamp) -> Result<String> {
        let at = at.to_zoned(self.zone.clone());
        let month = usize::try_from(at.month() - 1).ok().and_then(|month| self.catalogue.months.get(month));
        let values = context! {
            day => at.day(),
            month => month.copied().unwrap_or_default(),
            year => at.year(),
            time => at.strftime("%H:%M").to_string(),
            zone => at.strftime("%Z").to_string(),
        };
        self.plain(self.catalogue.moment, &values)
    }

    fn roles(&self, roles: &[String]) -> String {
        let known = |role: &String| {
            let known = self.catalogue.roles.iter().find(|(name, _)| name == role);
            known.map_or_else(|| clean(role, MOST_OF_A_NAME), |(_, word)| (*word).to_owned())
        };
        let words: Vec<String> = roles.iter().take(20).map(known).collect();
        match words.as_slice() {
            [all @ .., last] if !all.is_empty() => format!("{} {} {last}", all.join(", "), self.catalogue.and),
            words => words.concat(),
        }
    }
}

/// A text from outside on one line and within bounds. What has no width or turns the direction of writing could make a name
/// look like something else, and a line break could end a header.
pub(super) fn clean(text: &str, most: usize) -> String {
    let hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let breaks = |c: char| c.is_control() || c.is_whitespace();
    let spaced: String = text.chars().filter(|c| !hidden(*c)).map(|c| if breaks(c) { ' ' } else { c }).collect();
    let whole = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if whole.chars().count() <= most {
        return whole;
    }
    whole.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The link, which is ours: anything but a plain web address is a mistake of the program.
fn link(template: &Template) -> Result<Option<&str>> {
    let Some(link) = template.link() else { return Ok(None) };
    let plain = |link: &str| {
        (link.starts_with("https://") || link.starts_with("http://"))
            && link.len() <= MOST_OF_A_LINK
            && link.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'\\'))
    };
    if plain(link) {
        return Ok(Some(link));
    }
    Err(Error::internal(format!("the link for a {} mail is no plain web address", template.name())))
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Black or white, whichever is easier to read on a colour.
pub(super) fn readable_on(colour: &str) -> &'static str {
    let part = |at: usize| colour.get(at..at + 2).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let light = 299 * part(1) + 587 * part(3) + 114 * part(5);
    if light > 150_000 { "#111827" } else { "#ffffff" }
}
