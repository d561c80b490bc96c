//! Whether a name for addresses is free, and others that are.

use cloister_http::words;
use cloister_tenancy::{Result, Slug};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::store;
use crate::Service;

/// So many others are told.
const SUGGESTIONS: usize = 3;
/// As much of a name as others are made of: there must be room for something behind it.
const STEM: usize = 50;

words! {
    /// Why a name cannot be had.
    pub(super) enum SlugFault {
        /// It cannot be part of a web address.
        Invalid = "invalid",
        /// The platform needs it.
        Reserved = "reserved",
        /// Another tenant has it.
        Taken = "taken",
    }
}

/// Whether a name can be had.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlugCheck {
    /// The name that was asked about.
    #[schema(example = "north")]
    pub(super) slug: String,
    /// It can be had, at this moment.
    #[schema(example = false)]
    pub(super) available: bool,
    /// Why not.
    pub(super) reason: Option<SlugFault>,
    /// Up to three like it that can be had.
    #[schema(example = json!(["north-school"]))]
    pub(super) suggestions: Vec<String>,
}

/// Looks whether a name can be had. One round trip.
pub(super) async fn check(service: &Service, text: &str) -> Result<SlugCheck> {
    let parsed = text.parse::<Slug>();
    let others = others(text);
    let asked: Vec<&str> = parsed.iter().chain(&others).map(Slug::as_str).collect();
    let rows = service.control().run(&store::TAKEN, &[&asked]).await?;
    let taken: Vec<&str> = rows.iter().map(|row| row.get("slug")).collect();
    let reason = match &parsed {
        Err(cloister_tenancy::SlugError::NotALabel(_)) => Some(SlugFault::Invalid),
        Err(cloister_tenancy::SlugError::Reserved(_)) => Some(SlugFault::Reserved),
        Ok(slug) if taken.contains(&slug.as_str()) => Some(SlugFault::Taken),
        Ok(_) => None,
    };
    let free = others.iter().map(Slug::as_str).filter(|slug| reason.is_some() && !taken.contains(slug));
    Ok(SlugCheck {
        slug: text.chars().take(80).collect(),
        available: reason.is_none(),
        reason,
        suggestions: free.take(SUGGESTIONS).map(str::to_owned).collect(),
    })
}

/// Names like this one that could be had.
fn others(text: &str) -> Vec<Slug> {
    let mut stem = String::new();
    // Letters without their marks; everything else divides words.
    let letters = text.chars().take(4 * STEM).nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    for letter in letters.flat_map(char::to_lowercase) {
        if stem.len() >= STEM {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            stem.push(letter);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() {
        return Vec::new();
    }
    let numbered = (2..=9).map(|number| format!("{stem}-{number}"));
    let all = [stem.to_owned(), format!("{stem}-school")].into_iter().chain(numbered);
    all.filter(|other| other != text).filter_map(|other| other.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::others;

    fn first(text: &str, count: usize) -> Vec<String> {
        others(text).iter().take(count).map(ToString::to_string).collect()
    }

    #[test]
    fn names_like_it_are_names() {
        assert_eq!(first("north", 3), ["north-school", "north-2", "north-3"]);
        assert_eq!(first("École St. Léon!", 2), ["ecole-st-leon", "ecole-st-leon-school"]);
        assert_eq!(first("admin", 2), ["admin-school", "admin-2"]);
        assert_eq!(first("xn--a", 3), ["xn-a", "xn-a-school", "xn-a-2"]);
        assert!(first("!?", 3).is_empty() && first("", 3).is_empty() && first("学校", 3).is_empty());
        assert_eq!(others(&"x".repeat(10_000)).len(), 10);
    }
}
