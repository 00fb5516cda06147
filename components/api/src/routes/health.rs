//! Liveness and readiness.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::{Answer, json};
use crate::ports::Ports;
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

pub async fn ready<P: Ports>(state: &State<P>) -> Answer<P> {
    let states = state.ports.check().await;
    let is_ready = states.iter().all(|state| state.problem.is_none());
    let capabilities = states
        .iter()
        .map(|state| {
            let says = state.problem.as_deref().unwrap_or("ok");
            (state.name.as_str(), says)
        })
        .collect();
    let (code, status) = if is_ready {
        (200, "ready")
    } else {
        (503, "degraded")
    };
    json(
        code,
        &Ready {
            status,
            capabilities,
        },
    )
}
