//! Every list, in every order and direction, with every filter and every two of them, page by page: for two tenants with the
//! same kinds of things, and for people whose rights end at what is their own.
//!
//! From the API document, so that a new list, order or filter is in it by itself. Only one's own things may come, all of
//! them, each once and in order. What is found this way also tells `cargo xtask mutate-isolation` how each of the statements
//! behind a list is run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cloister_tenancy::Tier;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::{
    ask::kind_of,
    choices::{Known, filters, sorts, values},
    document::{About, Operation},
    recipe::{about, prepare},
    recipe_platform::visit,
    recipe_school,
    town::{Home, Town},
    world::World,
};

/// Of each kind of thing there are so many more, in each tenant.
const MORE: usize = 4;
/// Said by a list of whatever state, where it has such a filter.
const WHATEVER: (&str, &str) = ("status", "all");

/// Somebody who asks, where.
struct Asker {
    who: String,
    host: String,
    token: String,
    /// Everything of the tenant's is theirs to see.
    sees_all: bool,
    /// They ask with two filters at once too: one does in each town.
    asks_by_two: bool,
}

type Filters = Vec<(String, String)>;

/// How an item is told from others.
fn id_of(item: &Value) -> String {
    // What sums up or points names whom or what it is about.
    ["id", "name", "student_id", "meeting_id"]
        .iter()
        .find_map(|field| item[field].as_str())
        .map_or_else(|| item.to_string(), str::to_owned)
}

/// Every id in the text of an item.
fn named_in(item: &str) -> impl Iterator<Item = &str> {
    item.split('"').filter(|text| kind_of(text).is_some())
}

fn ids_of(items: &[Value]) -> Vec<String> {
    items.iter().map(id_of).collect()
}

impl Asker {
    async fn page(
        &self,
        world: &World,
        operation: &Operation,
        filters: &Filters,
        rest: &[(&str, &str)],
    ) -> Result<Value, String> {
        let mut path = operation.path.clone();
        let filters = filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (at, (name, value)) in filters.chain(rest.iter().copied()).enumerate() {
            path.push_str(&format!("{}{name}={value}", if at == 0 { '?' } else { '&' }));
        }
        let seen = world.door.call("GET", &path).header("host", &self.host).token(&self.token).send().await;
        if seen.status == 200 {
            Ok(seen.body)
        } else {
            Err(format!("{}: {path}: {} {}", self.who, seen.status, seen.text))
        }
    }

    /// All of a list on one page, in the usual order.
    async fn whole(&self, world: &World, operation: &Operation, filters: &Filters) -> Result<Vec<Value>, String> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut rest = vec![("limit", "200")];
            rest.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut page = self.page(world, operation, filters, &rest).await?;
            all.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page["next_cursor"].take() {
                Value::String(next) => cursor = Some(next),
                _ => return Ok(all),
            }
        }
    }

    /// All of a list, page by page.
    async fn paged(
        &self,
        world: &World,
        operation: &Operation,
        filters: &Filters,
        sort: &str,
        limit: usize,
    ) -> Result<Vec<Value>, String> {
        let (limit, mut all, mut cursor) = (limit.to_string(), Vec::new(), None::<String>);
        loop {
            let mut rest = vec![("limit", limit.as_str()), ("sort", sort)];
            rest.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = self.page(world, operation, filters, &rest).await?;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) if all.len() < 20_000 => cursor = Some(next.to_owned()),
                Some(_) => return Err(format!("{}: {sort} {filters:?} does not end", self.who)),
                None => return Ok(all),
            }
        }
    }

    /// One choice of filters in every order. Whether it found anything.
    async fn orders(
        &self,
        world: &World,
        operation: &Operation,
        filters: &Filters,
        own: &BTreeSet<String>,
    ) -> Result<bool, String> {
        let fault = |what: &str, sort: &str| Err(format!("{} {} {sort} {filters:?}: {what}", self.who, operation.id));
        let whole: BTreeSet<String> = ids_of(&self.whole(world, operation, filters).await?).into_iter().collect();
        // What has no id of its own is made of what has.
        let is_own = |id: &String| own.contains(id) || id.starts_with('{') && named_in(id).all(|one| own.contains(one));
        if !whole.iter().all(is_own) {
            return fault("somebody else's things are in it", "");
        }
        // Three pages or so, and no longer than one may be.
        let limit = (whole.len() / 3 + 1).min(200);
        for sort in sorts(operation) {
            let up = self.paged(world, operation, filters, &sort, limit).await?;
            let mut down = self.paged(world, operation, filters, &format!("-{sort}"), limit).await?;
            down.reverse();
            let (ids, back) = (ids_of(&up), ids_of(&down));
            if ids.len() != whole.len() || ids.iter().collect::<BTreeSet<_>>() != whole.iter().collect() {
                let more: Vec<_> = ids.iter().filter(|id| ids.iter().filter(|other| other == id).count() > 1).collect();
                return fault(&format!("pages have not what the whole has, each once; {more:?}"), &sort);
            }
            if ids != back {
                return fault("the other way round it is not the same", &sort);
            }
            // As names are compared.
            let key = |text: &str| text.to_lowercase().replace('-', " ");
            let keys: Option<Vec<String>> = up.iter().map(|item| item[&sort].as_str().map(key)).collect();
            if let Some(keys) = keys.filter(|keys| !keys.is_sorted()) {
                return fault(&format!("it is not in order: {keys:?}"), &sort);
            }
        }
        Ok(!whole.is_empty())
    }
}

