//! Rosters drawn by chance, with everything in them that a package may hold.

use cloister_school::oneroster::{File, Version};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::fixture::Fixture;

/// Texts that a field has to be quoted for, and others.
fn text() -> impl Strategy<Value = String> {
    let character = select("aZ9é漢😀,\";'\n\t =+-@{}:/\\".chars().collect::<Vec<_>>());
    ("[A-Za-z]", vec(character, 0..12)).prop_map(|(first, rest)| first + &rest.into_iter().collect::<String>())
}

fn maybe() -> impl Strategy<Value = String> {
    option::of(text()).prop_map(Option::unwrap_or_default)
}

/// Items of a list, joined.
fn list() -> impl Strategy<Value = String> {
    vec("[A-Za-z0-9é; ]{1,6}", 0..4).prop_map(|items| items.join(","))
}

fn flag() -> impl Strategy<Value = &'static str> {
    select(vec!["", "true", "false"])
}

fn date() -> impl Strategy<Value = String> {
    (1990..2030, 1..=12, 1..=28).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
}

/// A begin and an end after it, either of which may be open.
fn span() -> impl Strategy<Value = (String, String)> {
    (option::of(1..=12), option::of(1..=12)).prop_map(|(begin, end)| {
        let day = |year: i32, month: Option<i32>| month.map_or(String::new(), |month| format!("{year}-{month:02}-01"));
        (day(2024, begin), day(2025, end))
    })
}

/// As a field of a file.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn row(id: &str, own: &[&str], extensions: &[String]) -> String {
    let own = own.iter().map(|field| quoted(field)).chain(extensions.iter().map(|text| quoted(text)));
    format!("{id},,,{}", own.collect::<Vec<_>>().join(","))
}

/// Which of so many an odd number means.
fn pick(number: usize, of: usize) -> usize {
    number % of
}

/// One person with what hangs on them.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    texts: Vec<String>,
    given: String,
    family: String,
    grades: String,
    enabled: bool,
    ids: Vec<(String, String)>,
    agents: Vec<usize>,
    org: Option<usize>,
    role: (&'static str, usize, (String, String)),
    places: Vec<(usize, &'static str, &'static str, (String, String))>,
    demographics: Option<(String, &'static str, Vec<&'static str>, Vec<String>)>,
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let role = select(vec!["student", "teacher", "guardian", "ext:librarian"]);
    let place = (any::<usize>(), select(vec!["student", "teacher", "ext:guest"]), flag(), span());
    let demographics = (date(), select(vec!["", "female", "ext:x"]), vec(flag(), 7), vec(maybe(), 4));
    let who = (vec(maybe(), 11), text(), text(), list(), any::<bool>());
    let ids = vec(("[A-Za-z]{1,5}", "[A-Za-z0-9:@.]{1,9}"), 0..3);
    let ties = (vec(any::<usize>(), 0..3), option::of(any::<usize>()));
    let parts = ((role, any::<usize>(), span()), vec(place, 0..3), option::of(demographics));
    (who, ids, ties, parts).prop_map(|(who, ids, (agents, org), (role, places, demographics))| {
        let (texts, given, family, grades, enabled) = who;
        Somebody { texts, given, family, grades, enabled, ids, agents, org, role, places, demographics }
    })
}

/// Of a class: grades, subjects and the like, its title, which course and which school, which terms, its periods.
type Class = (Vec<String>, String, usize, usize, Vec<usize>, String);

/// A roster.
#[derive(Debug, Clone)]
pub(crate) struct AnyRoster {
    orgs: Vec<(String, String)>,
    terms: Vec<String>,
    courses: Vec<(String, String, String, Option<usize>)>,
    classes: Vec<Class>,
    people: Vec<Somebody>,
    extensions: Vec<String>,
}

pub(crate) fn any_roster() -> impl Strategy<Value = AnyRoster> {
    let course = (text(), maybe(), list(), option::of(any::<usize>()));
    let class = (vec(maybe(), 2), text(), any::<usize>(), any::<usize>(), vec(any::<usize>(), 1..4), list());
    (
        vec((text(), maybe()), 1..4),
        vec(text(), 1..4),
        vec(course, 1..3),
        vec(class, 0..4),
        vec(somebody(), 0..8),
        vec(maybe(), 2),
    )
        .prop_map(|(orgs, terms, courses, classes, people, extensions)| AnyRoster {
            orgs,
            terms,
            courses,
            classes,
            people,
            extensions,
        })
}

