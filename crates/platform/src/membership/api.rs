//! Endpoints about the members of a tenant.

use axum::http::StatusCode;
use cloister_http::{
    Answer, Edge, IfMatch, Listing, MergePatch, Op, Page, PageQuery, Path, Problem, Sort, Span, Tagged,
};
use cloister_ids::{AccountId, MembershipId, PersonId, Uuid};
use cloister_tenancy::{Action, Changes, OpContext, Result, sql::Statement};
use garde::Validate;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    MEMBER, link,
    member::{self, Member, MemberFields, MemberStatus},
    outdate,
    roster::Roster,
    store,
};
use crate::{Service, note, session::Ending};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(member_list)).routes(routes!(member_read, member_update, member_delete))
}

/// Which members.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MemberFilter {
    /// Only those who have this role.
    #[garde(inner(length(chars, min = 1, max = 63)))]
    #[param(min_length = 1, max_length = 63, example = "teacher")]
    role: Option<String>,
    /// Only those who are let in, or only those who are not.
    #[garde(skip)]
    status: Option<MemberStatus>,
    /// Only those with this in their name, address or username; case does not matter.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[param(min_length = 1, max_length = 100, example = "ada")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum MemberSort {
    Name,
    CreatedAt,
}

impl Sort for MemberSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self::Name), ("created_at", Self::CreatedAt)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct MemberOrder {
    /// `name` (as usual) or `created_at`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|created_at)$", example = "-created_at")]
    sort: Option<String>,
}

/// A page of them.
type MemberPage = Page<Member>;
/// Changes to one.
type MemberPatch = MergePatch<MemberFields>;

/// Sorts behind every name.
const END: &str = "\u{10ffff}";

/// List members
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/tenant/members",
    operation_id = "member_list",
    tag = "Members",
    params(MemberFilter, MemberOrder, PageQuery),
    responses((status = 200, description = "A page of members.", body = MemberPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn member_list(
    service: Service,
    op: Op,
    listing: Listing<MemberFilter, MemberSort>,
) -> Result<Answer<MemberPage>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Read, &MEMBER)?;
    let (tenant, what) = (cx.tenant_id(), MEMBER.name);
    let page = match listing.sort {
        MemberSort::Name => {
            let after: Option<(String, MembershipId)> = listing.after(tenant, what)?;
            let after = after.map(|(name, id)| (name, id.uuid()));
            let span = Span::new(String::new(), END.to_owned(), after, listing.descending);
            let statement = if listing.descending { &store::LIST_BY_NAME_DESC } else { &store::LIST_BY_NAME };
            let rows = list(&service, cx, statement, &listing, &span).await?;
            listing.page(tenant, what, rows, |last| (last.name_key.clone(), last.id))
        }
        MemberSort::CreatedAt => {
            let after: Option<(Timestamp, MembershipId)> = listing.after(tenant, what)?;
            let after = after.map(|(at, id)| (at, id.uuid()));
            let span = Span::new(Timestamp::UNIX_EPOCH, Timestamp::MAX, after, listing.descending);
            let statement = if listing.descending { &store::LIST_BY_AGE_DESC } else { &store::LIST_BY_AGE };
            let rows = list(&service, cx, statement, &listing, &span).await?;
            listing.page(tenant, what, rows, |last| (last.created_at, last.id))
        }
    };
    Ok(Answer(page))
}

async fn list<K: cloister_tenancy::sql::ToSql + Sync>(
    service: &Service,
    cx: &OpContext,
    statement: &'static Statement,
    listing: &Listing<MemberFilter, MemberSort>,
    span: &Span<K>,
) -> Result<Vec<Member>> {
    let MemberFilter { role, status, q } = &listing.filter;
    let (status, q) = (status.map(MemberStatus::word), q.as_ref().map(|q| q.trim().to_lowercase()));
    let Span { from, from_id, to, to_id } = span;
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&cx.tenant_id(), role, &status, &q, from, from_id, to, to_id, &listing.limit()];
    Ok(service.control().run(statement, with).await?.iter().map(Member::from).collect())
}

