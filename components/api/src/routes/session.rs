//! Sessions of anonymous users: created and renewed by `POST /api/auth/session`, and
//! renewed with the response to any request with a cookie.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::session::LIFE;
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::json;

use super::answer::{Answer, json};
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::state::{Renewed, State};

/// How long a renewed session is not renewed again, since its client may ignore cookies:
/// each renewal has to check in the stores what the user owns.
const RENEWED_ONCE: Duration = Duration::from_secs(60 * 60);

/// The secret that signs sessions is not known yet.
const NOT_YET: Problem =
    Problem::unavailable("There are no sessions at the moment. Try again later.", 1);

/// A new session; for the same user if the request has a valid one.
pub async fn create<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    if !state.config.anonymous_sessions {
        return Err(Problem::NotFound("There are no anonymous sessions here."));
    }
    // Another site must neither replace a visitor's session nor get another token for it.
    let is_cross_origin = state
        .auth
        .is_cross_origin(&request.headers, &request.origin);
    let known = state.auth.session_user(&request.headers, is_cross_origin);
    let now = state.ports.now();
    let (user, session) = match known {
        Some(user) => {
            let session = renewed(state, &user).await?;
            (user, session)
        }
        None => {
            let user = state.ports.uuid();
            let session = issued(state, &user, now.plus(LIFE));
            (user, session)
        }
    };
    let Renewed { token, until } = session.ok_or(NOT_YET)?;
    let session = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": until.since(now).as_secs(),
        "user_id": user,
    });
    let response = json(201, &session)?;
    Ok(match is_cross_origin {
        true => response,
        false => set_cookie(state, response, &request.origin, &token, LIFE),
    })
}

/// Renews the session of a user with the response to a request. If it cannot be stored,
/// the session stays as it is.
pub async fn renew<P: Ports, C>(
    state: &State<P>,
    response: Response<C>,
    origin: &Origin,
    user: &str,
) -> Response<C> {
    match renewed(state, user).await {
        Ok(Some(session)) => set_cookie(state, response, origin, &session.token, LIFE),
        Ok(None) | Err(_) => response,
    }
}

/// A new session for the same user. If the user owns something, the session's end is
/// stored first: the user's data is kept at least until then.
async fn renewed<P: Ports>(
    state: &State<P>,
    user: &str,
) -> Result<Option<Renewed>, CapabilityError> {
    let now = state.ports.now();
    if let Some(renewed) = state.renewed.get(user, now) {
        return Ok(Some(renewed));
    }
    let until = now.plus(LIFE);
    let owns_images = state.ports.has_uploads(user).await?;
    state.ports.renew_session(user, until, owns_images).await?;
    let renewed = issued(state, user, until);
    if let Some(renewed) = &renewed {
        let again = now.plus(RENEWED_ONCE);
        state.renewed.put(user, renewed.clone(), now, again);
    }
    Ok(renewed)
}

fn issued<P: Ports>(state: &State<P>, user: &str, until: Timestamp) -> Option<Renewed> {
    let token = state.auth.issue(user)?;
    Some(Renewed { token, until })
}

/// The response, with which a browser forgets its session.
pub fn without_cookie<P: Ports, C>(
    state: &State<P>,
    response: Response<C>,
    origin: &Origin,
) -> Response<C> {
    set_cookie(state, response, origin, "", Duration::ZERO)
}

fn set_cookie<P: Ports, C>(
    state: &State<P>,
    response: Response<C>,
    origin: &Origin,
    token: &str,
    life: Duration,
) -> Response<C> {
    let secure = match state.auth.is_for_https(origin) {
        true => "; Secure",
        false => "",
    };
    let life = life.as_secs();
    response.with(
        "set-cookie",
        format!("session={token}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"),
    )
}
