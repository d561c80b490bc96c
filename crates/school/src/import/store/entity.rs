//! The statements that every kind of record needs, written once: `entity!` joins them from the names of its columns.
//!
//! For a table `T` there are four temporary ones:
//!
//! | table | a row is | made by |
//! |---|---|---|
//! | `stage_T` | a row of the package, as it was read | `COPY` |
//! | `named_T` | a `sourced_id` of the package: which record it means, and whether its row can be used | `NAME` |
//! | `ready_T` | a record to be made or changed, its references resolved; or a row that cannot be used, and why | `RESOLVE` |
//! | `gone_T` | a record to be marked as deleted | `GONE` |
//!
//! Words in them. `stage.state`: `active`, `removed` (the row says that the record is deleted), `rejected` (the reader could
//! not read it). `named.state`: `good`, `removed`, `refused`. `named.was`: `new`, `ours` (an import keeps the record),
//! `kept` (somebody else does, or a merge of persons did something to it, so the package does not touch it). `ready.action`: `create`, `change`, `refused`, `same`.
//! `ready.*_fault`: `unknown`, `deleted`, `refused` or, for parents, `circle`. `ready.version` and `gone.version` are those of the records
//! that were compared: one that has another by then was changed by somebody else, and is not written.

use cloister_tenancy::sql::Statement;

use super::image::Image;
use crate::oneroster::File;

