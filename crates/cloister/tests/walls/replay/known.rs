//! The statements there are, and what was found out about each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloister_tenancy::{Plane as Where, kernel_statements, sql::Statement};

use super::{book::Value, places::Table, rewrite};
use crate::modules;

/// As often as one statement is looked at while something in it made no difference yet. What tells may be in the last of a
/// hundred tests, and not in the large ones that are done again first.
const MOST: usize = 400;
/// As often as it is found out what it comes to.
const MOST_TRIES: usize = 1000;
/// As often as each is looked at, whatever was found out.
const LEAST: usize = 1;
/// As often as it is looked at with each single row taken away: when it is run in one way, and in all.
const MOST_CLOSELY: (usize, usize) = (2, 24);
/// As often as it is looked at with what its neighbours were run with.
const MOST_LENT: usize = 9;

/// What statements are asked on.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The tables of tenants.
    pub(crate) tables: Vec<Table>,
    /// The tenant for whom they are asked.
    pub(crate) asks: String,
}

/// A statement, and what was found out about it.
pub(crate) struct Known {
    pub(crate) tenant_plane: bool,
    /// As it is; and where it stops looking behind many rows, once more so that two are many.
    texts: Vec<String>,
    /// For each text, the same with rows of all others in one of its places.
    emptied: Vec<Vec<String>>,
    pub(crate) unbound: Vec<Unbound>,
    /// The types of its parameters, where it can be prepared by itself.
    pub(crate) kinds: Option<Vec<u32>>,
    /// How often it was looked at when it was run like this.
    shapes: HashMap<Shape, usize>,
    tries: usize,
    closely: HashMap<Shape, usize>,
    offers: usize,
    pub(crate) looks: usize,
    /// Looked at with what another statement was run with.
    pub(crate) lent: usize,
}

/// One without what binds a table to the tenant.
pub(crate) struct Unbound {
    pub(crate) name: String,
    /// For each text of the whole.
    texts: Vec<String>,
    /// For each text, the whole and the same without, with rows of all others where the table stands.
    emptied: Vec<Vec<[String; 2]>>,
    pub(crate) noticed: Option<String>,
}

impl Unbound {
    pub(crate) fn text(&self, look: usize) -> &str {
        &self.texts[look % self.texts.len()]
    }

    pub(crate) fn emptied(&self, look: usize) -> &[[String; 2]] {
        &self.emptied[look % self.emptied.len()]
    }
}

/// How a statement was run: which parameters there were, those of them that are words for a way to go, and in short what
/// it came to.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape(Vec<Option<Vec<u8>>>, String);

/// PostgreSQL's numbers for the types `bool` and `text[]`.
const WORDS: [u32; 2] = [16, 1009];

impl Shape {
    pub(crate) fn of(values: &[Value], came: String) -> Self {
        let word = |value: &Value| {
            let of_value = value.bytes.as_ref();
            of_value.map(|bytes| if WORDS.contains(&value.kind) { bytes.clone() } else { Vec::new() })
        };
        Self(values.iter().map(word).collect(), came)
    }
}

impl Known {
    fn new(text: &'static str, tenant_plane: bool, ground: &Ground) -> Self {
        let Ground { tables, asks } = ground;
        let mut texts = vec![text.to_owned()];
        texts.extend(rewrite::soon_many(text));
        let mut unbound: Vec<Unbound> = Vec::new();
        for text in &texts {
            for (at, without) in rewrite::unbound(text, tables, asks).into_iter().enumerate() {
                let rewrite::Unbound { name, text, emptied } = without;
                match unbound.get_mut(at) {
                    Some(unbound) => {
                        unbound.texts.push(text);
                        unbound.emptied.push(emptied);
                    }
                    None => unbound.push(Unbound { name, texts: vec![text], emptied: vec![emptied], noticed: None }),
                }
            }
        }
        let emptied = texts.iter().map(|text| rewrite::emptied(text, tables, asks)).collect();
        Self {
            tenant_plane,
            texts,
            emptied,
            unbound,
            kinds: None,
            shapes: HashMap::new(),
            tries: 0,
            closely: HashMap::new(),
            offers: 0,
            looks: 0,
            lent: 0,
        }
    }

    /// Its text, at so manieth a look.
    pub(crate) fn text(&self, look: usize) -> &str {
        &self.texts[look % self.texts.len()]
    }

    /// The same with rows of all others in one of its places, for each.
    pub(crate) fn emptied(&self, look: usize) -> &[String] {
        &self.emptied[look % self.emptied.len()]
    }

