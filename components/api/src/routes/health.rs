//! Liveness and readiness.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityState;
use concept_refinement_domain::sentence::{
    DISK_AT_RESERVE, IMAGES_AT_LIMIT, QUEUE_PAUSED, sanitize,
};
use serde_json::json;
use url::form_urlencoded;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::request::Request;
use crate::state::State;

pub async fn live<P: Ports>(state: &State<P>) -> Answer<P> {
    let (version, model) = (&state.config.version, model(state).await);
    let live = json!({"status": "healthy", "version": version, "model": model});
    json(200, &live)
}

/// Longest description of a model, in code points.
const MAX_DESCRIPTION: usize = 1_000;

/// The model's description of itself, in one line.
pub async fn model<P: Ports>(state: &State<P>) -> &str {
    if let Some(model) = state.model.get() {
        return model;
    }
    let model = state.ports.model().await;
    let line = || sanitize(model.trim(), MAX_DESCRIPTION);
    state.model.get_or_init(line)
}

/// The only capability that is not a store.
const MODEL: &str = "model";

/// How long a result is cached: anyone may ask, and a check may write.
const FRESHNESS: Duration = Duration::from_secs(1);

/// The state of the capabilities, at most a second old.
async fn states<P: Ports>(state: &State<P>) -> Rc<[CapabilityState]> {
    let now = state.ports.now();
    if let Some((at, states)) = &*state.readiness.borrow()
        && *at <= now
        && now.since(*at) < FRESHNESS
    {
        return Rc::clone(states);
    }
    let states: Rc<[CapabilityState]> = state.ports.check().await.into();
    state.readiness.replace(Some((now, Rc::clone(&states))));
    states
}

/// Why new tasks have to wait, while everything else works.
const OF_NEW_TASKS: [&str; 3] = [QUEUE_PAUSED, DISK_AT_RESERVE, IMAGES_AT_LIMIT];

/// History, downloads and the page work without the model, so it affects the status only
/// if the request says so.
pub async fn ready<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let states = states(state).await;
    let query = request.query.as_deref().unwrap_or_default();
    let is_of_model = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "model");
    let degraded = || states.iter().filter(|state| state.problem.is_some());
    let is_away = degraded().any(|state| {
        let problem = state.problem.as_deref().unwrap_or_default();
        !OF_NEW_TASKS.contains(&problem) && (is_of_model || state.name != MODEL)
    });
    let capabilities: BTreeMap<_, _> = states
        .iter()
        .map(|state| {
            let says = state.problem.as_deref().unwrap_or("ok");
            (state.name.as_str(), says)
        })
        .collect();
    let status = match degraded().next() {
        None => "ready",
        Some(_) => "degraded",
    };
    let code = if is_away { 503 } else { 200 };
    json(
        code,
        &json!({"status": status, "capabilities": capabilities}),
    )
}
