//! `GET /page/service.json`: what the web page has to know before it asks for anything
//! else, so that it asks for nothing that would be refused.

use serde::Serialize;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::state::State;

/// The service, to its web page.
#[derive(Serialize)]
struct Service {
    /// Whether whoever comes without credentials can have a session.
    anonymous_sessions: bool,
    /// Null: unlimited.
    quota: Option<Quota>,
}

/// What each user may ask for.
#[derive(Serialize)]
struct Quota {
    /// Refinements in each window.
    limit: u32,
    /// The calendar window, in UTC.
    window: &'static str,
}

pub fn service<P: Ports>(state: &State<P>) -> Answer<P> {
    let config = &state.config;
    let quota = config.quota.map(|quota| Quota {
        limit: quota.limit,
        window: quota.window.as_str(),
    });
    let anonymous_sessions = config.anonymous_sessions;
    json(
        200,
        &Service {
            anonymous_sessions,
            quota,
        },
    )
}