    /// All that it is asked as with rows of all others in a place.
    pub(crate) fn all_emptied(&self) -> impl Iterator<Item = &str> {
        let wholes = self.emptied.iter().flatten();
        let without = self.unbound.iter().flat_map(|unbound| unbound.emptied.iter().flatten().flatten());
        wholes.chain(without).map(String::as_str)
    }

    /// Something in it made no difference yet.
    pub(crate) fn is_unclear(&self) -> bool {
        self.unbound.iter().any(|unbound| unbound.noticed.is_none())
    }

    /// More may be found out about it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_unclear() && self.looks < MOST && self.tries < MOST_TRIES || self.tenant_plane && self.looks < LEAST
    }

    /// Whether to look at it with each single row taken away.
    pub(crate) fn is_worth_a_close_look(&mut self, shape: Shape) -> bool {
        let all: usize = self.closely.values().sum();
        let times = self.closely.entry(shape).or_insert(0);
        let worth = *times < MOST_CLOSELY.0 && all < MOST_CLOSELY.1;
        *times += usize::from(worth);
        worth
    }

    /// Whether to find out what it comes to.
    pub(crate) fn is_worth_a_try(&mut self) -> bool {
        let open = self.is_open();
        self.tries += usize::from(open);
        open
    }

    /// Whether to look at it when it is run like this: in one way and another, in the same ever more seldom, since there is
    /// more to be found when more was done.
    pub(crate) fn is_wanted(&mut self, shape: Shape) -> bool {
        let times = self.shapes.entry(shape).or_insert(0);
        *times += 1;
        let wanted = self.looks < LEAST || times.count_ones() <= 2;
        self.looks += usize::from(wanted);
        wanted
    }

    /// Whether to look at it with what a neighbour was run with, and that.
    pub(crate) fn borrow(&mut self, from: &[Value], pool: &HashMap<u32, Value>) -> Option<Vec<Value>> {
        let kinds = self.kinds.as_ref().filter(|_| self.is_unclear() && self.lent < MOST_LENT)?;
        self.offers += 1;
        if !self.offers.is_power_of_two() {
            return None;
        }
        let fill = |(at, kind): (usize, &u32)| match from.get(at).filter(|value| value.kind == *kind) {
            Some(value) => value.clone(),
            None => pool.get(kind).cloned().unwrap_or(Value { kind: *kind, bytes: None }),
        };
        let values: Vec<Value> = kinds.iter().enumerate().map(fill).collect();
        self.lent += 1;
        Some(values)
    }
}

/// The statements that are looked at: those whose names contain `CLOISTER_REPLAY_ONLY`, of one of several parts side by side,
/// `CLOISTER_REPLAY_PART=0/2`; all without them. Neighbours stay together.
pub(crate) fn all_of_part(ground: &Ground) -> BTreeMap<&'static str, Known> {
    let mut all = all(ground);
    if let Ok(only) = std::env::var("CLOISTER_REPLAY_ONLY") {
        all.retain(|name, _| only.split(',').any(|part| name.contains(part)));
    }
    if let Ok(part) = std::env::var("CLOISTER_REPLAY_PART") {
        let numbers = part.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        let (part, of): (usize, usize) = numbers.expect("CLOISTER_REPLAY_PART is like 0/2");
        let homes: BTreeSet<&str> = all.keys().map(|name| home(name)).collect();
        let ours: BTreeSet<&str> = homes.into_iter().skip(part).step_by(of).collect();
        all.retain(|name, _| ours.contains(home(name)));
    }
    all
}

/// Every statement that runs for a tenant or in the control plane, by name.
fn all(ground: &Ground) -> BTreeMap<&'static str, Known> {
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
        all.extend(
            module.control_statements().iter().flat_map(|list| list.iter()).map(|statement| (false, *statement)),
        );
    }
    all.into_iter().map(|(tenant, statement)| (statement.name(), Known::new(statement.sql(), tenant, ground))).collect()
}

/// The same text in several statements is written once, by a macro: where it was noticed in one, it is looked for in no other.
pub(crate) fn count_once(all: &mut BTreeMap<&'static str, Known>) {
    let text = |unbound: &Unbound| unbound.name.split('#').next().filter(|name| name.contains('@')).map(str::to_owned);
    let mut noticed: HashMap<String, String> = HashMap::new();
    for unbound in all.values().flat_map(|known| &known.unbound) {
        if let (Some(text), Some(by)) = (text(unbound), &unbound.noticed) {
            noticed.entry(text).or_insert_with(|| by.clone());
        }
    }
    for unbound in all.values_mut().flat_map(|known| &mut known.unbound).filter(|one| one.noticed.is_none()) {
        unbound.noticed = text(unbound).and_then(|text| noticed.get(&text).cloned());
    }
}

/// The file a statement is of: its neighbours are much like it.
pub(crate) fn home(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(home, _)| home)
}
