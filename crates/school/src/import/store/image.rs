//! The statements that show what an import changes, keep what was there before, and bring it back: for every kind of record,
//! joined from the names of its columns as [`entity!`](super::entity) does.

use cloister_tenancy::sql::Statement;

/// These statements of one kind of record.
#[derive(Debug)]
pub(in crate::import) struct Image {
    /// Its own columns besides those that are searched, and the names of what it refers to.
    pub(in crate::import) fields: &'static [&'static str],
    /// The first `$2` records that are made, that change and that leave: before and after.
    pub(in crate::import) examples: &'static Statement,
    /// Keeps those that change or leave as they are, for the import `$2`.
    pub(in crate::import) keep: &'static Statement,
    /// How many of what the import `$2`, applied at `$3`, left have changed since.
    pub(in crate::import) changed_since: &'static Statement,
    /// Those that taking back the import `$3`, applied at `$2`, would mark as deleted: it made them, or brought them back.
    pub(in crate::import) leaving: &'static Statement,
    /// Marks those as deleted that the import applied at `$2` made; `$3` now, `$4` who, `$5` which stay.
    pub(in crate::import) take_back: &'static Statement,
    /// Makes those as they were that the import `$2` changed; `$3` now, `$4` who, `$5` which stay.
    pub(in crate::import) restore: &'static Statement,
}

/// Declares them in a module `image`, with `IMAGE`, which names them.
///
/// Records that somebody changed since have another version: they stay as they are.
macro_rules! image {
    (
        table: $table:literal,
        key: $key:tt,
        fields: [$(($field:literal, $type:literal)),*],
        references: [$(($reference:literal, $reference_table:literal),)*],
    ) => {
        pub(in crate::import) mod image {
            //! What was there before.

            cloister_tenancy::sql::statements! {
                /// What changes, first of each.
                EXAMPLES = concat!(
                    "(select 'created' as what, r.sourced_id, null::jsonb as before, to_jsonb(r) as after
                        from ready_", $table, " r where $1::uuid is not null and r.action = 'create'
                        order by r.line limit $2)
                    union all
                    (select 'changed', r.sourced_id, to_jsonb(t)",
                    $(" || jsonb_build_object('", $reference, "', (select o.sourced_id from ", $reference_table,
                        " o where o.tenant_id = $1 and o.id = t.", $reference, "_id))",)*
                    ", to_jsonb(r)
                        from ready_", $table, " r join ", $table, " t on t.tenant_id = $1 and t.", $key, " = r.", $key,
                    " where r.action = 'change' order by r.line limit $2)
                    union all
                    (select 'removed', to_jsonb(t) ->> 'sourced_id', to_jsonb(t), null
                        from gone_", $table, " g join ", $table, " t on t.tenant_id = $1 and t.", $key, " = g.id
                        order by g.id limit $2)"
                );
                /// As they are now.
                KEEP = concat!(
                    "insert into import_change (tenant_id, run_id, kind, record_id, before, parts, version_after)
                    select $1, $2::uuid, '", $table, "', t.", $key, ", to_jsonb(t) - 'tenant_id', '{}'::uuid[], t.version + 1
                    from (select r.", $key, " as id from ready_", $table, " r where r.action = 'change'
                        union select g.id from gone_", $table, " g) x
                    join ", $table, " t on t.tenant_id = $1 and t.", $key, " = x.id"
                );
                /// Those that are no longer as they were left.
                CHANGED_SINCE = concat!(
                    "select (select count(*) from import_change c
                        join ", $table, " t on t.tenant_id = $1 and t.", $key, " = c.record_id
                        where c.tenant_id = $1 and c.run_id = $2 and c.kind = '", $table, "'
                        and t.version <> c.version_after)
                    + (select count(*) from ", $table, " t where t.tenant_id = $1 and t.created_at = $3
                        and t.source = 'import' and t.version <> 1) as count"
                );
                /// Those that would be marked as deleted.
                LEAVING = concat!(
                    "select t.", $key, " as id from ", $table, " t where t.tenant_id = $1 and t.created_at = $2::timestamptz
                        and t.source = 'import' and t.version = 1 and t.status = 'active'
                    union all
                    select t.", $key, " from import_change c
                        join ", $table, " t on t.tenant_id = $1 and t.", $key, " = c.record_id
                        where c.tenant_id = $1 and c.run_id = $3 and c.kind = '", $table, "' and t.version = c.version_after
                        and t.status = 'active' and c.before ->> 'status' <> 'active'"
                );
                /// New ones count no more.
                TAKE_BACK = concat!(
                    "update ", $table, " t set status = 'tobedeleted', date_last_modified = $3::timestamptz, updated_at = $3,
                        updated_by = $4::text, version = t.version + 1
                    where t.tenant_id = $1 and t.created_at = $2::timestamptz and t.source = 'import' and t.version = 1
                    and t.", $key, " <> all($5::uuid[])"
                );
                /// Changed ones are as they were.
                RESTORE = concat!(
                    "update ", $table, " t set status = b.status, source = b.source, metadata = b.metadata,
                        date_last_modified = $3::timestamptz, updated_at = $3, updated_by = $4::text,
                        version = t.version + 1",
                    $(", ", $field, " = b.", $field,)*
                    $(", ", $reference, "_id = b.", $reference, "_id",)*
                    " from import_change c cross join lateral jsonb_to_record(c.before)
                        as b (status text, source text, metadata jsonb",
                    $(", ", $field, " ", $type,)*
                    $(", ", $reference, "_id uuid",)*
                    ") where c.tenant_id = $1 and c.run_id = $2 and c.kind = '", $table, "'
                    and t.tenant_id = $1 and t.", $key, " = c.record_id and t.version = c.version_after
                    and c.record_id <> all($5::uuid[])"
                );
            }

            /// These statements by what they do.
            pub(in crate::import) static IMAGE: $crate::import::store::image::Image = $crate::import::store::image::Image {
                fields: &[$($field,)* $($reference,)*],
                examples: &EXAMPLES,
                keep: &KEEP,
                changed_since: &CHANGED_SINCE,
                leaving: &LEAVING,
                take_back: &TAKE_BACK,
                restore: &RESTORE,
            };
        }
    };
}

pub(super) use image;
