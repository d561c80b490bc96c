//! What is packed in a workbook, measured before anybody believes what it says of itself.
//!
//! The reader of workbooks keeps room for as many strings as the file says that it has, copies the names of formats and fonts to
//! every style that refers to them, and the address of a sheet to every sheet that refers to it. All are numbers that somebody else
//! wrote, and an allocation that fails takes the whole process with it. So they are held against the bytes that are really there.

use std::io::{Cursor, Read, Write};

use cloister_tenancy::{Error, Result};

use super::{excel::unreadable, sheet::refused};

/// Bytes of all that is packed in it.
pub(super) const UNPACKED: u64 = 100 * 1024 * 1024;
/// Files that are packed in it.
const FILES: usize = 2_000;
/// Bytes of the shortest string there can be: `<si/>`.
const SHORTEST_STRING: u64 = 5;
/// Texts that cells share, each of which is kept by itself.
const STRINGS: usize = 1_000_000;
/// Sheets. The reader keeps an address for each.
const SHEETS: usize = 1_000;
/// Bytes of an address within the workbook, or of a page that a cell links to, of which the usual program allows 2,083 letters.
const ADDRESS: usize = 8 * 1024;
/// Formats of cells. The usual program has 65,490 at most.
const FORMATS: usize = 65_536;
/// Elements of all that is said about styles.
const STYLE_ELEMENTS: usize = 1_000_000;
/// Bytes that all formats may take together, each as long as the longest value that is said about styles.
const STYLE_BYTES: usize = 64 * 1024 * 1024;

/// Unpacks all of it once without keeping it: what says that it is small may be large.
pub(super) fn measure(bytes: &[u8], most: u64) -> Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    if archive.len() > FILES {
        return Err(bomb());
    }
    let (mut left, mut part) = (most, Vec::new());
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(unreadable)?;
        // The reader looks for these by the end of their names, whatever folder the workbook says they are in.
        let name = file.name().map_err(unreadable)?.to_ascii_lowercase();
        let mut file = file.take(left + 1);
        let [strings, styles, addresses] = ["sharedstrings.xml", "styles.xml", ".rels"].map(|end| name.ends_with(end));
        // The part with the sheets may be called anything.
        let mut sheets = Elements::new(b"sheet");
        part.clear();
        let read = if strings || styles || addresses {
            let read = file.read_to_end(&mut part).map_err(unreadable)? as u64;
            sheets.look(&part);
            read
        } else {
            std::io::copy(&mut file, &mut sheets).map_err(unreadable)?
        };
        left = left.checked_sub(read).ok_or_else(bomb)?;
        if part.iter().any(|byte| [0, 0x1b].contains(byte)) {
            // An encoding in which words cannot be found. No program writes one.
            return Err(refused(
                "table_unreadable",
                "This workbook is not in UTF-8. Save it again as .xlsx, or as CSV.",
            ));
        }
        if sheets.count > SHEETS
            || strings && (claimed(&part) > read / SHORTEST_STRING || Elements::among(b"si", &part) > STRINGS)
            || styles && !are_bounded(&part)
            || addresses && longest_value(&part) > ADDRESS
        {
            return Err(bomb());
        }
    }
    Ok(())
}

fn bomb() -> Error {
    refused("table_too_large", "This workbook is too large when it is unpacked. Send the table in parts, or as CSV.")
}

/// Counts the elements of one name, whatever stands before its colon. What comes piece by piece is counted without being kept.
struct Elements {
    name: &'static [u8],
    count: usize,
    within: Within,
}

/// Where in the text the next byte stands.
#[derive(Clone, Copy)]
enum Within {
    /// In no name of an element.
    Nothing,
    /// In one that is another.
    Another,
    /// Behind so many bytes of the name.
    Name(usize),
}

impl Elements {
    fn new(name: &'static [u8]) -> Self {
        Self { name, count: 0, within: Within::Nothing }
    }

    fn among(name: &'static [u8], part: &[u8]) -> usize {
        let mut elements = Self::new(name);
        elements.look(part);
        elements.count
    }

    fn look(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.within = match (byte, self.within) {
                (b'<', _) | (b':', Within::Another | Within::Name(_)) => Within::Name(0),
                (b'/' | b'>' | b' ' | b'\t' | b'\r' | b'\n', Within::Name(at)) => {
                    self.count += usize::from(at == self.name.len());
                    Within::Nothing
                }
                (_, Within::Nothing) | (b'/' | b'>' | b' ' | b'\t' | b'\r' | b'\n', Within::Another) => Within::Nothing,
                (byte, Within::Name(at)) if self.name.get(at) == Some(byte) => Within::Name(at + 1),
                _ => Within::Another,
            };
        }
    }
}

