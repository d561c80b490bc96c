//! Everybody who tries: who they are, where they send it from, what they point at.

use std::sync::Arc;

use serde_json::json;

use crate::{
    ask::{Ask, Place, Spot, kind_of, nowhere, shaped_like},
    document::{About, Operation},
    fill::Things,
    forged::forgeries,
    probe::{Probe, Rule},
    recipe::Ready,
    town::Town,
    world::World,
};

/// Everybody who is to get nothing from an operation, made ready in the rightful tenant and in another one.
pub(crate) struct Crowd<'a> {
    pub(crate) world: &'a World,
    pub(crate) town: &'a Town,
    pub(crate) operation: &'a Arc<Operation>,
    /// In the rightful tenant.
    pub(crate) ready: &'a Ready,
    /// In the other one, by its own owner.
    pub(crate) other: &'a Ready,
    /// Where a list of the rightful tenant goes on.
    pub(crate) cursor: Option<String>,
    private: Arc<Vec<String>>,
    probes: Vec<Probe>,
}

/// What everybody who belongs to a tenant may ask, whatever their roles and whatever its state.
const FOR_ALL_MEMBERS: [&str; 1] = ["tenant_status"];

impl<'a> Crowd<'a> {
    pub(crate) fn new(
        world: &'a World,
        town: &'a Town,
        operation: &'a Arc<Operation>,
        ready: &'a Ready,
        other: &'a Ready,
    ) -> Self {
        let of_request = ready.ask.spots(&ready.words).into_iter().map(|(_, text)| text);
        let own_slug = |text: &String| text != town.own.tenant.slug.as_str();
        let private = Arc::new(town.own.private().into_iter().chain(of_request).filter(own_slug).collect());
        Self { world, town, operation, ready, other, cursor: None, private, probes: Vec::new() }
    }

    /// Those for whom it could matter where the tenant's rows lie.
    pub(crate) fn within(mut self) -> Vec<Probe> {
        self.members();
        self.other_tenant();
        self.contradictions();
        self.pointing();
        self.families();
        self.probes
    }

    /// All of them.
    pub(crate) fn gather(mut self) -> Vec<Probe> {
        self.strangers();
        self.contradictions();
        match self.operation.about() {
            About::Tenant => {
                self.members();
                self.other_tenant();
                self.pointing();
                self.suspended();
                self.operators();
                self.families();
            }
            About::Oneself => self.somebody_else(),
            About::Platform => self.no_operators(),
            About::Anybody => {}
        }
        self.probes
    }

    fn add(&mut self, who: &str, token: Option<String>, place: &Place, rule: Rule, ask: Ask) {
        let nothing = ask.about_nothing(&self.ready.words);
        self.add_beside(who, token, place, rule, ask, nothing);
    }

    fn add_beside(&mut self, who: &str, token: Option<String>, place: &Place, rule: Rule, ask: Ask, nothing: Ask) {
        let (words, private, place) = (self.ready.words.clone(), self.private.clone(), place.clone());
        self.probes.push(Probe { who: who.to_owned(), token, ask, nothing, place, rule, words, private });
    }

    fn request(&self) -> Ask {
        self.ready.ask.clone()
    }

    /// Nobody, and those whose token is worth nothing.
    fn strangers(&mut self) {
        let place = self.ready.ask.place.clone();
        self.add("nobody", None, &place, Rule::Unknown, self.request());
        self.add("somebody long gone", Some(self.world.expired.clone()), &place, Rule::Unknown, self.request());
        self.add("a visitor who left", Some(self.world.left.clone()), &place, Rule::Unknown, self.request());
        if place.host.is_some() {
            // A cookie of another tenant's host, which is good there.
            let mut ask = self.request();
            ask.headers.extend([
                ("cookie".to_owned(), self.world.cookie.clone()),
                ("sec-fetch-site".to_owned(), "same-origin".to_owned()),
            ]);
            self.add("another host's cookie", None, &place, Rule::Unknown, ask);
        }
        let good = self.ready.token.clone().unwrap_or_else(|| self.town.own.owner.token());
        for (how, token) in forgeries(&good, &self.town.other.owner.token()) {
            self.add(how, Some(token), &place, Rule::Unknown, self.request());
        }
    }

    fn is_for_all_members(&self) -> bool {
        FOR_ALL_MEMBERS.contains(&self.operation.id.as_str())
    }

