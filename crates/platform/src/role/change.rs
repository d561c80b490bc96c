//! What a tenant may make of its own roles: only of permissions there are, without circles, and within the rights of who
//! makes them.

use cloister_tenancy::{Error, FieldError, PermissionSet, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OWNER, OwnRole, RoleBook, known};
use crate::Service;

/// Roles above each other, at most.
const DEPTH: usize = 10;
/// A tenant's own roles, at most.
pub(super) const MOST: usize = 100;

/// What can change about a tenant's own role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleFields {
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 100), custom(visible))]
    #[schema(min_length = 1, max_length = 100, example = "Librarian")]
    pub(super) display_name: String,
    /// Who has it, in a sentence.
    #[garde(inner(length(chars, max = 500)))]
    #[schema(max_length = 500, example = "Keeps the library, and sees who is at the school.")]
    pub(super) description: Option<String>,
    /// Roles whose permissions it has too.
    #[garde(length(max = 10), inner(length(chars, min = 1, max = 63)))]
    #[serde(default)]
    #[schema(max_items = 10, example = json!(["teacher"]))]
    pub(super) inherits: Vec<String>,
    /// Permissions of its own, out of those that `GET /tenant/permissions` lists.
    #[garde(length(max = 100), inner(length(chars, min = 1, max = 200)))]
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["school.person.read"]))]
    pub(super) permissions: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde calls")]
pub(super) fn visible(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(cloister_http::invalid("blank", "Use at least one visible character, and no control characters."));
    }
    Ok(())
}

/// Refuses a name that cannot be one, or that a module has for its own, whether the tenant has that module or not.
pub(super) fn check_name(service: &Service, name: &str) -> Result<()> {
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    let goes_on = letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !begins || !goes_on || name.len() > 63 {
        let message = "Use 1 to 63 of a-z, 0-9 and _, beginning with a letter.";
        return Err(Error::field("name", "name_invalid", message));
    }
    let declared = |module: &std::sync::Arc<dyn cloister_tenancy::Module>| {
        module
            .roles()
            .iter()
            .map(|role| role.name)
            .chain(module.grants().iter().map(|grant| grant.role))
            .any(|n| n == name)
    };
    if service.tenancy().modules().iter().any(declared) {
        return Err(Error::field(
            "name",
            "name_taken",
            "A role of this name is there for every tenant. Choose another.",
        ));
    }
    Ok(())
}

fn at(list: &str, index: usize, code: &'static str, message: &str) -> Error {
    Error::invalid(vec![FieldError { field: format!("{list}[{index}]"), code: code.into(), message: message.into() }])
}

/// Refuses a role that names what is not there, goes round in circles, or goes beyond what the actor may do.
pub(super) fn check(
    service: &Service,
    book: RoleBook<'_>,
    tenant: &cloister_tenancy::TenantEntry,
    actor: &PermissionSet,
    changed: &OwnRole,
) -> Result<()> {
    let known = known::all(service.tenancy(), tenant);
    for (index, permission) in changed.permissions.iter().enumerate() {
        if !known.iter().any(|known| known.permission == *permission) {
            let message = "There is no such permission here. GET /tenant/permissions lists those there are.";
            return Err(at("permissions", index, "unknown_permission", message));
        }
    }
    let name = changed.name.clone();
    let book = book.with(changed.clone());
    for (index, above) in changed.inherits.iter().enumerate() {
        if above == OWNER {
            let message = "The owner's rights cannot be inherited: make the person an owner.";
            return Err(at("inherits", index, "owner_inherited", message));
        }
        if !book.has(above) {
            return Err(at("inherits", index, "unknown_role", "There is no such role here."));
        }
        if is_above(book.own(), above, &name) {
            return Err(at("inherits", index, "circle", "This role inherits from the one that would inherit from it."));
        }
    }
    // Those below the changed one have become deeper too.
    if book.own().iter().any(|role| depth(book.own(), &role.name) > DEPTH) {
        let message = format!("Roles may inherit from each other over {DEPTH} steps at most.");
        return Err(Error::field("inherits", "too_deep", message));
    }
    book.check_permissions(actor, &book.permissions(&[name]))
}

/// Whether `name` is `wanted`, or inherits from it.
fn is_above(own: &[OwnRole], name: &str, wanted: &str) -> bool {
    let (mut open, mut seen) = (vec![name], std::collections::BTreeSet::new());
    while let Some(name) = open.pop() {
        if name == wanted {
            return true;
        }
        if seen.insert(name) {
            open.extend(
                own.iter().filter(|role| role.name == name).flat_map(|role| &role.inherits).map(String::as_str),
            );
        }
    }
    false
}

/// Steps from a role to the furthest that it inherits from. There are no circles, but there may be many ways: each level is
/// looked at once.
fn depth(own: &[OwnRole], name: &str) -> usize {
    let mut level: std::collections::BTreeSet<&str> = [name].into();
    for steps in 0..=DEPTH {
        let above = |name: &&str| own.iter().find(|role| role.name == **name);
        level = level.iter().filter_map(above).flat_map(|role| &role.inherits).map(String::as_str).collect();
        if level.is_empty() {
            return steps;
        }
    }
    DEPTH + 1
}

#[cfg(test)]
mod tests {
    use super::{OwnRole, depth, is_above};

    fn chain(length: usize) -> Vec<OwnRole> {
        let name = |at: usize| format!("r{at}");
        let inherits = |at: usize| if at + 1 < length { vec![name(at + 1)] } else { Vec::new() };
        (0..length).map(|at| OwnRole { name: name(at), inherits: inherits(at), permissions: Vec::new() }).collect()
    }

    #[test]
    fn depth_counts_steps() {
        for (length, steps) in [(1, 0), (2, 1), (11, 10), (12, 11), (50, 11)] {
            assert_eq!(depth(&chain(length), "r0"), steps, "{length}");
        }
    }

    #[test]
    fn circles_are_seen() {
        let own = chain(4);
        assert!(is_above(&own, "r0", "r3") && is_above(&own, "r2", "r2"));
        assert!(!is_above(&own, "r3", "r0"));
    }
}
