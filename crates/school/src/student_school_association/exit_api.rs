//! Endpoints about students who leave a school.

use axum::{body::Body, http::Response};
use cloister_http::{Edge, IdempotencyHeader, Once, Op, Path, Problem};
use cloister_ids::StudentSchoolAssociationId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    STUDENT_SCHOOL_ASSOCIATION, StudentSchoolAssociation,
    exit::{self, Withdrawal, WithdrawalUndo, sample_withdrawal},
    read, sample,
};
use crate::scope::authorize_change;

/// The routes of leaving.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(student_school_association_withdraw))
        .routes(routes!(student_school_association_withdraw_undo))
}

/// Withdraw a student
///
/// Ends this time at the school, and all places in classes of the school that go on beyond that day, at once. Places that would
/// have begun later are marked as deleted. Everything before stays as it is. A student who graduates is withdrawn with the type
/// `graduated`.
#[utoipa::path(
    post,
    path = "/student_school_associations/{id}/withdraw",
    operation_id = "student_school_association_withdraw",
    tag = "School",
    params(("id" = StudentSchoolAssociationId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Withdrawal, example = json!(sample_withdrawal())),
    responses((status = 200, description = "The association, which ended.", body = StudentSchoolAssociation,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn student_school_association_withdraw(
    op: Op,
    Path(id): Path<StudentSchoolAssociationId>,
    once: Once<Withdrawal>,
) -> Result<Response<Body>, Problem> {
    authorize_change(&op.cx, Action::Update, &STUDENT_SCHOOL_ASSOCIATION, read(&op.tenancy, &op.cx, id)).await?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let done = exit::withdraw(&mut tx, once.key.as_ref(), id, once.body).await;
    op.done(tx, once.key, done).await
}

/// Take a withdrawal back
///
/// The student is at the school again, and in the same classes. Refused where the record or a place that ended was changed since, or
/// where there is another one now for the same days.
#[utoipa::path(
    post,
    path = "/student_school_associations/{id}/withdraw/undo",
    operation_id = "student_school_association_withdraw_undo",
    tag = "School",
    params(("id" = StudentSchoolAssociationId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = WithdrawalUndo, example = json!({})),
    responses((status = 200, description = "The association, which goes on.", body = StudentSchoolAssociation,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn student_school_association_withdraw_undo(
    op: Op,
    Path(id): Path<StudentSchoolAssociationId>,
    once: Once<WithdrawalUndo>,
) -> Result<Response<Body>, Problem> {
    authorize_change(&op.cx, Action::Update, &STUDENT_SCHOOL_ASSOCIATION, read(&op.tenancy, &op.cx, id)).await?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let done = exit::undo(&mut tx, once.key.as_ref(), id).await;
    op.done(tx, once.key, done).await
}
