//! Operations that nobody needs to sign in for: a secret in them opens something, or they tell everybody the same.

use std::sync::Arc;

use cloister_platform::mail::{Outbox, Selection};
use cloister_tenancy::{Actor, jobs::WorkSettings};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, done, text},
    ask::{Ask, Place},
    document::Operation,
    ledger::{Ledger, differences},
    people::PASSWORD,
    recipe::{Ready, plain},
    recipe_account::second_factor,
    recipe_platform::{sign_up, until_failed},
    world::World,
};

/// What an operation for everybody rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// On a secret in it, wherever it is sent.
    Secret,
    /// On a secret in it that works at one tenant's address alone, or at the installation's own.
    SecretOf,
    /// The same; and a secret that was shown at another address is worth nothing from then on.
    SecretSpent,
    /// On telling everybody the same, whether what is named is there or not.
    Silence,
    /// On nothing: it tells what is public, such as which names of tenants are free.
    Nothing,
}

/// The request, and what it rests on.
async fn prepare(world: &World, operation: &Arc<Operation>) -> Result<(Ready, Rest), String> {
    let home = &world.towns[0].own;
    let mut ready = plain(world, operation, home, &home.things);
    let at_home = Place::host(home.tenant.slug.as_str());
    let with = |mut ready: Ready, body: Value, secret: &str| {
        ready.ask.body = Some(body);
        ready.with_words(&[secret])
    };
    Ok(match operation.id.as_str() {
        "jwks_read" => (ready, Rest::Nothing),
        "slug_check" => {
            ready.ask.params = vec![home.tenant.slug.to_string()];
            (ready, Rest::Nothing)
        }
        "signup_create" => {
            // For an address that has an account. A sign-up makes its tenant anew each time, under a name of its own.
            let email = home.owner.email.clone();
            let mut ready = ready.with_words(&[&email]);
            ready.ask.body.as_mut().unwrap()["email"] = json!(email);
            (ready, Rest::Nothing)
        }
        "password_reset_request" => {
            let email = home.owner.email.clone();
            (with(ready, json!({ "email": email }), &email), Rest::Silence)
        }
        "session_create" => {
            let email = home.owner.email.clone();
            ready.ask.place = at_home;
            (with(ready, json!({ "email": email, "password": PASSWORD }), PASSWORD), Rest::SecretOf)
        }
        "session_confirm" => {
            let person = world.fresh_member(&home.tenant, "owner").await?;
            let code = second_factor(world, &person.token()).await?;
            let asked = world.sign_in(None, &person.email).await?;
            let challenge = text(&asked, "challenge")?;
            (with(ready, json!({ "challenge": challenge, "code": code }), &challenge), Rest::Secret)
        }
        "session_refresh" => {
            let answer = world.sign_in(Some(&home.tenant), &home.owner.email).await?;
            let secret = text(&answer, "refresh_token")?;
            (with(ready, json!({ "refresh_token": secret }), &secret), Rest::Secret)
        }
        "handover_redeem" => {
            let call = world.door.call("POST", "/api/v1/sessions/handover").header("host", "localhost");
            let call = call.token(&home.owner.token()).json(json!({ "tenant": home.tenant.id }));
            let code = text(&done(call.send().await, "handing over")?.body, "code")?;
            ready.ask.place = at_home;
            ready.ask.headers.push(("sec-fetch-site".to_owned(), "same-origin".to_owned()));
            (with(ready, json!({ "code": code }), &code), Rest::SecretSpent)
        }
        "email_verification_confirm" => {
            let secret = verification(world).await?;
            (with(ready, json!({ "token": secret }), &secret), Rest::Secret)
        }
        "password_reset_confirm" => {
            let secret = reset(world).await?;
            (with(ready, json!({ "token": secret, "password": PASSWORD }), &secret), Rest::Secret)
        }
        "invitation_look" | "invitation_accept" => {
            let email = format!("invited{}@north.example", world.number());
            let invitation = json!({ "email": email, "display_name": "Noor", "roles": ["teacher"] });
            home.make(world, "/api/v1/tenant/invitations", invitation).await?;
            let secret = mailed(world, &email).await?;
            ready.ask.place = at_home;
            let mut body = json!({ "token": secret });
            if operation.id == "invitation_accept" {
                body["password"] = json!(PASSWORD);
            }
            (with(ready, body, &secret), Rest::SecretOf)
        }
        "signup_verify" => {
            let (_, email) = sign_up(world).await?;
            let secret = mailed(world, &email).await?;
            let body = json!({ "token": secret, "display_name": "Ada", "password": PASSWORD });
            (with(ready, body, &secret), Rest::Secret)
        }
        "signup_status" | "signup_events" => {
            let (created, _) = sign_up(world).await?;
            // The stream ends when nothing more happens.
            until_failed(world, &created).await?;
            let address = text(&created, "status_url")?;
            let secret = address.rsplit('/').next().unwrap_or_default().to_owned();
            ready.ask.params = vec![secret.clone()];
            (ready.with_words(&[&secret]), Rest::Secret)
        }
        _ => return Err("say in open.rs what an operation that is open to everybody rests on".to_owned()),
    })
}

