//! Metrics for Prometheus, on a separate listener.
//!
//! Each file has the metrics of one subject. Capabilities are measured from outside, by
//! an interceptor ([`Metrics::around`]); the triggers and the egress guard report on
//! their own. All label values are fixed words, or names from the configuration: never a
//! user, URL, path or message, so that the number of series is bounded. Measuring never
//! blocks what it measures.

mod costs;
mod format;
pub mod listener;
mod process;
mod repeated_calls;
mod room;
mod scrape;
mod stores;
mod tasks;
mod usable;
pub mod webhooks;

use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_runtime::metrics::egress::Refusals;
use concept_refinement_runtime::metrics::http::Requests;
use concept_refinement_runtime::metrics::model::{self, MeasuredModel};
use concept_refinement_runtime::metrics::series;
use concept_refinement_runtime::metrics::timed::Work;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::costs::Costs;
use crate::log;

pub use concept_refinement_runtime::metrics::model::Links;
pub use format::Format;
pub use scrape::{Limited, Scrape};
pub use stores::Stores;
pub use tasks::Tasks;

/// Metrics that are updated by events.
pub struct Metrics {
    pub http: Arc<Requests>,
    pub tasks: Arc<Tasks>,
    pub stores: Arc<Stores>,
    /// Calls of the model.
    pub model: Arc<Work>,
    pub links: Links,
    pub costs: Costs,
    pub egress: Arc<Refusals>,
    /// Attempts to deliver a webhook.
    pub webhooks: Work,
    /// Processor instances at work.
    pub processors: Gauge,
}

impl Metrics {
    /// Registers all metrics, with the version.
    pub fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix(series::PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", version);
        registry.register(
            "log_lines_lost",
            "Lines of the log that could not be written",
            log::lines_lost(),
        );
        Self {
            http: Arc::new(Requests::new(registry)),
            tasks: Arc::new(Tasks::new(registry)),
            stores: Arc::new(Stores::new(registry)),
            model: Arc::new(model::calls(registry)),
            links: Links::new(registry),
            costs: Costs::new(registry),
            egress: Arc::new(Refusals::new(registry)),
            webhooks: webhooks::attempts(registry),
            processors: Gauge::default(),
        }
    }

    /// Wraps the capabilities so that they are measured.
    pub fn around(&self, capabilities: Capabilities) -> Capabilities {
        let stores = Arc::new(stores::MeasuredStores {
            stores: Arc::clone(&self.stores),
            tasks: Arc::clone(&self.tasks),
            clock: Arc::clone(&capabilities.clock),
        });
        let model = Arc::new(MeasuredModel {
            calls: Arc::clone(&self.model),
            model: Arc::clone(&capabilities.model),
        });
        Capabilities {
            model,
            ..capabilities.behind(stores)
        }
    }
}
