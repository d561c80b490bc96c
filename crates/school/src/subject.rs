//! Subjects of a course or class: in words, and in codes beside them.

use cloister_tenancy::{Error, Result};

/// Codes name the same subjects in the same order; either list may be empty.
pub(crate) fn check(subjects: &[String], codes: &[String]) -> Result<()> {
    if subjects.is_empty() || codes.is_empty() || subjects.len() == codes.len() {
        return Ok(());
    }
    Err(Error::field(
        "subject_codes",
        "subject_codes_mismatch",
        "Give as many codes as subjects, in the same order, or none.",
    ))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn codes_stand_beside_their_subjects() {
        let words = |count: usize| vec!["x".to_owned(); count];
        assert!(check(&words(2), &words(2)).is_ok());
        assert!(check(&words(2), &[]).is_ok());
        assert!(check(&[], &words(2)).is_ok());
        assert_eq!(check(&words(2), &words(1)).map_err(|error| error.fields()[0].field.clone()), Err("subject_codes".to_owned()));
    }
}
