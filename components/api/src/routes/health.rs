//! Liveness and readiness.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityState;
use serde::Serialize;
use url::form_urlencoded;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::request::Request;
use crate::state::State;

/// Liveness.
#[derive(Serialize)]
pub struct Live<'a> {
    /// Always `healthy`.
    status: &'static str,
    version: &'a str,
    /// The model's description.
    model: &'a str,
}

/// Readiness.
#[derive(Serialize)]
pub struct Ready<'a> {
    status: &'static str,
    /// `ok`, or a sentence that says why not.
    capabilities: BTreeMap<&'a str, &'a str>,
}

pub async fn live<P: Ports>(state: &State<P>) -> Answer<P> {
    let model = match state.model.get() {
        Some(model) => model,
        None => {
            let model = state.ports.model().await;
            state.model.get_or_init(|| model)
        }
    };
    json(
        200,
        &Live {
            status: "healthy",
            version: &state.config.version,
            model,
        },
    )
}

/// The capability that is none of a store.
const MODEL: &str = "model";

/// How long an answer is kept: anyone may ask, and a check may write.
const FRESHNESS: Duration = Duration::from_secs(1);

/// The state of the capabilities, at most a second ago.
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

/// History, downloads and the page need no model, so it decides the status only where
/// somebody asks for it.
pub async fn ready<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let states = states(state).await;
    let query = request.query.as_deref().unwrap_or_default();
    let is_of_model = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "model");
    let degraded = || states.iter().filter(|state| state.problem.is_some());
    let is_away = degraded().any(|state| is_of_model || state.name != MODEL);
    let capabilities = states
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
        &Ready {
            status,
            capabilities,
        },
    )
}
