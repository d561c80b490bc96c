//! A client of one tenant: it writes, reads, repeats and pries, and knows exactly what must be there.
//!
//! Each keeps records of its own, so that whatever it finds otherwise than it left it is a fault and nobody else's doing. An
//! answer that did not come leaves it in doubt; it asks again, by the same key or for the same version, until it knows.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    books::{Books, Trouble},
    client::{Answer, Ask, Client},
    dice::Dice,
    installation::{Installation, PASSWORD, Tenant, owner},
};

/// Clients of each tenant.
pub(crate) const EACH: usize = 2;

/// Access tokens live longer than this.
const TOKENS_LIVE: Duration = Duration::from_mins(9);

/// What a client made.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) tenant: usize,
    /// Stands in what was made, and in nothing else.
    pub(crate) marker: String,
    /// Under which it was made.
    pub(crate) key: String,
    pub(crate) fields: Value,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) deleted: bool,
}

/// Somebody whom a client invited: a row in the control plane, a mail, and an entry in the tenant's own log that a job brings.
#[derive(Debug)]
pub(crate) struct Invited {
    pub(crate) email: String,
    pub(crate) id: String,
}

/// All that a client knows to be there.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) records: Vec<Record>,
    pub(crate) invited: Vec<Invited>,
}

pub(crate) struct Worker {
    number: usize,
    tenant: usize,
    tenants: Arc<Vec<Tenant>>,
    addresses: Vec<SocketAddr>,
    client: Client,
    books: Arc<Books>,
    dice: Dice,
    token: String,
    signed_in: Instant,
    kept: Kept,
    made: usize,
}

/// An answer that settles a question, and how often it was asked.
struct Settled {
    answer: Answer,
    node: usize,
    sent: Instant,
    first: bool,
}

impl Worker {
    pub(crate) fn new(number: usize, seed: u64, installation: &Installation, books: &Arc<Books>) -> Self {
        Self {
            number,
            tenant: number / EACH,
            tenants: installation.tenants.clone(),
            addresses: installation.nodes.iter().map(|node| node.address).collect(),
            client: installation.client.clone(),
            books: books.clone(),
            dice: Dice::new(seed ^ (0x5eed << 16) ^ u64::try_from(number).unwrap()),
            token: String::new(),
            signed_in: Instant::now(),
            kept: Kept::default(),
            made: 0,
        }
    }

    fn tenant(&self) -> &Tenant {
        &self.tenants[self.tenant]
    }