/// The secret in the newest mail to this address.
async fn mailed(world: &World, email: &str) -> Result<String, String> {
    let outbox = Outbox::of(&world.service);
    let newest = Selection { state: None, tenant: None, oldest_first: false, after: None, limit: 200 };
    let mails = outbox.list(newest).await.map_err(|error| error.log())?;
    let mail = mails.iter().find(|mail| mail.recipient == email).ok_or_else(|| format!("no mail to {email}"))?;
    let whole = outbox.read(mail.id, &Actor::Operator("test".into())).await.map_err(|error| error.log())?;
    let text = whole.text.unwrap_or_default();
    let (_, secret) = text.split_once("#token=").ok_or_else(|| format!("no secret in {text}"))?;
    Ok(secret.chars().take(43).collect())
}

/// A secret that proves an address: of somebody whose address is not proved yet.
async fn verification(world: &World) -> Result<String, String> {
    let person = world.fresh_member(&world.towns[0].own.tenant, "owner").await?;
    let control = world.platform.admin(&format!("{}_control", world.platform.prefix)).await;
    let forget = "update control.account set email_verified_at = null where id = $1";
    control.execute(forget, &[&person.account.uuid()]).await.map_err(|error| error.to_string())?;
    let call = world.door.call("POST", "/api/v1/account/email-verification").header("host", "localhost");
    done(call.token(&person.token()).send().await, "asking to verify")?;
    mailed(world, &person.email).await
}

/// A secret that sets a new password, which a job sends.
async fn reset(world: &World) -> Result<String, String> {
    let person = world.fresh_member(&world.towns[0].own.tenant, "owner").await?;
    let call = world.door.call("POST", "/api/v1/password-resets").header("host", "localhost");
    done(call.json(json!({ "email": person.email })).send().await, "asking for a reset")?;
    let tenancy = world.platform.tenancy.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let working = tokio::spawn(async move {
        drop(tenancy.work(WorkSettings::default(), async move { drop(stopped.await) }).await);
    });
    let mut secret = Err(String::new());
    for _ in 0..200 {
        secret = mailed(world, &person.email).await;
        if secret.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    // What it is doing is over before anybody looks at the tables.
    let _ = stop.send(());
    drop(working.await);
    secret
}

/// The rightful visitor, those who know no secret, and those who have it elsewhere.
pub(crate) async fn walk(world: &World, ledger: &Ledger, operation: &Arc<Operation>) -> Result<Vec<String>, String> {
    let (first, rest) = prepare(world, operation).await?;
    first.carry_out(world).await?;
    let (ready, _) = prepare(world, operation).await?;
    let (words, own) = (&ready.words, &ready.ask.place);
    let send = async |ask: &Ask, token: Option<&str>, place: &Place| {
        Answer::of(&ask.send(&world.door, token, Some(place)).await, ask, words)
    };
    let mut faults = Vec::new();
    let before = ledger.page().await;
    let nothing = ready.ask.about_nothing(words);
    let elsewhere = Place::host(world.towns[0].other.tenant.slug.as_str());
    match rest {
        Rest::Nothing => return Ok(faults),
        Rest::Silence => {
            let (known, unknown) = (send(&ready.ask, None, own).await, send(&nothing, None, own).await);
            if !known.is_same_as(&unknown) {
                faults.push(format!("tells what is there: {} but {}", known.brief(), unknown.brief()));
            }
            return Ok(faults);
        }
        Rest::Secret | Rest::SecretOf | Rest::SecretSpent => {
            let south = world.towns[0].other.owner.token();
            for (who, token) in [
                ("nobody", None),
                ("somebody long gone", Some(world.expired.as_str())),
                ("another tenant's owner", Some(south.as_str())),
            ] {
                let answer = send(&nothing, token, own).await;
                let twice = send(&ready.ask.about_nothing(words), token, own).await;
                if !matches!(answer.status, 400 | 401 | 403 | 404 | 422) || !answer.is_same_as(&twice) {
                    faults.push(format!("{who} with a made-up secret: {}, {}", answer.brief(), twice.brief()));
                }
            }
        }
    }
    let written = differences(&before, &ledger.page().await);
    if !written.is_empty() {
        faults.push(format!("a made-up secret wrote to {}", written.join(", ")));
    }
    if matches!(rest, Rest::SecretOf | Rest::SecretSpent) {
        let (there, made_up) = (send(&ready.ask, None, &elsewhere).await, send(&nothing, None, &elsewhere).await);
        // Whoever knows the password of an account is told that it does not belong there.
        let is_told = operation.id == "session_create" && there.code == "membership_required";
        if there.is_done() || !(is_told || there.is_same_as(&made_up)) {
            faults.push(format!("at another tenant's address: {} but {}", there.brief(), made_up.brief()));
        }
    }
    if rest != Rest::SecretSpent
        && let Err(error) = ready.carry_out(world).await
    {
        faults.push(format!("the rightful visitor could not do it any more after strangers had tried: {error}"));
    }
    Ok(faults)
}
