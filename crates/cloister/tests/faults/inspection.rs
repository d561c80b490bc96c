//! What is really there afterwards: by the API on every node, in every row of every table, and in the logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use cloister_ids::Uuid;
use cloister_testkit::{tenant_rows, tenant_tables};
use tokio_postgres::Client;

use crate::{
    SETTLE,
    books::{Books, Trouble},
    client::{Answer, Ask, Client as HttpClient},
    installation::{Installation, PASSWORD, Tenant, owner},
    worker::{Kept, Record},
};

/// Keys of each tenant that are sent once more at the end.
const REPLAYED: usize = 60;

/// Looks at everything; what is wrong goes into the books.
pub(crate) async fn look(installation: &Installation, books: &Books, kept: &[Kept]) {
    for tenant in &*installation.tenants {
        let records = kept.iter().flat_map(|kept| &kept.records);
        let records: Vec<&Record> = records.filter(|record| record.tenant == tenant.number).collect();
        for node in 0..installation.nodes.len() {
            listed(installation, books, tenant, node, &records).await;
        }
    }
    effects_are_done(installation, books).await;
    rows(installation, books, kept).await;
    for node in &installation.nodes {
        let log = std::fs::read_to_string(&node.log).unwrap();
        for tenant in &*installation.tenants {
            if let Some(line) = log.lines().find(|line| line.contains(&tenant.canary)) {
                books.trouble(Trouble::Leaked, format!("what {} keeps is in a log: {line}", tenant.slug));
            }
        }
    }
    // The logs of what was done are whole, however often whoever seals them was killed.
    installation.program.succeed(&["audit", "verify", "--all"], "");
}

