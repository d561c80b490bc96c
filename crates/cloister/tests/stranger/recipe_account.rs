//! Recipes for what is about oneself: sessions, the password, the second factor.

use std::sync::Arc;

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::{
    answer::{done, text},
    document::Operation,
    people::PASSWORD,
    recipe::{Ready, plain},
    town::Home,
    world::World,
};

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let mut ready = plain(world, operation, home, &home.things);
    match operation.id.as_str() {
        "handover_create" | "session_switch" => {
            ready.ask.body = Some(json!({ "tenant": home.tenant.id }));
        }
        "session_sign_out" | "session_end_others" => {
            // Of somebody whose other sessions nobody needs.
            ready.token = Some(world.fresh_member(&home.tenant, "owner").await?.token());
        }
        "session_end" => {
            let again = world.sign_in(Some(&home.tenant), &home.owner.email).await?;
            ready.ask.params = vec![text(&again, "session_id")?];
        }
        "password_change" => {
            let person = world.fresh_member(&home.tenant, "owner").await?;
            ready.token = Some(person.token());
            ready.ask.body =
                Some(json!({ "current_password": PASSWORD, "new_password": "nine loud geese before noon" }));
        }
        "mfa_begin" => ready.token = Some(world.fresh_member(&home.tenant, "owner").await?.token()),
        "mfa_confirm" => {
            let person = world.fresh_member(&home.tenant, "owner").await?;
            ready.ask.body = Some(json!({ "code": begin(world, &person.token()).await? }));
            ready.token = Some(person.token());
        }
        "mfa_end" | "mfa_renew_codes" => {
            let person = world.fresh_member(&home.tenant, "owner").await?;
            ready.ask.body = Some(json!({ "code": second_factor(world, &person.token()).await? }));
            ready.token = Some(person.token());
        }
        _ => return Ok(None),
    }
    Ok(Some(ready))
}

async fn post(world: &World, token: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
    let call = world.door.call("POST", path).header("host", "localhost").token(token);
    let call = match body {
        Some(body) => call.json(body),
        None => call,
    };
    Ok(done(call.send().await, path)?.body)
}

/// Begins to set up an app: the code it shows.
async fn begin(world: &World, token: &str) -> Result<String, String> {
    let made = post(world, token, "/api/v1/account/mfa", None).await?;
    let secret = Secret::try_from_base32(text(&made, "secret")?).map_err(|error| error.to_string())?;
    let totp = Builder::new().with_secret(secret).build().map_err(|error| error.to_string())?;
    let now = world.platform.tenancy.clock().now().as_second();
    Ok(totp.generate(u64::try_from(now).unwrap_or_default()).to_string())
}

/// Sets up a second factor: a recovery code.
pub(crate) async fn second_factor(world: &World, token: &str) -> Result<String, String> {
    let code = begin(world, token).await?;
    let codes = post(world, token, "/api/v1/account/mfa/confirm", Some(json!({ "code": code }))).await?;
    codes["recovery_codes"][0].as_str().map(str::to_owned).ok_or_else(|| "no recovery codes".to_owned())
}
