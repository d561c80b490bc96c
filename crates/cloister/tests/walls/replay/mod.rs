//! Every statement that any test ran for a tenant, run again for another one: it must be as if the first did not exist.
//!
//! Row security is out of the way here, so that a statement stands on its own. What the tests did is done again in the order
//! in which they did it; before each statement the other tenant asks the same, once without any rows and once with the same
//! rows under its own name, without those of one table, and without a single one. What comes of it must not change when everybody else's rows are
//! taken away, nor may it change any of them. Then it is asked without what binds one of its tables to the tenant, which
//! must make a difference.

mod book;
mod known;
mod look;
mod places;
mod plane;
mod rewrite;
mod session;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write as _,
};

use cloister_ids::Uuid;

use crate::{
    Ground,
    report::{self, Noticed},
};
use book::{Act, Book, Value, Work};
use known::{Known, Shape};
use look::Look;
use plane::Plane;
use session::{Outcome, Session};

/// Of a single row with so many columns each tells by itself how a statement was run: it counts, or answers yes or no.
const FEW_COLUMNS: usize = 9;
/// Rows of which it is looked which yes and no there is.
const WAYS: usize = 40;
/// PostgreSQL's number for the type `uuid`.
const UUID: u32 = 2950;
/// PostgreSQL's code for a parameter that could be of any type.
const UNKNOWN_TYPE: &str = "42P18";

struct Replay {
    tenants: Plane,
    control: Plane,
    other: Uuid,
    known: BTreeMap<&'static str, Known>,
    /// The last value of each type, for statements that nothing ran.
    pool: HashMap<u32, Value>,
    /// How often anything was looked at.
    turn: usize,
    faults: Vec<String>,
}

/// In short, what rows say: of a single one with few columns which are there; of others only what is a yes or a no, as whether
/// somebody changed something, each way that there is.
fn gist(rows: &[Vec<Option<Vec<u8>>>]) -> String {
    match rows {
        [] => "nothing".to_owned(),
        [row] if row.len() <= FEW_COLUMNS => row.iter().map(|value| sign(value.as_ref())).collect(),
        rows => {
            let is_short = |value: &&Option<Vec<u8>>| value.as_ref().is_some_and(|bytes| bytes.len() == 1);
            let words = |row: &Vec<_>| row.iter().filter(is_short).map(|value| sign(value.as_ref())).collect();
            let ways: BTreeSet<String> = rows.iter().map(words).take(WAYS).collect();
            format!("something {}", ways.into_iter().collect::<Vec<_>>().join(" "))
        }
    }
}

/// Whether a value is there, and is not nought or no.
fn sign(value: Option<&Vec<u8>>) -> char {
    match value {
        None => '-',
        Some(bytes) if bytes.iter().all(|byte| *byte == 0) => '0',
        Some(_) => '+',
    }
}

fn is_writing(text: &str) -> bool {
    ["insert", "update", "delete"]
        .iter()
        .any(|word| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word))
}

impl Replay {
    async fn play(&mut self, book: &Book) {
        // A test that runs nothing of which more is to be found out is not done again.
        let open =
            |replay: &Self| book.texts.keys().any(|name| replay.known.get(name.as_str()).is_some_and(Known::is_open));
        if !open(self) {
            return;
        }
        for plane in [&self.tenants, &self.control] {
            plane.session.must("begin").await;
        }
        for (at, work) in book.transactions.iter().enumerate() {
            if at % 50 == 49 && !open(self) {
                break;
            }
            self.work(book, work).await;
        }
        for plane in [&self.tenants, &self.control] {
            plane.session.must("rollback").await;
        }
    }

    async fn work(&mut self, book: &Book, work: &Work) {
        let tenant_plane = !work.database.ends_with("_control");
        if !work.committed {
            self.plane(tenant_plane).session.must("savepoint work").await;
        }
        for act in &work.acts {
            let plane = self.plane(tenant_plane);
            match act {
                Act::Say(text) => {
                    if plane.session.attempt(text).await {
                        plane.heard(text);
                    }
                }
                Act::Copy { text, lines } => drop(plane.session.copy(text, lines).await),
                Act::Run { statement, values } => {
                    let Some(text) = book.texts.get(statement) else { continue };
                    self.ask_for_the_other(book, statement, values).await;
                    // And once more for whom it was done then.
                    self.plane(tenant_plane).session.run(text, values).await;
                }
            }
        }
        let plane = self.plane(tenant_plane);
        if !work.committed {
            plane.session.must("rollback to work; release work").await;
        }
        plane.clear().await;
    }

