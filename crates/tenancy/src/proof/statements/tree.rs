//! Reads PostgreSQL's own account of a statement: a query tree as it is kept for functions, `{NODE :field value …}`.

/// A part of a query tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tree<'a> {
    Word(&'a str),
    List(Vec<Tree<'a>>),
    Node(&'a str, Vec<(&'a str, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// Nothing where the text is of no form that is known.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut words = words(text).peekable();
        let tree = value(words.next()?, &mut words)?;
        words.next().is_none().then_some(tree)
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Node(_, fields) = self else { return None };
        fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.field(name)? {
            Self::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    /// The parts of a list; none of anything else.
    pub(super) fn parts(&self) -> &[Self] {
        match self {
            Self::List(parts) => parts,
            _ => &[],
        }
    }

    /// The parts of the list that a field is.
    pub(super) fn list(&self, name: &str) -> &[Self] {
        self.field(name).map_or(&[], Self::parts)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Node(node, _) if *node == name)
    }

    /// Every node in it, itself among them.
    pub(super) fn walk<'t>(&'t self, see: &mut dyn FnMut(&'t Self)) {
        match self {
            Self::Word(_) => {}
            Self::List(parts) => {
                for part in parts {
                    part.walk(see);
                }
            }
            Self::Node(_, fields) => {
                see(self);
                for (_, part) in fields {
                    part.walk(see);
                }
            }
        }
    }
}

/// Words, and each parenthesis and brace by itself. A backslash takes the next letter's meaning from it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\n', '\t']);
        let first = *rest.as_bytes().first()?;
        let end = if b"(){}".contains(&first) { 1 } else { word_end(rest.as_bytes()) };
        let word;
        (word, rest) = rest.split_at_checked(end)?;
        Some(word)
    })
}

fn word_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b' ' | b'\n' | b'\t' | b'(' | b')' | b'{' | b'}' => break,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

fn value<'a>(first: &'a str, words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Option<Tree<'a>> {
    match first {
        "(" => {
            let mut parts = Vec::new();
            loop {
                match words.next()? {
                    ")" => return Some(Tree::List(parts)),
                    word => parts.push(value(word, words)?),
                }
            }
        }
        "{" => {
            let name = words.next()?;
            let mut fields = Vec::new();
            loop {
                match words.next()? {
                    "}" => return Some(Tree::Node(name, fields)),
                    word => {
                        let field = word.strip_prefix(':')?;
                        let first = words.next()?;
                        fields.push((field, value(first, words)?));
                        // A constant is its length and then its bytes.
                        while words.peek().is_some_and(|word| *word != "}" && !word.starts_with(':')) {
                            let more = words.next()?;
                            value(more, words)?;
                        }
                    }
                }
            }
        }
        ")" | "}" => None,
        word => Some(Tree::Word(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn a_tree_is_read_whatever_names_and_constants_are_in_it() {
        let text = r#"(({QUERY :commandType 3 :eref {ALIAS :aliasname :odd\ na\{me :colnames ("tenant_id" "a\)b")} :empty <>
            :value {CONST :constvalue 4 [ 1 0 -1 0 ] :location -1} :numbers (i 1 2)}))"#;
        let tree = Tree::read(text).unwrap();
        let query = &tree.parts()[0].parts()[0];
        assert!(query.is("QUERY"));
        assert_eq!(query.number("commandType"), Some(3));
        let alias = query.field("eref").unwrap();
        assert_eq!(alias.field("aliasname"), Some(&Tree::Word(r":odd\ na\{me")));
        assert_eq!(alias.list("colnames").len(), 2);
        assert_eq!(query.field("value").and_then(|value| value.number("location")), Some(-1));
        assert_eq!(query.list("numbers").len(), 3);
        let mut seen = 0;
        tree.walk(&mut |_| seen += 1);
        assert_eq!(seen, 3);
        for broken in ["", "(", "{QUERY", "{QUERY :a}", "{QUERY a}", ")", "() ()", r"{QUERY :a b\"] {
            assert_eq!(Tree::read(broken), None, "{broken}");
        }
    }
}
