//! The two functions by which a tenant's transaction is entered: each line in them that refuses somebody matters.

use std::collections::BTreeSet;

use cloister_tenancy::TenantEntry;
use tokio_postgres::Client;

use crate::{
    Ground,
    report::{self, Noticed},
};

/// What was said to one who enters.
async fn said(client: &Client, text: &str) -> String {
    match client.batch_execute(text).await {
        Ok(()) => "let in".to_owned(),
        Err(error) => error.as_db_error().map_or_else(|| error.to_string(), |error| error.code().code().to_owned()),
    }
}

struct Door<'a> {
    admin: &'a Client,
    application: Client,
    schema: &'a str,
    tenant: &'a TenantEntry,
}

impl Door<'_> {
    fn call(&self, function: &str, epoch: i64, schema: &str) -> String {
        format!("select cloister.{function}('{}', {epoch}, '{schema}')", self.tenant.id.uuid())
    }

    async fn fence(&self, state: &str) {
        let text = format!("update cloister.fence set state = '{state}' where tenant_id = '{}'", self.tenant.id.uuid());
        self.admin.batch_execute(&text).await.unwrap();
    }

    /// The first thing that is wrong with one of the functions.
    async fn fault(&self, function: &str) -> Option<String> {
        let epoch = self.tenant.placement.as_ref().unwrap().epoch;
        let (schema, right) = (self.schema, self.call(function, epoch, self.schema));
        let writes = function == "enter_write";
        let app = &self.application;
        let told = |what: &str, said: String| Some(format!("{function} {what}: {said}"));

        // Let in, and forgotten afterwards.
        let own =
            format!("select 1 / (count(*) - 1) from cloister.inbox where tenant_id <> '{}'", self.tenant.id.uuid());
        let visible = "select 1 / count(*) from cloister.inbox";
        let come = said(app, &format!("begin; {right}; {visible}; {own}; commit")).await;
        app.batch_execute("rollback").await.unwrap();
        if come != "let in" {
            return told("lets in whoever is right", come);
        }
        let left = said(app, visible).await;
        if left != "22012" {
            return told("is forgotten at the end", left);
        }
        let write = "insert into cloister.inbox (tenant_id, job_id, done_at)
            select tenant_id, gen_random_uuid(), now() from cloister.inbox";
        let wrote = said(app, &format!("begin; {right}; {write}")).await;
        app.batch_execute("rollback").await.unwrap();
        if wrote != if writes { "let in" } else { "25006" } {
            return told("lets readers only read", wrote);
        }

        // Refused.
        let elsewhere = format!("set search_path = cloister; {right}");
        let agreed = format!("set search_path = cloister; {}", self.call(function, epoch, "cloister"));
        let stranger = format!("select cloister.{function}(gen_random_uuid(), {epoch}, '{schema}')");
        for (what, text, code) in [
            ("at another epoch", self.call(function, epoch + 1, schema), "CLF01"),
            ("in another schema than the session's", elsewhere, "CLF03"),
            ("in another schema than the fence's", agreed, "CLF01"),
            ("of nobody's", stranger, "CLF01"),
        ] {
            let refused = said(app, &format!("begin; {text}")).await;
            app.batch_execute(&format!("rollback; set search_path = \"{schema}\"")).await.unwrap();
            if refused != code {
                return told(what, refused);
            }
        }
        for state in ["closed", "read_only"] {
            self.fence(state).await;
            let refused = said(app, &format!("begin; {right}")).await;
            app.batch_execute("rollback").await.unwrap();
            self.fence("open").await;
            if refused != if writes || state == "closed" { "CLF01" } else { "let in" } {
                return told(&format!("of a tenant that is {state}"), refused);
            }
        }
        let key = format!("(cloister.fence_key('{}'))", self.tenant.id.uuid());
        self.admin.batch_execute(&format!("select pg_advisory_lock{key}")).await.unwrap();
        let refused = said(app, &format!("begin; {right}")).await;
        app.batch_execute("rollback").await.unwrap();
        self.admin.batch_execute(&format!("select pg_advisory_unlock{key}")).await.unwrap();
        if refused != if writes { "CLF02" } else { "let in" } {
            return told("of a tenant that is being changed", refused);
        }
        // Whoever is inside holds off a change.
        let lock = format!("select 1 / pg_try_advisory_lock{key}::int; select pg_advisory_unlock{key}");
        app.batch_execute(&format!("begin; {right}")).await.unwrap();
        let changed = said(self.admin, &lock).await;
        app.batch_execute("rollback").await.unwrap();
        if changed != if writes { "22012" } else { "let in" } {
            return told("holds off a change", changed);
        }
        None
    }
}

