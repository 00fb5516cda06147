//! Counts and times work by its outcome.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

use concept_refinement_runtime::metrics::series::{
    self, Active, Buckets, Histograms, Label, observe, register,
};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The outcome of work that was dropped before its end.
pub const CANCELLED: &str = "cancelled";

/// Number and durations of completed work.
#[derive(Clone)]
pub struct Timed<L: Clone + Debug + Eq + Hash> {
    counts: Family<L, Counter>,
    durations: Histograms<L>,
}

/// Work in progress. If it is dropped without an outcome, it counts as cancelled.
pub struct Timer<'a, L: Clone + Debug + Eq + Hash, F: Fn(&'static str) -> L> {
    timed: &'a Timed<L>,
    begin: Instant,
    outcome: &'static str,
    labels: F,
}

/// Work whose only label is its outcome, and how much of it there is at the moment.
pub struct Work {
    timed: Timed<Label>,
    in_flight: Gauge,
}

/// A piece of such work. If it is dropped without an outcome, it counts as cancelled.
pub struct Piece<'a> {
    timer: Timer<'a, Label, fn(&'static str) -> Label>,
    _present: Active,
}

impl Work {
    /// `name`: in the singular. `in_flight`, `counts` and `durations`: the help of each.
    pub fn new(
        registry: &mut Registry,
        name: &str,
        [in_flight, counts, durations]: [&str; 3],
        outcomes: &[&'static str],
    ) -> Self {
        let in_flight = register(registry, &format!("{name}s_in_flight"), in_flight);
        let timed = Timed::new(registry, name, counts, durations);
        for &outcome in outcomes {
            timed.introduce(&label(outcome));
        }
        Self { timed, in_flight }
    }

    pub fn begin(&self) -> Piece<'_> {
        Piece {
            timer: self.timed.begin(label as fn(_) -> _),
            _present: Active::of(&self.in_flight),
        }
    }
}

impl Piece<'_> {
    pub fn end(self, outcome: &'static str) {
        self.timer.end(outcome);
    }
}

fn label(outcome: &'static str) -> Label {
    [("outcome", outcome)]
}

impl<L: Clone + Debug + Eq + Hash + EncodeLabelSet + Send + Sync + 'static> Timed<L> {
    /// `name`: in the singular.
    pub fn new(registry: &mut Registry, name: &str, counts: &str, durations: &str) -> Self {
        let duration = format!("{name}_duration");
        Self {
            counts: register(registry, &format!("{name}s"), counts),
            durations: series::durations(registry, &duration, durations, Buckets::Work),
        }
    }

    /// Creates the series of these labels, with the count 0.
    pub fn introduce(&self, labels: &L) {
        drop(self.counts.get_or_create(labels));
        drop(self.durations.get_or_create(labels));
    }
}

impl<L: Clone + Debug + Eq + Hash> Timed<L> {
    /// `labels`: makes the labels for an outcome.
    pub fn begin<F: Fn(&'static str) -> L>(&self, labels: F) -> Timer<'_, L, F> {
        Timer {
            timed: self,
            begin: Instant::now(),
            outcome: CANCELLED,
            labels,
        }
    }
}

impl<L: Clone + Debug + Eq + Hash, F: Fn(&'static str) -> L> Timer<'_, L, F> {
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl<L: Clone + Debug + Eq + Hash, F: Fn(&'static str) -> L> Drop for Timer<'_, L, F> {
    fn drop(&mut self) {
        let labels = (self.labels)(self.outcome);
        self.timed.counts.get_or_create(&labels).inc();
        let duration = self.timed.durations.get_or_create(&labels);
        observe(&duration, self.begin.elapsed());
    }
}
