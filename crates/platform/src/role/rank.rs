//! Who may give what: nobody hands out rights that they do not have.

use cloister_tenancy::PermissionSet;

/// Whether somebody may do everything in the tenant: its owners.
pub(crate) fn is_owner(own: &PermissionSet) -> bool {
    own.iter().any(|permission| permission == "*")
}

/// The first of `wanted` that goes beyond what somebody has.
pub(super) fn beyond<'a>(own: &PermissionSet, wanted: &'a [String]) -> Option<&'a str> {
    wanted.iter().map(String::as_str).find(|wanted| !own.iter().any(|has| contains(has, wanted)))
}

/// Whether whoever has the one permission has the other too. What is narrowed contains only what is narrowed alike: that a
/// scope reaches further than another, only the module knows that understands them.
fn contains(has: &str, wanted: &str) -> bool {
    let (has, has_scope) = has.split_once(':').map_or((has, None), |(words, scope)| (words, Some(scope)));
    let (wanted, wanted_scope) = wanted.split_once(':').map_or((wanted, None), |(words, scope)| (words, Some(scope)));
    if has_scope.is_some() && has_scope != wanted_scope {
        return false;
    }
    let (mut has, mut wanted) = (has.split('.'), wanted.split('.'));
    loop {
        match (has.next(), wanted.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => return has.next().is_none(),
            (Some(word), Some(other)) if word == other => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use cloister_tenancy::PermissionSet;

    use super::{beyond, contains, is_owner};

    #[test]
    fn a_permission_contains_what_it_reaches_and_no_more() {
        for (has, wanted, contained) in [
            ("*", "*", true),
            ("*", "school.person.read", true),
            ("*", "school.person.read:self", true),
            ("school.*", "*", false),
            ("school.*", "school.person.read", true),
            ("school.*", "catalog.component.read", false),
            ("school.person.*", "school.person.delete", true),
            ("school.person.*", "school.*", false),
            ("school.person.read", "school.person.*", false),
            ("school.person.read", "school.person.read", true),
            ("school.person.read", "school.person.read:self", true),
            ("school.person.read:self", "school.person.read", false),
            ("school.person.read:self", "school.person.read:self", true),
            ("school.person.read:self", "school.person.read:own_classes", false),
            ("school.person.read:self", "school.person.update:self", false),
            ("school.person", "school.person.read", false),
            ("school.person.read", "school.person", false),
        ] {
            assert_eq!(contains(has, wanted), contained, "{has} {wanted}");
        }
    }

    #[test]
    fn what_goes_beyond_is_named() {
        let own = PermissionSet::new(["school.person.*", "school.class.read"]);
        let wanted = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(beyond(&own, &wanted(&["school.person.read", "school.class.read:own_classes"])), None);
        assert_eq!(beyond(&own, &wanted(&["school.person.read", "school.class.update"])), Some("school.class.update"));
        assert_eq!(beyond(&PermissionSet::default(), &wanted(&[])), None);
        assert!(is_owner(&PermissionSet::all()) && !is_owner(&own));
    }
}
