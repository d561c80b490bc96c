//! How an operation is asked so that it does what it is for. Most need nothing but their own example in the document; what
//! else is needed, such as something that is fit to be mended, is said here and beside by operation id.

use std::sync::Arc;

use cloister_ids::{RequestId, SystemClock};
use serde_json::{Value, json};

use crate::{
    answer::{done, text},
    ask::{Ask, Place, kind_of},
    document::{About, Operation},
    fill::{Things, fill, new},
    recipe_account, recipe_behavior, recipe_documents, recipe_platform, recipe_roster, recipe_school, recipe_tables,
    recipe_years,
    town::Home,
    world::World,
};

/// A request that its sender gets a 2xx for, about things made for it alone.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) ask: Ask,
    /// Of its rightful sender; none where nobody needs to sign in.
    pub(crate) token: Option<String>,
    /// Words in it that point at something as ids do: a role's name, a secret.
    pub(crate) words: Vec<String>,
}

impl Ready {
    /// Pointing at things by these words too.
    pub(crate) fn with_words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Sends it as its rightful sender.
    pub(crate) async fn carry_out(&self, world: &World) -> Result<cloister_testkit::Seen, String> {
        let seen = self.ask.send(&world.door, self.token.as_deref(), None).await;
        done(seen, &format!("{} {}", self.ask.operation.method, self.ask.address()))
    }
}

/// Makes ready what an operation needs in this tenant.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Ready, String> {
    match attempt(world, operation, home).await {
        // What was just done changed the rights of whoever has to do it once more.
        Err(error) if error.contains("token_outdated") => {
            world.renew_all().await?;
            attempt(world, operation, home).await
        }
        ready => ready,
    }
}