/// Compares what a node lists with what was acknowledged, and sends some keys once more.
async fn listed(installation: &Installation, books: &Books, tenant: &Tenant, node: usize, records: &[&Record]) {
    let (client, address) = (&installation.client, installation.nodes[node].address);
    let body = serde_json::json!({ "email": owner(tenant.slug), "password": PASSWORD });
    let sign_in = Ask { method: "POST", path: "sessions".to_owned(), body: Some(body), header: None };
    let answer = insist(client, address, tenant.slug, "", &sign_in).await;
    let token = answer.body["access_token"].as_str().unwrap().to_owned();

    let mut there = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let ask = Ask::get(format!("{}?limit=200{cursor}", tenant.path));
        let page = insist(client, address, tenant.slug, &token, &ask).await;
        books.answered(tenant.number, &ask.path, &page);
        for item in page.body["items"].as_array().unwrap() {
            let twice = there.insert(item["id"].as_str().unwrap().to_owned(), item["version"].as_i64());
            if twice.is_some() {
                books.trouble(Trouble::Doubled, format!("{} lists twice {item}", tenant.slug));
            }
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for record in records.iter().filter(|record| !record.deleted) {
        match there.remove(&record.id) {
            Some(version) if version.is_none_or(|version| version == record.version) => {}
            found => books.trouble(Trouble::Lost, format!("{}: {record:?} is listed as {found:?}", tenant.slug)),
        }
    }
    for id in there.keys() {
        books.trouble(Trouble::Doubled, format!("{} lists {id}, which nobody was told of", tenant.slug));
    }
    let step = (records.len() / REPLAYED).max(1);
    for record in records.iter().step_by(step) {
        let ask = Ask::post(tenant.path, &record.key, record.fields.clone());
        let answer = insist(client, address, tenant.slug, &token, &ask).await;
        books.answered(tenant.number, &ask.path, &answer);
        if answer.status != 201 || answer.body["id"] != *record.id {
            books.trouble(Trouble::Doubled, format!("the key of {} gave {}", record.id, answer.text));
        }
    }
}

/// The answer to a question, which must come: no fault is left.
async fn insist(client: &HttpClient, to: SocketAddr, slug: &str, token: &str, ask: &Ask) -> Answer {
    let begun = Instant::now();
    loop {
        match client.send(to, slug, token, ask).await {
            Ok(answer) if answer.status != 503 => return answer,
            silent if begun.elapsed() > SETTLE => panic!("{} {}: {silent:?}", ask.method, ask.path),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Waits for what goes on after an answer: jobs that bring entries into the tenants' logs.
async fn effects_are_done(installation: &Installation, books: &Books) {
    let control = installation.look_in("cloister_control").await;
    let waiting = "select count(*) from control.job
        where tenant_id is not null and state in ('ready', 'running') and run_at < now() + interval '1 hour'";
    let begun = Instant::now();
    loop {
        let mut left: i64 = control.query_one(waiting, &[]).await.unwrap().get(0);
        for client in databases(installation).await {
            let outbox = "select to_regclass('cloister.outbox') is not null";
            if client.query_one(outbox, &[]).await.unwrap().get(0) {
                left += client.query_one("select count(*) from cloister.outbox", &[]).await.unwrap().get::<_, i64>(0);
            }
        }
        if left == 0 {
            return;
        }
        if begun.elapsed() > SETTLE {
            return books.trouble(Trouble::Unsettled, format!("{left} jobs are not done in time"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A session of the administrator in each of our databases.
async fn databases(installation: &Installation) -> Vec<Client> {
    let server = installation.look_in("postgres").await;
    let names = "select datname::text from pg_database where datname like 'cloister\\_%' and datallowconn order by 1";
    let mut found = Vec::new();
    for row in server.query(names, &[]).await.unwrap() {
        found.push(installation.look_in(row.get(0)).await);
    }
    found
}

/// Looks at every row of every table that has tenants, past all walls.
async fn rows(installation: &Installation, books: &Books, kept: &[Kept]) {
    let control = installation.look_in("cloister_control").await;
    let mut owners = BTreeMap::new();
    for row in control.query("select id, slug from control.tenant", &[]).await.unwrap() {
        let tenant = installation.tenants.iter().find(|tenant| tenant.slug == row.get::<_, &str>(1)).unwrap();
        owners.insert(row.get::<_, Uuid>(0), tenant);
    }
    let mut found = Found::default();
    for client in databases(installation).await {
        for (schema, table) in tenant_tables(&client).await {
            for row in tenant_rows(&client, &schema, &table).await {
                let Some(owner) = owners.get(&row.tenant) else { continue };
                let mut others = owners.values().filter(|other| other.number != owner.number);
                if let Some(other) = others.find(|other| row.text.contains(&other.canary)) {
                    let (whose, of, what) = (owner.slug, other.slug, &row.text);
                    books.trouble(Trouble::Leaked, format!("{}: a row of {whose} holds {of}'s: {what}", row.place));
                }
            }
            match table.as_str() {
                "person" => found.made(&client, &format!("select family_name from \"{schema}\".person")).await,
                "component" => found.made(&client, &format!("select key from \"{schema}\".component")).await,
                "audit" if schema == "cloister" => found.done(&client).await,
                "invitation" => found.made(&client, "select email from control.invitation").await,
                "mail" => found.made(&client, "select 'mail to ' || recipient from control.mail").await,
                _ => {}
            }
        }
    }
    found.compare(books, kept);
}

/// What the databases hold, over all of them.
#[derive(Debug, Default)]
struct Found {
    /// How many rows each creation made.
    made: BTreeMap<String, usize>,
    /// How often the log of a tenant says that something was done to a record.
    done: BTreeMap<(String, String), i64>,
}

impl Found {
    async fn made(&mut self, client: &Client, text: &str) {
        for row in client.query(text, &[]).await.unwrap() {
            *self.made.entry(row.get(0)).or_default() += 1;
        }
    }

    async fn done(&mut self, client: &Client) {
        let text = "select resource_id, action, count(*) from cloister.audit
            where resource_id is not null group by 1, 2";
        for row in client.query(text, &[]).await.unwrap() {
            *self.done.entry((row.get(0), row.get(1))).or_default() += row.get::<_, i64>(2);
        }
    }

    /// Each creation made one row, and every act stands in the log once.
    fn compare(mut self, books: &Books, kept: &[Kept]) {
        let mut seen = BTreeSet::new();
        for record in kept.iter().flat_map(|kept| &kept.records) {
            seen.insert(&record.marker);
            match self.made.remove(&record.marker) {
                Some(1) => {}
                None => books.trouble(Trouble::Lost, format!("the row of {record:?}")),
                Some(count) => books.trouble(Trouble::Doubled, format!("{count} rows of {record:?}")),
            }
            let updates = record.version - 1 - i64::from(record.deleted);
            for (act, wanted) in [("create", 1), ("update", updates), ("delete", i64::from(record.deleted))] {
                let logged = self.done.get(&(record.id.clone(), act.to_owned())).copied().unwrap_or_default();
                if logged != wanted {
                    let trouble = if logged < wanted { Trouble::Lost } else { Trouble::Doubled };
                    books.trouble(trouble, format!("{act} of {} is logged {logged} times, not {wanted}", record.id));
                }
            }
        }
        for invited in kept.iter().flat_map(|kept| &kept.invited) {
            for what in [invited.email.clone(), format!("mail to {}", invited.email)] {
                match self.made.remove(&what) {
                    Some(1) => {}
                    None => books.trouble(Trouble::Lost, format!("{what} of {}", invited.id)),
                    Some(count) => books.trouble(Trouble::Doubled, format!("{what} is there {count} times")),
                }
            }
            match self.done.get(&(invited.id.clone(), "invitation.create".to_owned())).copied().unwrap_or_default() {
                1 => {}
                0 => books.trouble(Trouble::Lost, format!("the log does not say that {} was invited", invited.id)),
                times => books.trouble(Trouble::Doubled, format!("the log says {times} times that {} was", invited.id)),
            }
        }
        for marker in self.made.keys().filter(|marker| !seen.contains(marker)) {
            books.trouble(Trouble::Doubled, format!("a row {marker}, which nobody was told of"));
        }
    }
}
