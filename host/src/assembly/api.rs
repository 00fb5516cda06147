//! The API: instances of a component behind HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::config::{Auth, Config};
use crate::cores::Cores;
use crate::ingress::http::{Access, HttpTrigger, Limit, PushTrigger};
use crate::ingress::{ApiInstances, Handler};
use crate::metrics::Metrics;
use crate::rate::Rate;
use crate::wasm::engine::Engine;
use crate::wasm::sandbox::{Grants, Sandbox};

/// Anonymous sessions per client address: enough for a household or an office
/// that arrives at once, too few to evade the quota with.
const SESSION_RATE: Limit = Limit {
    method: http::Method::POST,
    path: "/api/auth/session",
    rate: Rate {
        at_once: 30,
        interval: Duration::from_secs(2 * 60),
    },
};

/// Tells that the process lives.
const HEALTH: &str = "/api/health";

/// What a body may have beyond the largest original, in bytes, so that one that
/// is too large can be told from one that is not.
const BEYOND_ORIGINAL: u64 = 1 << 20;

/// `limit`: how many instances there may be at once.
pub fn instances(
    engine: &Engine,
    pre: ServicePre<Sandbox>,
    grants: Grants,
    limit: usize,
) -> ApiInstances {
    ApiInstances {
        engine: engine.wasmtime().clone(),
        pre,
        grants,
        stopping: Arc::default(),
        slots: Arc::new(Semaphore::new(limit)),
    }
}

/// Requests for these instances, from whom the configuration lets in, and
/// messages that are pushed.
pub async fn http(
    config: &Config,
    listener: SocketAddr,
    cores: &Cores,
    instances: ApiInstances,
    push: Option<Arc<PushTrigger>>,
    metrics: Option<Arc<Metrics>>,
) -> anyhow::Result<Arc<HttpTrigger>> {
    let access = Access {
        listener,
        public_url: config.public_url.clone(),
        proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        limit: (config.auth == Auth::Anonymous).then_some(SESSION_RATE),
        health: HEALTH,
        serves_api: config.role.serves_api(),
    };
    let max_body = config.max_image_bytes.saturating_add(BEYOND_ORIGINAL);
    let handlers = handlers(cores, &Arc::new(instances))
        .await
        .map_err(anyhow::Error::from)
        .context("the api component does not fit this host")?;
    let trigger = HttpTrigger::new(
        handlers,
        max_body,
        access,
        config.concurrency,
        push,
        metrics,
    )?;
    Ok(Arc::new(trigger))
}

/// One for each core.
async fn handlers(cores: &Cores, instances: &Arc<ApiInstances>) -> wasmtime::Result<Vec<Handler>> {
    let handlers = cores.iter().map(|_| Handler::new(Arc::clone(instances)));
    let handlers = handlers.collect::<wasmtime::Result<Vec<_>>>()?;
    if let Some(handler) = handlers.first() {
        handler.check().await?;
    }
    Ok(handlers)
}