    fn plane(&self, tenant_plane: bool) -> &Plane {
        if tenant_plane { &self.tenants } else { &self.control }
    }

    async fn ask_for_the_other(&mut self, book: &Book, name: &str, values: &[Value]) {
        self.pool.extend(values.iter().filter(|value| value.bytes.is_some()).map(|value| (value.kind, value.clone())));
        let Some(known) = self.known.get_mut(name) else { return };
        let (plane, is_worth_a_try) = (known.tenant_plane, known.is_worth_a_try());
        let mut asked: Vec<(&'static str, Vec<Value>)> = Vec::new();
        if is_worth_a_try && let Some((name, mut known)) = self.known.remove_entry(name) {
            if let Some(tenant) = self.tenant_in(plane, values).await.filter(|tenant| *tenant != self.other) {
                let mut came = self.comes_to(&known, tenant, values).await;
                // What is there tells more than what is asked for, and differs with each test.
                came.push_str(&book.test);
                if known.is_wanted(Shape::of(values, came)) {
                    asked.push((name, values.to_vec()));
                }
            }
            self.known.insert(name, known);
        }
        // Neighbours that no test runs are asked with what this one is run with.
        asked.extend(self.lend(name, plane, values).await);
        self.turn += 1;
        let mut looks = Vec::new();
        for (name, values) in asked {
            let tenant = self.tenant_in(plane, &values).await.filter(|tenant| *tenant != self.other);
            if let (Some(tenant), Some((name, known))) = (tenant, self.known.remove_entry(name)) {
                let asked = values.iter().map(|value| in_place_of(value, tenant, self.other)).collect();
                let number = known.looks + known.lent;
                looks.push(Look { name, known, number, tenant, asked });
            }
        }
        if let Some(tenant) = looks.first().map(|look| look.tenant) {
            self.look_each_way(book, plane, tenant, &mut looks).await;
        }
        self.known.extend(looks.into_iter().map(|look| (look.name, look.known)));
    }

    /// Which of a statement's neighbours are asked with what it is run with, and that.
    async fn lend(&mut self, name: &str, tenant_plane: bool, values: &[Value]) -> Vec<(&'static str, Vec<Value>)> {
        let plane = if tenant_plane { &self.tenants } else { &self.control };
        let mut asked = Vec::new();
        for (other, known) in &mut self.known {
            let is_near =
                *other != name && known::home(other) == known::home(name) && known.tenant_plane == tenant_plane;
            if !is_near || !known.is_unclear() {
                continue;
            }
            // Some can be prepared only while there are temporary tables.
            let passing = known.kinds.is_none() && !plane.is_clear();
            if passing {
                known.kinds = plane.session.kinds(known.text(0)).await.ok();
            }
            asked.extend(known.borrow(values, &self.pool).map(|values| (*other, values)));
            if passing {
                known.kinds = None;
            }
        }
        asked
    }

    /// In short, what a statement comes to for whom a test ran it.
    async fn comes_to(&self, known: &Known, tenant: Uuid, values: &[Value]) -> String {
        let plane = self.plane(known.tenant_plane);
        let text = known.text(0);
        let print = if is_writing(text) { plane.print(tenant, text) } else { None };
        let (came, after) = plane.session.each(&[text], values, print.as_deref()).await.remove(0);
        let rows = match came {
            Outcome::Refused(code) => return code,
            Outcome::Rows(rows) => gist(&rows),
        };
        let Some(print) = print else { return rows };
        let before = plane.session.each(&["select"], &[], Some(&print)).await.remove(0).1;
        format!("{rows} {}", before != after)
    }

    /// Whose statement it is: `$1`, or in the control plane whatever parameter is the id of a tenant.
    async fn tenant_in(&self, tenant_plane: bool, values: &[Value]) -> Option<Uuid> {
        let id = |value: &Value| Uuid::from_slice(value.bytes.as_ref()?).ok().filter(|_| value.kind == UUID);
        if tenant_plane {
            return id(values.first()?);
        }
        let ids: Vec<Uuid> = values.iter().filter_map(id).collect();
        let text = "select id::text from control.tenant where id::text = any ($1)";
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let row = self.control.session.client().query(text, &[&texts]).await.unwrap();
        row.first().map(|row| row.get::<_, String>(0).parse().unwrap())
    }
}

fn in_place_of(value: &Value, tenant: Uuid, other: Uuid) -> Value {
    let is_tenant = value.bytes.as_deref() == Some(tenant.as_bytes().as_slice());
    if is_tenant { Value { kind: value.kind, bytes: Some(other.as_bytes().to_vec()) } } else { value.clone() }
}

#[tokio::test]
#[ignore = "goes through what the other tests did, when `cargo xtask mutate-isolation` has had them write it down"]
async fn what_is_done_for_one_tenant_tells_another_nothing() {
    let folder = std::env::var("CLOISTER_RECORDED").expect("CLOISTER_RECORDED names the folder");
    let ground = Ground::new().await;
    let control = ground.platform.admin(&format!("{}_control", ground.platform.prefix)).await;
    control.batch_execute("set search_path = control").await.unwrap();
    let schema = ground.schema().to_owned();
    let Ground { platform: _kept, admin, .. } = ground;
    let other = Uuid::from_u128(0x00ff_00ff_00ff_7000_8000_0000_0000_00ff);
    let tenants = Plane::new(Session::new(admin), &["cloister", &schema]).await;
    let mut replay = Replay {
        known: known::all_of_part(&known::Ground { tables: tenants.tables().await, asks: other.to_string() }),
        tenants,
        control: Plane::new(Session::new(control), &["control"]).await,
        other,
        pool: HashMap::new(),
        turn: 0,
        faults: Vec::new(),
    };
    for plane in [&replay.tenants, &replay.control] {
        plane.session.must("begin").await;
    }
    for known in replay.known.values_mut() {
        let plane = if known.tenant_plane { &replay.tenants } else { &replay.control };
        known.kinds = plane.session.kinds(known.text(0)).await.ok();
        if known.tenant_plane && known.kinds.is_some() {
            for text in known.all_emptied() {
                let code = plane.session.kinds(text).await.err();
                // Without a condition there may be nothing left that a parameter is compared with.
                assert!(code.as_ref().is_none_or(|code| code == UNKNOWN_TYPE), "{code:?} is nonsense: {text}");
            }
        }
    }
    for plane in [&replay.tenants, &replay.control] {
        plane.session.must("rollback").await;
    }
    let books = book::read(folder.as_ref());
    for (at, book) in books.iter().enumerate() {
        replay.play(book).await;
        known::count_once(&mut replay.known);
        if at % 50 == 49 {
            let open = replay.known.values().filter(|known| known.is_unclear()).count();
            // Past what the test harness keeps to itself: this takes long.
            let _ = writeln!(std::io::stderr(), "{} of {} tests, {open} statements unclear", at + 1, books.len());
        }
        // What was given and taken away again is in the way of the next ones. Not each time: all is planned anew after it.
        if at % 10 == 9 {
            for plane in [&replay.tenants, &replay.control] {
                plane.session.must("vacuum").await;
            }
        }
    }
    if let Some(path) = report::wanted() {
        let mut all = Vec::new();
        for (name, known) in &replay.known {
            let ran = if known.looks + known.lent == 0 {
                "it never ran for a tenant".to_owned()
            } else {
                format!("looked at {} times", known.looks + known.lent)
            };
            for unbound in &known.unbound {
                let hole = format!("statement/{}/{}", name.trim_start_matches("cloister_"), unbound.name);
                all.push(Noticed { hole, by: unbound.noticed.clone(), otherwise: ran.clone() });
            }
        }
        report::add(&path, &all);
    }
    assert!(replay.faults.is_empty(), "{}", replay.faults.join("\n"));
}
