//! Accounts that are signed in, by the doors that everybody uses.

use std::sync::Mutex;

use cloister_ids::AccountId;
use cloister_platform::NewPerson;
use cloister_tenancy::{Actor, Requester, TenantEntry};
use serde_json::{Value, json};

use crate::{
    answer::{done, text},
    town::Home,
    world::World,
};

pub(crate) const PASSWORD: &str = "seven quiet herons at dusk";

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) account: AccountId,
    tokens: Mutex<(String, String)>,
}

pub(crate) fn by() -> Requester {
    (&Actor::Operator("test".into())).into()
}

fn new_person(email: &str) -> NewPerson {
    let display_name = "Somebody Else".to_owned();
    NewPerson { email: email.to_owned(), display_name, locale: "en".to_owned(), password: PASSWORD.to_owned().into() }
}

impl Person {
    /// The access token.
    pub(crate) fn token(&self) -> String {
        self.tokens.lock().unwrap().0.clone()
    }

    fn of(email: &str, account: AccountId, answer: &Value) -> Result<Self, String> {
        let tokens = (text(answer, "access_token")?, text(answer, "refresh_token")?);
        Ok(Self { email: email.to_owned(), account, tokens: Mutex::new(tokens) })
    }
}

impl World {
    /// Signs in at a tenant's host, or at the installation's own.
    pub(crate) async fn sign_in(&self, tenant: Option<&TenantEntry>, email: &str) -> Result<Value, String> {
        let host = tenant.map_or_else(|| "localhost".to_owned(), |tenant| format!("{}.localhost", tenant.slug));
        let call = self.door.call("POST", "/api/v1/sessions").header("host", &host);
        let seen = call.json(json!({ "email": email, "password": PASSWORD })).send().await;
        Ok(done(seen, "signing in")?.body)
    }

    /// Signs a tenant's owner in with a browser, at the tenant's host: the cookie, which is good there.
    pub(crate) async fn browse(&self, home: &Home) -> Result<String, String> {
        let call = |method: &str, path: &str| {
            self.door.call(method, path).header("host", &home.host()).header("sec-fetch-site", "same-origin")
        };
        let body = json!({ "email": home.owner.email, "password": PASSWORD, "cookie": true });
        let seen = done(call("POST", "/api/v1/sessions").json(body).send().await, "signing in by a browser")?;
        let header = seen.header("set-cookie").ok_or("no cookie")?;
        let cookie = header.split(';').next().unwrap_or_default().to_owned();
        done(call("GET", "/api/v1/tenant").header("cookie", &cookie).send().await, "a browser")?;
        Ok(cookie)
    }

    /// A member with these roles, signed in there.
    pub(crate) async fn member(&self, tenant: &TenantEntry, name: &str, role: &str) -> Result<Person, String> {
        let email = format!("{name}@{}.example", tenant.slug);
        let made = self.service.make_member(tenant.id, &new_person(&email), &[role.to_owned()], &by()).await;
        let account = made.map_err(|error| error.log())?;
        Person::of(&email, account, &self.sign_in(Some(tenant), &email).await?)
    }

    /// A member that no earlier one shares a name with.
    pub(crate) async fn fresh_member(&self, tenant: &TenantEntry, role: &str) -> Result<Person, String> {
        self.member(tenant, &format!("member{}", self.number()), role).await
    }

    /// Somebody who runs the platform.
    pub(crate) async fn operator(&self, name: &str, role: &str) -> Result<Person, String> {
        let email = format!("{name}@platform.example");
        let made = self.service.make_operator(&new_person(&email), role, &by()).await;
        let account = made.map_err(|error| error.log())?;
        Person::of(&email, account, &self.sign_in(None, &email).await?)
    }

    /// Gets another access token where the rights behind the last one changed.
    pub(crate) async fn renew(&self, person: &Person) -> Result<(), String> {
        let look = self.door.call("GET", "/api/v1/account").header("host", "localhost").token(&person.token());
        if look.send().await.status != 401 {
            return Ok(());
        }
        let refresh = person.tokens.lock().unwrap().1.clone();
        let call = self.door.call("POST", "/api/v1/sessions/refresh").header("host", "localhost");
        let seen = done(call.json(json!({ "refresh_token": refresh })).send().await, "renewing a token")?;
        *person.tokens.lock().unwrap() = (text(&seen.body, "access_token")?, text(&seen.body, "refresh_token")?);
        Ok(())
    }
}
