//! Metrics for Prometheus, on a listener of their own.
//!
//! Each file holds what is measured of one thing, and how. Capabilities are
//! measured from outside, by an interceptor ([`Metrics::around`]); the
//! triggers and the egress guard say themselves what they did. All label values
//! are fixed words: no user, URL, path or message ever becomes one, so that the
//! number of series is bounded. Nothing here is waited for by what it measures,
//! and without a listener nothing is measured at all.

mod egress;
mod http;
pub mod listener;
mod model;
mod process;
mod scrape;
mod stores;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::capability::Capabilities;
use crate::capability::intercept::Intercepted;

pub use egress::Refusals;
pub use http::Requests;
pub use model::ModelCalls;
pub use scrape::{Limited, Scrape};
pub use stores::Stores;
pub use tasks::Tasks;

/// Prefix of all metrics except those of the process.
const PREFIX: &str = "concept_refinement";

/// Metrics that are updated by events.
pub struct Metrics {
    pub http: Requests,
    pub tasks: Tasks,
    pub stores: Stores,
    pub model: ModelCalls,
    pub egress: Refusals,
    /// Processor instances at work.
    pub processors: Gauge,
}

impl Metrics {
    /// Registers all metrics, with the version.
    pub fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix(PREFIX);
        registry.register(
            "build",
            "What is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            http: Requests::new(registry),
            tasks: Tasks::new(registry),
            stores: Stores::new(registry),
            model: ModelCalls::new(registry),
            egress: Refusals::new(registry),
            processors: Gauge::default(),
        }
    }

    /// Wraps the capabilities so that they are measured.
    pub fn around(self: &Arc<Self>, capabilities: Capabilities) -> Capabilities {
        let Capabilities {
            clock,
            store,
            images,
            queue,
            model,
            model_health,
        } = capabilities;
        let stores = Arc::new(stores::MeasuredStores {
            metrics: Arc::clone(self),
            clock: Arc::clone(&clock),
        });
        Capabilities {
            store: Arc::new(Intercepted::new(store, Arc::clone(&stores) as _)),
            images: Arc::new(Intercepted::new(images, Arc::clone(&stores) as _)),
            queue: Arc::new(Intercepted::new(queue, stores)),
            model: Arc::new(model::MeasuredModel {
                metrics: Arc::clone(self),
                model,
            }),
            clock,
            model_health,
        }
    }
}

/// Adds one to a gauge until it is dropped.
pub struct Active(Gauge);

impl Active {
    pub fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A label with fixed values. Each value has a series from the start, so that
/// events that never happened show as zero.
type Label = [(&'static str, &'static str); 1];

type Counters = Family<Label, Counter>;

/// Histograms of one kind.
type Histograms<L> = Family<L, Histogram, Buckets>;

/// In seconds, the upper bounds.
#[derive(Clone, Copy, Debug)]
enum Buckets {
    /// Times that a caller waits for.
    Answers,
    /// Times of store operations.
    Stores,
    /// Times of pipeline stages and longer.
    Work,
}

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        let bounds: &[f64] = match self {
            Self::Answers => &[
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ],
            Self::Stores => &[
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
                5.0,
            ],
            Self::Work => &[
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
                300.0,
            ],
        };
        Histogram::new(bounds.iter().copied())
    }
}

/// Registers a counter for each of these values of a label.
fn counters<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: [&'static str; N],
) -> Counters {
    let family = Counters::default();
    for value in values {
        drop(family.get_or_create(&[(label, value)]));
    }
    registry.register(name, help, family.clone());
    family
}

/// Registers a histogram for each of these values of a label.
fn histograms<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    buckets: Buckets,
    label: &'static str,
    values: [&'static str; N],
) -> Histograms<Label> {
    let family = Histograms::new_with_constructor(buckets);
    for value in values {
        drop(family.get_or_create(&[(label, value)]));
    }
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

fn observe(histogram: &Histogram, time: Duration) {
    histogram.observe(time.as_secs_f64());
}
