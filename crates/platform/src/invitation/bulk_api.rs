//! The endpoint that takes a pasted list.

use std::collections::HashSet;

use axum::{
    body::Body,
    http::{Response, StatusCode},
    response::IntoResponse,
};
use cloister_http::{Answer, Class, Edge, IdempotencyHeader, Once, Op, Problem};
use cloister_ids::InvitationId;
use cloister_tenancy::{Action, ControlTx, Error, OpContext, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    INVITATION,
    list::{self, LINES, Line},
    send::{self, Guest},
    store,
};
use crate::{Service, account::email_key, idempotency, note};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(invitation_create_many))
}

/// A pasted list.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitations {
    /// One person a line, at most 500: `Name <address>`, or address and name in columns that commas, semicolons or tabs set
    /// apart.
    #[garde(length(chars, min = 1, max = 200_000))]
    #[schema(
        min_length = 1,
        max_length = 200_000,
        example = "Noor Haddad <noor@north.example>\ntom@north.example, Tom Berg"
    )]
    list: String,
    /// Names of the roles they all get: none that may do more than the actor.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(min_items = 1, max_items = 20, example = json!(["teacher"]))]
    roles: Vec<String>,
    /// Say what would happen, and do nothing.
    #[garde(skip)]
    #[serde(default)]
    dry_run: bool,
}

/// What becomes of each line.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Outcomes {
    /// How many were invited, or would be.
    #[schema(example = 1)]
    invited: usize,
    /// Each line with something in it, in the order of the list.
    lines: Vec<LineOutcome>,
}

/// What becomes of one line.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct LineOutcome {
    /// From 1, as an editor counts.
    #[schema(example = 1)]
    line: usize,
    /// The address in it.
    #[schema(example = "noor@north.example")]
    email: Option<String>,
    /// The name in it.
    #[schema(example = "Noor Haddad")]
    display_name: Option<String>,
    /// What becomes of it.
    outcome: Outcome,
    /// The invitation that was written.
    id: Option<InvitationId>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// An invitation would be written.
    WillInvite,
    /// An invitation was written.
    Invited,
    /// Somebody with this address belongs to the tenant.
    AlreadyMember,
    /// Somebody with this address is invited, maybe by a line further up.
    AlreadyInvited,
    /// There is no address in it, or more than one.
    Invalid,
}

/// Invite many people
///
/// The lines that can be invited are; the answer tells of each line. With `dry_run` nothing is done, and the answer is the
/// same.
#[utoipa::path(
    post,
    path = "/tenant/invitations/bulk",
    operation_id = "invitation_create_many",
    tag = "Invitations",
    params(IdempotencyHeader),
    request_body(content = NewInvitations, example = json!({ "roles": ["teacher"], "dry_run": true,
        "list": "Noor Haddad <noor@north.example>\ntom@north.example, Tom Berg" })),
    responses(
        (status = 200, description = "What would become of each line.", body = Outcomes, example = json!(sample())),
        (status = 201, description = "What became of each line.", body = Outcomes, example = json!(sample()))
    )
)]
async fn invitation_create_many(
    service: Service,
    op: Op,
    once: Once<NewInvitations>,
) -> Result<Response<Body>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Create, &INVITATION)?;
    op.limit(Class::Heavy)?;
    let Once { body: NewInvitations { list, roles, dry_run }, key } = once;
    let lines = list::read(&list);
    if lines.is_empty() || lines.len() > LINES {
        return Err(Error::field("list", "count", format!("Give 1 to {LINES} lines with somebody in them.")).into());
    }
    let inviter = send::inviter(&service, cx.account()).await?;
    let scope = idempotency::within(cx);
    let mut tx = service.control().begin().await?;
    let key = key.filter(|_| !dry_run);
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key.as_ref()).await? {
        return Ok(earlier.into_response());
    }
    send::check_roles(&mut tx, &service, cx, &roles).await?;
    let mut outcomes = look(&mut tx, cx, &lines).await?;
    send::check_room(&mut tx, cx, outcomes.invited).await?;
    if dry_run {
        // Given up: not even what is over was marked so.
        return Ok(Answer(outcomes).into_response());
    }
    for line in &mut outcomes.lines {
        let (Outcome::WillInvite, Some(email)) = (line.outcome, &line.email) else { continue };
        let guest = Guest { email: email.clone(), display_name: line.display_name.clone(), person: None };
        let made = send::invite(&mut tx, &service, cx, &guest, &roles, inviter.as_deref()).await?;
        (line.outcome, line.id) = (Outcome::Invited, Some(made.id));
    }
    let emails: Vec<&str> =
        outcomes.lines.iter().filter(|line| line.id.is_some()).filter_map(|l| l.email.as_deref()).collect();
    let told = json!({ "roles": roles, "emails": emails });
    note::both(&mut tx, cx.tenant_id(), note::within(cx, "invitation.create_many", INVITATION).changing(told)).await?;
    idempotency::keep(&mut tx, &scope, key.as_ref(), StatusCode::CREATED, &outcomes).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Answer(outcomes)).into_response())
}

/// What would become of each line.
async fn look(tx: &mut ControlTx, cx: &OpContext, lines: &[Line]) -> Result<Outcomes> {
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let keys: Vec<String> =
        lines.iter().filter_map(|line| line.who.as_ref()).map(|who| email_key(&who.email)).collect();
    let rows = tx
        .query_all(&[
            (&store::EXPIRE, &[&tenant, &keys, &now, &by]),
            (&store::MEMBERS, &[&tenant, &keys]),
            (&store::INVITED, &[&tenant, &keys, &now]),
        ])
        .await?;
    let keys = |at: usize| -> HashSet<String> {
        rows.get(at).map(|rows| rows.iter().map(|row| row.get("email_key")).collect()).unwrap_or_default()
    };
    let (members, mut invited) = (keys(1), keys(2));
    let mut outcomes = Outcomes { invited: 0, lines: Vec::with_capacity(lines.len()) };
    for Line { number, who } in lines {
        let outcome = match who.as_ref().map(|who| email_key(&who.email)) {
            None => Outcome::Invalid,
            Some(key) if members.contains(&key) => Outcome::AlreadyMember,
            Some(key) if !invited.insert(key.clone()) => Outcome::AlreadyInvited,
            Some(_) => Outcome::WillInvite,
        };
        outcomes.invited += usize::from(outcome == Outcome::WillInvite);
        outcomes.lines.push(LineOutcome {
            line: *number,
            email: who.as_ref().map(|who| who.email.clone()),
            display_name: who.as_ref().and_then(|who| who.display_name.clone()),
            outcome,
            id: None,
        });
    }
    Ok(outcomes)
}

fn sample() -> Outcomes {
    Outcomes {
        invited: 1,
        lines: vec![LineOutcome {
            line: 1,
            email: Some("noor@north.example".to_owned()),
            display_name: Some("Noor Haddad".to_owned()),
            outcome: Outcome::WillInvite,
            id: None,
        }],
    }
}
