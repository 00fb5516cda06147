//! Series of Prometheus, as the other files register and move them.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Prefix of all metrics except those of the process.
pub const PREFIX: &str = "concept_refinement";

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
pub type Label = [(&'static str, &'static str); 1];

pub type Counters = Family<Label, Counter>;

/// Histograms of one kind.
pub type Histograms<L> = Family<L, Histogram, Buckets>;

/// In seconds, the upper bounds.
#[derive(Clone, Copy, Debug)]
pub enum Buckets {
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
pub fn counters<const N: usize>(
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
pub fn histograms<const N: usize>(
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

pub fn observe(histogram: &Histogram, time: Duration) {
    histogram.observe(time.as_secs_f64());
}
