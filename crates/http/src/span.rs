//! The stretch of an ordered column that a page is taken from.

use uuid::Uuid;

/// Two positions in an order by some key and then id: rows strictly between them are wanted.
///
/// One SQL text serves the first page and all others, upwards and downwards:
/// `(key, id) > ($from, $from_id) and (key, id) < ($to, $to_id)`. An index answers both bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<K> {
    /// Lower bound.
    pub from: K,
    /// Its id.
    pub from_id: Uuid,
    /// Upper bound.
    pub to: K,
    /// Its id.
    pub to_id: Uuid,
}

impl<K: Ord> Span<K> {
    /// Keys from `first` (inclusive) to `end` (exclusive), without those up to the row where the last page ended.
    pub fn new(first: K, end: K, after: Option<(K, Uuid)>, descending: bool) -> Self {
        // No row has the nil id, so it stands before every row of the same key.
        let mut span = Self { from: first, from_id: Uuid::nil(), to: end, to_id: Uuid::nil() };
        // A position outside the range was made up, and counts for nothing.
        if let Some((key, id)) = after.filter(|(key, _)| (&span.from..&span.to).contains(&key)) {
            if descending {
                (span.to, span.to_id) = (key, id);
            } else {
                (span.from, span.from_id) = (key, id);
            }
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Span;

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let (nil, id) = (Uuid::nil(), Uuid::from_u128(7));
        let span = |from, from_id, to, to_id| Span { from, from_id, to, to_id };
        assert_eq!(Span::new(10, 20, None, false), span(10, nil, 20, nil));
        assert_eq!(Span::new(10, 20, Some((15, id)), false), span(15, id, 20, nil));
        assert_eq!(Span::new(10, 20, Some((15, id)), true), span(10, nil, 15, id));
        for made_up in [9, 20, 21] {
            assert_eq!(Span::new(10, 20, Some((made_up, id)), true), span(10, nil, 20, nil));
        }
    }
}
