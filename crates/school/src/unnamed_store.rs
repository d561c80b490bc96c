//! Texts that statements about records without a `sourced_id` share: the standard has no name for such records.
//!
//! Parameters of an insert: `$2` id, `$3` time, `$4` source, `$5` metadata, `$6` actor, fields from `$7`.
//! Parameters of an update: `$2` id, `$3` status, `$4` time, `$5` actor, `$6` metadata, fields from `$7`.

/// Columns that every record has.
macro_rules! head {
    () => {
        "status, date_last_modified, source, metadata, version, created_at, created_by, updated_at, updated_by"
    };
}

/// One record by its id, and by its id with a lock on it until the end of the transaction.
macro_rules! get {
    ($table:literal, $fields:expr) => {
        concat!(
            "select id, ",
            $crate::unnamed_store::head!(),
            ", ",
            $fields,
            " from ",
            $table,
            " where tenant_id = $1 and id = $2"
        )
    };
}
macro_rules! lock {
    ($table:literal, $fields:expr) => {
        concat!($crate::unnamed_store::get!($table, $fields), " for no key update")
    };
}

/// A new record. `fields` are its columns, `values` their parameters from `$7`.
macro_rules! insert {
    ($table:literal, $fields:expr, $values:literal) => {
        concat!(
            "insert into ",
            $table,
            " (tenant_id, id, ",
            $crate::unnamed_store::head!(),
            ", ",
            $fields,
            ") values ($1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, ",
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

/// A page of records behind a position, as `page_store` makes them.
macro_rules! page {
    ($($page:tt)*) => {
        $crate::page_store::page_with!($crate::unnamed_store::head!(), $($page)*)
    };
}

pub(crate) use {get, head, insert, lock, page, update};
