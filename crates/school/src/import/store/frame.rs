//! What frames an import: its lock, what is known of the package's files, and what is wrong with its rows.

use cloister_tenancy::sql::statements;

statements! {
    /// One import at a time into a tenant. The lock goes with the transaction.
    LOCK = "select pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('cloister import ' || $1::uuid::text, 0)) as taken";
    /// What the package has of each kind. `complete`: what is not in it is no more. `unread`: it has rows that could not even
    /// be told apart. `follows`: roles come with their users.
    FILES = "create temporary table stage_file (name text primary key, complete boolean not null, unread boolean not null,
        follows boolean not null) on commit drop";
    /// What is wrong with rows.
    ISSUES = "create temporary table stage_issue (name text not null, line bigint not null, col text not null,
        code text not null, value text, related text) on commit drop";
    /// One file.
    INSERT_FILE = "insert into stage_file (name, complete, unread, follows)
        select $2::text, $3::boolean, $4::boolean, $5::boolean where $1::uuid is not null";
    /// The first issues of each kind, and how many there are of it.
    FIRST_ISSUES = "select i.name, i.line, i.col, i.code, i.value, i.related, i.total
        from (select name, line, col, code, value, related,
                row_number() over (partition by name, col, code order by line, value) as place,
                count(*) over (partition by name, col, code) as total
            from stage_issue) i
        where $1::uuid is not null and i.place <= $2::bigint
        order by i.name, i.line, i.col, i.code, i.value";
    /// Tenants are not alike, and what the server knows of all of them tells it little about this one: it may take thirty
    /// thousand rows for one, keep them, and go through them again for each row of the package. Hashing is as good where it
    /// is right, and never as bad where it is wrong.
    NEVER_GO_THROUGH_AGAIN = "set local enable_material = off";
    /// Sorts and hashes of a school's size stay in memory.
    WORK_IN_MEMORY = "set local work_mem = '32MB'";
}
