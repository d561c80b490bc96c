//! Where SQL may be written.

use super::{Exception, File, Finding, Rule, Workspace, is_excepted, source::Piece, unneeded};

static PLACE: Rule = Rule {
    name: "sql-place",
    why: "all SQL of a resource lies in its store, where one test prepares it and another looks for `tenant_id = $1` in its plan",
    mend: "move the text into a `statements!` of store.rs (or *_store.rs, store/); kernel files that must speak SQL are listed in xtask/src/tidy/sql.rs",
};

static REGISTRATION: Rule = Rule {
    name: "statement-registration",
    why: "a statement made past the macro is on no list, so no test prepares or plans it",
    mend: "declare it by `statements!`",
};

static GLUED: Rule = Rule {
    name: "sql-glued",
    why: "a text glued together per request is a new statement each time, and a place for input to become SQL",
    mend: "write one constant text for each case, and join constant parts by concat!",
};

/// Files of the kernel that speak SQL outside of a store, and why. This list may only shrink.
const SPEAKERS: &[Exception] = &[
    Exception {
        path: "crates/postgres/src/connection.rs",
        reason: "transaction control and the search path of a session are the connection's own",
    },
    Exception { path: "crates/postgres/src/migrate.rs", reason: "runs migrations and keeps their ledger" },
    Exception { path: "crates/postgres/src/listen.rs", reason: "LISTEN takes no parameters" },
    Exception { path: "crates/postgres/src/embedded/mod.rs", reason: "asks a started server whether it answers" },
    Exception {
        path: "crates/cloister/src/command/bench/fixture.rs",
        reason: "stands in a placement as the owner, to fill it for a measurement",
    },
    Exception {
        path: "crates/cloister/src/command/bench/reads.rs",
        reason: "stands in a placement without the walls: what isolation is measured against",
    },
    Exception { path: "crates/tenancy/src/access.rs", reason: "asks the catalogue what a login may do" },
    Exception { path: "crates/tenancy/src/door.rs", reason: "the statements that enter a tenant" },
    Exception {
        path: "crates/tenancy/src/install.rs",
        reason: "makes logins, databases and schemas: DDL, run by the owner",
    },
    Exception { path: "crates/tenancy/src/ledger.rs", reason: "renders policies and grants from the declared tables" },
    Exception {
        path: "crates/tenancy/src/lifecycle/purge.rs",
        reason: "erases a tenant from every table there is, run by the owner",
    },
    Exception { path: "crates/tenancy/src/proof/drift.rs", reason: "words what would mend a difference; runs nothing" },
    Exception { path: "crates/tenancy/src/proof/fence.rs", reason: "words what would mend a fence; runs nothing" },
    Exception {
        path: "crates/tenancy/src/proof/finding.rs",
        reason: "an example of what mends a hole, for the API document",
    },
    Exception {
        path: "crates/tenancy/src/proof/reference.rs",
        reason: "builds what the migrations make, as the owner, in a transaction that is rolled back",
    },
    Exception {
        path: "crates/tenancy/src/proof/rows.rs",
        reason: "asks each table of a place, by the catalog's own name",
    },
    Exception {
        path: "crates/tenancy/src/proof/statements/calls.rs",
        reason: "makes other stores' statements the bodies of functions, to read their trees",
    },
    Exception {
        path: "crates/tenancy/src/proof/statements/mod.rs",
        reason: "prepares and explains other stores' statements",
    },
    Exception { path: "crates/platform/src/isolation/api.rs", reason: "an example of what mends a hole" },
    Exception { path: "crates/tenancy/src/tx.rs", reason: "the kernel's own audit, outbox and idempotency rows" },
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let speaks =
        |file: &File| file.source.literals.iter().any(|text| !file.source.is_test(text.line) && is_sql(&text.text));
    for file in workspace.rust().filter(|file| !file.is_for_tests() && !file.path.starts_with("xtask/")) {
        let store = is_store(file);
        for literal in file.source.literals.iter().filter(|text| !file.source.is_test(text.line)) {
            if !is_sql(&literal.text) {
                continue;
            }
            if !store && !is_excepted(SPEAKERS, file) {
                let what = format!("SQL outside of a store: `{}`", beginning(&literal.text));
                findings.push(Finding::new(&PLACE, &file.path, literal.line, what));
            }
            if store && is_glued(file, literal) {
                let what = format!("SQL made by format!: `{}`", beginning(&literal.text));
                findings.push(Finding::new(&GLUED, &file.path, literal.line, what));
            }
        }
        for (line, code) in file.source.lines() {
            if code.contains("Statement::register") && file.path != "crates/postgres/src/statement.rs" {
                findings.push(Finding::new(&REGISTRATION, &file.path, line, "a statement is made past the macro"));
            }
        }
    }
    findings.extend(unneeded(&PLACE, SPEAKERS, |path| workspace.file(path).is_some_and(speaks)));
    findings
}

fn is_store(file: &File) -> bool {
    file.name() == "store.rs" || file.name().ends_with("_store.rs") || file.path.split('/').any(|part| part == "store")
}

