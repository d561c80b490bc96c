//! Lines in the text format of COPY.

use std::{
    fmt::{Display, Write as _},
    hash::{DefaultHasher, Hasher},
};

/// The values of one line behind its first three columns, separated and escaped.
#[derive(Debug, Default)]
pub(super) struct CopyLine {
    values: String,
}

impl CopyLine {
    /// Begins the next line.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    /// The line as it goes to the server: where it was read, a candidate for its id, what tells it from other lines of the
    /// same name, and the values.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, line: u64, id: Option<impl Display>) {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.values.as_bytes());
        let digest = hasher.finish().cast_signed();
        let id = id.map_or_else(|| "\\N".to_owned(), |id| id.to_string());
        out.extend_from_slice(format!("{line}\t{id}\t{digest}").as_bytes());
        out.extend_from_slice(self.values.as_bytes());
        out.push(b'\n');
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.values.push('\t');
        text.chars().for_each(|c| self.escaped(c));
        self
    }

    /// A text, or nothing.
    pub(super) fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.nothing(),
        }
    }

    /// A value whose text needs no escape, such as a date or a number.
    pub(super) fn plain(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            // A string takes whatever is written to it.
            Some(value) => {
                let _ = write!(self.values, "\t{value}");
                self
            }
            None => self.nothing(),
        }
    }

    /// A list of texts.
    pub(super) fn list(&mut self, items: &[String]) -> &mut Self {
        self.values.push_str("\t{");
        for (at, item) in items.iter().enumerate() {
            self.values.push_str(if at == 0 { "\"" } else { ",\"" });
            for c in item.chars() {
                if matches!(c, '"' | '\\') {
                    self.values.push_str("\\\\");
                }
                self.escaped(c);
            }
            self.values.push('"');
        }
        self.values.push('}');
        self
    }

    /// Nothing.
    pub(super) fn nothing(&mut self) -> &mut Self {
        self.values.push_str("\t\\N");
        self
    }

    fn escaped(&mut self, c: char) {
        match c {
            '\\' => self.values.push_str("\\\\"),
            '\n' => self.values.push_str("\\n"),
            '\r' => self.values.push_str("\\r"),
            '\t' => self.values.push_str("\\t"),
            c => self.values.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CopyLine;

    fn written(line: &CopyLine) -> String {
        let mut out = Vec::new();
        line.write_to(&mut out, 7, None::<u8>);
        let text = String::from_utf8(out).expect("text");
        let (head, values) = text.split_at(text.match_indices('\t').nth(2).expect("three columns").0);
        assert!(head.starts_with("7\t\\N\t"), "{head}");
        values.to_owned()
    }

    #[test]
    fn what_would_end_a_value_or_a_line_is_escaped() {
        let mut line = CopyLine::default();
        line.text("a\tb\\c\nd\re").maybe(None).plain(Some(5)).plain(None::<u8>).text("\\N").text("");
        assert_eq!(written(&line), "\ta\\tb\\\\c\\nd\\re\t\\N\t5\t\\N\t\\\\N\t\n");
    }

    #[test]
    fn items_of_lists_are_quoted() {
        let mut line = CopyLine::default();
        let items = ["a,b", "\"", "\\", "", "null", "{x}", "line\nbreak"].map(str::to_owned);
        line.list(&items).list(&[]);
        assert_eq!(written(&line), "\t{\"a,b\",\"\\\\\"\",\"\\\\\\\\\",\"\",\"null\",\"{x}\",\"line\\nbreak\"}\t{}\n");
    }

    #[test]
    fn lines_that_say_the_same_are_told_to_be_the_same() {
        let mut line = CopyLine::default();
        let mut digest = |text: &str| {
            let mut out = Vec::new();
            line.clear();
            line.text(text).write_to(&mut out, 1, None::<u8>);
            out
        };
        assert_eq!(digest("a"), digest("a"));
        assert_ne!(digest("a"), digest("b"));
    }
}
