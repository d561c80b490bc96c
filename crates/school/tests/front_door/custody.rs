//! What guardians and students see of each resource: all that is about their own, and nothing that is about anybody else.
//!
//! A guardian and two students ask every operation that reads. One of which the rightful see nothing fails the test.

use cloister_ids::{AccountId, SystemClock};
use cloister_testkit::Seen;
use serde_json::{Value, json};

use crate::{
    children::{ABOUT, CHILDREN, School},
    house::{link, permissions, signed_in},
    id, unhurried_platform,
};

/// What is made about a child and not shown to whoever acts for it, or to the child: the list, to whom not, and why.
const NOT_SHOWN: [(&str, &[&str], &str); 2] = [
    (
        "/api/v1/staff_assignments",
        &["guardian", "student"],
        "posts are the office's; who teaches a class is seen there",
    ),
    ("/api/v1/contacts", &["student"], "who may see a child's data is between the school and the adults"),
];

/// Somebody who asks, and whose data they may see.
struct Asker {
    who: &'static str,
    role: &'static str,
    token: String,
    own: Vec<&'static str>,
}

impl School<'_> {
    async fn ask(&self, asker: &Asker, path: &str) -> Seen {
        self.office.call("GET", path.trim_start_matches("/api/v1/")).token(&asker.token).send().await
    }

    /// Ids that must not be heard.
    fn foreign<'s>(&'s self, asker: &'s Asker) -> impl Iterator<Item = &'s str> {
        let children = self.children.iter().filter(|(name, _)| !asker.own.contains(name)).map(|(_, id)| id.as_str());
        let made = self.made.iter().filter(|made| !asker.own.contains(&made.child)).map(|made| made.id.as_str());
        children.chain(made).chain([id(&self.second)])
    }

    fn heard(&self, asker: &Asker, path: &str, seen: &Seen, faults: &mut Vec<String>) {
        // What was asked for may be said again.
        if let Some(word) = self.foreign(asker).find(|word| !path.contains(word) && seen.text.contains(word)) {
            let whose = self.children.iter().find(|(_, id)| id == &word).map(|(name, _)| *name);
            let whose = whose.or_else(|| self.made.iter().find(|made| made.id == word).map(|made| made.child));
            faults.push(format!("{} hears of {whose:?} by {path}: {}", asker.who, seen.text));
        }
    }

    /// Every list, whole and asked for each child.
    async fn lists(&self, asker: &Asker, faults: &mut Vec<String>) -> usize {
        let mut rightful = 0;
        for list in self.operations.iter().filter(|one| one.method == "GET" && !one.path.contains('{')) {
            if !list.queries.iter().any(|name| name == "cursor") {
                continue;
            }
            let path = format!("{}?limit=200", list.path);
            let seen = self.ask(asker, &path).await;
            self.heard(asker, &path, &seen, faults);
            for filter in list.queries.iter().filter(|name| ABOUT.contains(&name.as_str())) {
                for (child, of_child) in &self.children {
                    let path = format!("{path}&{filter}={of_child}");
                    let found = self.ask(asker, &path).await;
                    self.heard(asker, &path, &found, faults);
                    let items = found.body["items"].as_array().map_or(0, Vec::len);
                    if items > 0 && !asker.own.contains(child) && is_narrowed(&found.body, of_child) {
                        faults.push(format!("{} finds {child} by {path}: {}", asker.who, found.text));
                    }
                }
            }
            let not_shown = NOT_SHOWN.iter().any(|(path, to, _)| *path == list.path && to.contains(&asker.role));
            for made in self.made.iter().filter(|made| made.folder == list.path && asker.own.contains(&made.child)) {
                if not_shown {
                    if seen.text.contains(&made.id) {
                        faults.push(format!(
                            "{} finds {} in {path}: it is on the list of what is not shown",
                            asker.who, made.id
                        ));
                    }
                    continue;
                }
                rightful += 1;
                if !seen.text.contains(&made.id) {
                    faults.push(format!("{} does not find {} of {} in {path}", asker.who, made.id, made.child));
                }
                let path = format!("{}/{}", made.folder, made.id);
                let one = self.ask(asker, &path).await;
                if one.status != 200 {
                    faults
                        .push(format!("{} lists {path} of {} and cannot read it: {}", asker.who, made.child, one.text));
                }
            }
        }
        rightful
    }

    /// Everything that is about one thing, of each child.
    async fn ones(&self, asker: &Asker, faults: &mut Vec<String>) {
        for operation in self.operations.iter().filter(|one| one.method == "GET") {
            let Some((folder, rest)) = operation.path.split_once("/{id}") else { continue };
            if rest.contains('{') {
                continue;
            }
            let made = self.made.iter().filter(|made| made.folder == folder).map(|made| (made.child, made.id.as_str()));
            let persons = self.children.iter().filter(|_| folder == "/api/v1/persons");
            for (child, of) in made.chain(persons.map(|(name, id)| (*name, id.as_str()))) {
                let path = format!("{folder}/{of}{rest}");
                let seen = self.ask(asker, &path).await;
                self.heard(asker, &path, &seen, faults);
                if !asker.own.contains(&child) && seen.status != 404 {
                    faults.push(format!("{} asks for {path} of {child}: {}", asker.who, seen.text));
                }
                let shown = [String::new(), "/photo".to_owned()].map(|part| format!("/api/v1/persons/{of}{part}"));
                if asker.own.contains(&child) && shown.contains(&path) && seen.status != 200 {
                    faults.push(format!("{} may not see {path} of {child}: {}", asker.who, seen.text));
                }
            }
        }
    }
}

/// Whether items say that they are about this child: lists that everybody sees may be asked for what a child has to do with.
fn is_narrowed(body: &Value, child: &str) -> bool {
    let mut items = body["items"].as_array().into_iter().flatten();
    items.any(|item| ABOUT.iter().any(|field| item[field] == child) || item["id"] == child)
}

#[tokio::test(flavor = "multi_thread")]
async fn guardians_and_students_see_exactly_their_own_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let school = School::new(&door, &tenant).await;
        let mut askers = Vec::new();
        let guardian = CHILDREN.iter().filter(|(_, _, sees)| *sees).map(|(name, ..)| *name).collect();
        for (who, role, person, own) in [
            ("the guardian", "guardian", school.guardian.clone(), guardian),
            ("the student", "student", json!({"id": school.children["Own"]}), vec!["Own"]),
            ("the former student", "student", json!({"id": school.children["Left"]}), vec!["Left"]),
            ("the child of nobody here", "student", json!({"id": school.children["Other"]}), vec!["Other"]),
        ] {
            let account = AccountId::generate(&SystemClock);
            link(&platform, &tenant, &person, account).await;
            askers.push(Asker { who, role, token: signed_in(account, &tenant, &permissions(role)), own });
        }
        let mut faults = Vec::new();
        for made in &school.made {
            // It is there for whoever may see all.
            school.office.read(&format!("{}/{}", made.folder.trim_start_matches("/api/v1/"), made.id)).await;
        }
        for asker in &askers {
            let rightful = school.lists(asker, &mut faults).await;
            assert!(rightful >= 4 * asker.own.len(), "{} was shown {rightful} of their own", asker.who);
            school.ones(asker, &mut faults).await;
        }
        assert!(faults.is_empty(), "{}:\n{}", tenant.slug, faults.join("\n"));
    }
}
