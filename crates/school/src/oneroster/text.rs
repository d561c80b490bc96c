//! From the bytes of a field to text that can be kept.

use std::borrow::Cow;

use super::{
    deviation::{CONTROL_CHARACTER, ENCODING, SURROUNDING_SPACE},
    finding::{Findings, Mode, Place, Refused},
};

/// What Windows-1252 has in place of the C1 controls. The five unassigned bytes become the replacement character.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{FFFD}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{FFFD}', 'Ž', '\u{FFFD}', '\u{FFFD}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{FFFD}', 'ž', 'Ÿ',
];

fn from_windows_1252(bytes: &[u8]) -> String {
    let decode = |&byte: &u8| match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    };
    bytes.iter().map(decode).collect()
}

/// Line breaks and tabs are text; the other control characters are not, and PostgreSQL has no place for NUL.
fn is_unwanted(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// Decodes a field, and in lenient mode cleans it. The value of a field that is not text is never shown.
pub(crate) fn read_text<'a>(
    bytes: &'a [u8],
    place: Place<'_>,
    findings: &mut Findings,
) -> Result<Cow<'a, str>, Refused> {
    let mut text = if let Ok(text) = std::str::from_utf8(bytes) {
        Cow::Borrowed(text)
    } else {
        let text = from_windows_1252(bytes);
        findings.deviation(&ENCODING, place, Some(&text), Some("UTF-8".into()))?;
        Cow::Owned(text)
    };
    if text.contains(is_unwanted) {
        findings.deviation(&CONTROL_CHARACTER, place, Some(&text), None)?;
        text = Cow::Owned(text.chars().filter(|c| !is_unwanted(*c)).collect());
    }
    // To the letter, spaces are part of a value: where they do no harm the strict reader keeps them.
    if findings.mode() == Mode::Lenient {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            findings.deviation(&SURROUNDING_SPACE, place, Some(&text), None)?;
            text = Cow::Owned(trimmed.to_owned());
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::from_windows_1252;

    #[test]
    fn windows_text_is_decoded() {
        assert_eq!(from_windows_1252(b"Ren\xe9e \x93Zo\xeb\x94 \x80"), "Renée “Zoë” €");
    }
}
