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
    registry: Registry,
    metrics: Arc<Metrics>,
}

/// A listener at work.
pub struct Scraped {
    pub address: SocketAddr,
    pub serving: AbortOnDropHandle<()>,
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
        Ok(Self {
            listener,
            registry,
            metrics: Arc::new(metrics),
        })
    }

    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// `instances`: slots of the API; `concurrency`: of the worker.
    pub fn serve(
        self,
        capabilities: &Arc<Capabilities>,
        instances: Limited,
        watchers: Arc<Watchers>,
        concurrency: usize,
    ) -> anyhow::Result<(Arc<Scrape>, Option<Scraped>)> {
        let scrape = Arc::new(Scrape::new(
            self.registry,
            self.metrics,
            capabilities,
            instances,
            watchers,
            concurrency,
        ));
        let Some(listener) = self.listener else {
            return Ok((scrape, None));
        };
        let address = listener.local_addr()?;
        let serve = metrics::listener::serve(listener, Arc::clone(&scrape));
        tracing::info!("metrics are at http://{address}/metrics");
        let serving = AbortOnDropHandle::new(tokio::spawn(serve));
        Ok((scrape, Some(Scraped { address, serving })))
    }
}
