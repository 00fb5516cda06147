//! `/api/me`: the calling user, as far as anything is stored about them.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::erasure;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::answer::Answer;
use super::session;
use crate::auth::{Credentials, credentials};
use crate::ports::Ports;
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

/// Images that are deleted concurrently.
const DELETED_AT_ONCE: usize = 8;

/// Erases everything about the caller except the counts of the quota. A cookie is
/// cleared only if it was the credential: otherwise it may be another user's, who could
/// not get it back.
pub async fn delete<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let (ports, user) = (&state.ports, caller.user.as_str());
    erasure::erase(
        || ports.concepts(user, erasure::STEP, None),
        || ports.erase_user(user, erasure::STEP),
        |paths| delete_images(ports, paths),
        || ports.delete_uploads(user, erasure::STEP),
    )
    .await?;
    let response = Response::empty(204);
    Ok(match credentials(&request.headers) {
        Credentials::Cookie(_) => session::without_cookie(state, response, &request.origin),
        Credentials::Bearer(_) | Credentials::None | Credentials::Unusable => response,
    })
}

async fn delete_images<P: Ports>(ports: &P, paths: Vec<String>) -> Result<(), CapabilityError> {
    let deleted = paths.iter().map(|path| ports.delete_image(path));
    let deleted = stream::iter(deleted).buffer_unordered(DELETED_AT_ONCE);
    deleted.try_collect::<()>().await
}
