//! Texts that the statements of every resource share, joined when the program is built.
//!
//! Parameters of an insert: `$2` id, `$3` sourced_id, `$4` time, `$5` source, `$6` metadata, `$7` actor, fields from `$8`.
//! Parameters of an update: `$2` id, `$3` status, `$4` time, `$5` actor, `$6` metadata, fields from `$7`.

/// Columns that every record has.
macro_rules! head {
    () => {
        "sourced_id, status, date_last_modified, source, metadata, version, created_at, created_by, updated_at, updated_by"
    };
}

/// One record by its id, by its `sourced_id`, and by its id with a lock on it until the end of the transaction.
macro_rules! get {
    ($table:literal, $fields:expr) => {
        concat!(
            "select id, ",
            $crate::store::head!(),
            ", ",
            $fields,
            " from ",
            $table,
            " where tenant_id = $1 and id = $2"
        )
    };
}
macro_rules! by_sourced_id {
    ($table:literal, $fields:expr) => {
        concat!(
            "select id, ",
            $crate::store::head!(),
            ", ",
            $fields,
            " from ",
            $table,
            " where tenant_id = $1 and sourced_id = $2"
        )
    };
}
macro_rules! lock {
    ($table:literal, $fields:expr) => {
        concat!($crate::store::get!($table, $fields), " for no key update")
    };
}

/// A new record. `fields` are its columns, `values` their parameters from `$8`.
macro_rules! insert {
    ($table:literal, $fields:expr, $values:literal) => {
        concat!(
            "insert into ",
            $table,
            " (tenant_id, id, ",
            $crate::store::head!(),
            ", ",
            $fields,
            ") values ($1, $2, $3, 'active', $4, $5, $6, 1, $4, $7, $4, $7, ",
            $values,
            ")"
        )
    };
}

/// New values of a record that is locked.
macro_rules! update {
    ($table:literal, $assignments:literal) => {
        concat!(
            "update ",
            $table,
            " set status = $3, date_last_modified = $4, updated_at = $4, updated_by = $5, metadata = $6, ",
            "version = version + 1, ",
            $assignments,
            " where tenant_id = $1 and id = $2"
        )
    };
}

/// Marks records as deleted: `$2` what `condition` is about, `$3` time, `$4` actor.
macro_rules! delete {
    ($table:literal, $condition:literal) => {
        concat!(
            "update ",
            $table,
            " set status = 'tobedeleted', date_last_modified = $3, updated_at = $3, updated_by = $4, ",
            "version = version + 1 where tenant_id = $1 and ",
            $condition,
            " and status = 'active'"
        )
    };
}

/// A page of records behind a position, as `page_store` makes them.
macro_rules! page {
    ($($page:tt)*) => {
        $crate::page_store::page_with!($crate::store::head!(), $($page)*)
    };
}

pub(crate) use {by_sourced_id, delete, get, head, insert, lock, page, update};