    /// A member without the permission.
    fn members(&mut self) {
        if let Some(bare) = self.town.own.bare().filter(|_| !self.is_for_all_members()) {
            let place = self.ready.ask.place.clone();
            self.add("a member without the permission", Some(bare.token()), &place, Rule::Refused, self.request());
        }
    }

    /// Another tenant's owner, at their own door and at every other that names the rightful tenant.
    fn other_tenant(&mut self) {
        let other = &self.town.other;
        let token = || Some(other.owner.token());
        let home = Place::host(other.tenant.slug.as_str());
        // Of what is asked for by a filter alone they may see their own, which is nothing.
        let is_named = self.ready.ask.names_something(&self.ready.words)
            && !(self.operation.is_read() && self.ready.ask.params.is_empty());
        if is_named {
            self.add("another tenant's owner", token(), &home, Rule::Refused, self.request());
        } else if self.operation.is_read() {
            self.add("another tenant's owner", token(), &home, Rule::Own, self.request());
        }
    }

    /// Another tenant's owner in a request that names the rightful tenant beside, or instead of, their own.
    fn contradictions(&mut self) {
        let (own, other) = (&self.town.own, &self.town.other);
        let (north, south) = (own.tenant.slug.as_str(), other.tenant.slug.as_str());
        let token = || Some(other.owner.token());
        let home = Place::host(south);
        for (who, place) in [
            ("another tenant's owner at this host", Place::host(north)),
            ("another tenant's owner by path", Place::path(north)),
            ("another tenant's owner by header", home.clone().and_header(north)),
            ("another tenant's owner by header with its id", home.clone().and_header(&own.tenant.id.to_string())),
            ("another tenant's owner by header alone", Place::default().and_header(north)),
            ("another tenant's owner at this host, with their own header", Place::host(north).and_header(south)),
        ] {
            self.add(who, token(), &place, Rule::Mismatch, self.request());
        }
    }

    /// Another tenant's owner, in a request that is right but for one thing in it, which is the rightful tenant's.
    fn pointing(&mut self) {
        let other = &self.town.other;
        let place = Place::host(other.tenant.slug.as_str());
        let mut asks: Vec<(String, Ask, Ask)> = Vec::new();
        let theirs = self.ready.ask.spots(&self.ready.words);
        for (spot, _) in self.other.ask.spots(&self.other.words) {
            let Some((_, text)) = theirs.iter().find(|(theirs, _)| *theirs == spot) else { continue };
            // A name in an address may be given in both places.
            if matches!(spot, Spot::Param(_)) && kind_of(text).is_none() {
                continue;
            }
            let nothing = self.other.ask.with(&spot, &shaped_like(text));
            asks.push((format!("{spot:?}"), self.other.ask.with(&spot, text), nothing));
        }
        let things = self.town.own.things.clone();
        for (field, kind, is_list) in &self.operation.fields {
            let (Some(thing), Some(body)) = (things.get(kind), &self.other.ask.body) else { continue };
            let absent = body.get(field).is_none_or(|value| value.is_null() || value == &json!([]));
            if absent {
                let with = |id: &str| {
                    let mut ask = self.other.ask.clone();
                    ask.body.as_mut().unwrap()[field.as_str()] = if *is_list { json!([id]) } else { json!(id) };
                    ask
                };
                asks.push((format!("field {field}"), with(thing), with(&nowhere(kind))));
            }
        }
        for (filter, kind) in &self.operation.filters {
            let Some(thing) = things.get(kind) else { continue };
            let with = |id: &str| {
                let mut ask = self.other.ask.clone();
                ask.query.push((filter.clone(), id.to_owned()));
                ask
            };
            asks.push((format!("filter {filter}"), with(thing), with(&nowhere(kind))));
        }
        if let Some(cursor) = &self.cursor {
            let with = |cursor: String| {
                let mut ask = self.other.ask.clone();
                ask.query.push(("cursor".to_owned(), cursor));
                ask
            };
            asks.push(("cursor".to_owned(), with(cursor.clone()), with(shaped_like(cursor))));
        }
        for (at, ask, nothing) in asks {
            let who = format!("another tenant's owner, pointing at it by {at}");
            self.add_beside(&who, Some(other.owner.token()), &place, Rule::Pointing, ask, nothing);
        }
    }

    /// The owner of a suspended tenant, about what is their own.
    fn suspended(&mut self) {
        if self.is_for_all_members() {
            return;
        }
        let closed = &self.town.closed;
        let place = Place::host(closed.tenant.slug.as_str());
        let ask = about_others(&self.ready.ask, &closed.things);
        self.add("the owner of a suspended tenant", Some(closed.owner.token()), &place, Rule::Refused, ask);
    }

