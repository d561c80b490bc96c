//! Accounts that a tenant manages for people without e-mail: their names, and the first password on a printed card.

use std::collections::HashSet;

use cloister_http::search_key;
use cloister_ids::{AccountId, Clock, MembershipId, PersonId, TenantId};
use cloister_tenancy::{ControlTx, Error, FieldError, Result, TenantEntry};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Joining, join};
use crate::{
    Service,
    account::{self, Name, NewAccount, NewPassword},
    secret,
};

/// Letters and digits that are not taken for one another on paper, without vowels, so that they spell no words.
const LETTERS: &[u8; 28] = b"bcdfghjkmnpqrstvwxyz23456789";
/// Three groups of four: 57 bits.
const GROUPS: usize = 3;
const GROUP: usize = 4;
/// Characters of a derived username, before a number.
const LONGEST: usize = 40;

/// What is printed for somebody who gets an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Card {
    /// Their place in the tenant.
    pub(super) id: MembershipId,
    /// Who they are when they sign in.
    pub(super) account_id: AccountId,
    /// What to sign in with.
    #[schema(example = "mei.tanaka")]
    pub(super) username: String,
    /// Their name on pages.
    #[schema(example = "Mei Tanaka")]
    pub(super) display_name: String,
    /// To be replaced at the first sign-in. Told once: null when the same Idempotency-Key is sent again.
    #[schema(example = "kf7m-2qwx-9rth")]
    pub(super) first_password: Option<String>,
    /// Where to sign in.
    #[schema(example = "http://north.localhost:8080")]
    pub(super) sign_in_url: String,
    /// The person of the roster that they are.
    pub(super) person_id: Option<PersonId>,
}

/// The same without the password: what is kept for whoever sends the key again.
pub(super) fn without_password(card: &Card) -> Card {
    Card { first_password: None, ..card.clone() }
}

/// A password that is made and printed, and how it is kept.
pub(super) struct FirstPassword {
    pub(super) text: String,
    pub(super) kept: NewPassword,
}

/// Makes one, which must be replaced at the first sign-in.
pub(super) async fn first_password(service: &Service, tenant: TenantId) -> Result<FirstPassword> {
    let text = readable()?;
    let hash = service.passwords().hash(SecretString::from(text.clone()), Some(tenant)).await?;
    let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
    Ok(FirstPassword { text, kept: NewPassword { hash, strength: 4, length, must_change: true } })
}

/// Random letters in groups.
fn readable() -> Result<String> {
    let mut text = String::with_capacity(GROUPS * (GROUP + 1));
    let mut count = 0;
    while count < GROUPS * GROUP {
        for byte in secret::random::<32>()? {
            // Of 32 values 28 are used and the others dropped, so that each letter is as likely as any other.
            let Some(letter) = LETTERS.get(usize::from(byte & 31)) else { continue };
            if count == GROUPS * GROUP {
                break;
            }
            if count > 0 && count % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*letter));
            count += 1;
        }
    }
    Ok(text)
}

/// Where members of a tenant sign in.
fn sign_in_url(service: &Service, tenant: &TenantEntry) -> String {
    let base = service.settings().public_url.trim_end_matches('/');
    base.split_once("://")
        .map_or_else(|| base.to_owned(), |(scheme, rest)| format!("{scheme}://{}.{rest}", tenant.slug))
}

/// Somebody to be given an account.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    pub(super) username: &'a str,
    pub(super) display_name: &'a str,
    pub(super) person: Option<PersonId>,
}

/// Makes the account and the membership, as part of `tx`.
pub(super) async fn issue(
    tx: &mut ControlTx,
    service: &Service,
    tenant: &TenantEntry,
    holder: &Holder<'_>,
    roles: &[String],
    password: FirstPassword,
    by: &str,
) -> Result<Card> {
    let clock: &dyn Clock = &**service.tenancy().clock();
    let Holder { username, display_name, person } = *holder;
    let new = NewAccount {
        name: Name::Username(tenant.id, username),
        display_name,
        locale: &tenant.locale,
        password: Some(password.kept),
        operator_role: None,
    };
    let account = account::insert(tx, clock, &new, by).await?;
    let joining = Joining { account, tenant: tenant.id, roles, person: person.map(PersonId::uuid) };
    let id = join(tx, clock, joining, by).await?;
    Ok(Card {
        id,
        account_id: account,
        username: username.trim().to_owned(),
        display_name: display_name.trim().to_owned(),
        first_password: Some(password.text),
        sign_in_url: sign_in_url(service, tenant),
        person_id: person,
    })
}

