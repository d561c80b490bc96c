//! The text of a page of records, which statements about records with and without a `sourced_id` share.

/// A page of records behind a position: `$2` status, `$3` and `$4` the position, `$5` how many; filters from `$6`.
macro_rules! page_with {
    // By age the position is the id alone, and `$3` is the same. As a pair, `(id, id) > ($3, $4)`, it would be where an index begins,
    // whatever few ids are asked for.
    ($head:expr, $table:literal, $fields:expr, $filters:expr, "id" asc) => {
        $crate::page_store::page_with!(@ $head, $table, $fields, $filters, "id > $4 and $3::uuid is not null", "id")
    };
    ($head:expr, $table:literal, $fields:expr, $filters:expr, "id" desc) => {
        $crate::page_store::page_with!(@ $head, $table, $fields, $filters, "id < $4 and $3::uuid is not null", "id desc")
    };
    ($head:expr, $table:literal, $fields:expr, $filters:expr, $key:tt asc) => {
        $crate::page_store::page_with!(
            @ $head, $table, $fields, $filters, concat!("(", $key, ", id) > ($3, $4)"), concat!($key, ", id")
        )
    };
    ($head:expr, $table:literal, $fields:expr, $filters:expr, $key:tt desc) => {
        $crate::page_store::page_with!(
            @ $head, $table, $fields, $filters, concat!("(", $key, ", id) < ($3, $4)"), concat!($key, " desc, id desc")
        )
    };
    (@ $head:expr, $table:literal, $fields:expr, $filters:expr, $behind:expr, $order:expr) => {
        concat!(
            "select id, ", $head, ", ", $fields, " from ", $table,
            " where tenant_id = $1 and ($2::text is null or status = $2) and ", $behind, $filters,
            " order by ", $order, " limit $5"
        )
    };
}

pub(crate) use page_with;
