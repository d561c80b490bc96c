//! Reads the conditions that EXPLAIN prints: does one hold a scan to one tenant, whatever else it says?

/// True when `text` can hold only where `wanted` does: it is that comparison, a conjunction with it, or a disjunction of
/// such.
pub(super) fn implies(text: &str, wanted: &str) -> bool {
    let text = bare(text.trim());
    let parts = split(text, " AND ");
    if parts.len() > 1 {
        return parts.iter().any(|part| implies(part, wanted));
    }
    let parts = split(text, " OR ");
    if parts.len() > 1 {
        return parts.iter().all(|part| implies(part, wanted));
    }
    match text.split_once(" = ") {
        Some((left, right)) => text == wanted || format!("{right} = {left}") == wanted,
        None => false,
    }
}

/// Without the parentheses around the whole.
fn bare(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return text };
    let mut depth = 0;
    for (_, byte) in outside_quotes(inner) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return text,
            b')' => depth -= 1,
            _ => {}
        }
    }
    bare(inner)
}

/// Cut at a word that stands in no parentheses and in no quotes.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, byte) in outside_quotes(text) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b' ' if depth == 0 && at >= from && text[at..].starts_with(word) => {
                parts.push(&text[from..at]);
                from = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut quote = None;
    text.bytes().enumerate().filter(move |(_, byte)| match quote {
        Some(open) => {
            if *byte == open {
                quote = None;
            }
            false
        }
        None if matches!(byte, b'\'' | b'"') => {
            quote = Some(*byte);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::implies;

    #[test]
    fn a_condition_holds_a_scan_to_a_tenant_or_it_does_not() {
        for (text, expected) in [
            ("(n.tenant_id = $9)", true),
            ("($9 = n.tenant_id)", true),
            ("((n.tenant_id = $9) AND (n.id = $2))", true),
            ("((n.id = $2) AND ((n.tenant_id = $9) AND (n.body = 'a OR b'::text)))", true),
            ("((n.tenant_id = $9) OR (n.id = $2))", false),
            ("(((n.tenant_id = $9) AND (n.id = $2)) OR ((n.tenant_id = $9) AND (n.id = $3)))", true),
            ("((n.tenant_id = $9) OR true) AND (n.id = $2)", false),
            ("(n.tenant_id = $99)", false),
            ("(n.tenant_id = o.tenant_id)", false),
            ("(o.tenant_id = $9)", false),
            ("(n.tenant_id <> $9)", false),
            ("(NOT (n.tenant_id = $9))", false),
            ("((n.tenant_id = $9) IS NOT TRUE)", false),
            ("(n.body = '(n.tenant_id = $9) AND '::text)", false),
            ("((n.body = 'x) AND (n.tenant_id = $9'::text) AND (n.id = $2))", false),
            ("(n.body ~ ') AND ('::text) AND (n.tenant_id = $9)", true),
            ("(hashed SubPlan 1)", false),
            ("", false),
        ] {
            assert_eq!(implies(text, "n.tenant_id = $9"), expected, "{text}");
        }
    }
}