/// Refuses a username that could be taken for an address, or that nobody can type.
pub(super) fn check_username(field: String, name: &str) -> Result<()> {
    let typed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = (1..=64).contains(&name.chars().count()) && name.chars().all(typed);
    if fits && name.starts_with(char::is_alphanumeric) {
        return Ok(());
    }
    let message = "Use 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.";
    Err(Error::invalid(vec![FieldError { field, code: "username_invalid".into(), message: message.to_owned() }]))
}

/// A username out of a name: the first and the last word of it, in letters that every keyboard has.
pub(super) fn derive_username(display_name: &str) -> String {
    let key = search_key(display_name);
    let plain = |word: &str| -> String {
        let letters = word.chars().flat_map(|c| match c {
            'ß' => vec!['s', 's'],
            'æ' => vec!['a', 'e'],
            'œ' => vec!['o', 'e'],
            'ø' => vec!['o'],
            'ł' => vec!['l'],
            'đ' | 'ð' => vec!['d'],
            'þ' => vec!['t', 'h'],
            'ı' => vec!['i'],
            c => vec![c],
        });
        letters.filter(char::is_ascii_alphanumeric).collect()
    };
    let words: Vec<String> = key.split([' ', '-']).map(plain).filter(|word| !word.is_empty()).collect();
    let name = match words.as_slice() {
        [] => "member".to_owned(),
        [one] => one.clone(),
        [first, .., last] => format!("{first}.{last}"),
    };
    let name: String = name.chars().take(LONGEST).collect();
    name.trim_end_matches('.').to_owned()
}

/// The name itself, or with the smallest number from 2 on that makes it nobody's.
pub(super) fn make_unique(name: String, taken: &HashSet<String>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    // A name that ends in a digit is set apart from its number.
    let apart = if name.ends_with(|c: char| c.is_ascii_digit()) { "-" } else { "" };
    let numbered = |number: u32| format!("{name}{apart}{number}");
    // One of so many is free: fewer than that are taken.
    let most = u32::try_from(taken.len()).unwrap_or(u32::MAX).saturating_add(2);
    (2..=most).map(numbered).find(|candidate| !taken.contains(candidate)).unwrap_or(name)
}

/// Which usernames stand in the way of these: themselves, and with numbers behind.
pub(super) async fn taken(tx: &mut ControlTx, tenant: TenantId, wanted: &[String]) -> Result<HashSet<String>> {
    // The number goes, and the hyphen in front of it stays.
    let bases: Vec<String> = wanted
        .iter()
        .flat_map(|name| {
            let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
            [name.clone(), format!("{name}-"), bare.to_owned()]
        })
        .collect();
    let rows = tx.query(&super::store::USERNAMES, &[&tenant, &bases]).await?;
    Ok(rows.iter().map(|row| row.get("username_key")).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{LETTERS, check_username, derive_username, make_unique, readable};

    #[test]
    fn first_passwords_are_readable_and_differ() {
        let made: HashSet<String> = (0..1000).map(|_| readable().unwrap()).collect();
        assert_eq!(made.len(), 1000);
        let mut seen = HashSet::new();
        for text in &made {
            let groups: Vec<&str> = text.split('-').collect();
            assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "{text}");
            seen.extend(text.bytes().filter(|b| *b != b'-'));
        }
        assert_eq!(seen, LETTERS.iter().copied().collect());
        // 28 letters in 12 places.
        assert!(12.0 * 28f64.log2() > 50.0);
    }

    #[test]
    fn usernames_follow_from_names() {
        for (name, username) in [
            ("Mei Tanaka", "mei.tanaka"),
            ("Ägidius  von der Groß", "agidius.gross"),
            ("Seán O'Brien-Łukasz", "sean.lukasz"),
            ("Søren", "soren"),
            ("李 小龍", "member"),
            ("  ", "member"),
            ("A B", "a.b"),
        ] {
            assert_eq!(derive_username(name), username, "{name}");
        }
        let long = derive_username(&format!("{} {}", "a".repeat(39), "b".repeat(100)));
        assert_eq!(long, "a".repeat(39));
        check_username("username".into(), &long).unwrap();
    }

    #[test]
    fn usernames_are_made_unique() {
        let taken = ["mei", "mei2", "mei4", "r2"].map(str::to_owned).into();
        assert_eq!(make_unique("ada".into(), &taken), "ada");
        assert_eq!(make_unique("mei".into(), &taken), "mei3");
        assert_eq!(make_unique("r2".into(), &taken), "r2-2");
    }

    #[test]
    fn what_nobody_could_type_is_no_username() {
        for name in ["mei", "Mei.Tanaka", "7b_mei-2", "élodie"] {
            check_username("username".into(), name).unwrap();
        }
        for name in ["", " ", "a b", "mei@north.example", ".mei", "a\u{0}", &"a".repeat(65)] {
            assert!(check_username("username".into(), name).is_err(), "{name:?}");
        }
    }
}
