//! The endpoint about moves between classes.

use axum::{body::Body, http::Response};
use cloister_http::{Edge, IdempotencyHeader, Once, Op, Path, Problem};
use cloister_ids::EnrollmentId;
use cloister_tenancy::Action;
use jiff::civil::Date;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ENROLLMENT,
    moving::{self, EnrollmentMove, EnrollmentMoveFields, sample_move},
    read, sample,
};
use crate::scope::authorize_change;

/// The routes of moving.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(enrollment_move))
}

/// Move somebody to another class
///
/// Ends this place on the day, and begins one with the same role in another class of the same school on that day. What was before
/// stays as it was.
#[utoipa::path(
    post,
    path = "/enrollments/{id}/move",
    operation_id = "enrollment_move",
    tag = "School",
    params(("id" = EnrollmentId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = EnrollmentMoveFields, example = json!(sample_move())),
    responses((status = 200, description = "Both places.", body = EnrollmentMove, example = json!(sample_both())))
)]
async fn enrollment_move(
    op: Op,
    Path(id): Path<EnrollmentId>,
    once: Once<EnrollmentMoveFields>,
) -> Result<Response<Body>, Problem> {
    authorize_change(&op.cx, Action::Update, &ENROLLMENT, read(&op.tenancy, &op.cx, id)).await?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let done = moving::change_class(&mut tx, once.key.as_ref(), id, once.body).await;
    op.done(tx, once.key, done).await
}

fn sample_both() -> EnrollmentMove {
    let (mut ended, mut begun) = (sample(), sample());
    let on = Date::constant(2025, 11, 3);
    ended.fields.end_date = Some(on);
    begun.fields.begin_date = Some(on);
    EnrollmentMove { ended, begun }
}
