//! CSV as schools have it: any of the usual separators, in UTF-8 or in what Windows wrote.

use cloister_tenancy::Result;
use encoding_rs::{UTF_8, WINDOWS_1252};

use super::{
    report::TableIssue,
    sheet::{CELLS, COLUMNS, Cell, ROWS, Sheet, SheetRow, refused, too_many_cells, too_many_columns, too_many_rows},
};

/// Separators that occur. The first is taken where nothing tells.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Reads it.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet> {
    let mut issues = Vec::new();
    let text = decode(bytes, &mut issues)?;
    let (text, skipped) = match text.lines().next().and_then(|line| line.strip_prefix("sep=")) {
        // A line by which Excel is told the separator.
        Some(_) => (text.split_once('\n').map_or("", |(_, rest)| rest), 1),
        None => (&*text, 0),
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let (mut rows, mut room): (Vec<SheetRow>, usize) = (Vec::new(), CELLS);
    let (mut read, mut line, mut within) = (0, 1 + skipped, 0);
    let ends = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count() as u64;
    for record in reader.records() {
        let record = record.map_err(|error| {
            refused("table_unreadable", "This file is no CSV: a row cannot be read.").because(error)
        })?;
        // As a spreadsheet counts: with empty lines, and without the ends of lines within a cell.
        let begins = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(read);
        let begins = begins + text[begins..].bytes().take_while(|byte| b"\r\n".contains(byte)).count();
        line += ends(&text[read..begins]);
        read = begins;
        let row = line - within;
        within += record.iter().map(ends).sum::<u64>();
        if rows.len() > ROWS {
            return Err(too_many_rows());
        }
        if record.len() > COLUMNS && record.iter().skip(COLUMNS).any(|cell| !cell.trim().is_empty()) {
            return Err(too_many_columns());
        }
        room = room.checked_sub(record.len().min(COLUMNS)).ok_or_else(too_many_cells)?;
        rows.push(SheetRow { line: row, cells: record.iter().take(COLUMNS).map(Cell::guarded).collect() });
    }
    Sheet::of("csv", rows, issues)
}

/// The text of it. What is no Unicode is taken for Windows' Western European, which is what it nearly always is, and told so.
fn decode(bytes: &[u8], issues: &mut Vec<TableIssue>) -> Result<String> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
    let text = match encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]) {
        Some(text) => text.into_owned(),
        None if mark > 0 => {
            return Err(refused("table_not_text", "The characters of this file are broken. Save it as CSV in UTF-8."));
        }
        None => {
            let message = "This file is not in UTF-8. It was read as Windows-1252: look whether letters such as ä and é are right, \
                           and otherwise save it as CSV in UTF-8.";
            issues.push(TableIssue::warning("encoding_guessed", 1, None, message.to_owned()));
            WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        }
    };
    if text.contains('\0') {
        return Err(refused("table_not_text", "This is no table. Send CSV, or a workbook with the ending .xlsx."));
    }
    Ok(text)
}

/// The separator that the first line has most of, outside of quotes.
fn separator(text: &str) -> u8 {
    let mut counts = [0usize; SEPARATORS.len()];
    let mut quoted = false;
    for byte in text.trim_start().bytes().take(64 * 1024) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => {
                if let Some(at) = SEPARATORS.iter().position(|separator| *separator == byte) {
                    counts[at] += 1;
                }
            }
            _ => {}
        }
    }
    let most = (0..SEPARATORS.len()).rev().max_by_key(|at| counts[*at]).unwrap_or_default();
    SEPARATORS[most]
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::import::table::sheet::{Cell, Sheet};

    fn rows(sheet: &Sheet) -> Vec<Vec<String>> {
        let shown = |cell: &Cell| match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        sheet.rows.iter().map(|row| row.cells.iter().map(shown).collect()).collect()
    }

    #[test]
    fn any_usual_separator_and_encoding_is_read() {
        for bytes in [
            "Vorname,Nachname\nZoë,Müller\n".as_bytes().to_vec(),
            "\u{feff}Vorname;Nachname\r\n\"Zoë\";Müller\r\n".as_bytes().to_vec(),
            "sep=;\nVorname;Nachname\nZoë;Müller\n".as_bytes().to_vec(),
            "Vorname\tNachname\n\nZoë\tMüller".as_bytes().to_vec(),
            b"Vorname;Nachname\nZo\xeb;M\xfcller\n".to_vec(),
            "\u{feff}Vorname;Nachname\nZoë;Müller\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ] {
            let sheet = read(&bytes).unwrap();
            assert_eq!(sheet.headers, ["Vorname", "Nachname"]);
            assert_eq!(rows(&sheet), [["Zoë", "Müller"]]);
            assert_eq!(sheet.issues.len(), usize::from(bytes.contains(&0xeb) && bytes[0] == b'V'), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (text, code) in [
            ("", "table_empty"),
            ("\n \n;;\n", "table_empty"),
            ("a;b;A\n1;2;3", "table_header_repeated"),
            ("Pupils of 2025\na,b,c\n1,2,3", "table_header_missing"),
            ("a\0b", "table_not_text"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().code(), code, "{text:?}");
        }
        let wide = vec!["x"; 300].join(",");
        assert_eq!(read(wide.as_bytes()).unwrap_err().code(), "table_too_wide");
        let long = format!("a\n{}", "1\n".repeat(20_001));
        assert_eq!(read(long.as_bytes()).unwrap_err().code(), "table_too_long");
        let full = format!("a{}\n", ",".repeat(199)).repeat(10_001);
        assert_eq!(read(full.as_bytes()).unwrap_err().code(), "table_too_large");
        assert_eq!(read(&[0xff, 0xfe, 0x00, 0xd8, 0x20]).unwrap_err().code(), "table_not_text");
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts() {
        for (text, expected) in [
            ("a\r\n1\r\n2\r\n", vec![2, 3]),
            ("a\n\n\n1\n2\n", vec![4, 5]),
            ("a\n\"1\n1\"\n2\n", vec![2, 3]),
            ("a\r\n\"1\r\n\r\n1\"\r\n\r\n2", vec![2, 4]),
            ("sep=;\na\n1\n", vec![3]),
            ("\u{feff}a\r\né\"x\r\n2", vec![2, 3]),
        ] {
            let lines: Vec<u64> = read(text.as_bytes()).unwrap().rows.iter().map(|row| row.line).collect();
            assert_eq!(lines, expected, "{text:?}");
        }
    }

    #[test]
    fn cells_are_texts_and_our_own_guard_goes() {
        let sheet = read(b"a,b\n'=1,'tis\n\"x; y;' -1\",2\n").unwrap();
        assert_eq!(rows(&sheet), [["=1", "'tis"], ["x; y; -1", "2"]]);
        let sheet = read(b"a,b\n''=1,\"x;''-1\"\n").unwrap();
        assert_eq!(rows(&sheet), [["'=1", "x;'-1"]]);
        let sheet = read(format!("a,b\n{},\n", "x".repeat(40_000)).as_bytes()).unwrap();
        assert!(matches!(sheet.rows[0].cells[0], Cell::Fault("cell_too_long", _)));
    }
}
