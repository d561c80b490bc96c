//! A tenant that is alone in the world: what it must be answered, whatever anybody else does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::operation::{Kind, NAMES};

/// Whether an id is one of the tenant's own.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Own(usize, String),
    /// Another tenant's, or nobody's: there is no difference.
    Elsewhere(String),
}

impl Target {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Own(_, id) | Self::Elsewhere(id) => id,
        }
    }
}

/// One record.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) is_deleted: bool,
    /// What was said of it.
    pub(crate) fields: Value,
}

/// What must come back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Of a refusal; behind a slash that of its first mistake.
    pub(crate) code: Option<&'static str>,
    /// What must be in the body.
    pub(crate) fields: Value,
}

impl Answer {
    fn refused(status: u16, code: &'static str) -> Self {
        Self { status, code: Some(code), fields: Value::Null }
    }

    fn shows(status: u16, item: &Item, is_school: bool) -> Self {
        let mut fields = item.fields.clone();
        (fields["id"], fields["version"]) = (json!(item.id), json!(item.version));
        if is_school {
            fields["status"] = json!(if item.is_deleted { "tobedeleted" } else { "active" });
        }
        Self { status, code: None, fields }
    }
}

/// What a creation will come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Creation {
    /// A new record with these fields.
    Made,
    /// This answer once more, word for word.
    Again(Value),
    Refused(Answer),
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) is_school: bool,
    items: BTreeMap<Kind, Vec<Item>>,
    /// By idempotency key: what was asked, and what was answered.
    keys: BTreeMap<u8, (String, Value)>,
    guests: BTreeSet<u8>,
    /// The organisation that courses belong to.
    pub(crate) frame: Option<Value>,
}

const MISSING: Answer = Answer { status: 404, code: Some("not_found"), fields: Value::Null };

impl Kind {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Component => "components",
            Self::Org => "orgs",
            Self::Person => "persons",
            Self::Class => "classes",
            Self::Place => "enrollments",
        }
    }

    /// The field that a change is about.
    pub(crate) fn name_field(self) -> &'static str {
        match self {
            Self::Component | Self::Org => "name",
            Self::Person => "given_name",
            Self::Class => "title",
            Self::Place => "role",
        }
    }

    /// The word of such a name. A place has no name; its role is the nearest thing.
    pub(crate) fn name(self, name: usize) -> &'static str {
        match self {
            Self::Place => ["student", "proctor"][name % 2],
            _ => NAMES[name % NAMES.len()],
        }
    }

    /// The order of its lists.
    pub(crate) fn order(self) -> &'static str {
        match self {
            Self::Component | Self::Org | Self::Person => "name",
            Self::Class => "title",
            Self::Place => "created_at",
        }
    }
}

impl Model {
    /// Of a tenant of this kind that has nothing yet.
    pub(crate) fn of(kind: &str) -> Self {
        Self { is_school: kind == "school", ..Self::default() }
    }

