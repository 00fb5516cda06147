//! Metrics, if configured: without a listener nothing is measured.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
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
    listener: TcpListener,
    registry: Registry,
    metrics: Arc<Metrics>,
}

impl Monitoring {
    /// None: no metrics are configured.
    pub async fn listen(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(address) = config.metrics_listen else {
            return Ok(None);
        };
        let listener = listen(address).await.context("metrics_listen")?;
        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::new(&mut registry));
        Ok(Some(Self {
            listener,
            registry,
            metrics,
        }))
    }

    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Returns the address. `instances`: slots of the API; `concurrency`: of the worker.
    pub fn serve(
        self,
        capabilities: &Arc<Capabilities>,
        instances: Limited,
        watchers: Arc<Watchers>,
        concurrency: usize,
    ) -> anyhow::Result<(SocketAddr, Arc<Scrape>, AbortOnDropHandle<()>)> {
        let Self {
            listener,
            registry,
            metrics,
        } = self;
        let address = listener.local_addr()?;
        let scrape = Scrape::new(
            registry,
            metrics,
            capabilities,
            instances,
            watchers,
            concurrency,
        );
        let scrape = Arc::new(scrape);
        let serve = metrics::listener::serve(listener, Arc::clone(&scrape));
        tracing::info!("metrics are at http://{address}/metrics");
        let serving = AbortOnDropHandle::new(tokio::spawn(serve));
        Ok((address, scrape, serving))
    }
}
