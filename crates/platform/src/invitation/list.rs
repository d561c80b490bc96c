//! Reading a pasted list of people: one a line, as address books, mail programs and spreadsheets write them.

use crate::account::check_email;

/// Lines with something in them, at most.
pub(super) const LINES: usize = 500;

/// One line that has something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1, as an editor counts.
    pub(super) number: usize,
    /// Who; none when no address was found in it.
    pub(super) who: Option<Person>,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) display_name: Option<String>,
}

/// Takes a list apart: `Noor Haddad <noor@north.example>`, `noor@north.example`, and both in columns that commas, semicolons
/// or tabs set apart.
pub(super) fn read(text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| Line { number, who: person(line) }).collect()
}

fn person(line: &str) -> Option<Person> {
    // From the last: a name may have such a sign in it.
    let angled = line.rsplit_once('<').and_then(|(name, rest)| Some((name, rest.split_once('>')?)));
    if let Some((name, (email, behind))) = angled {
        let ends = behind.trim_matches([',', ';', ' ', '\t']).is_empty();
        return ends.then(|| made(email, name)).flatten();
    }
    let separator = ['\t', ';', ','].into_iter().find(|separator| line.contains(*separator));
    let Some(separator) = separator else { return made(line, "") };
    let parts: Vec<&str> = line.split(separator).map(clean).filter(|part| !part.is_empty()).collect();
    let (addresses, names): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(|part| part.contains('@'));
    match addresses.as_slice() {
        [email] => made(email, &names.join(" ")),
        // Two people in a line: which name is whose?
        _ => None,
    }
}

fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'))
}

fn made(email: &str, name: &str) -> Option<Person> {
    let (email, name) = (clean(email), clean(name));
    check_email("email", email).ok()?;
    let fits = name.chars().count() <= 200 && !name.chars().any(char::is_control);
    let display_name = (!name.is_empty()).then(|| name.to_owned());
    fits.then(|| Person { email: email.to_owned(), display_name })
}

#[cfg(test)]
mod tests {
    use super::{person, read};

    #[test]
    fn lines_of_every_kind_are_read() {
        for (line, email, name) in [
            ("noor@north.example", "noor@north.example", None),
            ("Noor Haddad <noor@north.example>", "noor@north.example", Some("Noor Haddad")),
            ("\"Haddad, Noor\" <noor@north.example>,", "noor@north.example", Some("Haddad, Noor")),
            ("<noor@north.example>", "noor@north.example", None),
            ("noor@north.example, Noor Haddad", "noor@north.example", Some("Noor Haddad")),
            ("Noor Haddad;noor@north.example;", "noor@north.example", Some("Noor Haddad")),
            ("Noor\tHaddad\tnoor@north.example", "noor@north.example", Some("Noor Haddad")),
            ("\"Haddad, Noor\"\tnoor@north.example", "noor@north.example", Some("Haddad, Noor")),
            ("'noor@north.example'", "noor@north.example", None),
            ("Noor <3 <noor@north.example>", "noor@north.example", Some("Noor <3")),
        ] {
            let found = person(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.email.as_str(), found.display_name.as_deref()), (email, name), "{line}");
        }
    }

    #[test]
    fn what_names_nobody_or_two_is_not_guessed_at() {
        for line in [
            "Noor Haddad",
            "noor@",
            "noor north.example",
            "a@north.example, b@north.example",
            "Noor <noor@north.example> and more",
            "Noor <noor@north.example",
            "Noor noor@north.example",
            "<>",
            ",;",
        ] {
            assert_eq!(person(line), None, "{line}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        let lines = read("\u{20}\n a@north.example\r\n\r\nnobody\n");
        assert_eq!(
            lines.iter().map(|line| (line.number, line.who.is_some())).collect::<Vec<_>>(),
            [(2, true), (4, false)]
        );
    }
}
