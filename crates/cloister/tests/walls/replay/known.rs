//! The statements there are, and what was found out about each.

use std::collections::{BTreeMap, HashMap};

use cloister_tenancy::{Plane as Where, kernel_statements, sql::Statement};

use super::{book::Value, rewrite};
use crate::modules;

/// As often as one statement is looked at while something in it made no difference yet.
const MOST: usize = 3;
/// As often as each is looked at, whatever was found out.
const LEAST: usize = 1;

/// A statement, and what was found out about it.
pub(crate) struct Known {
    pub(crate) tenant_plane: bool,
    pub(crate) text: &'static str,
    pub(crate) unbound: Vec<Unbound>,
    /// The types of its parameters, where it can be prepared by itself.
    pub(crate) kinds: Option<Vec<u32>>,
    /// How often it was run with which of its parameters.
    shapes: HashMap<Vec<bool>, usize>,
    pub(crate) looks: usize,
    /// Looked at with what another statement was run with.
    pub(crate) lent: usize,
}

/// One without what binds a table to the tenant.
pub(crate) struct Unbound {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) noticed: Option<String>,
}

impl Known {
    fn new(text: &'static str, tenant_plane: bool) -> Self {
        let unbound = rewrite::unbound(text).into_iter();
        let unbound = unbound.map(|(name, text)| Unbound { name, text, noticed: None }).collect();
        Self { tenant_plane, text, unbound, kinds: None, shapes: HashMap::new(), looks: 0, lent: 0 }
    }

    /// Something in it made no difference yet.
    pub(crate) fn is_unclear(&self) -> bool {
        self.unbound.iter().any(|unbound| unbound.noticed.is_none())
    }

    /// More may be found out about it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_unclear() && self.looks < MOST || self.tenant_plane && self.looks < LEAST
    }

    /// Whether to look at it with these. In one way or another, but not many times in the same.
    pub(crate) fn is_wanted(&mut self, values: &[Value]) -> bool {
        let open = self.is_open();
        let shape = values.iter().map(|value| value.bytes.is_some()).collect();
        let times = self.shapes.entry(shape).or_insert(0);
        *times += 1;
        let wanted = open && *times < MOST;
        self.looks += usize::from(wanted);
        wanted
    }

    /// Whether to look at it with what a neighbour was run with, and that.
    pub(crate) fn borrow(&mut self, from: &[Value], pool: &HashMap<u32, Value>) -> Option<Vec<Value>> {
        let kinds = self.kinds.as_ref().filter(|_| self.is_unclear() && self.lent < MOST)?;
        let fill = |(at, kind): (usize, &u32)| match from.get(at).filter(|value| value.kind == *kind) {
            Some(value) => value.clone(),
            None => pool.get(kind).cloned().unwrap_or(Value { kind: *kind, bytes: None }),
        };
        let values: Vec<Value> = kinds.iter().enumerate().map(fill).collect();
        self.lent += 1;
        Some(values)
    }
}

/// Every statement that runs for a tenant or in the control plane, by name.
pub(crate) fn all() -> BTreeMap<&'static str, Known> {
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
    all.into_iter().map(|(tenant, statement)| (statement.name(), Known::new(statement.sql(), tenant))).collect()
}

/// The file a statement is of: its neighbours are much like it.
pub(crate) fn home(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(home, _)| home)
}