    /// Works until it is stopped; gives all that it made.
    pub(crate) async fn run(mut self) -> Kept {
        self.invite().await;
        while !self.books.is_stopped() {
            match self.dice.below(100) {
                0..40 => self.create().await,
                40..60 => self.update().await,
                60..65 => self.delete().await,
                65..80 => self.read().await,
                80..85 => self.list().await,
                85..92 => self.repeat().await,
                92..99 => self.pry().await,
                _ => match self.dice.below(10) {
                    0..2 => self.renew(),
                    2..6 => self.invite().await,
                    _ => {}
                },
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.kept
    }

    /// Asks until there is an answer that says what became of it.
    async fn settle(&mut self, ask: &Ask) -> Option<Settled> {
        let mut node = self.dice.below(self.addresses.len());
        let mut first = true;
        loop {
            let is_signed_in = !self.token.is_empty() || self.sign_in(node).await;
            let sent = Instant::now();
            let answer = if is_signed_in {
                Some(self.client.send(self.addresses[node], self.tenant().slug, &self.token, ask).await)
            } else {
                None
            };
            match answer {
                Some(Ok(answer)) => {
                    self.books.answered(self.tenant, &ask.path, &answer);
                    match (answer.status, answer.code()) {
                        // A token ends by itself in time; before that, no fault may sign anybody out.
                        (401, _) => {
                            if self.signed_in.elapsed() < TOKENS_LIVE {
                                self.unexpected("somebody was signed out", &answer);
                            }
                            self.token.clear();
                        }
                        (409, "idempotency_key_in_use") | (429 | 503, _) => {}
                        (500.., _) => {
                            let what = format!("{} {}: {}", ask.method, ask.path, answer.text);
                            self.books.trouble(Trouble::Unexpected, what);
                        }
                        _ => return Some(Settled { answer, node, sent, first }),
                    }
                }
                Some(Err(_)) => self.books.silence(),
                None => {}
            }
            if self.books.is_given_up() {
                self.books.trouble(Trouble::Unsettled, format!("{} {}", ask.method, ask.path));
                return None;
            }
            first = false;
            node = (node + 1) % self.addresses.len();
            let pause = 20 + u64::try_from(self.dice.below(180)).unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Whether it is signed in now.
    async fn sign_in(&mut self, node: usize) -> bool {
        let body = json!({ "email": owner(self.tenant().slug), "password": PASSWORD });
        let ask = Ask { method: "POST", path: "sessions".to_owned(), body: Some(body), header: None };
        match self.client.send(self.addresses[node], self.tenant().slug, "", &ask).await {
            Ok(answer) => {
                self.books.answered(self.tenant, &ask.path, &answer);
                match answer.status {
                    201 => answer.body["access_token"].as_str().unwrap_or_default().clone_into(&mut self.token),
                    429 | 503 => {}
                    _ => self.unexpected("a sign-in", &answer),
                }
                self.signed_in = Instant::now();
            }
            Err(_) => self.books.silence(),
        }
        !self.token.is_empty()
    }

    fn unexpected(&self, what: &str, answer: &Answer) {
        let slug = self.tenant().slug;
        self.books.trouble(Trouble::Unexpected, format!("{slug}: {what}: {} {}", answer.status, answer.text));
    }

    fn is_school(&self) -> bool {
        self.tenant().path == "persons"
    }

    fn name_field(&self) -> &'static str {
        if self.is_school() { "given_name" } else { "name" }
    }

    async fn create(&mut self) {
        self.books.count("creates");
        self.made += 1;
        let marker = format!("{}-{}-{}", self.tenant().canary, self.number, self.made);
        let fields = if self.is_school() {
            json!({ "given_name": marker, "family_name": marker })
        } else {
            json!({ "key": marker, "name": marker, "kind": "service", "lifecycle": "production" })
        };
        let key = format!("{}-{}", self.number, self.made);
        let path = self.tenant().path;
        let Some(settled) = self.settle(&Ask::post(path, &key, fields.clone())).await else { return };
        let Settled { answer, node, sent, .. } = settled;
        let Some(id) = answer.body["id"].as_str().filter(|_| answer.status == 201) else {
            return self.unexpected("a creation", &answer);
        };
        self.books.acknowledged(node, self.tenant, sent);
        self.books.made(self.tenant, id);
        let (tenant, id, name) = (self.tenant, id.to_owned(), marker.clone());
        self.kept.records.push(Record { tenant, marker, key, fields, id, name, version: 1, deleted: false });
    }

    /// Signs in anew, with whatever comes next.
    fn renew(&mut self) {
        self.books.count("sign-ins");
        self.token.clear();
    }

    async fn invite(&mut self) {
        self.books.count("invitations");
        self.made += 1;
        let email = format!("{}-{}@{}.example", self.number, self.made, self.tenant().canary);
        let key = format!("{}-{}", self.number, self.made);
        let body = json!({ "email": email, "roles": ["admin"] });
        let Some(settled) = self.settle(&Ask::post("tenant/invitations", &key, body)).await else { return };
        match settled.answer.body["id"].as_str().filter(|_| settled.answer.status == 201) {
            Some(id) => self.kept.invited.push(Invited { email, id: id.to_owned() }),
            None => self.unexpected("an invitation", &settled.answer),
        }
    }

    /// Sends a creation again: the answer is the one that was given.
    async fn repeat(&mut self) {
        if self.kept.records.is_empty() {
            return;
        }
        self.books.count("keys replayed");
        let at = self.dice.below(self.kept.records.len());
        let record = &self.kept.records[at];
        let (ask, id) = (Ask::post(self.tenant().path, &record.key, record.fields.clone()), record.id.clone());
        let Some(Settled { answer, .. }) = self.settle(&ask).await else { return };
        let replayed = answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true");
        if answer.status != 201 || !replayed || answer.body["id"] != *id {
            self.books.trouble(Trouble::Doubled, format!("the key of {id} gave {} {}", answer.status, answer.text));
        }
    }

    fn some_record(&mut self) -> Option<usize> {
        let living = self.kept.records.iter().enumerate().filter(|(_, record)| !record.deleted);
        let living: Vec<usize> = living.map(|(at, _)| at).collect();
        self.dice.of(&living).copied()
    }

    fn address(&self, at: usize) -> String {
        format!("{}/{}", self.tenant().path, self.kept.records[at].id)
    }

    async fn update(&mut self) {
        let Some(at) = self.some_record() else { return };
        self.books.count("updates");
        let record = &self.kept.records[at];
        let name = format!("{} changed {}", record.marker, record.version);
        let patch = json!({ self.name_field(): name });
        let ask = Ask::change("PATCH", self.address(at), record.version, Some(patch));
        let version = record.version + 1;
        let Some(Settled { answer, node, sent, first }) = self.settle(&ask).await else { return };
        match answer.status {
            200 if answer.body["version"] == version => {}
            // Done already, when the first answer was lost.
            412 if !first => {}
            _ => return self.unexpected("a change", &answer),
        }
        self.books.acknowledged(node, self.tenant, sent);
        (self.kept.records[at].name, self.kept.records[at].version) = (name, version);
        if answer.status == 412 {
            self.look(at).await;
        }
    }

    async fn delete(&mut self) {
        let Some(at) = self.some_record() else { return };
        self.books.count("deletes");
        let ask = Ask::change("DELETE", self.address(at), self.kept.records[at].version, None);
        let Some(Settled { answer, node, sent, first }) = self.settle(&ask).await else { return };
        match answer.status {
            204 => {}
            404 | 412 if !first => {}
            _ => return self.unexpected("a deletion", &answer),
        }
        self.books.acknowledged(node, self.tenant, sent);
        self.kept.records[at].version += 1;
        self.kept.records[at].deleted = true;
        self.look(at).await;
    }

    async fn read(&mut self) {
        if self.kept.records.is_empty() {
            return;
        }
        self.books.count("reads");
        let at = self.dice.below(self.kept.records.len());
        self.look(at).await;
    }

    /// Reads a record, which must be as this client left it.
    async fn look(&mut self, at: usize) {
        let ask = Ask::get(self.address(at));
        let Some(Settled { answer, .. }) = self.settle(&ask).await else { return };
        let record = &self.kept.records[at];
        if record.deleted && !self.is_school() {
            if answer.status != 404 {
                self.books.trouble(Trouble::Lost, format!("the deletion of {}: {}", record.id, answer.text));
            }
            return;
        }
        let found = (answer.body[self.name_field()].as_str(), answer.body["version"].as_i64());
        if answer.status != 200 || found != (Some(&record.name), Some(record.version)) {
            let wanted = format!("{} {} in version {}", record.id, record.name, record.version);
            self.books.trouble(Trouble::Lost, format!("{wanted}: {} {}", answer.status, answer.text));
        }
    }

    async fn list(&mut self) {
        self.books.count("lists");
        let path = format!("{}?limit=20", self.tenant().path);
        let Some(Settled { answer, .. }) = self.settle(&Ask::get(path)).await else { return };
        let Some(items) = answer.body["items"].as_array().filter(|_| answer.status == 200) else {
            return self.unexpected("a list", &answer);
        };
        let canary = &self.tenant().canary;
        if let Some(strange) = items.iter().find(|item| !item.to_string().contains(canary)) {
            self.books.trouble(Trouble::Leaked, format!("{} lists {strange}", self.tenant().slug));
        }
    }

    /// Tries an id of another tenant: there is no such thing.
    async fn pry(&mut self) {
        let Some(id) = self.books.foreign(self.tenant, &mut self.dice) else { return };
        self.books.count("foreign ids");
        let (path, name) = (format!("{}/{id}", self.tenant().path), self.name_field());
        let ask = match self.dice.below(3) {
            0 => Ask::change("PATCH", path, 1, Some(json!({ name: "mine now" }))),
            1 => Ask::change("DELETE", path, 1, None),
            _ => Ask::get(path),
        };
        let Some(Settled { answer, .. }) = self.settle(&ask).await else { return };
        if answer.status != 404 {
            let slug = self.tenant().slug;
            let what = format!("{slug} reached {id} by {}: {} {}", ask.method, answer.status, answer.text);
            self.books.trouble(Trouble::Leaked, what);
        }
    }
}
