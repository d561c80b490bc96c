//! A letter as a mail server was given it, read as a mail program reads it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Who sends it, on the envelope.
    pub from: String,
    /// Whom it is for, on the envelope.
    pub to: Vec<String>,
    /// Every byte of it.
    pub raw: String,
    headers: Vec<(String, String)>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    kind: String,
    body: String,
}

impl Letter {
    /// Reads it.
    pub(crate) fn read(from: String, to: Vec<String>, raw: String) -> Self {
        let (headers, body) = split(&raw);
        let kind = value(&headers, "content-type").unwrap_or_default();
        let boundary = kind.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(text, _)| text);
        let parts = match boundary {
            Some(boundary) => {
                let mark = format!("--{boundary}");
                let inner = body.split(mark.as_str()).skip(1).filter(|piece| !piece.starts_with("--"));
                inner.map(|piece| part(piece.trim_start_matches("\r\n"))).collect()
            }
            None => vec![part(&raw)],
        };
        Self { from, to, raw, headers, parts }
    }

    /// A header's text, of whatever encoding.
    pub fn header(&self, name: &str) -> Option<String> {
        value(&self.headers, name).map(words)
    }

    /// The names of all headers.
    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Its subject.
    pub fn subject(&self) -> String {
        self.header("subject").unwrap_or_default()
    }

    /// Its plain text.
    pub fn text(&self) -> &str {
        self.part("text/plain")
    }

    /// Its HTML.
    pub fn html(&self) -> &str {
        self.part("text/html")
    }

    /// The first web address in its text.
    pub fn link(&self) -> Option<&str> {
        self.text().split_whitespace().find(|word| word.starts_with("http://") || word.starts_with("https://"))
    }

    fn part(&self, kind: &str) -> &str {
        self.parts.iter().find(|part| part.kind.starts_with(kind)).map_or("", |part| part.body.as_str())
    }
}

/// Headers, unfolded, and what is below them.
fn split(raw: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
    (headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(), body)
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn part(raw: &str) -> Part {
    let (headers, body) = split(raw);
    let body = match value(&headers, "content-transfer-encoding").unwrap_or_default() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(&body.replace("\r\n", "")),
        _ => body.to_owned(),
    };
    let kind = value(&headers, "content-type").unwrap_or_default().to_owned();
    Part { kind, body: body.replace("\r\n", "\n").trim_end().to_owned() }
}

/// Header text with its encoded words decoded. Between two of them, white space means nothing.
fn words(text: &str) -> String {
    let mut decoded = String::new();
    let (mut rest, mut after_word) = (text, false);
    while let Some((before, word)) = rest.split_once("=?") {
        let pieces: Vec<&str> = word.splitn(4, '?').collect();
        let [_, encoding, content, behind] = pieces.as_slice() else { break };
        if !(after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        decoded.push_str(&match encoding.to_ascii_lowercase().as_str() {
            "b" => base64(content),
            _ => quoted_printable(&content.replace('_', " ")),
        });
        rest = behind.strip_prefix('=').unwrap_or(behind);
        after_word = true;
    }
    decoded.push_str(rest);
    decoded
}

fn base64(text: &str) -> String {
    match STANDARD.decode(text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => panic!("{text} is no base64: {error}"),
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Letter;

    #[test]
    fn a_letter_is_read_as_a_mail_program_reads_it() {
        let raw = "From: a@b.example\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?= =?utf-8?q?_an_alle?=\r\nContent-Type: multipart/alternative;\r\n \
            boundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Gr=C3=BC=\r\n=C3=9Fe 1=3D1\r\nhttps://a.example/?b=3Dc\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nPGI+Z\r\nzwvYj4=\r\n--x--\r\n";
        let letter = Letter::read("a@b.example".to_owned(), vec!["c@d.example".to_owned()], raw.to_owned());
        assert_eq!(letter.subject(), "Grüße an alle");
        assert_eq!(letter.text(), "Grüße 1=1\nhttps://a.example/?b=c");
        assert_eq!(letter.html(), "<b>g</b>");
        assert_eq!(letter.link(), Some("https://a.example/?b=c"));
        assert_eq!(letter.header_names(), ["From", "Subject", "Content-Type"]);
    }
}
