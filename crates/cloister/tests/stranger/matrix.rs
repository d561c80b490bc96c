//! Who may do what, about what: every operation of a tenant and of the platform, asked by every role about what is their own,
//! about what is another family's or class's, about what is another tenant's, and about what is nowhere.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use cloister_tenancy::Tier;

use crate::{
    ask::{Ask, Spot, kind_of},
    document::{About, Operation},
    people::Person,
    recipe::{Ready, about, prepare},
    recipe_platform::visit,
    town::{Home, Town},
    world::World,
};

const LEGEND: &str = "\
yes        done; where it changes what is there: it would have been, had it been meant for the version that is there
all, own   a list with what is everybody's, or only with what is one's own
403        they may not do this to what they may see, or make such a thing
404        as far as they are told, there is no such thing
no rights  a member with a role that allows nothing
visitor    an operator who has stated a reason, to see and not to change
";

/// A version that there never was: whoever may change something is told so, and changes nothing.
const NO_VERSION: &str = "\"v999\"";

/// Columns for what is done and for what it is done to.
const WIDE: usize = 50;
const NARROW: usize = 28;

/// Something that is asked about.
struct Target {
    name: &'static str,
    ready: Ready,
    /// How to make another, once this one is used up.
    whose: Whose,
}

#[derive(Clone, Copy)]
enum Whose {
    Family(usize),
    Anybody,
    OtherTenant,
    Nobody,
}

async fn ready(world: &World, town: &Town, operation: &Arc<Operation>, whose: Whose) -> Ready {
    let fresh = |home| async move {
        prepare(world, operation, home).await.unwrap_or_else(|error| panic!("{}: {error}", operation.id))
    };
    let mut ready = match whose {
        Whose::Anybody => fresh(&town.own).await,
        Whose::Nobody => {
            let mut ready = fresh(&town.own).await;
            ready.ask = ready.ask.about_nothing(&ready.words);
            ready
        }
        Whose::OtherTenant => {
            let theirs = fresh(&town.other).await;
            Ready { token: None, ..theirs }
        }
        Whose::Family(at) => of_family(world, &town.own, operation, at).await.unwrap(),
    };
    for (name, value) in &mut ready.ask.headers {
        if name == "if-match" {
            NO_VERSION.clone_into(value);
        }
    }
    // A page that has everything in it.
    if operation.is_read() && operation.takes("limit") {
        ready.ask.query.push(("limit".to_owned(), "200".to_owned()));
    }
    ready
}

/// About what a family has, where it has such things.
async fn of_family(world: &World, home: &Home, operation: &Arc<Operation>, at: usize) -> Option<Ready> {
    let family = home.families.get(at)?;
    let first = prepare(world, operation, home).await.unwrap();
    let kind = kind_of(first.ask.params.first()?)?;
    let thing = family.things.get(kind)?;
    if first.ask.params.len() > 1 {
        return Some(Ready { ask: first.ask.with(&Spot::Param(0), thing), ..first });
    }
    let ready = about(world, operation, home, &home.things, vec![thing.clone()]).await;
    Some(ready.unwrap_or_else(|error| panic!("{}: {error}", operation.id)))
}

/// What there is to ask an operation about.
async fn targets(world: &World, town: &Town, operation: &Arc<Operation>) -> Vec<Target> {
    let mut whose = Vec::new();
    if of_family(world, &town.own, operation, 0).await.is_some() {
        whose.extend([("own", Whose::Family(0)), ("another family's or class's", Whose::Family(1))]);
    } else {
        whose.push(("", Whose::Anybody));
    }
    if !operation.names.is_empty() {
        if operation.about() == About::Tenant {
            whose.push(("another tenant's", Whose::OtherTenant));
        }
        whose.push(("nowhere", Whose::Nobody));
    }
    let mut targets = Vec::new();
    for (name, whose) in whose {
        targets.push(Target { name, ready: ready(world, town, operation, whose).await, whose });
    }
    targets
}

/// Who asks.
enum Who<'a> {
    Person(&'a Person),
    /// An operator on a visit, to see and not to change.
    Visitor(Mutex<String>),
}

impl Who<'_> {
    fn token(&self) -> String {
        match self {
            Self::Person(person) => person.token(),
            Self::Visitor(token) => token.lock().unwrap().clone(),
        }
    }

    async fn renew(&self, world: &World, town: &Town) {
        match self {
            Self::Person(person) => world.renew(person).await.unwrap(),
            Self::Visitor(token) => {
                let support = world.support.as_ref().unwrap().token();
                let again = visit(world, &support, &town.own, false).await.unwrap();
                again["access_token"].as_str().unwrap().clone_into(&mut token.lock().unwrap());
            }
        }
    }
}

