//! `Id<K>`: a UUIDv7 that knows what it names.

use std::{fmt, hash, marker::PhantomData, str::FromStr};

use jiff::Timestamp;
use postgres_types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::Clock;

/// What an id names. Implemented only by the registry in `kinds.rs`.
pub trait Kind: 'static + Send + Sync {
    /// The text before the underscore, three lower-case letters.
    const PREFIX: &'static str;
    /// The word a person would use, for messages.
    const NOUN: &'static str;
    /// The name of such an id in the API document.
    const SCHEMA: &'static str;
}

/// A typed identifier.
pub struct Id<K: Kind> {
    value: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {article} id: `{prefix}_` and 26 characters of 0-9 a-z without i, l, o, u", article = article(noun))]
pub struct IdError {
    prefix: &'static str,
    noun: &'static str,
}

fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

fn encode(value: Uuid) -> [u8; LENGTH] {
    let mut rest = value.as_u128();
    let mut text = [b'0'; LENGTH];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 characters carry 130 bits: the first may only use its lowest three.
    if bytes.len() != LENGTH || bytes[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in bytes {
        let digit = ALPHABET.iter().position(|known| known == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

/// Ahead of every id that is made from this time on.
pub fn ids_from(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

impl<K: Kind> Id<K> {
    /// A new id, stamped with the clock's time so that later ids sort later.
    pub fn generate(clock: &dyn Clock) -> Self {
        let now = clock.now();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let mut random: [u8; 10] = rand::random();
        // The twelve bits behind the milliseconds carry the microseconds within it: rows made in one burst keep their order.
        let micros = now.subsec_microsecond() % 1000;
        let fine = u16::try_from(micros * 4096 / 1000).unwrap_or(0).to_be_bytes();
        random[0] = fine[0];
        random[1] = fine[1];
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Takes a UUID that is known to name a `K`, as read from a column of that meaning.
    pub const fn from_uuid(value: Uuid) -> Self {
        Self { value, kind: PhantomData }
    }

    /// The value for a `uuid` column.
    pub const fn uuid(self) -> Uuid {
        self.value
    }

    /// The 26 characters without the prefix: safe inside a PostgreSQL identifier.
    pub fn bare(self) -> String {
        String::from_utf8_lossy(&encode(self.value)).into_owned()
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Id<K> {}
impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K: Kind> Eq for Id<K> {}
impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K: Kind> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = encode(self.value);
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(decode)
            .map(Self::from_uuid)
            .ok_or(IdError { prefix: K::PREFIX, noun: K::NOUN })
    }
}
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
/// A `uuid` column of that meaning.
impl<'a, K: Kind> FromSql<'a> for Id<K> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Uuid::from_sql(kind, raw).map(Self::from_uuid)
    }

    fn accepts(kind: &Type) -> bool {
        <Uuid as FromSql>::accepts(kind)
    }
}
impl<K: Kind> ToSql for Id<K> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.value.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <Uuid as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}
impl<K: Kind> utoipa::PartialSchema for Id<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", K::PREFIX)))
            .description(Some(format!("Identifies {}.", article(K::NOUN))))
            .examples([serde_json_example::<K>()])
            .into()
    }
}
impl<K: Kind> utoipa::ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed(K::SCHEMA)
    }
}

fn serde_json_example<K: Kind>() -> String {
    format!("{}_01jd4kqvm6e8x9t3c5z7b2n0fa", K::PREFIX)
}

#[cfg(test)]
mod tests {
    use super::ids_from;
    use crate::{Clock, ManualClock, PersonId, SystemClock, TenantId};
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn text_form_survives_the_round_trip() {
        let id = TenantId::generate(&SystemClock);
        let text = id.to_string();
        assert!(text.starts_with("ten_"), "{text}");
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse::<TenantId>(), Ok(id));
    }

    #[test]
    fn another_kind_is_refused_by_name() {
        let text = TenantId::generate(&SystemClock).to_string();
        let refused = text.parse::<PersonId>().map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("expected a person id: `per_` and 26 characters of 0-9 a-z without i, l, o, u".to_owned())
        );
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in [
            "",
            "ten_",
            "ten_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "ten_0000000000000000000000000i",
            "TEN_00000000000000000000000000",
        ] {
            assert!(text.parse::<TenantId>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000));
        let mut last = TenantId::generate(&clock);
        for _ in 0..100 {
            clock.advance(SignedDuration::from_micros(1000));
            let next = TenantId::generate(&clock);
            assert!(next > last);
            assert!(next.to_string() > last.to_string());
            let first = ids_from(clock.now());
            assert!(last.uuid() < first && first <= next.uuid());
            last = next;
        }
    }
}
