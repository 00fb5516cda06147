//! `GET /page/service.json`: what the web page has to know before it asks for anything
//! else, so that it asks for nothing that would be refused.

use serde_json::json;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::state::State;

pub fn service<P: Ports>(state: &State<P>) -> Answer<P> {
    let config = &state.config;
    // Null: unlimited.
    let quota = config.quota.map(|quota| {
        let (limit, window) = (quota.limit, quota.window.as_str());
        json!({"limit": limit, "window": window})
    });
    let sessions = config.anonymous_sessions;
    json(
        200,
        &json!({"anonymous_sessions": sessions, "quota": quota}),
    )
}
