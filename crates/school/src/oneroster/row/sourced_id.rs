//! sourcedIds that are made here: of derived roles, and in place of those that the standard would not have.

use std::borrow::Cow;

/// A sourcedId is shorter than 256 characters.
const LONGEST: usize = 255;
/// Characters of a mark that tells cut or changed ids apart.
const MARK: usize = 32;

/// Joins ids by colons. What would be longer than a sourcedId may be is cut, and told apart by a hash of the whole.
pub(super) fn derived_sourced_id(parts: &[&str]) -> String {
    let whole = parts.join(":");
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let kept: String = whole.chars().take(LONGEST - MARK - 1).collect();
    format!("{kept}:{:032x}", hash(&whole))
}

/// The same id where the standard allows it: letters, digits and `. - _ / @`. Otherwise one that follows from it, told apart by
/// a hash of the whole; what refers to the record is given the same.
pub(crate) fn legal_sourced_id(id: &str) -> Cow<'_, str> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '@');
    if id.len() <= LONGEST && id.chars().all(is_legal) {
        return Cow::Borrowed(id);
    }
    let kept = id.chars().take(LONGEST - MARK - 1).map(|c| if is_legal(c) { c } else { '_' });
    Cow::Owned(format!("{}-{:032x}", kept.collect::<String>(), hash(id)))
}

/// FNV-1a of 128 bits: fixed for all time, unlike the standard library's hashers.
fn hash(text: &str) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in text.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{LONGEST, derived_sourced_id, legal_sourced_id};

    #[test]
    fn derived_ids_are_readable_and_never_too_long() {
        assert_eq!(derived_sourced_id(&["user-1", "org-1", "student"]), "user-1:org-1:student");
        let long = "x".repeat(200);
        let one = derived_sourced_id(&[&long, &long, "student"]);
        let other = derived_sourced_id(&[&long, &long, "teacher"]);
        assert_eq!(one.chars().count(), LONGEST);
        assert_ne!(one, other);
    }

    #[test]
    fn an_id_that_the_standard_has_stays() {
        for id in ["a", "student-20417", "x/y_z@school.example", &"x".repeat(LONGEST)] {
            assert!(matches!(legal_sourced_id(id), Cow::Borrowed(same) if same == id), "{id}");
        }
    }

    #[test]
    fn other_ids_become_such_and_stay_apart() {
        let long = format!("{}é", "x".repeat(300));
        let ids = ["a:b", "a b", "a_b", "ä", "ö", "{x}", "a,b", long.as_str()];
        let made: std::collections::BTreeSet<String> = ids.iter().map(|id| legal_sourced_id(id).into_owned()).collect();
        assert_eq!(made.len(), ids.len());
        for id in &made {
            assert!(id.len() <= LONGEST);
            // What comes back from elsewhere goes out as it came.
            assert!(matches!(legal_sourced_id(id), Cow::Borrowed(_)), "{id}");
        }
    }
}
