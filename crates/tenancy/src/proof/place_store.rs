//! What stands in a database.

use cloister_postgres::statements;

statements! {
    /// Begins a look at a database: one moment of it, and nothing can be changed.
    LOOK = "begin isolation level repeatable read read only";
    /// Databases on this server whose names begin with `$1`.
    DATABASES = "select datname::text from pg_database where starts_with(datname, $1)";
    /// Every schema of this database.
    SCHEMAS = "select nspname::text from pg_namespace";
    /// Whether there are fences that can be read: a table that is otherwise is told as a difference.
    FENCED = "select count(*) = 4 from pg_attribute
        where attrelid = to_regclass('cloister.fence') and attnotnull and not attisdropped
          and (attname, atttypid) in (('tenant_id', 'uuid'::regtype), ('schema_name', 'text'::regtype),
            ('epoch', 'bigint'::regtype), ('state', 'text'::regtype))";
    /// The fences of this database: whom they let in where, from which epoch on.
    FENCES = "select tenant_id, schema_name, epoch, state from cloister.fence";
    /// Tables of the schemas in `$1` that have tenants' rows, and that whoever asks may read.
    TENANT_TABLES = "select n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
            and a.atttypid = 'uuid'::regtype
        where c.relkind in ('r', 'p') and n.nspname = any($1::text[]) and pg_has_role(c.relowner, 'USAGE')";
    /// The same with the number of the column that names the tenant, and of the table.
    TENANT_COLUMNS = "select n.nspname::text, c.relname::text, a.attnum, c.oid
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and n.nspname = any($1::text[])";
    /// The trees of temporary functions.
    TREES = "select proname::text, prosqlbody::text from pg_proc where pronamespace = pg_my_temp_schema() and prosqlbody is not null";
    /// What is known of functions in `$1`: whose they are, and whether they are known to read nothing. Those that the server
    /// itself has for operators and casts look at their arguments, and at settings at the most.
    CALLED = "select p.oid, n.nspname::text, p.proname::text, n.nspname = 'pg_catalog' and (p.provolatile = 'i'
            or p.provolatile = 's' and (p.oid in (select oprcode from pg_operator where oid < 16384)
                or p.oid in (select castfunc from pg_cast where oid < 16384)))
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.oid = any($1::oid[])";
}
