//! People who sign in to what is measured.

use cloister_platform::NewPerson;
use cloister_tenancy::TenantEntry;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use super::Context;
use crate::installation::operator;

/// Good enough for the policy; what it opens is thrown away.
pub(crate) const PASSWORD: &str = "fourteen lanterns over the weir";

/// An owner of a tenant, who can sign in.
pub(crate) async fn owner(bench: &Context<'_>, tenant: &TenantEntry) -> anyhow::Result<String> {
    let email = format!("owner@{}.example", tenant.slug);
    let person = NewPerson {
        email: email.clone(),
        display_name: "Bench".to_owned(),
        locale: "en".to_owned(),
        password: PASSWORD.to_owned().into(),
    };
    let by = (&operator()).into();
    bench.platform.service.make_member(tenant.id, &person, &["owner".to_owned()], &by).await?;
    Ok(email)
}

/// An access token for a tenant, by the way that clients take.
pub(crate) async fn sign_in(address: &str, slug: &str, email: &str) -> anyhow::Result<String> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let request = Request::post(format!("{address}/api/v1/sessions"))
        .header("x-tenant-id", slug)
        .header("content-type", "application/json")
        .body(Full::from(body))?;
    let response = client.request(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
    let answer: Value = serde_json::from_slice(&bytes)?;
    let token = answer["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| anyhow::anyhow!("no token in the answer to a sign-in"))
}
