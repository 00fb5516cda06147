//! Whether the process lives, and whether its capabilities can be used.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Answer;
use crate::api::Api;
use crate::ports::Ports;
use crate::response::Response;

/// The process lives.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "HealthResponse", deny_unknown_fields)
)]
pub struct Live<'a> {
    /// Always `healthy`.
    status: &'static str,
    version: &'a str,
    /// What the model says of itself.
    model: &'a str,
}

/// What of the service can be used.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "ReadyResponse", deny_unknown_fields)
)]
pub struct Ready<'a> {
    #[cfg_attr(test, schemars(with = "crate::openapi::form::Readiness"))]
    status: &'static str,
    /// `ok`, or a sentence that says why not.
    capabilities: BTreeMap<&'a str, &'a str>,
}

pub async fn live<P: Ports>(api: &Api<P>) -> Answer<P> {
    let model = match api.model.get() {
        Some(model) => model,
        None => {
            let model = api.ports.model().await;
            api.model.get_or_init(|| model)
        }
    };
    Response::json(
        200,
        &Live {
            status: "healthy",
            version: &api.config.version,
            model,
        },
    )
}

pub async fn ready<P: Ports>(api: &Api<P>) -> Answer<P> {
    let states = api.ports.check().await;
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
    Response::json(
        code,
        &Ready {
            status,
            capabilities,
        },
    )
}
