//! The API: instances of a component behind HTTP.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::cores::Cores;
use concept_refinement_capability::rate::Rate;
use concept_refinement_capability::traces::Traces;
use concept_refinement_runtime::ingress::http::{Access, HttpTrigger, Limit, MaxBody, PushTrigger};
use concept_refinement_runtime::ingress::{ApiInstances, Handler, InProcess};
use concept_refinement_runtime::metrics::http::Requests;
use concept_refinement_runtime::wasm::bindings::api::ApiPre;
use concept_refinement_runtime::wasm::sandbox::{Grants, Sandbox};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::{Auth, Config};
use crate::service::Service;
use crate::wiring::serving::Serving;

/// Rate limit of anonymous sessions per client address: enough for a household or an
/// office that arrives at once, too low to evade the quota.
const SESSION_RATE: Limit = Limit {
    method: http::Method::POST,
    path: "/api/auth/session",
    rate: Rate {
        at_once: 30,
        interval: Duration::from_secs(2 * 60),
    },
    sentence: "Too many sessions from this address. Try again later.",
};

/// Rate limit of questions where an image comes from: an image takes a core for some
/// milliseconds a megabyte, and is for nobody to guess.
const VERIFY_RATE: Limit = Limit {
    method: http::Method::POST,
    path: "/api/verify",
    sentence: "Too many images from this address. Try again later.",
    ..SESSION_RATE
};

/// Path of the liveness check.
const HEALTH: &str = "/api/health";

/// Margin beyond the largest original, in bytes, so that the API can tell that an upload
/// is too large.
const BEYOND_ORIGINAL: u64 = 1 << 20;

/// What an edit has besides its images, in bytes: 64 parts, each with a head of 8 KiB and
/// a field of 64 KiB. In JSON it is less.
const BESIDE_IMAGES: u64 = 64 * (8 + 64) * 1024;

/// The API behind HTTP.
pub struct Api {
    http: Arc<HttpTrigger>,
    cores: Arc<Cores>,
    /// None: there is none, or it is in use.
    listener: Option<TcpListener>,
    is_open: bool,
}

impl Api {
    /// For the clients that the configuration allows. `address`: where clients connect to.
    /// `push`: handles pushed messages.
    pub fn new(
        config: &Config,
        address: SocketAddr,
        listener: Option<TcpListener>,
        cores: Arc<Cores>,
        push: Option<Arc<PushTrigger>>,
        requests: Arc<Requests>,
        traces: Traces,
    ) -> anyhow::Result<Self> {
        let session = (config.auth == Auth::Anonymous).then_some(SESSION_RATE);
        let verify = config.verifies.then_some(VERIFY_RATE);
        let access = Access {
            listener: address,
            public_url: config.public_url.clone(),
            proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            limits: session.into_iter().chain(verify).collect(),
            health: HEALTH,
            serves_api: config.role.serves_api(),
        };
        let max_body = max_body(config.max_image_bytes);
        let http = HttpTrigger::new(max_body, access, config.concurrency, push, requests, traces)?;
        Ok(Self {
            http: Arc::new(http),
            cores,
            listener,
            is_open: false,
        })
    }

    /// Serves requests with these instances from now on. Open connections are kept.
    pub async fn serve(
        &mut self,
        instances: ApiInstances,
        serving: &mut Serving,
    ) -> anyhow::Result<()> {
        self.http
            .hand_to(checked_handlers(&self.cores, instances).await?);
        self.accept(serving);
        Ok(())
    }

    /// Serves requests with these instances until [`Api::serve`] is called.
    pub async fn serve_first(
        &mut self,
        instances: ApiInstances,
        serving: &mut Serving,
    ) -> anyhow::Result<()> {
        let handlers = checked_handlers(&self.cores, instances).await?;
        self.http.hand_first_to(handlers);
        self.accept(serving);
        Ok(())
    }

    /// The requests of the program itself, for these instances. They are of the component
    /// that is served, which is checked there.
    pub fn in_process(&self, instances: ApiInstances) -> InProcess {
        let handlers = handlers(&self.cores, instances);
        InProcess::new(handlers, Arc::clone(&self.cores))
    }

    /// The requests that another server hands over.
    pub fn service(&self) -> Service {
        Service {
            http: Arc::clone(&self.http),
            cores: Arc::clone(&self.cores),
        }
    }

    fn accept(&mut self, serving: &mut Serving) {
        if !mem::replace(&mut self.is_open, true) {
            let listener = self.listener.take();
            let (http, cores) = (Arc::clone(&self.http), Arc::clone(&self.cores));
            serving.spawn(|stop| http.serve(listener, cores, stop.stopped, stop.cut_off));
        }
    }
}

/// `original`: the largest original, in bytes.
fn max_body(original: u64) -> MaxBody {
    let original = original.saturating_add(BEYOND_ORIGINAL);
    // In JSON they are in base64, where some clients write `\/` for each slash: of random
    // bytes that is one character in 64, here twice as many.
    let in_json = |images: u64| {
        let encoded = images.div_ceil(3).saturating_mul(4);
        let escaped = encoded.saturating_add(encoded / 32);
        escaped.saturating_add(BESIDE_IMAGES)
    };
    MaxBody {
        edit: in_json(original.saturating_mul(2)),
        message: in_json(original),
        other: original,
    }
}

/// `slots`: limit of instances at a time. `task_timeout`: how long a task may take.
pub fn instances(
    pre: &ApiPre<Sandbox>,
    grants: Grants,
    slots: &Arc<Semaphore>,
    task_timeout: Duration,
) -> ApiInstances {
    ApiInstances {
        pre: pre.clone(),
        grants,
        task_timeout,
        slots: Arc::clone(slots),
    }
}

/// One handler per core, of a component that was tried once.
async fn checked_handlers(cores: &Cores, instances: ApiInstances) -> anyhow::Result<Vec<Handler>> {
    let checked = instances.check().await.map_err(anyhow::Error::from);
    checked.context("the api component does not fit this host")?;
    Ok(handlers(cores, instances))
}

/// One per core.
fn handlers(cores: &Cores, instances: ApiInstances) -> Vec<Handler> {
    let instances = Arc::new(instances);
    let handlers = cores.iter().map(|_| Handler::new(Arc::clone(&instances)));
    handlers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_room_for_its_images_in_either_form() {
        const MIB: u64 = 1 << 20;
        for original in [1, MIB, 20 * MIB, 1 << 40] {
            let MaxBody {
                edit,
                message,
                other,
            } = max_body(original);
            assert_eq!(other, original + MIB);
            let in_json = original.div_ceil(3) * 4;
            assert!(message > in_json + 64 * 1024, "{original}");
            assert!(message < original * 3 / 2 + 8 * MIB, "{original}");
            assert!(edit > 2 * in_json + 64 * 1024, "{original}");
            assert!(edit > 2 * original + 64 * 72 * 1024, "{original}");
            assert!(edit < 3 * original + 8 * MIB, "{original}");
        }
        assert_eq!(max_body(u64::MAX).other, u64::MAX);
    }
}
