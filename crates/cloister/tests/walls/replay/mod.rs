//! Every statement that any test ran for a tenant, run again for another one: it must be as if the first did not exist.
//!
//! Row security is out of the way here, so that a statement stands on its own. What the tests did is done again in the order
//! in which they did it; before each statement the other tenant asks the same, once without any rows and once with the same
//! rows under its own name, and without those of one table. What comes of it must not change when everybody else's rows are
//! taken away, nor may it change any of them. Then it is asked without what binds one of its tables to the tenant, which
//! must make a difference.

mod book;
mod plane;
mod rewrite;
mod session;

use std::collections::{BTreeMap, HashSet};

use cloister_ids::Uuid;
use cloister_tenancy::{Plane as Where, kernel_statements, sql::Statement};

use crate::{
    Ground, modules,
    report::{self, Noticed},
};
use book::{Act, Book, Value, Work};
use plane::{Given, Plane};
use session::{Outcome, Session};

/// As often as one statement is looked at while something in it made no difference yet.
const MOST: usize = 16;
/// PostgreSQL's number for the type `uuid`.
const UUID: u32 = 2950;

/// A statement, and what was found out about it.
struct Known {
    tenant_plane: bool,
    unbound: Vec<Unbound>,
    /// Which parameters were given, each way once before any twice.
    shapes: HashSet<Vec<bool>>,
    looks: usize,
}

struct Unbound {
    name: String,
    text: String,
    noticed: Option<String>,
}

impl Known {
    fn new(text: &str, tenant_plane: bool) -> Self {
        let unbound = rewrite::unbound(text).into_iter();
        let unbound = unbound.map(|(name, text)| Unbound { name, text, noticed: None }).collect();
        Self { tenant_plane, unbound, shapes: HashSet::new(), looks: 0 }
    }

    fn is_wanted(&mut self, values: &[Value]) -> bool {
        let open = self.unbound.iter().any(|unbound| unbound.noticed.is_none());
        let shape = values.iter().map(|value| value.bytes.is_some()).collect();
        let new = self.shapes.insert(shape);
        let wanted = if self.tenant_plane { new && self.looks < MOST || self.looks < 2 } else { false };
        let wanted = wanted || open && self.looks < MOST;
        self.looks += usize::from(wanted);
        wanted
    }
}

/// What a statement came to, and what there was afterwards: of the tenant's own and of everybody else's.
type Came = (Outcome, (String, String));

struct Replay {
    tenants: Plane,
    control: Plane,
    other: Uuid,
    known: BTreeMap<&'static str, Known>,
    faults: Vec<String>,
}

fn is_writing(text: &str) -> bool {
    ["insert", "update", "delete"].iter().any(|word| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word))
}

/// Statements whose conditions on the tenant are looked at, by name.
fn known() -> BTreeMap<&'static str, Known> {
    let modules = modules();
    let mut all: Vec<(bool, &'static Statement)> = Vec::new();
    for (place, list) in kernel_statements() {
        if place != Where::System {
            all.extend(list.iter().map(|statement| (place == Where::Tenant, *statement)));
        }
    }
    for module in &modules {
        all.extend(module.statements().iter().flat_map(|list| list.iter()).map(|statement| (true, *statement)));
        all.extend(module.meters().iter().map(|meter| (true, meter.count)));
        all.extend(module.control_statements().iter().flat_map(|list| list.iter()).map(|statement| (false, *statement)));
    }
    all.into_iter().map(|(tenant, statement)| (statement.name(), Known::new(statement.sql(), tenant))).collect()
}

