//! Helpers to register and update Prometheus series.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// Prefix of all metrics except those of the process.
pub const PREFIX: &str = "concept_refinement";

/// Adds one to a gauge until it is dropped.
pub struct Active(Gauge);

impl Active {
    /// Adds one to this gauge.
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

/// A label with fixed values. Each value has a series from the start, so that events that
/// never happened show as zero.
pub type Label = [(&'static str, &'static str); 1];

/// Counters by one label.
pub type Counters = Family<Label, Counter>;

/// Histograms that share their buckets.
pub type Histograms<L> = Family<L, Histogram, Buckets>;

/// Upper bounds of buckets, in seconds.
#[derive(Clone, Copy, Debug)]
pub enum Buckets {
    /// Times that a client waits for.
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

/// Registers a metric with its default value.
pub fn register<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// The same, with a unit.
pub fn register_in<M>(registry: &mut Registry, unit: Unit, name: &str, help: &str) -> M
where
    M: Metric + Clone + Default,
{
    let metric = M::default();
    registry.register_with_unit(name, help, unit, metric.clone());
    metric
}

/// Registers durations by labels.
pub fn durations<L>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    buckets: Buckets,
) -> Histograms<L>
where
    L: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static,
{
    let family = Histograms::new_with_constructor(buckets);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// Registers a counter for each of these values of a label.
pub fn counters(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl IntoIterator<Item = &'static str>,
) -> Counters {
    let family: Counters = register(registry, name, help);
    for value in values {
        drop(family.get_or_create(&[(label, value)]));
    }
    family
}

/// Registers a histogram for each of these values of a label.
pub fn histograms(
    registry: &mut Registry,
    name: &str,
    help: &str,
    buckets: Buckets,
    label: &'static str,
    values: impl IntoIterator<Item = &'static str>,
) -> Histograms<Label> {
    let family = durations(registry, name, help, buckets);
    for value in values {
        drop(family.get_or_create(&[(label, value)]));
    }
    family
}

/// Adds a time to a histogram, in seconds.
pub fn observe(histogram: &Histogram, time: Duration) {
    histogram.observe(time.as_secs_f64());
}
