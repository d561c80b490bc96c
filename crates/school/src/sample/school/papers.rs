//! Small files for made-up documents: a page of PDF, and a picture.

use std::fmt::Write as _;

/// Eight by eight dots, as a scan that nobody would look at.
pub(super) const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x08\x00\x00\x00\x08\x01\x00\x00\x00\x00\xect\x83&\
    \x00\x00\x00\x0eIDATx\xdac\x08eX\xc5\x80\x84\x01\x1e\x9c\x03\xfdp\x15\xc9\x90\x00\x00\x00\x00IEND\xaeB`\x82";

/// A page with these lines, in ASCII.
pub(super) fn page(lines: &[&str]) -> Vec<u8> {
    let mut text = String::from("BT /F1 12 Tf 72 770 Td 18 TL\n");
    for line in lines {
        let shown = line.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
        let escaped = shown.flat_map(|c| matches!(c, '(' | ')' | '\\').then_some('\\').into_iter().chain([c]));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "({}) Tj T*", escaped.collect::<String>());
    }
    text.push_str("ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{text}endstream", text.len()),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        let _ = writeln!(file, "{number} 0 obj\n{object}\nendobj");
    }
    let (start, size) = (file.len(), objects.len() + 1);
    let _ = write!(file, "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{PICTURE, page};
    use crate::media_type::{MediaType, PAPERS, PICTURES};

    #[test]
    fn each_is_taken_for_what_it_is() {
        for (name, bytes) in [("application/pdf", page(&["A (b) \\ c"])), ("image/png", PICTURE.to_vec())] {
            let kind = MediaType::named(PAPERS.iter().chain(&PICTURES), name).unwrap();
            assert!(kind.check(&bytes).is_ok(), "{name}");
        }
        assert_eq!((PICTURE.len(), &PICTURE[PICTURE.len() - 8..PICTURE.len() - 4]), (71, &b"IEND"[..]));
    }

    #[test]
    fn every_object_of_a_page_is_where_its_table_says() {
        let text = String::from_utf8(page(&["Report (2026)"])).unwrap();
        assert!(text.contains("(Report \\(2026\\)) Tj"), "{text}");
        let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
        let table: Vec<&str> = text[start..].lines().collect();
        assert_eq!(table[..3], ["xref", "0 6", "0000000000 65535 f "]);
        for (number, line) in (1..=5).zip(&table[3..]) {
            // Entries have twenty bytes with the end of the line.
            assert_eq!(line.len(), 19);
            let at: usize = line[..10].parse().unwrap();
            assert!(text[at..].starts_with(&format!("{number} 0 obj\n")), "{number}");
        }
        let stream = &text[text.find("stream\n").unwrap() + 7..text.find("endstream").unwrap()];
        assert!(text.contains(&format!("/Length {} ", stream.len())));
    }
}