/// Values by which each filter finds something, the first of those there are. A deleted thing is found if it is asked for.
async fn found_by(
    world: &World,
    asker: &Asker,
    operation: &Operation,
    known: &Known,
) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut found = BTreeMap::new();
    for query in filters(operation) {
        let mut good: Vec<String> = Vec::new();
        for value in values(operation, query, known) {
            let one = vec![(query.name.clone(), value.clone())];
            if good.len() < 2 && !asker.whole(world, operation, &one).await?.is_empty() {
                good.push(value);
            }
        }
        found.insert(query.name.clone(), good);
    }
    Ok(found)
}

/// Asks for a list in every way. What went wrong.
async fn ask(world: &World, asker: &Asker, operation: &Operation, known: &Known) -> Result<(), String> {
    let found = found_by(world, asker, operation, known).await?;
    if let Some((name, _)) = found.iter().find(|(_, values)| asker.sees_all && values.is_empty()) {
        return Err(format!("{} {}: nothing is found by {name}", asker.who, operation.id));
    }
    let mut ways: Vec<Vec<Filters>> = vec![vec![Vec::new()]];
    let names: Vec<&String> = found.keys().collect();
    for (at, one) in names.iter().enumerate() {
        ways.push(found[*one].iter().take(1).map(|value| vec![((*one).clone(), value.clone())]).collect());
        for other in names[at + 1..].iter().filter(|_| asker.asks_by_two) {
            // A record's own name goes before all other filters.
            if [one, other].iter().any(|name| **name == "sourced_id") {
                continue;
            }
            let mut pairs = Vec::new();
            for a in &found[*one] {
                pairs.extend(
                    found[*other].iter().map(|b| vec![((*one).clone(), a.clone()), ((*other).clone(), b.clone())]),
                );
            }
            ways.push(pairs);
        }
    }
    for way in ways {
        for filters in way {
            // Some filters go not together, and say so.
            let refused = asker.page(world, operation, &filters, &[]).await;
            if filters.len() > 1 && refused.is_err_and(|error| error.contains(" 422 ") || error.contains(" 400 ")) {
                break;
            }
            // One that finds something will do.
            if asker.orders(world, operation, &filters, &known.ids).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Whether it lists things of the tenant. Who matches a value of a custom field is asked for where such values are given.
fn is_list(operation: &Operation) -> bool {
    operation.takes("cursor") && operation.id != "custom_field_match"
}

/// More of everything that can be made, some of it deleted.
async fn furnish(world: &World, town: &Town, home: &Home) {
    visit(world, &world.admin().token(), home, false).await.unwrap();
    if town.kind == "school" {
        recipe_school::days_of_instruction(world, home).await.unwrap();
    }
    let here =
        |operation: &&Arc<Operation>| operation.about() == About::Tenant && std::ptr::eq(world.town(operation), town);
    let lists: Vec<_> = world.document.operations.iter().filter(here).filter(|one| is_list(one)).collect();
    for list in lists {
        let Some(maker) = world.document.at("POST", &list.path) else {
            recipe_school::take(world, list, home, MORE).await.unwrap();
            continue;
        };
        for number in 0..MORE {
            let mut ready = prepare(world, maker, home).await.unwrap();
            if let Some(body) = ready.ask.body.as_mut().filter(|_| number % 2 == 0) {
                // What its example leaves out points at what there is.
                for (field, kind, _) in
                    maker.fields.iter().filter(|(field, _, is_list)| !is_list && field == "parent_id")
                {
                    body[field] = home.things.get(kind).map_or(Value::Null, |id| id.as_str().into());
                }
            }
            let made = ready.carry_out(world).await;
            made.unwrap_or_else(|error| panic!("{}: {error}", maker.id));
        }
        let one = world.document.operations.iter().find(|one| {
            one.method == "DELETE" && one.path.starts_with(&format!("{}/{{", list.path)) && one.path.ends_with('}')
        });
        if let Some(remover) = one {
            // What others point at stays, and says so.
            let kind = maker.fields.iter().find(|(field, ..)| field == "parent_id").map(|(_, kind, _)| kind);
            if let Some(thing) = kind.and_then(|kind| home.things.get(kind)) {
                let ready = about(world, remover, home, &home.things, vec![thing.clone()]).await.unwrap();
                let refused = ready.ask.send(&world.door, ready.token.as_deref(), None).await;
                assert_eq!(refused.status, 409, "{}: {}", remover.id, refused.text);
            }
            let gone = prepare(world, remover, home).await.unwrap().carry_out(world).await;
            gone.unwrap_or_else(|error| panic!("{}: {error}", remover.id));
        }
    }
}

fn askers(home: &Home) -> Vec<Asker> {
    let asker = |who: &str, token: String, sees_all| Asker {
        who: format!("{who} of {}", home.tenant.slug),
        host: home.host(),
        token,
        sees_all,
        asks_by_two: sees_all && home.bare().is_some(),
    };
    let mut askers = vec![asker("the owner", home.owner.token(), true)];
    for family in home.families.iter().take(1) {
        askers.extend(family.people.iter().map(|(role, person)| asker(role, person.token(), false)));
    }
    askers
}

/// Whatever the list has, and the ids of all that is in the tenant.
async fn known(world: &World, asker: &Asker, operation: &Operation, ids: &BTreeSet<String>) -> Known {
    let (name, value) = WHATEVER;
    let status = filters(operation).find(|query| query.name == name);
    let whatever =
        status.filter(|query| query.schema["enum"].as_array().is_some_and(|words| words.contains(&value.into())));
    let all: Filters = whatever.map(|_| (name.to_owned(), value.to_owned())).into_iter().collect();
    let items = asker.whole(world, operation, &all).await.unwrap();
    let ids = ids_of(&items).into_iter().chain(ids.iter().cloned()).collect();
    Known { items, ids }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_ones_own_things_in_every_order_with_every_filter() {
    let world = World::open(Tier::Shared, &[]).await;
    let mut faults = Vec::new();
    for town in &world.towns {
        for home in [&town.own, &town.other] {
            furnish(&world, town, home).await;
        }
    }
    world.renew_all().await.unwrap();
    for town in &world.towns {
        let here = |operation: &&Arc<Operation>| {
            is_list(operation) && operation.about() == About::Tenant && std::ptr::eq(world.town(operation), town)
        };
        let lists: Vec<_> = world.document.operations.iter().filter(here).collect();
        assert!(!lists.is_empty(), "a {} has no lists", town.kind);
        let mut seen: Vec<BTreeSet<String>> = Vec::new();
        for home in [&town.own, &town.other] {
            let everybody = askers(home);
            let mut ids = BTreeSet::new();
            for list in &lists {
                let found = known(&world, &everybody[0], list, &BTreeSet::new()).await;
                if found.items.len() < MORE && world.document.at("POST", &list.path).is_some() {
                    faults.push(format!("{} has only {} of {}", home.tenant.slug, found.items.len(), list.id));
                }
                ids.extend(found.ids);
            }
            // Reading some lists lengthens this one: it is read when all others were.
            let (last, first): (Vec<&&Arc<Operation>>, Vec<_>) =
                lists.iter().partition(|list| list.id == "access_log_entry_list");
            for lists in [first, last] {
                let asked = lists.iter().flat_map(|list| everybody.iter().map(move |asker| (list, asker)));
                let asked = asked.map(|(list, asker)| {
                    let (world, ids) = (&world, &ids);
                    async move {
                        // Some may not see any of it.
                        if !asker.sees_all && asker.whole(world, list, &Vec::new()).await.is_err() {
                            return Ok(());
                        }
                        let whole = known(world, asker, list, ids).await;
                        ask(world, asker, list, &whole).await
                    }
                });
                // So many at a time as a tenant may have inside.
                let answers: Vec<Result<(), String>> = stream::iter(asked).buffer_unordered(64).collect().await;
                faults.extend(answers.into_iter().filter_map(Result::err));
            }
            seen.push(ids);
        }
        let both: Vec<_> = seen[0].intersection(&seen[1]).collect();
        assert!(both.is_empty(), "two tenants have the same things: {both:?}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
