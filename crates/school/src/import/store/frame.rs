//! What frames an import: what is known of the package's files, and what is wrong with its rows.

use cloister_tenancy::sql::statements;

statements! {
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
}
