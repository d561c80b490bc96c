//! The edge around endpoints: limits, shares and pages of other origins, through the router and over sockets.
#![expect(clippy::unwrap_used, reason = "a test that meets nothing where something must be has failed")]

mod cors;
mod limits;
mod networks;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    response::sse::{Event, Sse},
    routing::{get, post},
};
use cloister_http::{Caller, Class, Edge, EdgeSettings, HttpModule, Op, Problem, Visitor};
use cloister_tenancy::{Actor, Module, NewTenant, Resource, SchemaChange, TenantEntry, Tier, sql::Statement};
use cloister_testkit::{Call, FrontDoor, TestPlatform};
use futures_util::{StreamExt, stream};
use utoipa_axum::router::OpenApiRouter;

/// A module whose endpoints do nothing but ask who calls.
struct Probe;

impl Module for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        &[]
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        &[]
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }
}

/// How long a slow endpoint takes.
const SLOW: Duration = Duration::from_millis(600);

impl HttpModule for Probe {
    fn routes(&self) -> OpenApiRouter<Edge> {
        let heavy = async |op: Op| op.limit(Class::Heavy).map(|()| "done");
        let slow = async |_: Op| {
            tokio::time::sleep(SLOW).await;
            "done"
        };
        let events = async |_: Op| {
            let first = stream::iter([Ok::<_, Infallible>(Event::default().data("first"))]);
            Sse::new(first.chain(stream::pending()))
        };
        let sign_in = async |visitor: Visitor| visitor.limit(Class::SignIn).map(|()| "done");
        let visit = async |visitor: Visitor| -> Result<String, Problem> { Ok(format!("{:?}", visitor.client)) };
        OpenApiRouter::new()
            .route("/probe", get(async |_: Op| "done").post(async |_: Op| "done"))
            .route("/twice", get(async |_: Op, _: Op| "done"))
            .route("/heavy", get(heavy))
            .route("/slow", get(slow))
            .route("/events", get(events))
            .route("/visit", get(visit))
            .route("/sign_in", post(sign_in))
            .route("/me", get(async |_: Caller| "done"))
    }
}

fn modules() -> Vec<Arc<dyn HttpModule>> {
    vec![Arc::new(Probe)]
}

/// A node with two tenants, of which the first has domains of its own.
struct House {
    platform: TestPlatform,
    door: FrontDoor,
    north: Arc<TenantEntry>,
    south: Arc<TenantEntry>,
}

async fn house(settings: EdgeSettings) -> House {
    let platform = TestPlatform::start().await;
    let door = FrontDoor::with(&platform.tenancy, &modules(), settings, None);
    let mut new = NewTenant::new("north".parse().unwrap(), "North", "school", Tier::Shared);
    new.domains = vec!["school.example".to_owned(), "school.mylocalhost".to_owned()];
    let (id, workflow) = platform.tenancy.create_tenant(&new, &Actor::Operator("test".into())).await.unwrap();
    platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
    let north = platform.tenancy.registry().by_id(id).unwrap();
    let south = platform.tenant("south", Tier::Shared).await;
    House { platform, door, north, south }
}

impl House {
    fn north(&self, method: &str, path: &str) -> Call {
        self.door.within(&self.north, method, path)
    }

    fn south(&self, method: &str, path: &str) -> Call {
        self.door.within(&self.south, method, path)
    }
}
