//! The kinds of files that are taken, and how each is told by what is in it: what a client says of a file is not believed.

use std::{borrow::Cow, io::Cursor};

use cloister_tenancy::{Error, Result};
use zip::ZipArchive;

/// A kind of file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// As in `Content-Type`.
    pub(crate) name: &'static str,
    /// How names of such files may end; the first is the usual one.
    pub(crate) extensions: &'static [&'static str],
    form: Form,
}

/// How it is told.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// It begins so.
    Begins(&'static [u8]),
    WebP,
    Text,
    /// A package of Office Open XML with this part.
    Office(&'static str),
    /// A package of OpenDocument, which begins with its own media type.
    OpenDocument,
}

macro_rules! office {
    ($kind:literal) => {
        concat!("application/vnd.openxmlformats-officedocument.", $kind)
    };
}

/// Pictures, in forms that every browser shows.
pub(crate) const PICTURES: [MediaType; 3] = [
    MediaType { name: "image/jpeg", extensions: &["jpg", "jpeg"], form: Form::Begins(b"\xff\xd8\xff") },
    MediaType { name: "image/png", extensions: &["png"], form: Form::Begins(b"\x89PNG\r\n\x1a\n") },
    MediaType { name: "image/webp", extensions: &["webp"], form: Form::WebP },
];

/// What documents are besides pictures. Nothing that a browser runs: neither HTML nor SVG.
pub(crate) const PAPERS: [MediaType; 6] = [
    MediaType { name: "application/pdf", extensions: &["pdf"], form: Form::Begins(b"%PDF-") },
    MediaType { name: "text/plain", extensions: &["txt"], form: Form::Text },
    MediaType {
        name: office!("wordprocessingml.document"),
        extensions: &["docx"],
        form: Form::Office("word/document.xml"),
    },
    MediaType { name: office!("spreadsheetml.sheet"), extensions: &["xlsx"], form: Form::Office("xl/workbook.xml") },
    MediaType { name: "application/vnd.oasis.opendocument.text", extensions: &["odt"], form: Form::OpenDocument },
    MediaType {
        name: "application/vnd.oasis.opendocument.spreadsheet",
        extensions: &["ods"],
        form: Form::OpenDocument,
    },
];

/// Entries of a package. No document has as many.
const ENTRIES: usize = 10_000;

impl MediaType {
    /// The one of `kinds` with this name.
    pub(crate) fn named<'a>(kinds: impl IntoIterator<Item = &'a Self>, name: &str) -> Result<&'a Self> {
        let found = kinds.into_iter().find(|kind| kind.name == name);
        found.ok_or_else(|| Error::internal("a media type was let in that is not on the list"))
    }

    /// Refuses a file in which is something else than its media type says.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<()> {
        let fits = match self.form {
            Form::Begins(mark) => bytes.starts_with(mark),
            Form::WebP => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
            Form::Text => is_text(bytes),
            Form::Office(part) => is_office(bytes, part),
            Form::OpenDocument => {
                let first = bytes.strip_prefix(b"PK\x03\x04").and_then(|rest| rest.get(26..));
                let first = first.and_then(|rest| rest.strip_prefix(b"mimetype"));
                let after = first.and_then(|rest| rest.strip_prefix(self.name.as_bytes()));
                // Another type may begin with this one: that of templates does.
                after.is_some_and(|after| after.starts_with(b"PK"))
            }
        };
        if fits {
            return Ok(());
        }
        let message = format!(
            "What is in this file is not {}. Send the file as it was saved, with the media type that it is; a document with \
             macros is not taken.",
            self.name
        );
        Err(Error::field("file", "file_differs_from_type", message))
    }
}

/// UTF-8, and no control characters but those of lines and pages.
fn is_text(bytes: &[u8]) -> bool {
    let is_line = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(|c: char| c.is_control() && !is_line(c)))
}

/// A zip with this part and the list of types that each such package has, and without a program.
fn is_office(bytes: &[u8], part: &str) -> bool {
    if !bytes.starts_with(b"PK\x03\x04") {
        return false;
    }
    let Some(names) = entries(bytes) else { return false };
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    has("[Content_Types].xml") && has(part) && !names.iter().any(|name| name.ends_with("vbaProject.bin"))
}

/// The names in the directory of a zip. None when there is none that can be read.
fn entries(bytes: &[u8]) -> Option<Vec<String>> {
    // Each entry of a directory begins so: no more of them are read than a document may have.
    if bytes.windows(4).filter(|four| *four == b"PK\x01\x02").count() > ENTRIES {
        return None;
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    archive.file_names().map(|name| name.ok().map(Cow::into_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::{ENTRIES, MediaType, PAPERS, PICTURES, entries};

    fn takes(name: &str, bytes: &[u8]) -> bool {
        let kind = MediaType::named(PAPERS.iter().chain(&PICTURES), name).unwrap();
        kind.check(bytes).is_ok()
    }

    fn zip(entries: &[&str]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in entries {
            let stored = zip::CompressionMethod::Stored;
            zip.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(stored)).unwrap();
            zip.write_all(b"<x/>").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn each_is_told_by_what_is_in_it() {
        let docx = PAPERS[2].name;
        let word = zip(&["_rels/.rels", "[Content_Types].xml", "word/document.xml"]);
        let sheet = zip(&["[Content_Types].xml", "xl/workbook.xml"]);
        let with_macros = zip(&["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"]);
        let mut odt = zip(&["mimetype"]);
        let name = PAPERS[4].name.as_bytes();
        odt.splice(38..42, name.iter().copied());
        let mut template = odt.clone();
        template.splice(38 + name.len()..38 + name.len(), *b"-template");
        for (kind, bytes, taken) in [
            ("application/pdf", &b"%PDF-1.7\n"[..], true),
            ("application/pdf", b"<html>%PDF-1.7", false),
            ("application/pdf", b"MZ\x90", false),
            ("image/jpeg", b"\xff\xd8\xff\xe0", true),
            ("image/png", b"\x89PNG\r\n\x1a\nx", true),
            ("image/png", b"\xff\xd8\xff\xe0", false),
            ("image/webp", b"RIFF\x01\x02\x03\x04WEBPVP8 ", true),
            ("image/webp", b"RIFF\x01\x02\x03\x04WAVE", false),
            ("image/webp", b"RIFF", false),
            ("text/plain", "Né à Łódź\r\n\tle 3 mai".as_bytes(), true),
            ("text/plain", b"a\0b", false),
            ("text/plain", b"\xff\xfea\0", false),
            (docx, &word, true),
            (docx, &sheet, false),
            (docx, &with_macros, false),
            (docx, &word[..word.len() - 10], false),
            (docx, b"PK\x03\x04", false),
            (PAPERS[3].name, &sheet, true),
            (PAPERS[4].name, &odt, true),
            (PAPERS[4].name, &template, false),
            (PAPERS[4].name, &word, false),
        ] {
            assert_eq!(takes(kind, bytes), taken, "{kind}: {}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_directory_that_lies_is_not_believed() {
        let sound = zip(&["a", "b"]);
        assert_eq!(entries(&sound).map(|names| names.len()), Some(2));
        for at in 0..sound.len() {
            for byte in [0, 0xff] {
                let mut broken = sound.clone();
                broken[at] = byte;
                // Whatever is said, it is read within bounds.
                drop(entries(&broken));
            }
        }
        assert_eq!(entries(b""), None);
        let many: Vec<String> = (0..=ENTRIES).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(entries(&zip(&many[1..])).map(|names| names.len()), Some(ENTRIES));
        assert_eq!(entries(&zip(&many)), None);
    }
}
