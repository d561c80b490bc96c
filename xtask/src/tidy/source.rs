//! A Rust source taken apart: code, text literals and comments, each with its lines. Enough for rules about words, without
//! a parser.

/// A text literal or a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Line it begins in, from 1.
    pub(super) line: usize,
    /// Where its text would stand in [`Source::code`].
    pub(super) at: usize,
    pub(super) text: String,
}

/// A source taken apart.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The source with comments and contents of literals blanked; lines and columns are those of the file.
    pub(super) code: String,
    /// Text literals, as written between their quotes.
    pub(super) literals: Vec<Piece>,
    /// Comments, with their slashes.
    pub(super) comments: Vec<Piece>,
    /// Lines of `#[cfg(test)]` modules, first and last.
    tests: Vec<(usize, usize)>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let mut source = Scanner { text, at: 0, line: 1, source: Self::default() }.scan();
        source.tests = test_modules(&source.code);
        source
    }

    /// Line numbers and texts of the code.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// True inside a `#[cfg(test)]` module.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    source: Source,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Moves on by one character, keeping it as code or blanking it.
    fn step(&mut self, keep: bool) {
        let Some(c) = self.rest().chars().next() else { return };
        if c == '\n' {
            self.line += 1;
        }
        self.source.code.push(if keep || c == '\n' { c } else { ' ' });
        self.at += c.len_utf8();
    }

    fn steps(&mut self, bytes: usize, keep: bool) {
        let end = (self.at + bytes).min(self.text.len());
        while self.at < end {
            self.step(keep);
        }
    }

    fn scan(mut self) -> Source {
        let mut before = ' ';
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with("//") {
                let length = rest.find('\n').unwrap_or(rest.len());
                self.comment(length);
            } else if rest.starts_with("/*") {
                let length = block_comment(rest);
                self.comment(length);
            } else if c == '"' {
                self.literal(1, closing_quote(&rest[1..]), 1);
            } else if c == 'r' && !is_word(before) && is_raw(rest) {
                let hashes = rest[1..].bytes().take_while(|b| *b == b'#').count();
                let open = hashes + 2;
                let close = format!("\"{}", "#".repeat(hashes));
                let length = rest[open..].find(&close).unwrap_or(rest.len() - open);
                self.literal(open, length, close.len());
            } else if c == '\'' {
                let length = character(rest);
                // The quote of a lifetime is code.
                self.steps(length, length == 1);
            } else {
                // `b"…"` and `br"…"`: the prefix is code, what follows is read as above.
                before = if matches!(c, 'b' | 'c') && !is_word(before) { ' ' } else { c };
                self.step(true);
                continue;
            }
            before = ' ';
        }
        self.source
    }

    fn piece(&self, length: usize) -> Piece {
        Piece { line: self.line, at: self.source.code.len(), text: self.rest()[..length].to_owned() }
    }

    fn comment(&mut self, length: usize) {
        let piece = self.piece(length);
        self.source.comments.push(piece);
        self.steps(length, false);
    }

    fn literal(&mut self, open: usize, length: usize, close: usize) {
        self.steps(open, true);
        let piece = self.piece(length);
        self.source.literals.push(piece);
        self.steps(length, false);
        self.steps(close, true);
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_raw(rest: &str) -> bool {
    rest[1..].trim_start_matches('#').starts_with('"')
}

/// Bytes up to the quote that ends the literal.
fn closing_quote(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    rest.len()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Bytes of a character literal; one for the quote of a lifetime.
fn character(rest: &str) -> usize {
    let inside = &rest[1..];
    if let Some(escaped) = inside.strip_prefix('\\') {
        return escaped.char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 3);
    }
    match inside.chars().next() {
        Some(c) if inside[c.len_utf8()..].starts_with('\'') => c.len_utf8() + 2,
        _ => 1,
    }
}

fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let after = &code[at..];
        // `mod tests;` has its lines elsewhere: in a file of its own.
        let Some(open) = after.find('{').filter(|open| after.find(';').is_none_or(|end| *open < end)) else { continue };
        let mut depth = 0usize;
        let close = after[open..].char_indices().find_map(|(offset, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(open + offset)
        });
        let line_of = |at: usize| code[..at].matches('\n').count() + 1;
        found.push((line_of(at), line_of(at + close.unwrap_or(after.len() - 1))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Piece, Source};

    fn texts(pieces: &[Piece]) -> Vec<(usize, &str)> {
        pieces.iter().map(|piece| (piece.line, piece.text.as_str())).collect()
    }

    #[test]
    fn literals_and_comments_are_told_from_code() {
        let source = Source::read(
            "//! head \"no\"\nlet a = \"x \\\" // y\"; // tail\nlet b = r#\"raw \" text\"#;\n/* a /* nested */ b */ let c = '\"';\nlet d: &'static str = b\"bytes\";\nlet e = '\\'';\nlet f = \"two\nlines\"; let g = for_r(\"z\");\n",
        );
        assert_eq!(
            texts(&source.literals),
            [(2, "x \\\" // y"), (3, "raw \" text"), (5, "bytes"), (7, "two\nlines"), (8, "z")]
        );
        assert_eq!(texts(&source.comments), [(1, "//! head \"no\""), (2, "// tail"), (4, "/* a /* nested */ b */")]);
        let lines: Vec<_> = source.lines().map(|(_, line)| line.trim_end()).collect();
        assert_eq!(lines[1], "let a = \"         \";");
        assert_eq!(lines[4], "let d: &'static str = b\"     \";");
        assert_eq!(lines.len(), 8);
    }

    #[test]
    fn modules_of_tests_are_known() {
        let source = Source::read("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { }\n}\nfn c() {}\n");
        let tests: Vec<_> = (1..=6).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5]);
        let elsewhere = Source::read("#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(!elsewhere.is_test(3));
    }
}
