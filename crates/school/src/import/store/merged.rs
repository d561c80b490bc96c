//! What a package must not undo of merges of persons.
//!
//! A person who was merged is not there, whatever a package says: their row is kept as it is, and whoever names them means the
//! one who stayed. What a merge set aside no package brings back. Merges are few, so they are found once for a statement.

/// Whether the person `$id` was merged into another, and the merge holds.
macro_rules! merged {
    ($id:literal) => {
        concat!($id, " in (select g.merged_id from person_merge g where g.tenant_id = $1 and g.status = 'active')")
    };
}

/// Who stayed of the person `t`: the last, where one merge followed another. None of somebody who was not merged.
macro_rules! stayed {
    () => {
        "case when t.id in (select g.merged_id from person_merge g where g.tenant_id = $1 and g.status = 'active')
        then (select m.stayed from (
            with recursive upwards as (
                select g.merged_id, g.kept_id, 1 as level from person_merge g
                    where g.tenant_id = $1 and g.status = 'active'
                union all
                select u.merged_id, g.kept_id, u.level + 1 from upwards u
                    join person_merge g on g.tenant_id = $1 and g.status = 'active' and g.merged_id = u.kept_id
                    where u.level < 64)
            select distinct on (merged_id) merged_id, kept_id as stayed from upwards
                order by merged_id, level desc) m
        where m.merged_id = t.id) end"
    };
}

/// Whether a merge that holds did one of these to the row `t`.
macro_rules! touched {
    ($table:literal, $what:literal) => {
        concat!(
            "t.id in (select n.row_id from person_merge g
                join person_merge_row n on n.tenant_id = $1 and n.merge_id = g.id and n.table_name = '",
            $table,
            "' and n.what in ('",
            $what,
            "') where g.tenant_id = $1 and g.status = 'active')"
        )
    };
}

/// Whether a merge that holds gave the person `$id` what the other had in this table.
macro_rules! given {
    ($table:literal, $id:literal) => {
        concat!(
            $id,
            " in (select g.kept_id from person_merge g
                join person_merge_row n on n.tenant_id = $1 and n.merge_id = g.id and n.table_name = '",
            $table,
            "' where g.tenant_id = $1 and g.status = 'active')"
        )
    };
}

/// Contacts that no package touches: those that somebody keeps here, and those that a merge did something to.
macro_rules! kept_contact {
    ($contact:literal) => {
        concat!(
            "(",
            $contact,
            ".source <> 'import' or ",
            $contact,
            ".id in (select n.row_id from person_merge g
                join person_merge_row n on n.tenant_id = $1 and n.merge_id = g.id and n.table_name = 'contact'
                where g.tenant_id = $1 and g.status = 'active'))"
        )
    };
}

pub(super) use {given, kept_contact, merged, stayed, touched};