impl Write for Elements {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.look(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The most strings that this says it has, wherever it says so.
fn claimed(part: &[u8]) -> u64 {
    const WORD: &[u8] = b"uniqueCount";
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let (mut most, mut seen) = (0, false);
    let (mut at, mut number) = (0, None);
    while at < part.len() {
        if part[at..].starts_with(WORD) {
            (seen, at) = (true, at + WORD.len());
            continue;
        }
        match digit(&part[at]) {
            Some(digit) if seen => number = Some(number.unwrap_or(0u64).saturating_mul(10).saturating_add(digit)),
            _ => {
                if let Some(number) = number.take() {
                    (most, seen) = (most.max(number), false);
                }
            }
        }
        at += 1;
    }
    most.max(number.unwrap_or(0))
}

/// Whether the styles stay small when they are read.
fn are_bounded(part: &[u8]) -> bool {
    let count = |is: &dyn Fn(&[u8]) -> bool| part.windows(3).filter(|window| is(window)).count();
    let elements = part.split(|byte| *byte == b'<').count() - 1;
    let formats = count(&|window| [b'<', b':'].contains(&window[0]) && &window[1..] == b"xf");
    elements <= STYLE_ELEMENTS && formats <= FORMATS && formats.saturating_mul(longest_value(part)) <= STYLE_BYTES
}

/// The length of the longest text that stands in quotes behind an equals sign.
fn longest_value(part: &[u8]) -> usize {
    let (mut longest, mut at) = (0, 0);
    while let Some(sign) = part[at..].iter().position(|byte| *byte == b'=') {
        at += sign + 1;
        let blanks = part[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(quote @ (b'"' | b'\'')) = part.get(at + blanks) else { continue };
        let rest = &part[at + blanks + 1..];
        longest = longest.max(rest.iter().position(|byte| byte == quote).unwrap_or(rest.len()));
    }
    longest
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use rust_xlsxwriter::{Format, Workbook};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::{Elements, UNPACKED, claimed, longest_value, measure};
    use crate::import::table::excel::read;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn code(bytes: &[u8]) -> String {
        measure(bytes, UNPACKED).map_or_else(|error| error.code().to_owned(), |()| "measured".to_owned())
    }

    #[test]
    fn what_is_large_when_it_is_unpacked_is_refused() {
        let bomb = zipped(&[("xl/worksheets/sheet1.xml", &vec![b' '; 3_000_000])]);
        assert!(bomb.len() < 10_000);
        assert_eq!(measure(&bomb, 2_000_000).unwrap_err().code(), "table_too_large");
        measure(&bomb, 3_000_000).unwrap();
    }

    #[test]
    fn a_workbook_that_claims_more_strings_than_it_has_is_refused_before_it_is_read() {
        let rels = br#"<Relationships><Relationship Id="1" Type="x/relationships/officeDocument" Target="in/workbook.xml"/></Relationships>"#;
        for head in [
            r#"<sst uniqueCount="1000000000000000">"#,
            r#"<sst count="1" uniqueCount = ' 900000000000'>"#,
            r#"<!-- uniqueCount --><x:sst uniqueCount="99999999999999999999999">"#,
        ] {
            for name in ["in/sharedStrings.xml", "in/SHAREDstrings.XML", "in\\sharedStrings.xml"] {
                let bytes =
                    zipped(&[("_rels/.rels", rels), (name, format!("{head}<si><t>a</t></si></sst>").as_bytes())]);
                assert_eq!(read(bytes, None).unwrap_err().code(), "table_too_large", "{head} {name}");
            }
        }
        let utf_16: Vec<u8> =
            "<sst uniqueCount=\"1000000000000000\">".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bytes = zipped(&[("_rels/.rels", rels), ("in/sharedStrings.xml", &utf_16)]);
        assert_eq!(read(bytes, None).unwrap_err().code(), "table_unreadable");
    }

    #[test]
    fn claims_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("", 0),
            ("<sst count=\"7\"><si/>", 0),
            ("<sst uniqueCount=\"12\" count=\"99\">", 12),
            ("<!-- uniqueCount --><sst count='3' uniqueCount='40'><si><t>500</t></si>", 40),
            ("uniqueCountuniqueCount=5", 5),
            ("uniqueCouniqueCount=6", 6),
        ] {
            assert_eq!(claimed(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn styles_that_would_grow_when_they_are_read_are_refused() {
        let long = format!("<numFmt numFmtId=\"200\" formatCode= '{}'/>", "0".repeat(100_000));
        let formats = |many: usize| format!("<styleSheet>{long}<cellXfs>{}", "<xf numFmtId=\"200\"/>".repeat(many));
        assert_eq!(longest_value(long.as_bytes()), 100_000);
        assert_eq!(code(&zipped(&[("xl/styles.xml", formats(100).as_bytes())])), "measured");
        assert_eq!(code(&zipped(&[("xl/styles.xml", formats(1_000).as_bytes())])), "table_too_large");
        let many = format!("<cellXfs>{}", "<xf/>".repeat(70_000));
        assert_eq!(code(&zipped(&[("Styles.xml", many.as_bytes())])), "table_too_large");
        let fonts = format!("<fonts>{}", "<font/>".repeat(1_100_000));
        assert_eq!(code(&zipped(&[("styles.xml", fonts.as_bytes())])), "table_too_large");
    }

    /// A workbook by hand, with these sheets and this address for the first.
    fn by_hand(sheets: &str, address: &str) -> Vec<u8> {
        let root = br#"<Relationships><Relationship Id="1" Type="x/relationships/officeDocument" Target="in/book.bin"/></Relationships>"#;
        let rels =
            format!(r#"<Relationships><Relationship Id="1" Type="x/worksheet" Target="{address}"/></Relationships>"#);
        zipped(&[
            ("_rels/.rels", root),
            ("in/_rels/book.bin.rels", rels.as_bytes()),
            ("in/book.bin", format!("<w:workbook><w:sheets>{sheets}</w:sheets></w:workbook>").as_bytes()),
            ("in/one.xml", b"<worksheet><sheetData><row><c t=\"str\"><v>name</v></c></row></sheetData></worksheet>"),
        ])
    }

    #[test]
    fn sheets_that_would_grow_when_they_are_read_are_refused() {
        let sheet = r#"<w:sheet name="One" r:id="1"/>"#;
        assert_eq!(read(by_hand(sheet, "one.xml"), None).unwrap().headers, ["name"]);
        assert_eq!(code(&by_hand(&sheet.repeat(1_000), "one.xml")), "measured");
        for many in ["<w:sheet id=\"1\"/>", "<sheet\tid='1'>", "<sheet/>", "<x:sheet>"] {
            assert_eq!(read(by_hand(&many.repeat(1_001), "one.xml"), None).unwrap_err().code(), "table_too_large");
        }
        let far = format!("one.xml?{}", "x".repeat(9_000));
        assert_eq!(read(by_hand(sheet, &far), None).unwrap_err().code(), "table_too_large");
    }

    #[test]
    fn elements_are_counted_by_their_own_names() {
        for (text, expected) in [
            ("<sheet id='1'/><a:sheet/><b:c:sheet\n></sheet></a:sheet>", 3),
            ("<sheets><sheetData><worksheet sheet='1'>sheet <sheetsheet/>:sheet <", 0),
            ("<<sheet>", 1),
        ] {
            assert_eq!(Elements::among(b"sheet", text.as_bytes()), expected, "{text}");
            let mut by_bytes = Elements::new(b"sheet");
            text.as_bytes().chunks(1).for_each(|byte| by_bytes.look(byte));
            assert_eq!(by_bytes.count, expected, "{text}");
        }
    }

    #[test]
    fn more_strings_than_a_table_has_are_refused() {
        let strings = |many: usize| zipped(&[("xl/sharedStrings.xml", "<si/>".repeat(many).as_bytes())]);
        assert_eq!(code(&strings(1_000_000)), "measured");
        assert_eq!(code(&strings(1_000_001)), "table_too_large");
    }

    #[test]
    fn a_workbook_that_is_honest_is_read() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "name").unwrap();
        for row in 1..2_000 {
            let format =
                Format::new().set_num_format(format!("#'##0.00 \"{row}\"")).set_font_name(format!("Font {row}"));
            sheet.write_string_with_format(row, 0, format!("name {row}"), &format).unwrap();
        }
        assert_eq!(read(workbook.save_to_buffer().unwrap(), None).unwrap().rows.len(), 1_999);
    }
}
