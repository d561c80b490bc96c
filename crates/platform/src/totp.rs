//! The second factor: codes of an authenticator app (RFC 6238), and the codes on paper for whoever lost it.

use aws_lc_rs::constant_time;
use cloister_ids::AccountId;
use cloister_tenancy::{Error, Result};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use totp_rs::{Builder, Secret as Key, Totp};

use crate::{Keyring, Purpose, secret};

/// Seconds that a code stands for.
const STEP: i64 = 30;
/// Steps that a telephone's clock may be off, either way.
const SKEW: i64 = 1;
/// How many recovery codes somebody is given at a time.
pub const RECOVERY_CODES: usize = 10;
/// Digits and letters that nobody takes for another: Crockford's.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a recovery code, of 5 bits each.
const RECOVERY_LENGTH: usize = 12;

/// What an authenticator app and the server both know: 160 bits, as RFC 4226 recommends.
pub struct Secret(SecretBox<[u8; 20]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one.
    pub fn generate() -> Result<Self> {
        Ok(Self(SecretBox::new(Box::new(secret::random()?))))
    }

    /// As it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| Error::internal("a kept authenticator secret has another length"))?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    /// For sealing.
    pub fn expose_bytes(&self) -> &[u8; 20] {
        self.0.expose_secret()
    }

    /// For typing into an app that reads no pictures: base 32.
    pub fn text(&self) -> SecretString {
        Key::new_stack(*self.0.expose_secret()).to_base32().into()
    }

    /// What an app reads from a picture: `otpauth://totp/Cloister:name?secret=…&issuer=Cloister`. A colon would end a name, and
    /// is left out.
    pub fn provisioning_uri(&self, issuer: &str, name: &str) -> Result<SecretString> {
        let plain = |text: &str| text.chars().filter(|c| *c != ':' && !c.is_control()).take(100).collect::<String>();
        let app = builder(self).with_issuer(Some(plain(issuer))).with_account_name(plain(name));
        let uri = app.build().and_then(|totp| totp.to_url());
        Ok(uri.map_err(|error| Error::internal(format!("no address for an authenticator app: {error}")))?.into())
    }
}

fn builder(secret: &Secret) -> Builder {
    // SHA-1, six digits, thirty seconds: apps take other values and then ignore them.
    Builder::new().with_secret(Key::new_stack(*secret.0.expose_secret()))
}

/// The step whose code this is, if it is one of now and later than the last that was taken. The caller keeps the step, on
/// condition that it is still later: two requests may bring the same code.
pub fn verify(secret: &Secret, code: &str, now: Timestamp, last_step: i64) -> Option<i64> {
    let given: Vec<u8> = code.bytes().filter(|byte| *byte != b' ').take(7).collect();
    let totp: Totp = builder(secret).build().ok()?;
    let current = now.as_second().div_euclid(STEP);
    let mut found = None;
    // Every step is computed and compared, so that time does not tell which one it was.
    for step in current - SKEW..=current + SKEW {
        let at = u64::try_from(step.checked_mul(STEP)?).ok()?;
        let expected = totp.generate(at).to_string();
        let same = constant_time::verify_slices_are_equal(expected.as_bytes(), &given).is_ok();
        if same && step > last_step {
            found = Some(step);
        }
    }
    found
}

/// New codes for paper: `xxxx-xxxx-xxxx`, each of 60 random bits.
pub fn recovery_codes() -> Result<Vec<SecretString>> {
    (0..RECOVERY_CODES).map(|_| recovery_code()).collect()
}

fn recovery_code() -> Result<SecretString> {
    // 256 is a multiple of 32: no character is likelier than another.
    let bytes = secret::random::<RECOVERY_LENGTH>()?;
    let mut code = String::with_capacity(RECOVERY_LENGTH + 2);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code.into())
}

