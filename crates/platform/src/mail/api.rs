//! Endpoints about the outbox, for operators of the platform.

use cloister_http::{Answer, Caller, Edge, Listing, Page, PageQuery, Path, Problem, Sort};
use cloister_ids::{MailId, TenantId, Uuid};
use cloister_tenancy::{Action, Error, ErrorKind, Requester};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{MAIL, MAIL_BODY, Mail, MailState, MailWithBody, Outbox, Selection};
use crate::Service;

/// The routes of this part.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(mail_list)).routes(routes!(mail_read))
}

/// Which mails.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MailFilter {
    /// Only in this state.
    #[garde(skip)]
    state: Option<MailState>,
    /// Only of this tenant.
    #[garde(skip)]
    tenant_id: Option<TenantId>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
struct ByAge;

impl Sort for ByAge {
    const ORDERS: &'static [(&'static str, Self)] = &[("age", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct MailOrder {
    /// `age`: the newest first (as usual); `-age`: the oldest first.
    #[param(pattern = "^-?age$", example = "age")]
    sort: Option<String>,
}

/// A page of them.
type MailPage = Page<Mail>;

/// List mails
///
/// Which mails were written, to whom, and what came of each; not what they say. For operators of the platform.
#[utoipa::path(
    get,
    path = "/platform/mails",
    operation_id = "mail_list",
    tag = "Platform",
    params(MailFilter, MailOrder, PageQuery),
    responses((status = 200, description = "A page of mails.", body = MailPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn mail_list(
    caller: Caller,
    service: Service,
    listing: Listing<MailFilter, ByAge>,
) -> Result<Answer<MailPage>, Problem> {
    caller.authorize_operator(Action::Read, &MAIL)?;
    let MailFilter { state, tenant_id } = listing.filter;
    // The list is nobody's in particular.
    let nobody = TenantId::from_uuid(Uuid::nil());
    let selection = Selection {
        state,
        tenant: tenant_id,
        oldest_first: listing.descending,
        after: listing.after(nobody, MAIL.name)?,
        limit: listing.limit(),
    };
    let mails = Outbox::of(&service).list(selection).await?;
    Ok(Answer(listing.page(nobody, MAIL.name, mails, |last| last.id)))
}

/// Read a mail
///
/// With what it says, as long as that is kept: until it is sent, or for a week. There may be links in it that open accounts,
/// so that this needs a permission of its own, and is in the
/// platform's audit log.
#[utoipa::path(
    get,
    path = "/platform/mails/{id}",
    operation_id = "mail_read",
    tag = "Platform",
    params(("id" = MailId, Path, description = "Which one.")),
    responses((status = 200, description = "The mail.", body = MailWithBody, example = json!(sample_with_body())))
)]
async fn mail_read(caller: Caller, service: Service, Path(id): Path<MailId>) -> Result<Answer<MailWithBody>, Problem> {
    caller.authorize_operator(Action::Read, &MAIL)?;
    // Whoever may list them knows that it is there.
    if !caller.identity.operator.allow(Action::Read, &MAIL_BODY) {
        let message = format!("This needs the operator's permission {MAIL_BODY}.read.");
        return Err(Error::new(ErrorKind::Forbidden, "permission_denied", message).into());
    }
    let by = Requester {
        actor: caller.identity.actor.clone(),
        account: caller.identity.account,
        client: caller.visitor.client,
        request: Some(caller.visitor.request),
    };
    Ok(Answer(Outbox::of(&service).read(id, by).await?))
}

fn sample() -> Mail {
    Mail {
        id: MailId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        tenant_id: Some(TenantId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a9))),
        account_id: None,
        recipient: "ada@north.example".to_owned(),
        template: "invitation".to_owned(),
        locale: "en".to_owned(),
        subject: "Invitation to North High".to_owned(),
        state: MailState::Kept,
        attempts: 0,
        error: None,
        created_at: jiff::Timestamp::constant(1_767_603_600, 0),
        sent_at: None,
    }
}

fn sample_with_body() -> MailWithBody {
    MailWithBody {
        mail: sample(),
        text: Some("North High\n\nJoin North High\n…".to_owned()),
        html: Some("<!doctype html>…".to_owned()),
    }
}
