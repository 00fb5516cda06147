//! `GET /page/service.json`: the data that the web page needs first, so that it makes
//! no requests that would be refused. Also the response for unknown paths.

use serde_json::json;

use super::answer::{Answer, json};
use super::health;
use crate::accept::prefers_html;
use crate::assets;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

pub async fn service<P: Ports>(state: &State<P>) -> Answer<P> {
    let config = &state.config;
    // Of who has no plan; null: unlimited.
    let quota = config.plans.allowance(None).quota.map(|quota| {
        let (limit, window) = (quota.limit, quota.window.as_str());
        json!({"limit": limit, "window": window})
    });
    json(
        200,
        &json!({
            "anonymous_sessions": config.anonymous_sessions,
            "quota": quota,
            "max_image_bytes": config.image_limits.max_bytes,
            "max_image_pixels": config.image_limits.max_pixels,
            "model": health::model(state).await,
            "removes_old_data": config.removes_old_data,
            "verify": config.verifies,
        }),
    )
}

/// A page for people, an ordinary error for programs.
pub fn unknown<C>(problem: Problem, request: &Request) -> Response<C> {
    let response = match prefers_html(&request.headers) {
        true => assets::nothing_here(),
        false => problem.into_response(),
    };
    response.with("vary", "Accept")
}