/// What is kept of a recovery code of an account: under the installation's key, so that whoever has only the rows cannot try
/// codes against them. `None` if the text cannot be a code.
pub fn recovery_hash(keyring: &Keyring, account: AccountId, code: &str) -> Result<Option<[u8; 32]>> {
    let Some(code) = normal(code) else { return Ok(None) };
    keyring.mac(Purpose::Totp, &[b"recovery code", account.uuid().as_bytes(), code.as_bytes()]).map(Some)
}

/// A code as it was meant, however it was typed.
fn normal(code: &str) -> Option<String> {
    let mut text = String::with_capacity(RECOVERY_LENGTH);
    for c in code.chars().take(40).filter(|c| !c.is_whitespace() && *c != '-') {
        let c = match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        };
        if !c.is_ascii() || !ALPHABET.contains(&(c as u8)) || text.len() == RECOVERY_LENGTH {
            return None;
        }
        text.push(c);
    }
    (text.len() == RECOVERY_LENGTH).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cloister_ids::{AccountId, Uuid};
    use jiff::Timestamp;
    use secrecy::ExposeSecret;

    use super::{Secret, recovery_codes, recovery_hash, verify};
    use crate::Keyring;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(verify(&secret, code, at(second), 0), Some(second / 30), "{code}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_one_beside_and_only_once() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        let (code, step) = ("005924", 1_234_567_890 / 30);
        let start = step * 30;
        for (second, good) in [(start - 31, false), (start - 30, true), (start + 59, true), (start + 60, false)] {
            assert_eq!(verify(&secret, code, at(second), 0), good.then_some(step), "{}", second - start);
        }
        assert_eq!(verify(&secret, code, at(start), step - 1), Some(step));
        assert_eq!(verify(&secret, code, at(start), step), None, "taken before");
        assert_eq!(verify(&secret, code, at(start), step + 1), None, "older than one taken before");
        assert_eq!(verify(&secret, "005 924", at(start), 0), Some(step), "as apps show it");
        for wrong in ["005925", "05924", "0005924", "", "+05924", "００５９２４"] {
            assert_eq!(verify(&secret, wrong, at(start), 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_who_and_what() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        let uri = secret.provisioning_uri("Cloister", "ada:x@example.org").unwrap();
        assert_eq!(
            uri.expose_secret(),
            "otpauth://totp/Cloister:adax%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Cloister"
        );
        assert_eq!(secret.text().expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_ne!(Secret::generate().unwrap().expose_bytes(), Secret::generate().unwrap().expose_bytes());
        assert!(!format!("{secret:?}").contains("GEZ"));
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed_and_for_its_account_alone() {
        let keyring = Keyring::new([7; 32]);
        let (ada, bob) = (AccountId::from_uuid(Uuid::from_u128(1)), AccountId::from_uuid(Uuid::from_u128(2)));
        let hash = |account, code: &str| recovery_hash(&keyring, account, code).unwrap();
        let kept = hash(ada, "01ab-cdef-ghjk").unwrap();
        for typed in ["01AB-CDEF-GHJK", "oiab cdef ghjk", " OLABCDEFGHJK ", "0-1-a-b-cdefghjk"] {
            assert_eq!(hash(ada, typed), Some(kept), "{typed}");
        }
        assert_ne!(hash(bob, "01ab-cdef-ghjk"), Some(kept));
        assert_ne!(hash(ada, "01ab-cdef-ghjm"), Some(kept));
        for wrong in ["", "01ab-cdef-ghj", "01ab-cdef-ghjkk", "01ab-cdef-ghju", "01ab-cdef-ghjé"] {
            assert_eq!(hash(ada, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn new_recovery_codes_differ_and_are_in_the_form_they_are_typed() {
        let codes = recovery_codes().unwrap();
        let keyring = Keyring::new([7; 32]);
        let mut hashes = HashSet::new();
        for code in &codes {
            let code = code.expose_secret();
            assert_eq!((code.len(), code.matches('-').count()), (14, 2), "{code}");
            hashes.insert(recovery_hash(&keyring, AccountId::from_uuid(Uuid::from_u128(1)), code).unwrap().unwrap());
        }
        assert_eq!(hashes.len(), 10);
    }
}
