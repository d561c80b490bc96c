//! What neighbours do: read, write, sign in, import, leave jobs.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cloister_school::{
    import::{ImportSettings, import},
    oneroster::{Limits, Package},
};
use cloister_tenancy::{OpContext, Tenancy};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{
    super::{people::PASSWORD, store::Started},
    paced::{Act, HttpClient, act},
};

/// Somebody of a tenant, signed in.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) cx: OpContext,
    pub(super) email: String,
    pub(super) bearer: String,
}

/// The server that is asked, over a socket.
#[derive(Clone)]
pub(super) struct Server(pub(super) Arc<str>);

/// Each call comes from a network of its own: the limits of networks are not what is measured.
fn anywhere() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let bytes = LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("10.{}.{}.{}", bytes[5], bytes[6], bytes[7])
}

impl Server {
    /// Sends a request; a JSON body makes it a POST.
    async fn ask(
        &self,
        client: &HttpClient,
        who: &Person,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(if body.is_some() { "POST" } else { "GET" })
            .uri(format!("{}{path}", self.0))
            .header("x-tenant-id", who.cx.tenant().slug.as_str())
            .header("x-forwarded-for", anywhere())
            .header("content-type", "application/json");
        let request = if who.bearer.is_empty() { request } else { request.header("authorization", &who.bearer) };
        let body = body.map_or_else(Full::default, |body| Full::from(body.to_string()));
        let response = client.request(request.body(body)?).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Signs in, and says by what to ask from then on.
    pub(super) async fn sign_in(&self, client: &HttpClient, who: &Person) -> anyhow::Result<Option<String>> {
        let body = json!({ "email": who.email, "password": PASSWORD });
        let (status, bytes) = self.ask(client, who, "/api/v1/sessions", Some(body)).await?;
        if !done(status, &bytes)? {
            return Ok(None);
        }
        let answer: Value = serde_json::from_slice(&bytes)?;
        let token = answer["access_token"].as_str().ok_or_else(|| anyhow::anyhow!("no token in a sign-in"))?;
        Ok(Some(format!("Bearer {token}")))
    }
}

/// Refused for want of room is an answer; anything else that is no success is a fault of the measurement.
fn done(status: StatusCode, body: &Bytes) -> anyhow::Result<bool> {
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        return Ok(false);
    }
    anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(body));
    Ok(true)
}

/// One of them, by turns.
fn one_of(people: &[Person], turn: u64) -> Option<Person> {
    let count = u64::try_from(people.len()).ok()?.max(1);
    people.get(usize::try_from(turn % count).ok()?).cloned()
}

fn nobody() -> anyhow::Error {
    anyhow::anyhow!("there are no people")
}

/// A page of persons.
pub(super) fn reads(server: &Server, people: &[Person]) -> Act {
    let (server, people): (_, Arc<[Person]>) = (server.clone(), people.into());
    act(move |client, turn| {
        let (server, who) = (server.clone(), one_of(&people, turn));
        async move {
            let who = who.ok_or_else(nobody)?;
            let (status, bytes) = server.ask(&client, &who, "/api/v1/bench/persons", None).await?;
            done(status, &bytes)
        }
    })
}

/// A person is made.
pub(super) fn writes(server: &Server, people: &[Person]) -> Act {
    let (server, people): (_, Arc<[Person]>) = (server.clone(), people.into());
    act(move |client, turn| {
        let (server, who) = (server.clone(), one_of(&people, turn));
        async move {
            let who = who.ok_or_else(nobody)?;
            // Behind all others, so that the page that is read stays the same.
            let body = json!({ "given_name": "Neighbour", "family_name": format!("Zzz {turn}") });
            let (status, bytes) = server.ask(&client, &who, "/api/v1/persons", Some(body)).await?;
            done(status, &bytes)
        }
    })
}

/// Somebody signs in.
pub(super) fn sign_ins(server: &Server, people: &[Person]) -> Act {
    let strangers: Arc<[Person]> = people.iter().map(|who| Person { bearer: String::new(), ..who.clone() }).collect();
    let server = server.clone();
    act(move |client, turn| {
        let (server, who) = (server.clone(), one_of(&strangers, turn));
        async move { Ok(server.sign_in(&client, &who.ok_or_else(nobody)?).await?.is_some()) }
    })
}

/// A package comes in. There is no endpoint for it: it is brought in within the server's own process.
pub(super) fn imports(tenancy: &Tenancy, people: &[Person], package: PathBuf) -> Act {
    let (tenancy, people): (_, Arc<[Person]>) = (tenancy.clone(), people.into());
    let within = Handle::current();
    act(move |_, turn| {
        let (tenancy, who, package) = (tenancy.clone(), one_of(&people, turn), package.clone());
        let bringing = within.spawn(async move {
            let who = who.ok_or_else(nobody)?;
            let opened = tokio::task::spawn_blocking(move || Package::open(&package, Limits::default())).await?;
            match import(&tenancy, &who.cx, opened.map_err(cloister_tenancy::Error::from)?, &all(), &()).await {
                Ok(report) => {
                    anyhow::ensure!(report.refusal.is_none(), "an import was refused: {:?}", report.refusal);
                    Ok(true)
                }
                Err(error) if error.kind() == cloister_tenancy::ErrorKind::Unavailable => Ok(false),
                Err(error) => Err(error.into()),
            }
        });
        async move { bringing.await? }
    })
}

/// Whatever is there may be replaced.
fn all() -> ImportSettings {
    ImportSettings { removal_threshold: 100, ..ImportSettings::default() }
}

/// A job is left with a tenant's rows, and has begun.
pub(super) fn jobs(tenancy: &Tenancy, people: &[Person], started: &Started) -> Act {
    let (tenancy, people, started): (_, Arc<[Person]>, _) = (tenancy.clone(), people.into(), started.clone());
    let within = Handle::current();
    act(move |_, turn| {
        let (tenancy, who, started) = (tenancy.clone(), one_of(&people, turn), started.clone());
        let leaving = within.spawn(async move {
            let who = who.ok_or_else(nobody)?;
            let (number, begun) = started.expect();
            let mut tx = tenancy.write(&who.cx).await?;
            tx.enqueue(Started::KIND, json!(number), None, None)?;
            tx.commit().await?;
            begun.await?;
            Ok(true)
        });
        async move { leaving.await? }
    })
}

/// A job is left, and nobody waits for it.
pub(super) fn jobs_unheeded(tenancy: &Tenancy, people: &[Person]) -> Act {
    let (tenancy, people): (_, Arc<[Person]>) = (tenancy.clone(), people.into());
    let within = Handle::current();
    act(move |_, turn| {
        let (tenancy, who) = (tenancy.clone(), one_of(&people, turn));
        let leaving = within.spawn(async move {
            let who = who.ok_or_else(nobody)?;
            let mut tx = match tenancy.write(&who.cx).await {
                Ok(tx) => tx,
                Err(error) if error.kind() == cloister_tenancy::ErrorKind::Unavailable => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            tx.enqueue(Started::KIND, json!(0), None, None)?;
            tx.commit().await?;
            Ok(true)
        });
        async move { leaving.await? }
    })
}