/// The function without one of its checks, or with one of its conditions always true.
fn holes(function: &str, text: &str) -> Vec<(String, String)> {
    let mut holes = Vec::new();
    let mut add = |what: String, hole: String| holes.push((format!("function/{function}/{what}"), hole));
    // Comments are no part of it, and would be taken for some.
    let text = &text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    let mut from = 0;
    while let Some(at) = text[from..].find("    if ") {
        let begin = from + at;
        let end = begin + text[begin..].find("end if;").unwrap() + "end if;".len();
        let code = text[begin..end].split('\'').rev().nth(1).unwrap_or_default();
        add(format!("check_{code}_{}", holes_word(&text[begin..end])), format!("{}{}", &text[..begin], &text[end..]));
        from = end;
    }
    for line in text.lines().filter(|line| line.contains("set_config(")) {
        // By what it sets, so that a name stays with its line whatever is set before it.
        let variable = line.split('\'').nth(1).unwrap_or_default();
        let setting = format!("setting_{variable}");
        add(setting.clone(), text.replace(line, ""));
        add(format!("{setting}_of_the_session"), text.replace(line, &line.replace(", true)", ", false)")));
    }
    if let Some(begin) = text.find("where ") {
        let end = begin + text[begin..].find(';').unwrap();
        for condition in text[begin + "where ".len()..end].split(" and ").map(str::trim) {
            let hole = format!("{}{}{}", &text[..begin], text[begin..end].replace(condition, "true"), &text[end..]);
            add(format!("condition_{}", condition.replace([' ', '.', '\''], "_")), hole);
        }
    }
    holes
}

/// A word for a check, after what it looks at.
fn holes_word(check: &str) -> &'static str {
    ["current_schema", "advisory", "found"].into_iter().find(|word| check.contains(word)).unwrap_or("other")
}

#[tokio::test]
async fn whoever_enters_is_looked_at() {
    let ground = Ground::new().await;
    let cluster = &ground.platform.cluster;
    let application = cluster.application.connect(ground.database()).await.unwrap();
    application.batch_execute(&format!("set search_path = \"{}\"", ground.schema())).await.unwrap();
    let door = Door { admin: &ground.admin, application, schema: ground.schema(), tenant: &ground.ours };
    let rows = "insert into cloister.inbox (tenant_id, job_id, done_at)
        select tenant_id, gen_random_uuid(), now() from cloister.fence";
    ground.admin.batch_execute(rows).await.unwrap();
    let functions = ["enter_read", "enter_write"];
    // The fence's own row security stands behind its condition on the tenant: each is looked at without the other.
    for security in ["enable", "disable"] {
        let text = format!("alter table cloister.fence {security} row level security");
        ground.admin.batch_execute(&text).await.unwrap();
        for function in functions {
            assert_eq!(door.fault(function).await, None);
        }
    }
    let Some(path) = report::wanted() else { return };
    let mut noticed = Vec::new();
    for function in functions {
        let text = "select pg_get_functiondef(('cloister.' || $1)::regproc)";
        let whole: String = ground.admin.query_one(text, &[&function]).await.unwrap().get(0);
        for (hole, text) in holes(function, &whole) {
            ground.admin.batch_execute(&text).await.unwrap_or_else(|error| panic!("{hole}: {text}: {error:?}"));
            let by = door.fault(function).await;
            ground.admin.batch_execute(&whole).await.unwrap();
            door.application.batch_execute("reset cloister.tenant_id; reset transaction_read_only").await.unwrap();
            noticed.push(Noticed { hole, by, otherwise: String::new() });
        }
    }
    let names: BTreeSet<&str> = noticed.iter().map(|noticed| noticed.hole.as_str()).collect();
    assert_eq!(names.len(), noticed.len(), "two holes have one name, so one would excuse the other");
    report::add(&path, &noticed);
}
