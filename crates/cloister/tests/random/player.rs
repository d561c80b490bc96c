//! A tenant at the front door: sends what was drawn, and holds every answer against the model and against the other's words.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use cloister_tenancy::TenantEntry;
use cloister_testkit::{Call, FrontDoor, Seen};
use serde_json::{Value, json};

use crate::{
    model::{Answer, Creation, Model, Target, email},
    operation::{Kind, Known, Operation, Pick, SEARCHES},
};

/// What one tenant has that the other may try, and must never read.
#[derive(Debug, Default)]
pub(crate) struct Showcase {
    ids: Vec<(Kind, String)>,
    cursors: Vec<(Kind, bool, String)>,
    /// Its id and the word in everything it writes.
    words: Vec<String>,
}

pub(crate) type Shown = Arc<Mutex<Showcase>>;

/// What is wrong, in words.
pub(crate) type Verdict = Result<(), String>;

/// What the cases came upon, so that nobody mistakes a test that asks nothing for one that finds nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl Tally {
    fn count(&self, what: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// What came up, and how often.
    pub(crate) fn take(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) struct Player {
    tally: Tally,
    door: FrontDoor,
    tenant: Arc<TenantEntry>,
    canary: String,
    model: Model,
    /// What was made under a key.
    keyed: Vec<(Kind, u8, Value)>,
    mine: Shown,
    theirs: Shown,
}

const fn make(kind: Kind, number: u8) -> Operation {
    let (of, who, name) = (Pick::Own(0), Pick::Own(number as usize), number as usize);
    Operation::Create { kind, name, family: 0, number: Some(number), key: None, of, who }
}

const fn page(kind: Kind, descending: bool) -> Operation {
    Operation::List { kind, search: None, class: None, descending, limit: 1 }
}

/// What every tenant begins with. The numbers are none that are drawn.
const BEGINNING: [Operation; 14] = [
    make(Kind::Org, 10),
    make(Kind::Person, 11),
    make(Kind::Person, 12),
    make(Kind::Class, 13),
    make(Kind::Class, 14),
    make(Kind::Place, 15),
    make(Kind::Place, 16),
    page(Kind::Org, false),
    page(Kind::Person, false),
    page(Kind::Person, true),
    page(Kind::Class, false),
    page(Kind::Class, true),
    page(Kind::Place, false),
    page(Kind::Place, true),
];

/// Well formed, and nobody's.
fn nowhere(kind: Kind) -> String {
    let prefix = match kind {
        Kind::Component => "cmp",
        Kind::Org => "org",
        Kind::Person => "per",
        Kind::Class => "cls",
        Kind::Place => "enr",
    };
    format!("{prefix}_01jd4kqvm6e8x9t3c5z7b2n0fa")
}

impl Player {
    /// A tenant with a little of everything, so that the other has something to try from the first step on.
    pub(crate) async fn new(
        door: &FrontDoor,
        tenant: &Arc<TenantEntry>,
        tally: &Tally,
        (mine, theirs): (&Shown, &Shown),
    ) -> Result<Self, String> {
        let canary = canary_of(tenant);
        let model = Model::of(&tenant.kind);
        mine.lock().unwrap().words = vec![canary.clone(), tenant.id.to_string(), tenant.id.uuid().to_string()];
        let (door, tenant, tally) = (door.clone(), tenant.clone(), tally.clone());
        let (mine, theirs) = (mine.clone(), theirs.clone());
        let mut player = Self { tally, door, tenant, canary, model, keyed: Vec::new(), mine, theirs };
        if player.model.is_school {
            let fields = player.fields(Kind::Org, 0, 0, None, &[]);
            let org = player.call("POST", "orgs").json(fields.clone()).expect(201).await;
            player.model.add(Kind::Org, org["id"].as_str().unwrap(), fields);
            let term = json!({ "title": "Fall", "type": "term", "start_date": "2025-09-01", "end_date": "2026-02-01",
                "school_year": 2026 });
            let term = player.call("POST", "academic_sessions").json(term).expect(201).await;
            let course = json!({ "title": "Algebra", "org_id": org["id"] });
            let course = player.call("POST", "courses").json(course).expect(201).await;
            player.model.frame = Some(json!({ "term_ids": [term["id"]], "course_id": course["id"] }));
        }
        for operation in BEGINNING {
            player.play(operation).await?;
        }
        Ok(player)
    }

    fn call(&self, method: &str, path: &str) -> Call {
        self.door.within(&self.tenant, method, &format!("/api/v1/{path}"))
    }

    /// What is said of a new record: the same by both tenants, but for the word in it.
    fn fields(&self, kind: Kind, name: usize, family: usize, number: Option<u8>, targets: &[Target]) -> Value {
        let note = json!({ "note": self.canary });
        let id = |at: usize| targets.get(at).map(|target: &Target| target.id());
        let mut fields = match kind {
            Kind::Component => json!({ "kind": "service", "lifecycle": "production", "description": self.canary,
                "key": format!("key-{}", number.unwrap_or(9)) }),
            Kind::Org => json!({ "type": "school", "identifier": self.canary }),
            Kind::Person => {
                json!({ "family_name": kind.name(family), "email": format!("{}@home.example", self.canary) })
            }
            Kind::Class => {
                let mut class = self.model.frame.clone().unwrap();
                (class["class_type"], class["school_id"], class["location"]) =
                    (json!("scheduled"), json!(id(0)), json!(self.canary));
                class
            }
            Kind::Place => json!({ "class_id": id(0), "person_id": id(1) }),
        };
        fields[kind.name_field()] = json!(kind.name(name));
        fields["metadata"] = note;
        if let Some(number) = number.filter(|_| kind != Kind::Component) {
            fields["sourced_id"] = json!(format!("number-{number}"));
        }
        fields
    }

    /// Which record is meant. Only living ones are pointed at; any may be asked for.
    fn target(&self, kind: Kind, pick: Pick, living: bool) -> Target {
        match pick {
            Pick::Own(at) => {
                let items = self.model.items(kind).iter().enumerate();
                let items: Vec<_> = items.filter(|(_, item)| !living || !item.is_deleted).collect();
                match items.get(at % items.len().max(1)) {
                    Some((at, item)) => Target::Own(*at, item.id.clone()),
                    None => Target::Elsewhere(nowhere(kind)),
                }
            }
            Pick::Foreign(at) => {
                let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
                let ids: Vec<_> = theirs.ids.iter().filter(|(of, _)| *of == kind).collect();
                let id = ids.get(at % ids.len().max(1)).map_or_else(|| nowhere(kind), |(_, id)| id.clone());
                Target::Elsewhere(id)
            }
            Pick::Nowhere => Target::Elsewhere(nowhere(kind)),
        }
    }

    fn version(&self, kind: Kind, target: &Target, known: Known) -> i64 {
        match (target, known) {
            (Target::Own(at, _), Known::Current) => self.model.items(kind)[*at].version,
            _ => 99,
        }
    }

    fn kind(&self, kind: Kind) -> Kind {
        if self.model.is_school { kind } else { Kind::Component }
    }

    /// Does it, and says what was not as it must be.
    pub(crate) async fn play(&mut self, operation: Operation) -> Verdict {
        let verdict = match operation {
            Operation::Create { kind, name, family, number, key, of, who } => {
                let kind = self.kind(kind);
                let targets = match kind {
                    Kind::Class => vec![self.target(Kind::Org, of, true)],
                    Kind::Place => vec![self.target(Kind::Class, of, true), self.target(Kind::Person, who, true)],
                    _ => Vec::new(),
                };
                let fields = self.fields(kind, name, family, number, &targets);
                self.create(kind, fields, key, &targets).await
            }
            Operation::Repeat { which } => match self.keyed.get(which % self.keyed.len().max(1)).cloned() {
                Some((kind, key, fields)) => self.create(kind, fields, Some(key), &[]).await,
                None => Ok(()),
            },
            Operation::Read { kind, which } => {
                let kind = self.kind(kind);
                let target = self.target(kind, which, false);
                let seen = self.send(self.call("GET", &format!("{}/{}", kind.path(), target.id())), &[&target]).await?;
                agrees(&self.model.read(kind, &target), &seen)
            }
            Operation::Rename { kind, which, known, name } => {
                let kind = self.kind(kind);
                let target = self.target(kind, which, false);
                let (version, name) = (self.version(kind, &target, known), kind.name(name));
                let call = self.call("PATCH", &format!("{}/{}", kind.path(), target.id()));
                let call = call.header("if-match", &format!("\"v{version}\"")).json(json!({ kind.name_field(): name }));
                let seen = self.send(call, &[&target]).await?;
                agrees(&self.model.rename(kind, &target, version, name), &seen)
            }
            Operation::Delete { kind, which, known } => {
                let kind = self.kind(kind);
                let target = self.target(kind, which, false);
                let version = self.version(kind, &target, known);
                let call = self.call("DELETE", &format!("{}/{}", kind.path(), target.id()));
                let seen = self.send(call.header("if-match", &format!("\"v{version}\"")), &[&target]).await?;
                agrees(&self.model.delete(kind, &target, version), &seen)
            }
            Operation::List { kind, search, class, descending, limit } => {
                let kind = self.kind(kind);
                let search = search.filter(|_| kind != Kind::Place).map(|at| SEARCHES[at]);
                let class = class.filter(|_| matches!(kind, Kind::Person | Kind::Place));
                let class = class.map(|pick| self.target(Kind::Class, pick, false));
                self.list(kind, search, class.as_ref(), descending, limit).await
            }
            Operation::ForeignCursor { kind, descending } => self.foreign_cursor(self.kind(kind), descending).await,
            Operation::Invite { guest } => {
                let body = json!({ "email": email(guest), "display_name": self.canary, "roles": ["admin"] });
                let seen = self.send(self.call("POST", "tenant/invitations").json(body), &[]).await?;
                agrees(&self.model.invite(guest), &seen)
            }
            Operation::Log { whole } => {
                let path = if whole { "audit/export?format=csv" } else { "audit?limit=100" };
                let seen = self.send(self.call("GET", path), &[]).await?;
                let wanted = Answer { status: 200, code: None, fields: Value::Null };
                agrees(&wanted, &seen)
            }
        };
        verdict.map_err(|fault| format!("{} at {operation:?}: {fault}", self.tenant.slug))
    }

    async fn create(&mut self, kind: Kind, fields: Value, key: Option<u8>, targets: &[Target]) -> Verdict {
        let mut call = self.call("POST", kind.path()).json(fields.clone());
        if let Some(key) = key {
            call = call.header("idempotency-key", &format!("again-{key}"));
        }
        let wanted = self.model.creation(kind, key, &fields, targets);
        let targets: Vec<&Target> = targets.iter().collect();
        let seen = self.send(call, &targets).await?;
        match wanted {
            Creation::Refused(wanted) => agrees(&wanted, &seen),
            Creation::Again(answer) => {
                let is_replay = seen.header("idempotency-replayed") == Some("true");
                if seen.status == 201 && is_replay && seen.body == answer {
                    return Ok(());
                }
                Err(format!("the key was used before and answered {answer}, and now: {} {}", seen.status, seen.text))
            }
            Creation::Made => {
                agrees(&Answer { status: 201, code: None, fields: fields.clone() }, &seen)?;
                self.model.made(kind, key, &fields, &seen.body);
                self.keyed.extend(key.map(|key| (kind, key, fields)));
                let id = seen.body["id"].as_str().unwrap_or_default().to_owned();
                self.mine.lock().unwrap_or_else(PoisonError::into_inner).ids.push((kind, id));
                Ok(())
            }
        }
    }

    async fn list(
        &self,
        kind: Kind,
        search: Option<&str>,
        class: Option<&Target>,
        descending: bool,
        limit: usize,
    ) -> Verdict {
        let wanted = self.model.list(kind, search, class.map(Target::id), descending);
        let minus = if descending { "-" } else { "" };
        let mut path = format!("{}?limit={limit}&sort={minus}{}", kind.path(), kind.order());
        if let Some(search) = search {
            path.push_str(&format!("&q={}", encoded(search)));
        }
        if let Some(class) = class {
            path.push_str(&format!("&class_id={}", class.id()));
        }
        let sent: Vec<&Target> = class.into_iter().collect();
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let seen = self.send(self.call("GET", &format!("{path}{cursor}")), &sent).await?;
            let Some(items) = seen.body["items"].as_array().filter(|_| seen.status == 200) else {
                return Err(format!("no list: {} {}", seen.status, seen.text));
            };
            found.extend(items.iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()));
            let Some(next) = seen.body["next_cursor"].as_str() else { break };
            if search.is_none() && class.is_none() {
                let mut mine = self.mine.lock().unwrap_or_else(PoisonError::into_inner);
                mine.cursors.push((kind, descending, next.to_owned()));
            }
            cursor = format!("&cursor={next}");
            if found.len() > wanted.len() {
                break;
            }
        }
        if found == wanted { Ok(()) } else { Err(format!("the list is {found:?} and not {wanted:?}")) }
    }

    async fn foreign_cursor(&self, kind: Kind, descending: bool) -> Verdict {
        let cursor = {
            let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
            theirs
                .cursors
                .iter()
                .rfind(|(of, down, _)| (*of, *down) == (kind, descending))
                .map(|(.., text)| text.clone())
        };
        let Some(cursor) = cursor else { return Ok(()) };
        let minus = if descending { "-" } else { "" };
        let path = format!("{}?sort={minus}{}&cursor={cursor}", kind.path(), kind.order());
        let seen = self.send(self.call("GET", &path), &[]).await?;
        agrees(&Answer { status: 400, code: Some("cursor_invalid"), fields: Value::Null }, &seen)
    }

    /// Sends it, and looks through the whole answer for what is the other's. What was sent may come back.
    async fn send(&self, call: Call, sent: &[&Target]) -> Result<Seen, String> {
        let seen = call.send().await;
        let is_foreign = {
            let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
            sent.iter().any(|target| theirs.ids.iter().any(|(_, id)| id == target.id()))
        };
        let code = seen.body["code"].as_str().or(seen.header("idempotency-replayed").map(|_| "again")).unwrap_or("ok");
        self.tally.count(format!("{} {code}{}", seen.status, if is_foreign { " for a foreign id" } else { "" }));
        let whole = format!("{:?} {}", seen.headers, seen.text);
        let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = theirs.ids.iter().map(|(_, id)| id).filter(|id| sent.iter().all(|target| target.id() != id.as_str()));
        match theirs.words.iter().chain(ids).find(|word| whole.contains(word.as_str())) {
            Some(word) => Err(format!("the other tenant's `{word}` is in {} {whole}", seen.status)),
            None => Ok(seen),
        }
    }
}

/// Stands in everything that this tenant writes.
pub(crate) fn canary_of(tenant: &TenantEntry) -> String {
    format!("canary{}", tenant.id.uuid().simple())
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Status, code and every field that the model knows.
fn agrees(wanted: &Answer, seen: &Seen) -> Verdict {
    let code = seen.body["code"].as_str().unwrap_or_default();
    let (code_wanted, mistake) = match wanted.code {
        Some(code) => code.split_once('/').map_or((code, None), |(code, mistake)| (code, Some(mistake))),
        None => ("", None),
    };
    let has_mistake = mistake.is_none_or(|mistake| seen.body["errors"][0]["code"] == mistake);
    let differs = |(field, value): &(&String, &Value)| seen.body[field.as_str()] != **value;
    let wrong = wanted.fields.as_object().into_iter().flatten().find(differs);
    if wanted.status == seen.status && code_wanted == code && has_mistake && wrong.is_none() {
        return Ok(());
    }
    Err(format!("wanted {} {:?} {}, got {} {}", wanted.status, wanted.code, wanted.fields, seen.status, seen.text))
}
