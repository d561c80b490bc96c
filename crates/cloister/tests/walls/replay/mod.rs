//! Every statement that any test ran for a tenant, run again for another one: it must be as if the first did not exist.
//!
//! Row security is out of the way here, so that a statement stands on its own. What the tests did is done again in the order
//! in which they did it; before each statement the other tenant asks the same, once without any rows and once with the same
//! rows under its own name, and without those of one table. What comes of it must not change when everybody else's rows are
//! taken away, nor may it change any of them. Then it is asked without what binds one of its tables to the tenant, which
//! must make a difference.

mod book;
mod known;
mod plane;
mod rewrite;
mod session;

use std::collections::{BTreeMap, HashMap};

use cloister_ids::Uuid;

use crate::{
    Ground,
    report::{self, Noticed},
};
use book::{Act, Book, Value, Work};
use known::Known;
use plane::{Given, Plane};
use session::{Outcome, Session};

/// How many ways there are to give the other tenant some of the rows, at one look.
const SOME: usize = 3;
/// PostgreSQL's number for the type `uuid`.
const UUID: u32 = 2950;

/// What a statement came to, and what there was afterwards: of the tenant's own and of everybody else's.
type Came = (Outcome, (String, String));

struct Replay {
    tenants: Plane,
    control: Plane,
    other: Uuid,
    known: BTreeMap<&'static str, Known>,
    /// The last value of each type, for statements that nothing ran.
    pool: HashMap<u32, Value>,
    faults: Vec<String>,
}

fn is_writing(text: &str) -> bool {
    ["insert", "update", "delete"].iter().any(|word| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word))
}

impl Replay {
    async fn play(&mut self, book: &Book) {
        // A test that runs nothing of which more is to be found out is not done again.
        let open = |replay: &Self| book.texts.keys().any(|name| replay.known.get(name.as_str()).is_some_and(Known::is_open));
        if !open(self) {
            return;
        }
        for plane in [&self.tenants, &self.control] {
            plane.session.must("begin").await;
        }
        let begun = std::time::Instant::now();
        for (at, work) in book.transactions.iter().enumerate() {
            if at % 50 == 49 && !open(self) {
                break;
            }
            self.work(book, work).await;
        }
        println!("{} transactions in {:.1?}: {}", book.transactions.len(), begun.elapsed(), book.test);
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
                    self.ask_for_the_other(book, statement, values).await;
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

    async fn ask_for_the_other(&mut self, book: &Book, name: &str, values: &[Value]) {
        self.pool.extend(values.iter().filter(|value| value.bytes.is_some()).map(|value| (value.kind, value.clone())));
        let Some(plane) = self.known.get(name).map(|known| known.tenant_plane) else { return };
        // Neighbours that no test runs are asked with what this one is run with.
        let mut asked: Vec<(&'static str, Vec<Value>)> = Vec::new();
        for (other, known) in &mut self.known {
            if *other == name {
                asked.extend(known.is_wanted(values).then(|| (*other, values.to_vec())));
            } else if known::home(other) == known::home(name) && known.tenant_plane == plane {
                asked.extend(known.borrow(values, &self.pool).map(|values| (*other, values)));
            }
        }
        for (name, values) in asked {
            let Some((name, mut known)) = self.known.remove_entry(name) else { continue };
            if let Some(tenant) = self.tenant_in(plane, &values).await.filter(|tenant| *tenant != self.other) {
                self.look_each_way(book, name, &mut known, tenant, &values).await;
            }
            self.known.insert(name, known);
        }
    }

    /// Looks at a statement, whatever rows the other tenant has.
    async fn look_each_way(&mut self, book: &Book, name: &str, known: &mut Known, tenant: Uuid, values: &[Value]) {
        let plane = self.plane(known.tenant_plane);
        let asked: Vec<Value> = values.iter().map(|value| in_place_of(value, tenant, self.other)).collect();
        // What is only read comes from the tables it names; what is written may be refused for the sake of any.
        let among = if is_writing(known.text) { plane.all() } else { plane.named(known.text) };
        let mut all = vec![Given::Nothing, Given::Everything];
        all.extend(plane.named(known.text).into_iter().map(Given::AllBut));
        all.extend((0..SOME).map(|number| Given::Some(number + SOME * (known.looks + known.lent))));
        let mut faults = Vec::new();
        for given in all {
            plane.session.must("savepoint look").await;
            plane.give(&given, tenant, self.other, &among).await;
            self.look(name, known, &asked, &among, (&book.test, &given), &mut faults).await;
            plane.session.must("rollback to look; release look").await;
            if !known.is_unclear() && given != Given::Nothing {
                break;
            }
        }
        self.faults.extend(faults);
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
        asked: &[Value],
        among: &[String],
        (test, given): (&str, &Given),
        faults: &mut Vec<String>,
    ) {
        let (plane, text) = (self.plane(known.tenant_plane), known.text);
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
            plane.leave_only(self.other, among).await;
            let alone = self.came(plane, text, asked).await;
            if (&alone.0, &alone.1.0) != (&came.0, &came.1.0) {
                faults.push(format!("{name} tells of another tenant's rows ({test}, given {})", given.words()));
            }
        }
    }

    async fn print(&self, plane: &Plane, text: &str) -> (String, String) {
        if is_writing(text) { plane.print(self.other, text).await } else { Default::default() }
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
            Self::Some(_) => "some of the same rows".to_owned(),
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
        known: known::all(),
        pool: HashMap::new(),
        faults: Vec::new(),
    };
    for known in replay.known.values_mut() {
        let plane = if known.tenant_plane { &replay.tenants } else { &replay.control };
        known.kinds = plane.session.kinds(known.text).await;
    }
    for book in book::read(folder.as_ref()) {
        replay.play(&book).await;
    }
    if let Some(path) = report::wanted() {
        let mut all = Vec::new();
        for (name, known) in &replay.known {
            let ran = if known.looks + known.lent == 0 { "it never ran for a tenant".to_owned() } else { format!("looked at {} times", known.looks + known.lent) };
            for unbound in &known.unbound {
                let hole = format!("statement/{}/{}", name.trim_start_matches("cloister_"), unbound.name);
                all.push(Noticed { hole, by: unbound.noticed.clone(), otherwise: ran.clone() });
            }
        }
        report::add(&path, &all);
    }
    assert!(replay.faults.is_empty(), "{}", replay.faults.join("\n"));
}
