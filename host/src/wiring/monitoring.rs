//! Metrics: operators can always read them, and Prometheus where a listener is configured.

use std::net::SocketAddr;
use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_runtime::ingress::http::listen;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Config;
use crate::metrics::{self, Limited, Metrics, Scrape};

/// The metrics, and the listener that serves them.
pub struct Monitoring {
    /// None: it is not configured.
    listener: Option<TcpListener>,
    /// That of the listener.
    pub address: Option<SocketAddr>,
    registry: Registry,
    pub metrics: Arc<Metrics>,
}

impl Monitoring {
    pub async fn listen(config: &Config) -> anyhow::Result<Self> {
        let listener = match config.metrics_listen {
            Some(address) => Some(listen("metrics_listen", address).await?),
            None => None,
        };
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        metrics.costs.introduce(config.model.paid());
        let address = listener.as_ref().map(TcpListener::local_addr);
        Ok(Self {
            listener,
            address: address.transpose()?,
            registry,
            metrics: Arc::new(metrics),
        })
    }

    /// `instances`: slots of the API; `concurrency`: of the worker. Also returns the
    /// listener at work.
    pub fn serve(
        self,
        capabilities: &Arc<Capabilities>,
        instances: Limited,
        watchers: Arc<Watchers>,
        concurrency: usize,
    ) -> (Arc<Scrape>, Option<AbortOnDropHandle<()>>) {
        let scrape = Arc::new(Scrape::new(
            self.registry,
            self.metrics,
            capabilities,
            instances,
            watchers,
            concurrency,
        ));
        if let Some(address) = self.address {
            tracing::info!("metrics are at http://{address}/metrics");
        }
        let serving = self.listener.map(|listener| {
            let serve = metrics::listener::serve(listener, Arc::clone(&scrape));
            AbortOnDropHandle::new(tokio::spawn(serve))
        });
        (scrape, serving)
    }
}