async fn attempt(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Ready, String> {
    if let Some(ready) = recipe_account::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_platform::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_roster::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_school::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_documents::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_years::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_behavior::prepare(world, operation, home).await? {
        return Ok(ready);
    }
    if let Some(ready) = recipe_tables::prepare(world, operation, home) {
        return Ok(ready);
    }
    usual(world, operation, home).await
}

/// The request alone: path without parameters, example as body, the right sender and place.
pub(crate) fn plain(world: &World, operation: &Arc<Operation>, home: &Home, things: &Things) -> Ready {
    let (place, token) = match operation.about() {
        About::Platform => (Place::default(), Some(world.admin().token())),
        About::Anybody => (Place::default(), None),
        About::Tenant | About::Oneself => (Place::host(home.tenant.slug.as_str()), Some(home.owner.token())),
    };
    let key = || RequestId::generate(&SystemClock).bare();
    let headers =
        operation.takes("Idempotency-Key").then(|| ("idempotency-key".to_owned(), key())).into_iter().collect();
    let body = operation.body.as_ref().map(|example| fill(example, things, world.number()));
    let package = operation.takes_package.then(|| ("application/zip", recipe_roster::package(world.number())));
    let file = package.or_else(|| recipe_documents::file(operation));
    let needed = operation.queries.iter().filter(|query| query.is_required);
    let query = needed.filter_map(|one| Some((one.name.clone(), one.example.as_str()?.to_owned()))).collect();
    let ask = Ask { operation: operation.clone(), params: Vec::new(), query, headers, body, file, place };
    Ready { ask, token, words: Vec::new() }
}

/// By the document alone. What the path names is made by the operation that makes such things.
pub(crate) async fn usual(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Ready, String> {
    let mut params = Vec::new();
    if let [name] = operation.names.as_slice() {
        let folder = operation.path.split("/{").next().unwrap_or_default();
        let maker = world.document.at("POST", folder);
        let maker = maker.ok_or_else(|| format!("nothing makes what {} is about: give it a recipe", operation.id))?;
        let made = Box::pin(prepare(world, maker, home)).await?.carry_out(world).await?;
        params.push(text(&made.body, name)?);
    }
    about(world, operation, home, &home.things, params).await
}

/// The same about something that is there.
pub(crate) async fn about(
    world: &World,
    operation: &Arc<Operation>,
    home: &Home,
    things: &Things,
    params: Vec<String>,
) -> Result<Ready, String> {
    let mut ready = plain(world, operation, home, things);
    ready.words = params.iter().filter(|value| kind_of(value).is_none()).cloned().collect();
    ready.ask.params = params;
    let beside = |method: &str| world.document.at(method, &operation.path).cloned();
    let with = |operation: Arc<Operation>| {
        let mut other = plain(world, &operation, home, things);
        other.ask.params.clone_from(&ready.ask.params);
        other
    };
    if operation.is_read() || operation.takes("If-Match") {
        let read = beside("GET").map(&with);
        let mut seen = match &read {
            Some(read) => Some(read.ask.send(&world.door, read.token.as_deref(), None).await),
            None => None,
        };
        // A part of something that is there once it was put.
        if seen.as_ref().is_some_and(|seen| seen.status == 404)
            && operation.method != "PUT"
            && let (Some(put), Some(read)) = (beside("PUT").map(&with), &read)
        {
            put.carry_out(world).await?;
            seen = Some(read.ask.send(&world.door, read.token.as_deref(), None).await);
        }
        let version = seen.as_ref().and_then(|seen| seen.header("etag")).map(str::to_owned);
        if let Some(version) = version.filter(|_| operation.takes("If-Match")) {
            ready.ask.headers.push(("if-match".to_owned(), version));
        }
    }
    if let Some(body) = &mut ready.ask.body {
        adjust(world, operation, home, body).await?;
    }
    Ok(ready)
}

/// Where an example alone will not do.
async fn adjust(world: &World, operation: &Operation, home: &Home, body: &mut Value) -> Result<(), String> {
    let number = world.number();
    match operation.id.as_str() {
        // A person has one place in a class at a time.
        "enrollment_create" => {
            let maker = world.document.operation("person_create").ok_or("no person_create")?;
            let person = Box::pin(prepare(world, maker, home)).await?.carry_out(world).await?;
            body["person_id"] = person.body["id"].clone();
        }
        // Nobody is their own contact, and two persons have one contact.
        "contact_create" => {
            let maker = world.document.operation("person_create").ok_or("no person_create")?;
            let person = Box::pin(prepare(world, maker, home)).await?.carry_out(world).await?;
            body["contact_id"] = person.body["id"].clone();
        }
        // Else every value after it would have to have it.
        "custom_field_update" => body["required"] = json!(false),
        "custom_field_create" => body["name"] = json!(format!("bus_line_{number}")),
        // The values of a field that there is.
        "person_custom_values_replace" => {
            let maker = world.document.operation("custom_field_create").ok_or("no custom_field_create")?;
            let field = Box::pin(prepare(world, maker, home)).await?.carry_out(world).await?;
            let (name, value) = (text(&field.body, "name")?, field.body["choices"][0].clone());
            body["values"] = json!({ name: value });
        }
        // Two persons that nothing else needs.
        "person_merge_create" => {
            let maker = world.document.operation("person_create").ok_or("no person_create")?;
            for side in ["kept_id", "merged_id"] {
                let person = Box::pin(prepare(world, maker, home)).await?.carry_out(world).await?;
                body[side] = person.body["id"].clone();
            }
        }
        // A school says one thing of a day.
        "calendar_date_create" => {
            let days = i64::try_from(number).map_err(|error| error.to_string())?;
            let day = jiff::civil::date(2100, 1, 1).checked_add(jiff::Span::new().days(days));
            body["date"] = json!(day.map_err(|error| error.to_string())?);
        }
        // Names within a school, and of codes, are given once.
        "class_period_create" | "bell_schedule_create" | "class_period_update" | "bell_schedule_update" => {
            body["name"] = json!(new("Period", number));
        }
        "room_create" => body["room_number"] = json!(new("B", number)),
        "attendance_code_create" => body["short_name"] = json!(new("UA", number)),
        // One thing is said of a student, day and class; the student has a place in it.
        "attendance_event_create" => {
            let student = recipe_school::student(world, home).await?;
            body["student_id"] = json!(student);
            body["class_id"] = json!(home.things.get("cls"));
        }
        // The tenant has no role of this name.
        "member_update" => body["roles"] = json!(["teacher"]),
        "platform_plan_create" => body["name"] = json!(format!("plan{number}")),
        "role_create" => body["name"] = json!(format!("librarian_{number}")),
        // Addresses in a text.
        "invitation_create_many" => {
            body["list"] = json!(format!("Noor <{}>", new("noor@north.example", number)));
            body["dry_run"] = json!(false);
        }
        // Only who has an account becomes an operator.
        "operator_create" => body["email"] = json!(world.fresh_member(&home.tenant, "staff").await?.email),
        _ => {}
    }
    Ok(())
}