    /// Operators who have stated no reason: they hold no visit.
    fn operators(&mut self) {
        let north = self.town.own.tenant.slug.clone();
        for person in [&self.world.admin, &self.world.support].into_iter().flatten() {
            for place in [Place::host(north.as_str()), Place::default().and_header(north.as_str())] {
                let who = format!("{} without a stated reason", person.email);
                self.add(&who, Some(person.token()), &place, Rule::Refused, self.request());
            }
        }
    }

    /// Another family's guardian and child, another class's teacher: about what was made for this request, and about what
    /// the first family has.
    fn families(&mut self) {
        let [first, second] = self.town.own.families.as_slice() else { return };
        if self.is_for_all_members() {
            return;
        }
        let place = self.ready.ask.place.clone();
        let theirs = about_others(&self.ready.ask, &first.things);
        let mut asks = vec![self.request(), theirs];
        for (filter, kind) in &self.operation.filters {
            if let Some(thing) = first.things.get(kind) {
                let mut ask = self.request();
                ask.query.push((filter.clone(), thing.clone()));
                asks.push(ask);
            }
        }
        // Everybody in a school may read of its classes.
        let hidden = |(kind, _): &(&String, &String)| kind.as_str() != "cls";
        let of_request = self.ready.ask.spots(&[]).into_iter().map(|(_, id)| id);
        let personal = of_request.filter(|id| matches!(kind_of(id), Some("per" | "enr")));
        let private: Vec<String> =
            first.things.iter().filter(hidden).map(|(_, id)| id.clone()).chain(personal).collect();
        let private = Arc::new(private);
        for (role, person) in &second.people {
            for ask in &asks {
                let who = format!("another family's or class's {role}");
                self.add(&who, Some(person.token()), &place, Rule::Narrow, ask.clone());
                if let Some(last) = self.probes.last_mut() {
                    last.private = private.clone();
                }
            }
        }
    }

    /// Others who are signed in, with a request about somebody's own.
    fn somebody_else(&mut self) {
        let other = &self.town.other;
        let home = Place::host(other.tenant.slug.as_str());
        let mut people = vec![("another tenant's owner", other.owner.token(), home)];
        if let Some(bare) = self.town.own.bare() {
            people.push(("another member", bare.token(), self.ready.ask.place.clone()));
        }
        if let Some(support) = &self.world.support {
            people.push(("an operator", support.token(), Place::default()));
        }
        let points = !self.ready.ask.spots(&self.ready.words).is_empty();
        for (who, token, place) in people {
            if points && !(who == "another member" && FOR_ONES_TENANTS.contains(&self.operation.id.as_str())) {
                self.add(who, Some(token), &place, Rule::Refused, self.request());
            } else if self.operation.is_read() {
                self.add(who, Some(token), &place, Rule::Own, self.request());
            }
        }
    }

    /// Everybody who does not run the platform, and who runs less of it.
    fn no_operators(&mut self) {
        let place = Place::default();
        let own = &self.town.own;
        self.add("a tenant's owner", Some(own.owner.token()), &place, Rule::Refused, self.request());
        self.add(
            "an owner at home",
            Some(own.owner.token()),
            &Place::host(own.tenant.slug.as_str()),
            Rule::Refused,
            self.request(),
        );
        self.add("an owner outside", Some(self.world.outside.clone()), &place, Rule::Refused, self.request());
        self.add("an operator inside a tenant", Some(self.world.inside.clone()), &place, Rule::Refused, self.request());
        if let Some(viewer) = &self.world.viewer {
            let who = "an operator who may only look";
            self.add(who, Some(viewer.token()), &place, Rule::Narrow, self.request());
            if let Some(last) = self.probes.last_mut() {
                last.private = Arc::default();
            }
        }
    }
}

/// Who belongs to a tenant may go there.
const FOR_ONES_TENANTS: [&str; 2] = ["handover_create", "session_switch"];

/// The same request about other things of the same kinds. Two of a kind, such as a student and their guardian, stay two.
fn about_others(ask: &Ask, things: &Things) -> Ask {
    let mut seen = Vec::new();
    ask.spots(&[]).iter().fold(ask.clone(), |ask, (spot, text)| {
        let Some((kind, thing)) = kind_of(text).and_then(|kind| things.get_key_value(kind)) else { return ask };
        if seen.contains(kind) {
            return ask;
        }
        seen.push(kind.clone());
        ask.with(spot, thing)
    })
}