/// Read a member
#[utoipa::path(
    get,
    path = "/tenant/members/{id}",
    operation_id = "member_read",
    tag = "Members",
    params(("id" = MembershipId, Path, description = "Which one.")),
    responses((status = 200, description = "The member.", body = Member,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn member_read(service: Service, op: Op, Path(id): Path<MembershipId>) -> Result<Tagged<Member>, Problem> {
    op.cx.authorize(Action::Read, &MEMBER)?;
    Ok(Tagged(member::read(&service, &op.cx, id).await?))
}

/// Change a member
///
/// A JSON merge patch of roles, status, and the person of the roster that they are; null unties them. Nobody gives roles that
/// may do more than they, nor changes a member who may; only owners make and unmake owners, and one is always left. A person
/// whom another account has is taken from nobody. The member's tokens are refused on every node within a second; those who
/// are still let in get new ones by renewing.
#[utoipa::path(
    patch,
    path = "/tenant/members/{id}",
    operation_id = "member_update",
    tag = "Members",
    params(("id" = MembershipId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = MemberPatch, example = json!({ "roles": ["teacher", "librarian"] })),
    responses((status = 200, description = "The member as they are now.", body = Member,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn member_update(
    service: Service,
    op: Op,
    Path(id): Path<MembershipId>,
    known: IfMatch,
    patch: MemberPatch,
) -> Result<Tagged<Member>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Update, &MEMBER)?;
    let (tenant, by, now) = (cx.tenant_id(), cx.actor().to_string(), cx.clock().now());
    let roster = roster_of(&service, cx, id, &patch).await?;
    let mut tx = service.control().begin().await?;
    let (member, book) = member::hold(&mut tx, &service, cx, id).await?;
    known.check(&member)?;
    let next = patch.apply(&member.fields)?;
    if next == member.fields {
        return Ok(Tagged(member));
    }
    book.check_within(cx.permissions(), &member.fields.roles)?;
    book.check_known(&next.roles)?;
    book.check_within(cx.permissions(), &next.roles)?;
    member::keep_an_owner(&mut tx, cx, &member, Some(&next)).await?;
    let is_other = next.person_id != member.fields.person_id;
    if is_other {
        roster.check(&mut tx, cx, next.person_id, Some(member.account_id)).await?;
    }
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&tenant, &id, &next.roles, &next.status.word(), &now, &by, &next.person_id];
    tx.query(&store::UPDATE, with).await?;
    if is_other {
        link::move_to(&mut tx, tenant, &member, &roster, next.person_id).await?;
    }
    let version = outdate(&mut tx, member.account_id, tenant, now, &by).await?;
    let told = Changes::between(&member.fields, &next)?;
    note::both(&mut tx, tenant, note::within(cx, "member.update", MEMBER).on(id).changing(told.into())).await?;
    tx.commit().await?;
    service.revocations().membership(member.account_id, tenant, version, now);
    Ok(Tagged(member::read(&service, cx, id).await?))
}

/// Whom a patch names, and who is tied to the member's account; nobody where it is about something else.
async fn roster_of(service: &Service, cx: &OpContext, id: MembershipId, patch: &MemberPatch) -> Result<Roster> {
    let changes = patch.changes();
    let Some(person) = changes.get("person_id") else { return Ok(Roster::default()) };
    let person: Option<PersonId> = person.as_str().and_then(|text| text.parse().ok());
    let account = member::read(service, cx, id).await?.account_id;
    Roster::ask(service, cx, person.as_slice(), Some(account)).await
}

/// End a membership
///
/// An account that the tenant manages ends with it, and all its sessions. An account of the platform goes on without this
/// tenant.
#[utoipa::path(
    delete,
    path = "/tenant/members/{id}",
    operation_id = "member_delete",
    tag = "Members",
    params(("id" = MembershipId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "They are no member any more."))
)]
async fn member_delete(
    service: Service,
    op: Op,
    Path(id): Path<MembershipId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Delete, &MEMBER)?;
    let (tenant, by, now) = (cx.tenant_id(), cx.actor().to_string(), cx.clock().now());
    let account = member::read(&service, cx, id).await?.account_id;
    let roster = Roster::ask(&service, cx, &[], Some(account)).await?;
    let mut tx = service.control().begin().await?;
    let (member, book) = member::hold(&mut tx, &service, cx, id).await?;
    known.check(&member)?;
    book.check_within(cx.permissions(), &member.fields.roles)?;
    member::keep_an_owner(&mut tx, cx, &member, None).await?;
    let version = outdate(&mut tx, account, tenant, now, &by).await?;
    tx.query(&store::DELETE, &[&tenant, &id]).await?;
    let ended = if member.is_managed {
        let ended = service.end_other_sessions(&mut tx, account, None, Ending::Disabled).await?;
        tx.query(&store::DELETE_ACCOUNT, &[&tenant, &account]).await?;
        ended
    } else {
        Vec::new()
    };
    link::move_to(&mut tx, tenant, &member, &roster, None).await?;
    let told = json!({ "account_id": account, "roles": member.fields.roles, "person_id": member.fields.person_id,
        "account_ended": member.is_managed });
    note::both(&mut tx, tenant, note::within(cx, "member.delete", MEMBER).on(id).changing(told)).await?;
    tx.commit().await?;
    service.revocations().membership(account, tenant, version, now);
    service.forget_sessions(&ended);
    Ok(StatusCode::NO_CONTENT)
}

/// For examples in the API document.
pub(super) fn sample() -> Member {
    let at = Timestamp::constant(1_767_603_600, 0);
    Member {
        id: MembershipId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        account_id: AccountId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a9)),
        display_name: "Ada North".to_owned(),
        email: Some("ada@north.example".to_owned()),
        username: None,
        is_managed: false,
        must_change_password: false,
        fields: MemberFields { roles: vec!["teacher".to_owned()], status: MemberStatus::Active, person_id: None },
        version: 1,
        created_at: at,
        created_by: "account:ada".to_owned(),
        updated_at: at,
        updated_by: "account:ada".to_owned(),
        name_key: String::new(),
    }
}
