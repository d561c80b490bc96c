//! What a new tenant may say about itself. Every mistake is named at once.

use crate::{Error, FieldError, NewTenant, Result, Tenancy, plan};

impl Tenancy {
    /// Refuses values that the registry would refuse, with the field and what would be right.
    pub fn validate(&self, new: &NewTenant) -> Result<()> {
        let mut wrong = Vec::new();
        let mut refuse = |field: &str, code: &'static str, message: String| {
            wrong.push(FieldError { field: field.to_owned(), code: code.into(), message });
        };
        let name = new.display_name.trim();
        if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
            refuse("display_name", "length", "Give a name of 1 to 200 characters.".to_owned());
        }
        for (field, value, most) in [
            ("legal_name", &new.legal_name, 300),
            ("contact_name", &new.contact_name, 200),
            ("contact_phone", &new.contact_phone, 50),
            ("address", &new.address, 1000),
        ] {
            if value.as_ref().is_some_and(|text| text.trim().is_empty() || text.chars().count() > most) {
                refuse(field, "length", format!("Leave it out or give 1 to {most} characters."));
            }
        }
        if let Some(email) = &new.contact_email {
            let shape = email.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(char::is_whitespace)
            });
            if !shape || email.chars().count() > 254 {
                refuse("contact_email", "email", "Give an address such as office@school.example.".to_owned());
            }
        }
        let kinds: Vec<&str> = self.kinds();
        if !kinds.contains(&new.kind.as_str()) {
            refuse("kind", "unknown_kind", format!("`{}` is none of {}.", new.kind, kinds.join(", ")));
        }
        if !plan::is_name(&new.plan) {
            let (code, message) = plan::NAME;
            refuse("plan", code, message.to_owned());
        }
        if !is_language_tag(&new.locale) {
            refuse("locale", "locale", "Give a BCP 47 language tag such as en, de-CH or zh-Hant-TW.".to_owned());
        }
        if jiff::tz::TimeZone::get(&new.time_zone).is_err() {
            refuse("time_zone", "time_zone", "Give an IANA time zone such as Europe/Zurich.".to_owned());
        }
        if new.region.is_empty() || new.region.len() > 63 {
            refuse("region", "length", "Give 1 to 63 characters.".to_owned());
        }
        if let (Some(start), Some(end)) = (new.trial_start_date, new.trial_end_date)
            && end < start
        {
            refuse("trial_end_date", "order", "The trial must not end before it starts.".to_owned());
        }
        for (at, host) in new.domains.iter().enumerate() {
            if let Err(message) = self.check_domain(host) {
                refuse(&format!("domains[{at}]"), "domain", message);
            }
        }
        if new.domains.len() > 20 {
            refuse("domains", "count", "At most 20 domains.".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong)) }
    }

    /// The kinds of tenant that some module serves.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.0.modules.iter().flat_map(|module| module.kinds().iter().copied()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn check_domain(&self, host: &str) -> std::result::Result<(), String> {
        let labels: Vec<&str> = host.split('.').collect();
        let label = |label: &&str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if host.len() > 253 || labels.len() < 2 || !labels.iter().all(label) {
            return Err("Give a host name in lower case, such as school.example.".to_owned());
        }
        if labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
            return Err("Give a host name, not an address.".to_owned());
        }
        if host == self.0.base_domain || host.ends_with(&format!(".{}", self.0.base_domain)) {
            return Err(format!(
                "Hosts under {} belong to the platform; the slug gives one already.",
                self.0.base_domain
            ));
        }
        Ok(())
    }
}

/// Whether a text has the form of a BCP 47 language tag.
pub fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or("");
    text.len() <= 35
        && (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}