    pub(crate) fn items(&self, kind: Kind) -> &[Item] {
        self.items.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn item(&mut self, kind: Kind, at: usize) -> &mut Item {
        &mut self.items.get_mut(&kind).unwrap()[at]
    }

    pub(crate) fn add(&mut self, kind: Kind, id: &str, fields: Value) {
        let item = Item { id: id.to_owned(), version: 1, is_deleted: false, fields };
        self.items.entry(kind).or_default().push(item);
    }

    fn is_taken(&self, kind: Kind, fields: &Value) -> bool {
        let field = if kind == Kind::Component { "key" } else { "sourced_id" };
        let wanted = &fields[field];
        // A component's key is free once it is deleted; a record of a school stays, and so does its name elsewhere.
        let holds = |item: &&Item| self.is_school || !item.is_deleted;
        !wanted.is_null() && self.items(kind).iter().filter(holds).any(|item| item.fields[field] == *wanted)
    }

    /// What a creation comes to. `targets` are what it points at, in the order in which they are looked for.
    pub(crate) fn creation(&self, kind: Kind, key: Option<u8>, fields: &Value, targets: &[Target]) -> Creation {
        if let Some((asked, answered)) = key.and_then(|key| self.keys.get(&key)) {
            if *asked == format!("{kind:?}{fields}") {
                return Creation::Again(answered.clone());
            }
            return Creation::Refused(Answer::refused(422, "idempotency_key_reused"));
        }
        let is_elsewhere = |at: usize| matches!(targets.get(at), Some(Target::Elsewhere(_)));
        let refused = |status, code| Creation::Refused(Answer::refused(status, code));
        // Where several things are wrong, the first in this order is told.
        if kind == Kind::Place && is_elsewhere(0) {
            let person = is_elsewhere(1);
            let code = if person { "validation_failed/person_unknown" } else { "validation_failed/class_unknown" };
            return refused(422, code);
        }
        if kind == Kind::Place && self.overlaps(fields, None) {
            return refused(409, "enrollment_overlaps");
        }
        if self.is_taken(kind, fields) {
            return refused(409, if kind == Kind::Component { "key_taken" } else { "sourced_id_taken" });
        }
        match kind {
            Kind::Class if is_elsewhere(0) => refused(422, "validation_failed/org_unknown"),
            Kind::Place if is_elsewhere(1) => refused(422, "validation_failed/person_unknown"),
            _ => Creation::Made,
        }
    }

    /// Notes that a record was made, and the answer that said so.
    pub(crate) fn made(&mut self, kind: Kind, key: Option<u8>, fields: &Value, answer: &Value) {
        self.add(kind, answer["id"].as_str().unwrap_or_default(), fields.clone());
        if let Some(key) = key {
            self.keys.insert(key, (format!("{kind:?}{fields}"), answer.clone()));
        }
    }

    /// Whether another place of this person in this class has this role.
    fn overlaps(&self, fields: &Value, but: Option<usize>) -> bool {
        let places = self.items(Kind::Place).iter().enumerate();
        places.filter(|(at, item)| Some(*at) != but && !item.is_deleted).any(|(_, item)| {
            ["class_id", "person_id", "role"].iter().all(|field| item.fields[*field] == fields[*field])
        })
    }

    pub(crate) fn read(&self, kind: Kind, target: &Target) -> Answer {
        match target {
            Target::Own(at, _) if self.is_school || !self.items(kind)[*at].is_deleted => {
                Answer::shows(200, &self.items(kind)[*at], self.is_school)
            }
            _ => MISSING,
        }
    }

    /// Changes a name, meant for a version.
    pub(crate) fn rename(&mut self, kind: Kind, target: &Target, version: i64, name: &str) -> Answer {
        let is_school = self.is_school;
        let Target::Own(at, _) = target else { return MISSING };
        let item = &self.items(kind)[*at];
        if item.is_deleted && !is_school {
            return MISSING;
        }
        if item.version != version {
            return Answer::refused(412, "version_mismatch");
        }
        if item.is_deleted {
            return Answer::refused(409, "record_deleted");
        }
        let field = kind.name_field();
        if item.fields[field] == name {
            return Answer::shows(200, item, is_school);
        }
        let mut fields = item.fields.clone();
        fields[field] = json!(name);
        if kind == Kind::Place && self.overlaps(&fields, Some(*at)) {
            return Answer::refused(409, "enrollment_overlaps");
        }
        let item = self.item(kind, *at);
        item.fields = fields;
        item.version += 1;
        Answer::shows(200, item, is_school)
    }

    /// Deletes, meant for a version, with all that hangs on it.
    pub(crate) fn delete(&mut self, kind: Kind, target: &Target, version: i64) -> Answer {
        let is_school = self.is_school;
        let Target::Own(at, id) = target else { return MISSING };
        let item = &self.items(kind)[*at];
        if item.is_deleted && !is_school {
            return MISSING;
        }
        if item.version != version {
            return Answer::refused(412, "version_mismatch");
        }
        let done = Answer { status: 204, code: None, fields: Value::Null };
        if item.is_deleted {
            return done;
        }
        let mut classes = self.items(Kind::Class).iter().filter(|class| !class.is_deleted);
        // The first organisation has the course of all classes.
        if kind == Kind::Org && (*at == 0 || classes.any(|class| class.fields["school_id"] == **id)) {
            return Answer::refused(409, "org_in_use");
        }
        let gone = |item: &mut Item| (item.is_deleted, item.version) = (true, item.version + 1);
        gone(self.item(kind, *at));
        let field = match kind {
            Kind::Class => "class_id",
            Kind::Person => "person_id",
            _ => return done,
        };
        let places = self.items.entry(Kind::Place).or_default().iter_mut();
        places.filter(|place| !place.is_deleted && place.fields[field] == **id).for_each(gone);
        done
    }

    /// The ids of a list, in its order.
    pub(crate) fn list(&self, kind: Kind, search: Option<&str>, class: Option<&str>, descending: bool) -> Vec<String> {
        let is_in = |item: &Item, class: &str| match kind {
            Kind::Place => item.fields["class_id"] == class,
            _ => self.items(Kind::Place).iter().any(|place| {
                !place.is_deleted && place.fields["class_id"] == class && place.fields["person_id"] == *item.id
            }),
        };
        let mut found: Vec<(String, &str)> = Vec::new();
        for item in self.items(kind).iter().filter(|item| !item.is_deleted) {
            let forms = forms(kind, &item.fields);
            let is_found = search.is_none_or(|typed| {
                let typed = form(kind, typed);
                forms.iter().any(|form| form.starts_with(&typed))
            });
            if is_found && class.is_none_or(|class| is_in(item, class)) {
                found.push((forms.into_iter().next().unwrap_or_default(), &item.id));
            }
        }
        found.sort_unstable();
        if descending {
            found.reverse();
        }
        found.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    pub(crate) fn invite(&mut self, guest: u8) -> Answer {
        if self.guests.insert(guest) {
            return Answer { status: 201, code: None, fields: json!({ "email": email(guest) }) };
        }
        Answer::refused(409, "already_invited")
    }
}

/// Both tenants invite the same people.
pub(crate) fn email(guest: u8) -> String {
    format!("guest{guest}@elsewhere.example")
}

/// A text as it is compared.
fn form(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Component => cloister_http::search_key(text),
        _ => cloister_school::search_key::of(text),
    }
}

/// What a record is sorted and found by, the first for sorting.
fn forms(kind: Kind, fields: &Value) -> Vec<String> {
    let text = |field: &str| fields[field].as_str().unwrap_or_default().to_owned();
    match kind {
        Kind::Component | Kind::Org | Kind::Class => vec![form(kind, &text(kind.name_field()))],
        Kind::Person => {
            let (given, family) = (text("given_name"), text("family_name"));
            vec![form(kind, &format!("{family} {given}")), form(kind, &format!("{given} {family}"))]
        }
        Kind::Place => Vec::new(),
    }
}
