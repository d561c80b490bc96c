//! Names of files: which are taken, and how one is given out so that it is nothing but a name.

use std::fmt::Write as _;

use cloister_http::invalid;
use cloister_tenancy::{Error, Result};

use crate::media_type::MediaType;

/// Characters.
pub(super) const LONGEST: usize = 255;

/// Characters that turn the direction of what follows, so that `.exe` can be read as something else, or that cannot be seen.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// A name that is one on any system: no place, no command, nothing hidden.
pub(super) fn plain(name: &str, (): &()) -> garde::Result {
    let ends_oddly = |c: char| c == '.' || c.is_whitespace();
    if name.contains(|c: char| c.is_control() || deceives(c) || "/\\:*?\"<>|".contains(c))
        || name.starts_with(ends_oddly)
        || name.ends_with(ends_oddly)
    {
        return Err(invalid(
            "file_name_invalid",
            "Use a name without a path, without / \\ : * ? \" < > | and unseen characters, that neither begins nor ends with a dot \
             or a space.",
        ));
    }
    Ok(())
}

/// Refuses a name that says that the file is something else.
pub(super) fn check_extension(name: &str, kind: &MediaType) -> Result<()> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if extension.is_some_and(|extension| kind.extensions.contains(&extension.as_str())) {
        return Ok(());
    }
    let message = format!("The name of a file of {} ends with .{}.", kind.name, kind.extensions.join(" or ."));
    Err(Error::field("file_name", "file_name_extension", message))
}

/// The header `Content-Disposition` by which a browser keeps a file and does not show it (RFC 6266): the name in ASCII for
/// old programs, and as it is for all others (RFC 8187).
pub(super) fn attachment(name: &str) -> String {
    let ascii: String =
        name.chars().map(|c| if c == ' ' || c.is_ascii_graphic() && !"\"\\%".contains(c) { c } else { '_' }).collect();
    let mut exact = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            exact.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(exact, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::{attachment, check_extension, plain};
    use crate::media_type::PAPERS;

    #[test]
    fn a_name_is_a_name_and_no_place() {
        for (name, taken) in [
            ("geburtsurkunde.pdf", true),
            ("Né à Łódź (copie).pdf", true),
            ("出生証明書.pdf", true),
            ("../../etc/passwd.pdf", false),
            ("..\\boot.pdf", false),
            ("c:boot.pdf", false),
            (".htaccess.pdf", false),
            ("a.pdf.", false),
            (" a.pdf", false),
            ("a.pdf\r\nX-Evil: 1", false),
            ("a\0.pdf", false),
            ("a\u{202e}fdp.exe", false),
            ("a\u{200b}.pdf", false),
            ("a\".pdf", false),
            ("", true),
        ] {
            assert_eq!(plain(name, &()).is_ok(), taken, "{name:?}");
        }
    }

    #[test]
    fn a_name_says_what_the_file_is() {
        let pdf = &PAPERS[0];
        for (name, taken) in [("a.pdf", true), ("a.PDF", true), ("a.exe", false), ("pdf", false), ("a.pdf.js", false)] {
            assert_eq!(check_extension(name, pdf).is_ok(), taken, "{name}");
        }
    }

    #[test]
    fn a_header_holds_nothing_but_the_name() {
        assert_eq!(attachment("a b.pdf"), "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf");
        assert_eq!(
            attachment("Né;x=1.pdf"),
            "attachment; filename=\"N_;x=1.pdf\"; filename*=UTF-8''N%C3%A9%3Bx%3D1.pdf"
        );
        // Whatever is in a name, even if it had been let in.
        for name in ["a\r\nX: 1", "\"; filename=b", "é\u{202e}%00"] {
            let header = attachment(name);
            assert!(header.bytes().all(|b| (b' '..0x7f).contains(&b)), "{header:?}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
        }
    }
}