impl AnyRoster {
    /// As a package.
    pub(crate) fn package(&self) -> Fixture {
        let mut package = Fixture::new(Version::V1_2, "bulk");
        let parent = |at: usize, kind: &str| at.checked_sub(1).map_or(String::new(), |above| format!("{kind}{above}"));
        for (at, (name, identifier)) in self.orgs.iter().enumerate() {
            let own = [name.as_str(), if at == 0 { "district" } else { "school" }, identifier, &parent(at, "org")];
            package.add(File::Orgs, &row(&format!("org{at}"), &own, &[]));
        }
        for (at, title) in self.terms.iter().enumerate() {
            let own = [title, "term", "2024-09-01", "2025-07-01", &parent(at, "term"), "2025"];
            package.add(File::AcademicSessions, &row(&format!("term{at}"), &own, &[]));
        }
        for (at, (title, code, grades, year)) in self.courses.iter().enumerate() {
            let year = year.map_or(String::new(), |year| format!("term{}", pick(year, self.terms.len())));
            let own = [&year, title, code, grades, "org0", grades, ""];
            package.add(File::Courses, &row(&format!("course@{at}"), &own, &[]));
        }
        for (at, (texts, title, course, school, terms, periods)) in self.classes.iter().enumerate() {
            let mut terms: Vec<String> =
                terms.iter().map(|term| format!("term{}", pick(*term, self.terms.len()))).collect();
            terms.sort_unstable();
            terms.dedup();
            let course = format!("course@{}", pick(*course, self.courses.len()));
            let school = format!("org{}", pick(*school, self.orgs.len()));
            let terms = terms.join(",");
            let own = [title, periods, &course, &texts[0], "homeroom", &texts[1], &school, &terms, "", "", periods];
            package.add(File::Classes, &row(&format!("class/{at}"), &own, &self.extensions));
        }
        for (at, somebody) in self.people.iter().enumerate() {
            self.add(&mut package, at, somebody);
        }
        package.extend(File::Classes, &["vendor.kind", "Ünusual"]).extend(File::Users, &["a,b"]);
        package
    }

    fn add(&self, package: &mut Fixture, at: usize, somebody: &Somebody) {
        let who = |number: usize| format!("person.{number}");
        let me = who(at);
        let texts = &somebody.texts;
        let mut ids = Vec::new();
        for (kind, id) in &somebody.ids {
            let one = format!("{{{kind}:{id}}}");
            if !ids.contains(&one) {
                ids.push(one);
            }
        }
        let mut agents: Vec<String> =
            somebody.agents.iter().map(|agent| who(pick(*agent, self.people.len()))).collect();
        agents.retain(|agent| *agent != me);
        agents.sort_unstable();
        agents.dedup();
        let org = |number: usize| format!("org{}", pick(number, self.orgs.len()));
        let enabled = if somebody.enabled { "true" } else { "false" };
        let (ids, agents) = (ids.join(","), agents.join(","));
        let home = somebody.org.map(org).unwrap_or_default();
        let own = [
            enabled,
            &somebody.given,
            &ids,
            &somebody.given,
            &somebody.family,
            &texts[0],
            &texts[1],
            &texts[2],
            &texts[3],
            &texts[4],
            &agents,
            &somebody.grades,
            "",
            &texts[5],
            &texts[6],
            &texts[7],
            &texts[8],
            &home,
            &texts[9],
        ];
        package.add(File::Users, &row(&me, &own, &texts[10..]));
        let (role, at_org, (begin, end)) = &somebody.role;
        let own = [&me, "primary", role, begin, end, &org(*at_org), ""];
        package.add(File::Roles, &row(&format!("role-{at}"), &own, &[]));
        for (number, (class, role, primary, (begin, end))) in somebody.places.iter().enumerate() {
            if self.classes.is_empty() {
                continue;
            }
            let class = format!("class/{}", pick(*class, self.classes.len()));
            let primary = if *role == "teacher" { primary } else { "" };
            let own = [&class, "org0", &me, role, primary, begin, end];
            package.add(File::Enrollments, &row(&format!("place-{at}-{number}"), &own, &[]));
        }
        if let Some((birth, sex, flags, places)) = &somebody.demographics {
            let own: Vec<&str> = [birth.as_str(), sex].into_iter().chain(flags.iter().copied()).collect();
            let own: Vec<&str> = own.into_iter().chain(places.iter().map(String::as_str)).collect();
            package.add(File::Demographics, &row(&me, &own, &[]));
        }
    }
}