/// The literal is the first argument of `format!`.
fn is_glued(file: &File, literal: &Piece) -> bool {
    let before = file.source.code[..literal.at].trim_end_matches(['"', '#', 'r']);
    before.trim_end().ends_with("format!(")
}

fn beginning(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().take(6).collect();
    words.join(" ")
}

/// True when the text begins as a statement does, and goes on as one: prose begins with these words too.
fn is_sql(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| c.is_whitespace() || matches!(c, '(' | ';')).filter(|w| !w.is_empty()).collect();
    let (first, second) = (words.first().copied().unwrap_or(""), words.get(1).copied().unwrap_or(""));
    let holds = |word: &str| words.contains(&word);
    match first {
        // `concat!("select ", columns!(), …)` begins with a bare word, a list of columns with a comma.
        "select" if words.len() == 1 => lower.ends_with(char::is_whitespace),
        "select" => {
            holds("from")
                || lower.contains('(')
                || second.ends_with(',')
                || second.starts_with(|c: char| c.is_ascii_digit() || c == '$')
        }
        "insert" => second == "into",
        "update" => holds("set"),
        "delete" => second == "from",
        "with" => holds("as") && (holds("select") || holds("insert") || holds("update") || holds("delete")),
        "create" | "alter" | "drop" => OBJECTS.contains(&second) || (second == "\"{" || second == "{verb}"),
        "grant" => holds("on") && holds("to"),
        "revoke" => holds("on") && holds("from"),
        "truncate" | "listen" | "unlisten" | "notify" | "lock" => words.len() == 2 || second == "table",
        "copy" => holds("stdin") || holds("stdout"),
        "begin" | "commit" | "rollback" => {
            words.len() == 1
                || second.starts_with('{')
                || matches!(second, "isolation" | "read" | "transaction" | "prepared")
                || lower.contains(';')
        }
        "set" => matches!(second, "local" | "search_path" | "session" | "role"),
        "call" | "do" => second.starts_with("$$"),
        _ => false,
    }
}

const OBJECTS: &[&str] = &[
    "table",
    "temporary",
    "temp",
    "unlogged",
    "index",
    "unique",
    "schema",
    "database",
    "role",
    "user",
    "function",
    "procedure",
    "policy",
    "trigger",
    "view",
    "materialized",
    "sequence",
    "type",
    "domain",
    "extension",
    "publication",
    "subscription",
    "or",
    "default",
];

#[cfg(test)]
mod tests {
    use super::{super::found, check, is_sql};

    fn strangers(files: &[(&str, &str)]) -> Vec<String> {
        // The list of kernel files is about files that a made-up workspace does not have.
        found(check, files)
            .into_iter()
            .filter(|finding| !super::SPEAKERS.iter().any(|s| finding.starts_with(s.path)))
            .collect()
    }

    #[test]
    fn statements_are_told_from_prose() {
        for sql in [
            "select 1",
            "SELECT name FROM org",
            "select pg_notify('a', $1)",
            "insert into org values ($1)",
            "update org\n set name = $2",
            "delete from org",
            "with g as (select 1) update org set a = 1",
            "create temporary table stage (id uuid)",
            "create database \"{name}\"",
            "drop schema if exists x cascade",
            "alter table org add x int",
            "grant select on org to app",
            "truncate org",
            "copy stage from stdin",
            "begin isolation level read committed",
            "commit",
            "begin; select 1",
            "select ",
            "select t.id, t.slug ",
            "set local lock_timeout = '2s'",
        ] {
            assert!(is_sql(sql), "{sql}");
        }
        for prose in [
            "select",
            "update",
            "select one of these",
            "update the list",
            "create a tenant",
            "drop it",
            "grant them",
            "copy of a row",
            "begin with a letter",
            "set by hand",
            "delete",
            "with a version",
            "commit by name",
            "listen to all of it",
        ] {
            assert!(!is_sql(prose), "{prose}");
        }
    }

    #[test]
    fn sql_lies_in_stores() {
        let text = "//! x\nfn a() { run(\"select id from org\") }\n#[cfg(test)]\nmod tests {\n fn b() { run(\"delete from org\") }\n}\n";
        let files = [
            ("crates/school/src/org/api.rs", text),
            ("crates/school/src/org/store.rs", text),
            ("crates/school/src/person/list_store.rs", text),
            ("crates/school/src/org/store/page.rs", text),
            ("crates/school/tests/roster/main.rs", text),
        ];
        assert_eq!(strangers(&files), ["crates/school/src/org/api.rs:2 sql-place"]);
    }

    #[test]
    fn statements_come_from_the_macro_and_are_constant() {
        let text = "//! x\nstatic A: Statement = Statement::register(\"a\", B);\nfn c() { format!(\"select {x} from org\"); }\n";
        let file = "crates/school/src/org/store.rs";
        assert_eq!(
            strangers(&[(file, text)]),
            [format!("{file}:3 sql-glued"), format!("{file}:2 statement-registration")]
        );
    }

    #[test]
    fn an_exception_that_is_no_longer_needed_is_found() {
        let findings = found(check, &[("crates/tenancy/src/door.rs", "//! x\n")]);
        assert!(findings.contains(&"crates/tenancy/src/door.rs:1 sql-place".to_owned()), "{findings:?}");
    }
}