/// What somebody is answered.
async fn cell(world: &World, town: &Town, ask: &Ask, who: &Who<'_>) -> (String, bool) {
    let place = match ask.operation.about() {
        About::Platform => crate::ask::Place::default(),
        _ => crate::ask::Place::host(town.own.tenant.slug.as_str()),
    };
    let mut seen = ask.send(&world.door, Some(&who.token()), Some(&place)).await;
    if seen.status == 401 {
        // Somebody before them changed a role.
        who.renew(world, town).await;
        seen = ask.send(&world.door, Some(&who.token()), Some(&place)).await;
    }
    let is_done = (200..300).contains(&seen.status);
    let has = |at: usize| {
        let family = town.own.families.get(at).filter(|_| seen.body["items"].is_array());
        family.is_some_and(|family| family.things.iter().any(|(_, id)| seen.text.contains(&format!("\"id\":\"{id}\""))))
    };
    let text = match seen.status {
        _ if is_done && has(1) => "all".to_owned(),
        _ if is_done && has(0) => "own".to_owned(),
        _ if is_done => "yes".to_owned(),
        412 => "yes".to_owned(),
        status => status.to_string(),
    };
    (text, is_done && !ask.operation.is_read())
}

/// A table: a line an operation and what it is asked about, a column a role.
async fn table(
    world: &World,
    town: &Town,
    title: &str,
    people: &[(&str, Who<'_>)],
    wanted: impl Fn(&Operation) -> bool,
) -> String {
    let columns: String = people.iter().map(|(role, _)| format!("{role:>10}")).collect();
    let mut table = format!("{title}\n\n{:<WIDE$}{:<NARROW$}{columns}\n", "", "about");
    let mut heading = "";
    for operation in world.document.operations.iter().filter(|operation| wanted(operation)) {
        let mut lines: Vec<(String, Vec<String>)> = Vec::new();
        for mut target in targets(world, town, operation).await {
            let mut cells = Vec::new();
            for (_, who) in people {
                let (text, is_used_up) = cell(world, town, &target.ready.ask, who).await;
                cells.push(text);
                if is_used_up {
                    target.ready = ready(world, town, operation, target.whose).await;
                }
            }
            match lines.last_mut() {
                // Nobody can tell what is another tenant's from what is nowhere.
                Some((name, before)) if target.name == "nowhere" && *before == cells && !name.is_empty() => {
                    name.push_str(" or nowhere");
                }
                _ => lines.push((target.name.to_owned(), cells)),
            }
        }
        if heading != operation.tag {
            heading = operation.tag.as_str();
            writeln!(table, "\n{heading}").unwrap();
        }
        for (at, (name, cells)) in lines.iter().enumerate() {
            let act = if at == 0 { operation.summary.as_str() } else { "" };
            let line = format!(
                "{act:<WIDE$}{name:<NARROW$}{}",
                cells.iter().map(|cell| format!("{cell:>10}")).collect::<String>()
            );
            writeln!(table, "{}", line.trim_end()).unwrap();
        }
    }
    table
}

/// Everybody with a role in the rightful tenant of a town, in the order of the modules' roles.
fn people<'a>(world: &World, town: &'a Town) -> Vec<(&'a str, Who<'a>)> {
    let mut people = vec![("owner", Who::Person(&town.own.owner))];
    let modules = world.modules.iter().filter(|one| one.is_for_every_kind() || one.kinds().contains(&town.kind));
    for role in modules.flat_map(|module| module.roles()) {
        let family = town.own.families.first().and_then(|family| family.people.get(role.name));
        if let Some(person) = town.own.members.get(role.name).or(family) {
            people.push((role.name, Who::Person(person)));
        }
    }
    if let Some(bare) = town.own.bare() {
        people.push(("no rights", Who::Person(bare)));
    }
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_does_what_it_is_granted_and_no_more() {
    let world = World::open(Tier::Shared, &[]).await;
    let mut pages = vec![LEGEND.to_owned()];
    for (at, town) in world.towns.iter().enumerate() {
        // What every tenant has is asked in the first town.
        let title = format!("In a tenant of the kind {}", town.kind);
        let here = |operation: &Operation| {
            let module = world.modules.iter().find(|module| module.name() == operation.module).unwrap();
            let is_ours = module.kinds().contains(&town.kind) || at == 0 && module.is_for_every_kind();
            operation.about() == About::Tenant && is_ours
        };
        let mut people = people(&world, town);
        if at == 0 {
            people.push(("visitor", Who::Visitor(Mutex::new(world.inside.clone()))));
        }
        pages.push(table(&world, town, &title, &people, here).await);
    }
    let operators = [("viewer", &world.viewer), ("support", &world.support), ("admin", &world.admin)];
    let mut people: Vec<_> =
        operators.iter().filter_map(|(role, person)| Some((*role, Who::Person(person.as_ref()?)))).collect();
    people.push(("owner", Who::Person(&world.towns[0].own.owner)));
    let about_platform = |operation: &Operation| operation.about() == About::Platform;
    pages.push(table(&world, &world.towns[0], "On the platform itself", &people, about_platform).await);
    insta::assert_snapshot!("who_may_do_what", pages.join("\n"));
}