impl Replay {
    async fn play(&mut self, book: &Book) {
        for plane in [&self.tenants, &self.control] {
            plane.session.must("begin").await;
        }
        for work in &book.transactions {
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
        let mut staged = false;
        for act in &work.acts {
            match act {
                Act::Say(text) => staged |= self.plane(tenant_plane).session.attempt(text).await,
                Act::Copy { text, lines } => drop(self.plane(tenant_plane).session.copy(text, lines).await),
                Act::Run { statement, values } => {
                    let Some(text) = book.texts.get(statement) else { continue };
                    self.ask_for_the_other(book, statement, text, values).await;
                    self.again(tenant_plane, text, values).await;
                }
            }
        }
        let session = &self.plane(tenant_plane).session;
        if !work.committed {
            session.must("rollback to work; release work").await;
        } else if staged {
            let text = "select 'drop table ' || string_agg(format('%I.%I', n.nspname, c.relname), ', ')
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relpersistence = 't' and c.relkind = 'r' having count(*) > 0";
            if let Some(row) = session.client().query_opt(text, &[]).await.unwrap() {
                session.must(row.get(0)).await;
            }
        }
        if staged {
            session.forget();
        }
    }

    fn plane(&self, tenant_plane: bool) -> &Plane {
        if tenant_plane { &self.tenants } else { &self.control }
    }

    /// For whom it was done then.
    async fn again(&self, tenant_plane: bool, text: &str, values: &[Value]) {
        let session = &self.plane(tenant_plane).session;
        if session.run(text, values).await == Outcome::Refused("23503".to_owned()) {
            // It points at what was there before the test began.
            session.must("set local session_replication_role = replica").await;
            session.run(text, values).await;
            session.must("set local session_replication_role = origin").await;
        }
    }

    async fn ask_for_the_other(&mut self, book: &Book, name: &str, text: &str, values: &[Value]) {
        let Some((name, mut known)) = self.known.remove_entry(name) else { return };
        let tenant = self.tenant_in(known.tenant_plane, values).await;
        if let Some(tenant) = tenant.filter(|tenant| *tenant != self.other)
            && known.is_wanted(values)
        {
            let plane = self.plane(known.tenant_plane);
            let asked: Vec<Value> = values.iter().map(|value| in_place_of(value, tenant, self.other)).collect();
            let mut given = vec![Given::Nothing, Given::Everything];
            given.extend(plane.named(text).into_iter().map(Given::AllBut));
            let mut faults = Vec::new();
            for given in given {
                plane.session.must("savepoint look").await;
                plane.give(&given, tenant, self.other).await;
                self.look(name, &mut known, text, &asked, (&book.test, &given), &mut faults).await;
                plane.session.must("rollback to look; release look").await;
                if known.unbound.iter().all(|unbound| unbound.noticed.is_some()) && given == Given::Everything {
                    break;
                }
            }
            self.faults.extend(faults);
        }
        self.known.insert(name, known);
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

    async fn look(
        &self,
        name: &str,
        known: &mut Known,
        text: &str,
        asked: &[Value],
        (test, given): (&str, &Given),
        faults: &mut Vec<String>,
    ) {
        let plane = self.plane(known.tenant_plane);
        let (before, came) = (self.print(plane, text).await, self.came(plane, text, asked).await);
        for unbound in known.unbound.iter_mut().filter(|unbound| unbound.noticed.is_none()) {
            let without = self.came(plane, &unbound.text, asked).await;
            if let Outcome::Refused(code) = &without.0 {
                assert!(!code.starts_with("42"), "{name} without {} is nonsense ({code}): {}", unbound.name, unbound.text);
            }
            if without != came {
                unbound.noticed = Some(format!("{test}, given {}", given.words()));
            }
        }
        if known.tenant_plane {
            if before.1 != came.1.1 {
                faults.push(format!("{name} changes another tenant's rows ({test})"));
            }
            plane.leave_only(self.other).await;
            let alone = self.came(plane, text, asked).await;
            if (&alone.0, &alone.1.0) != (&came.0, &came.1.0) {
                faults.push(format!("{name} tells of another tenant's rows ({test}, given {})", given.words()));
            }
        }
    }

    async fn print(&self, plane: &Plane, text: &str) -> (String, String) {
        if is_writing(text) { plane.print(self.other).await } else { Default::default() }
    }

    /// What comes of it, and undoes it.
    async fn came(&self, plane: &Plane, text: &str, asked: &[Value]) -> Came {
        plane.session.must("savepoint came").await;
        let outcome = plane.session.run(text, asked).await;
        let left = self.print(plane, text).await;
        plane.session.must("rollback to came; release came").await;
        (outcome, left)
    }
}

impl Given {
    fn words(&self) -> String {
        match self {
            Self::Nothing => "no rows".to_owned(),
            Self::Everything => "the same rows".to_owned(),
            Self::AllBut(table) => format!("the same rows but none of {table}"),
        }
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
    let mut replay = Replay {
        tenants: Plane::new(Session::new(admin), &["cloister", &schema]).await,
        control: Plane::new(Session::new(control), &["control"]).await,
        other: Uuid::from_u128(0x00ff_00ff_00ff_7000_8000_0000_0000_00ff),
        known: known(),
        faults: Vec::new(),
    };
    for book in book::read(folder.as_ref()) {
        replay.play(&book).await;
    }
    if let Some(path) = report::wanted() {
        let mut all = Vec::new();
        for (name, known) in &replay.known {
            let ran = if known.looks == 0 { "it never ran for a tenant".to_owned() } else { format!("looked at {} times", known.looks) };
            for unbound in &known.unbound {
                let hole = format!("statement/{}/{}", name.trim_start_matches("cloister_"), unbound.name);
                all.push(Noticed { hole, by: unbound.noticed.clone(), otherwise: ran.clone() });
            }
        }
        report::add(&path, &all);
    }
    assert!(replay.faults.is_empty(), "{}", replay.faults.join("\n"));
}
