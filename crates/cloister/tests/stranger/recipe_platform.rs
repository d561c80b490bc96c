//! Recipes for what operators do: visits, mails, sign-ups that failed, tenants in every state.

use std::sync::Arc;

use cloister_ids::TenantId;
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::operator::{delete, suspend};
use serde_json::{Value, json};

use crate::{
    answer::{done, text},
    document::Operation,
    fill::new,
    recipe::{Ready, about, plain},
    town::Home,
    world::World,
};

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let ready = plain(world, operation, home, &home.things);
    let of = async |params: Vec<String>| about(world, operation, home, &home.things, params).await.map(Some);
    match operation.id.as_str() {
        "operator_entry_create" => {
            let mut ready = ready;
            ready.ask.body.as_mut().unwrap()["tenant"] = json!(home.tenant.slug.as_str());
            Ok(Some(ready))
        }
        "operator_entry_end" | "operator_entry_renew" => {
            of(vec![text(&visit(world, &world.admin().token(), home, false).await?, "id")?]).await
        }
        "mail_read" => {
            let mails = look(world, "/api/v1/platform/mails").await?;
            of(vec![text(&mails["items"][0], "id")?]).await
        }
        "signup_retry" | "signup_abandon" => of(vec![text(&failed_signup(world).await?, "id")?]).await,
        "platform_tenant_provision" | "platform_tenant_abandon" => {
            of(vec![text(&failed_signup(world).await?, "tenant_id")?]).await
        }
        "platform_tenant_read" | "platform_tenant_update" | "platform_tenant_delete" | "platform_tenant_suspend" => {
            of(vec![tenant(world).await.id.to_string()]).await
        }
        "platform_plan_create" => {
            let mut ready = ready;
            ready.ask.body.as_mut().unwrap()["name"] = json!(new("small", world.number()));
            Ok(Some(ready))
        }
        "platform_plan_read" | "platform_plan_update" => of(vec![plan(world).await?]).await,
        "platform_tenant_resume" => {
            let tenant = tenant(world).await;
            suspend(&world.platform.tenancy, tenant.id).await;
            of(vec![tenant.id.to_string()]).await
        }
        "platform_tenant_purge" => {
            let tenant = tenant(world).await;
            delete(&world.platform.tenancy, tenant.id).await;
            let mut ready = of(vec![tenant.id.to_string()]).await?.unwrap();
            ready.ask.body = Some(json!({ "confirm": tenant.slug.as_str() }));
            Ok(Some(ready))
        }
        "workflow_read" => {
            let tenant: TenantId = tenant(world).await.id;
            let by = cloister_testkit::operator::operator();
            let asked = world.platform.tenancy.suspend_tenant(tenant, Some("a test"), &by).await;
            of(vec![asked.map_err(|error| error.log())?.to_string()]).await
        }
        _ => Ok(None),
    }
}

/// A tenant that nobody else needs.
async fn tenant(world: &World) -> Arc<TenantEntry> {
    world.platform.tenant(&format!("spare-{}", world.number()), Tier::Shared).await
}

/// A plan that no tenant has.
async fn plan(world: &World) -> Result<String, String> {
    let call = world.door.call("POST", "/api/v1/platform/plans").header("host", "localhost");
    let body = json!({ "name": new("spare", world.number()), "title": "Spare" });
    text(&done(call.token(&world.admin().token()).json(body).send().await, "making a plan")?.body, "name")
}

async fn look(world: &World, path: &str) -> Result<Value, String> {
    let call = world.door.call("GET", path).header("host", "localhost").token(&world.admin().token());
    Ok(done(call.send().await, path)?.body)
}

/// An operator enters: the visit, with a token.
pub(crate) async fn visit(world: &World, token: &str, home: &Home, elevated: bool) -> Result<Value, String> {
    let call = world.door.call("POST", "/api/v1/platform/entries").header("host", "localhost").token(token);
    let reason = "Ticket 4711: the import of classes stops half way.";
    let body = json!({ "tenant": home.tenant.slug.as_str(), "reason": reason, "elevated": elevated });
    Ok(done(call.json(body).send().await, "entering")?.body)
}

/// Signs up: what was answered, and the address used.
pub(crate) async fn sign_up(world: &World) -> Result<(Value, String), String> {
    let number = world.number();
    let email = new("head@west.example", number);
    let wish =
        json!({ "name": "West High", "slug": new("west", number), "email": email, "locale": "en", "time_zone": "UTC" });
    let call = world.door.call("POST", "/api/v1/signups").header("host", "localhost");
    Ok((done(call.json(wish).send().await, "signing up")?.body, email))
}

/// Works on what was signed up for until it has failed: there is no place for it.
pub(crate) async fn until_failed(world: &World, created: &Value) -> Result<(), String> {
    let path = text(created, "status_url")?;
    for _ in 0..200 {
        drop(world.platform.tenancy.tend_workflows().await);
        if look(world, &path).await?["failed"] == true {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Err("a sign-up did not fail".to_owned())
}

/// A sign-up whose tenant could not be made, as operators see it.
async fn failed_signup(world: &World) -> Result<Value, String> {
    let (created, _) = sign_up(world).await?;
    until_failed(world, &created).await?;
    let page = look(world, "/api/v1/platform/signups?failed=true&limit=200").await?;
    let found = page["items"].as_array().into_iter().flatten().find(|item| item["id"] == created["id"]);
    found.cloned().ok_or_else(|| "the sign-up is not in the list".to_owned())
}