/// The statements of one kind of record.
#[derive(Debug)]
pub(in crate::import) struct Entity {
    /// Its table.
    pub(in crate::import) table: &'static str,
    /// The file it comes in.
    pub(in crate::import) file: File,
    /// Makes the temporary tables.
    pub(in crate::import) tables: [&'static Statement; 4],
    /// Fills `stage`.
    pub(in crate::import) copy: &'static Statement,
    /// Counts what was staged, for the planner.
    pub(in crate::import) analyze_stage: &'static Statement,
    /// The same of `named`.
    pub(in crate::import) analyze_named: &'static Statement,
    /// The same of `ready`.
    pub(in crate::import) analyze_ready: &'static Statement,
    /// Fills `named`. `$2` whether a repeated row is a fault even when both are alike, `$3` whether to take over records.
    pub(in crate::import) name: &'static Statement,
    /// Fills `ready`.
    pub(in crate::import) resolve: &'static Statement,
    /// Tells `named` which rows turned out to be of no use.
    pub(in crate::import) refuse: &'static Statement,
    /// Fills `stage_issue`.
    pub(in crate::import) issues: &'static Statement,
    /// Fills `gone`.
    pub(in crate::import) gone: &'static Statement,
    /// Counts everything.
    pub(in crate::import) count: &'static Statement,
    /// Writes new records. `$2` now, `$3` who.
    pub(in crate::import) insert: &'static Statement,
    /// Writes changed records. `$2` now, `$3` who.
    pub(in crate::import) update: &'static Statement,
    /// Marks records as deleted. `$2` now, `$3` who.
    pub(in crate::import) remove: &'static Statement,
    /// Counts what was not written at `$2`, because somebody changed it since it was compared.
    pub(in crate::import) missed: &'static Statement,
    /// What shows and takes back the change.
    pub(in crate::import) image: &'static Image,
}

/// Joins that look a text up: among the package's rows, then among the tenant's records.
macro_rules! reference_joins {
    ($reference:literal, $table:literal, $text:expr) => {
        concat!(
            " left join named_",
            $table,
            " n_",
            $reference,
            " on n_",
            $reference,
            ".sourced_id = ",
            $text,
            " left join ",
            $table,
            " t_",
            $reference,
            " on t_",
            $reference,
            ".tenant_id = $1 and t_",
            $reference,
            ".sourced_id = ",
            $text,
            " and n_",
            $reference,
            ".sourced_id is null"
        )
    };
}

/// What is wrong with a reference, if anything. Rows that could not even be read may be the ones it means.
macro_rules! reference_fault {
    ($reference:literal, $table:literal, $text:expr) => {
        concat!(
            "case when ",
            $text,
            " is null then null when n_",
            $reference,
            ".state = 'good' then null
                when n_",
            $reference,
            ".state = 'refused' then 'refused'
                when n_",
            $reference,
            ".state = 'removed' then 'deleted'
                when t_",
            $reference,
            ".id is null then case
                    when (select f.unread from stage_file f where f.name = '",
            $table,
            "') then 'refused' else 'unknown' end
                when t_",
            $reference,
            ".status <> 'active' then 'deleted'
                when t_",
            $reference,
            ".source = 'import'
                    and (select f.complete from stage_file f where f.name = '",
            $table,
            "') then 'unknown' end"
        )
    };
}

/// The record that a reference means.
macro_rules! reference_id {
    ($reference:literal) => {
        concat!("coalesce(n_", $reference, ".id, t_", $reference, ".id)")
    };
}

/// Declares the statements of a kind of record, and `ENTITY`, which names them.
///
/// `named` are its columns for `id` and `sourced_id`; `fields` its own columns with their types; `lists` are staged and
/// resolved elsewhere; `required` and `optional` are references: name, table, column of the file. The column of a
/// reference is its name and `_id`. `parts` joins what else is part of the record, for `refused_when` and `differs_when`: the
/// row is `x`, the record `t`. `known` joins the record that a `sourced_id` means, `whole` the records of the tenant
/// with what the package says of them, and `gone_when` says which of these leave. `kept_when` says which of `known` the package
/// does not touch, whoever keeps them, and `stands_for` which record a name means instead of the one that has it.
macro_rules! entity {
    (
        file: $file:ident,
        table: $table:literal,
        key: $key:tt,
        named: [$($named:literal),*],
        fields: [$(($field:literal, $type:literal)),* $(,)?],
        lists: [$($list:literal),*],
        required: [$(($required:literal, $required_table:literal, $required_column:literal)),* $(,)?],
        optional: [$(($optional:literal, $optional_table:literal, $optional_column:literal)),* $(,)?],
        parts: $parts:expr,
        refused_when: $refused_when:expr,
        differs_when: $differs_when:expr,
        known: $known:expr,
        kept_when: $kept_when:expr,
        stands_for: $stands_for:expr,
        whole: $whole:expr,
        gone_when: $gone_when:expr $(,)?
    ) => {
        cloister_tenancy::sql::statements! {
            /// Rows of the package.
            STAGE = concat!(
                "create temporary table stage_", $table, " (line bigint not null, id uuid, digest bigint not null,
                    state text not null, modified timestamptz, sourced_id text not null, metadata jsonb not null",
                $(", ", $field, " ", $type,)*
                $(", ", $list, " text[]",)*
                $(", ", $required, " text",)*
                $(", ", $optional, " text",)*
                ") on commit drop"
            );
            /// Names in the package.
            NAMED = concat!(
                "create temporary table named_", $table, " (sourced_id text primary key, line bigint not null, id uuid,
                    state text not null, was text not null, modified timestamptz, copies bigint not null,
                    clash boolean not null) on commit drop"
            );
            /// What will be written.
            READY = concat!(
                "create temporary table ready_", $table, " (line bigint not null, sourced_id text not null, id uuid,
                    action text not null, version bigint, modified timestamptz, metadata jsonb not null",
                $(", ", $field, " ", $type,)*
                $(", ", $required, " text, ", $required, "_id uuid, ", $required, "_fault text",)*
                $(", ", $optional, " text, ", $optional, "_id uuid, ", $optional, "_fault text",)*
                ", unique (", $key, ")) on commit drop"
            );
            /// What will be marked as deleted.
            GONE_TABLE = concat!(
                "create temporary table gone_", $table, " (id uuid primary key, version bigint not null,
                    modified timestamptz, by_name boolean not null) on commit drop"
            );
            /// Rows of the package come in.
            COPY = concat!(
                "copy stage_", $table, " (line, id, digest, state, modified, sourced_id, metadata",
                $(", ", $field,)* $(", ", $list,)* $(", ", $required,)* $(", ", $optional,)*
                ") from stdin"
            );
            /// How many rows there are.
            ANALYZE_STAGE = concat!("analyze stage_", $table, " (sourced_id, state)");
            /// How many names there are.
            ANALYZE_NAMED = concat!("analyze named_", $table, " (sourced_id, state)");
            /// How much there is to write.
            ANALYZE_READY = concat!("analyze ready_", $table, " (sourced_id, action)");
            /// Which record each name means. Rows of one name that differ are all refused: nobody can tell which is right.
            NAME = concat!(
                "insert into named_", $table, " (sourced_id, line, id, state, was, modified, copies, clash)
                select s.sourced_id, s.line, coalesce(", $stands_for, ", t.", $key, ", s.id),
                    case when s.rejected or s.clash then 'refused'
                        when s.state = 'removed' and w.was <> 'kept' then 'removed' else 'good' end,
                    w.was, s.modified, s.copies, s.clash
                from (select distinct on (sourced_id) sourced_id, line, id, state, modified, count(*) over same as copies,
                        bool_or(state = 'rejected') over same as rejected,
                        count(*) over same > 1
                            and ($2::boolean or min(digest) over same <> max(digest) over same) as clash
                    from stage_", $table, " window same as (partition by sourced_id)
                    order by sourced_id, line) s ",
                $known,
                " cross join lateral (select case when ", $kept_when, " then 'kept' when t.", $key, " is null then 'new'
                    when t.source = 'import' or $3::boolean then 'ours' else 'kept' end as was) w"
            );
            /// What becomes of each good row.
            RESOLVE = concat!(
                "insert into ready_", $table, " (line, sourced_id, id, action, version, modified, metadata",
                $(", ", $field,)*
                $(", ", $required, ", ", $required, "_id, ", $required, "_fault",)*
                $(", ", $optional, ", ", $optional, "_id, ", $optional, "_fault",)*
                ") select x.line, x.sourced_id, x.id, a.action, t.version, x.modified, x.metadata",
                $(", x.", $field,)*
                $(", x.", $required, ", x.", $required, "_id, x.", $required, "_fault",)*
                $(", x.", $optional, ", case when x.", $optional, "_fault is null then x.", $optional, "_id end, x.",
                    $optional, "_fault",)*
                " from (select s.line, s.sourced_id, n.id, s.modified, s.metadata",
                $(", s.", $field,)*
                $(", s.", $required, ", ", reference_id!($required), " as ", $required, "_id, ",
                    reference_fault!($required, $required_table, concat!("s.", $required)),
                    " as ", $required, "_fault",)*
                $(", s.", $optional, ", ", reference_id!($optional), " as ", $optional, "_id, ",
                    reference_fault!($optional, $optional_table, concat!("s.", $optional)),
                    " as ", $optional, "_fault",)*
                " from stage_", $table, " s join named_", $table, " n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept'",
                $(reference_joins!($required, $required_table, concat!("s.", $required)),)*
                $(reference_joins!($optional, $optional_table, concat!("s.", $optional)),)*
                ") x left join ", $table, " t on t.tenant_id = $1 and t.", $key, " = x.", $key, $parts,
                " cross join lateral (select case when ", $refused_when,
                $(" or x.", $required, "_fault is not null",)*
                " then 'refused' when t.", $key, " is null then 'create'
                    when ", $differs_when, " or (t.status, t.source, t.metadata",
                $(", t.", $field,)* $(", t.", $required, "_id",)* $(", t.", $optional, "_id",)*
                ") is distinct from ('active', 'import', x.metadata",
                $(", x.", $field,)* $(", x.", $required, "_id",)*
                $(", case when x.", $optional, "_fault is null then x.", $optional, "_id end",)*
                ") then 'change' else 'same' end as action) a
                where a.action <> 'same'",
                $(" or x.", $optional, "_fault is not null",)*
            );
            /// A row with a fault is of no use to those that refer to it.
            REFUSE = concat!(
                "update named_", $table, " n set state = 'refused' from ready_", $table, " r
                where $1::uuid is not null and r.action = 'refused' and n.sourced_id = r.sourced_id"
            );
            /// What is wrong with the rows.
            ISSUES = concat!(
                "insert into stage_issue (name, line, col, code, value, related)
                select '", $table, "', s.line, 'sourcedId',
                    case when n.clash then 'sourced_id_repeated' else 'row_repeated' end, s.sourced_id, n.line::text
                from named_", $table, " n join stage_", $table, " s on s.sourced_id = n.sourced_id
                where $1::uuid is not null and n.copies > 1 and s.line > n.line and s.state <> 'rejected'
                union all
                select '", $table, "', n.line, 'sourcedId', 'record_kept', n.sourced_id, null
                from named_", $table, " n where n.was = 'kept' and n.state = 'good'",
                $(" union all select '", $table, "', r.line, '", $required_column, "', 'reference_' || r.", $required,
                    "_fault, r.", $required, ", '", $required_table, "' from ready_", $table, " r
                    where r.", $required, "_fault is not null",)*
                $(" union all select '", $table, "', r.line, '", $optional_column, "', 'reference_' || r.", $optional,
                    "_fault, r.", $optional, ", '", $optional_table, "' from ready_", $table, " r
                    where r.", $optional, "_fault is not null",)*
            );
            /// Which records leave.
            GONE = concat!(
                "insert into gone_", $table, " (id, version, modified, by_name)
                select t.", $key, ", t.version, n.modified, coalesce(n.state = 'removed', false) ", $whole,
                " where t.tenant_id = $1 and t.status = 'active' and (", $gone_when, ")"
            );
            /// How many of each.
            COUNT = concat!(
                "select
                (select count(*) from ready_", $table, " r where r.action = 'create') as created,
                (select count(*) from ready_", $table, " r where r.action = 'change') as changed,
                (select count(*) from gone_", $table, ") as removed,
                (select count(*) from gone_", $table, " g where g.by_name) as removed_by_name,
                (select count(*) from named_", $table, " n where n.state = 'good' and n.was = 'kept') as kept,
                (select count(*) from named_", $table, " n
                    where n.state = 'removed' or (n.state = 'good' and n.was <> 'kept')) as settled,
                (select coalesce(sum(n.copies), 0)::bigint from named_", $table, " n where n.state = 'refused') as skipped,
                (select count(*) from stage_", $table, " s where s.state = 'rejected') as rejected,
                (select count(*) from ", $table, " t
                    where t.tenant_id = $1 and t.status = 'active' and t.source = 'import') as active"
            );
            /// New records.
            INSERT = concat!(
                "insert into ", $table, " (tenant_id, ", $($named, ", ",)*
                "status, date_last_modified, source, metadata, version, created_at, created_by, updated_at, updated_by",
                $(", ", $field,)* $(", ", $required, "_id",)* $(", ", $optional, "_id",)*
                ") select $1, ", $("r.", $named, ", ",)*
                "'active', coalesce(r.modified, $2::timestamptz), 'import', r.metadata, 1, $2, $3::text, $2, $3",
                $(", r.", $field,)* $(", r.", $required, "_id",)* $(", r.", $optional, "_id",)*
                " from ready_", $table, " r where r.action = 'create'"
            );
            /// Changed records.
            UPDATE = concat!(
                "update ", $table, " t set status = 'active', source = 'import', metadata = r.metadata,
                    date_last_modified = coalesce(r.modified, $2::timestamptz), updated_at = $2, updated_by = $3::text,
                    version = t.version + 1",
                $(", ", $field, " = r.", $field,)*
                $(", ", $required, "_id = r.", $required, "_id",)*
                $(", ", $optional, "_id = r.", $optional, "_id",)*
                " from ready_", $table, " r
                where t.tenant_id = $1 and r.action = 'change' and t.", $key, " = r.", $key, " and t.version = r.version"
            );
            /// Records that left.
            REMOVE = concat!(
                "update ", $table, " t set status = 'tobedeleted', updated_at = $2, updated_by = $3::text,
                    date_last_modified = coalesce(g.modified, $2::timestamptz), version = t.version + 1
                from gone_", $table, " g where t.tenant_id = $1 and t.", $key, " = g.id and t.version = g.version"
            );
            /// Records that were to be written at `$2`, and by then had another version than the one that was compared.
            MISSED = concat!(
                "select (select count(*) from ready_", $table, " r join ", $table, " t on t.tenant_id = $1 and t.", $key, " = r.", $key,
                " where r.action = 'change' and (t.version <> r.version + 1 or t.updated_at <> $2::timestamptz))
                + (select count(*) from gone_", $table, " g join ", $table, " t on t.tenant_id = $1 and t.", $key, " = g.id
                    where t.version <> g.version + 1 or t.updated_at <> $2) as count"
            );
        }

        $crate::import::store::image::image! {
            table: $table,
            key: $key,
            fields: [$(($field, $type)),*],
            references: [$(($required, $required_table),)* $(($optional, $optional_table),)*],
        }

        /// These statements by what they do.
        pub(in crate::import) static ENTITY: $crate::import::store::entity::Entity =
            $crate::import::store::entity::Entity {
                table: $table,
                file: $crate::oneroster::File::$file,
                tables: [&STAGE, &NAMED, &READY, &GONE_TABLE],
                copy: &COPY,
                analyze_stage: &ANALYZE_STAGE,
                analyze_named: &ANALYZE_NAMED,
                analyze_ready: &ANALYZE_READY,
                name: &NAME,
                resolve: &RESOLVE,
                refuse: &REFUSE,
                issues: &ISSUES,
                gone: &GONE,
                count: &COUNT,
                insert: &INSERT,
                update: &UPDATE,
                remove: &REMOVE,
                missed: &MISSED,
                image: &image::IMAGE,
            };
    };
}

/// The record of a kind that has a `sourced_id` of its own.
macro_rules! known {
    ($table:literal) => {
        concat!("left join ", $table, " t on t.tenant_id = $1 and t.sourced_id = s.sourced_id")
    };
}

/// All records of such a kind.
macro_rules! whole {
    ($table:literal) => {
        concat!("from ", $table, " t left join named_", $table, " n on n.sourced_id = t.sourced_id")
    };
}

/// Who leaves: what the package says is deleted and, when its file is the whole set, what imports brought and it lacks.
macro_rules! gone_when {
    ($table:literal) => {
        concat!(
            "n.state = 'removed' or (n.sourced_id is null and t.source = 'import'
                and (select f.complete from stage_file f where f.name = '",
            $table,
            "'))"
        )
    };
}

pub(super) use {entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};
