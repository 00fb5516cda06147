//! Work that is counted and timed by its outcome.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use concept_refinement_runtime::metrics::series::{Histograms, observe};

/// The outcome of what ended without one.
pub const CANCELLED: &str = "cancelled";

/// How often it ended, and how long it took.
#[derive(Clone)]
pub struct Timed<L: Clone + Debug + Eq + Hash> {
    pub counts: Family<L, Counter>,
    pub durations: Histograms<L>,
}

/// Some of it under way. Dropped without an outcome, it was cancelled.
pub struct Timer<'a, L: Clone + Debug + Eq + Hash, F: Fn(&'static str) -> L> {
    timed: &'a Timed<L>,
    begin: Instant,
    outcome: &'static str,
    labels: F,
}

impl<L: Clone + Debug + Eq + Hash> Timed<L> {
    /// `labels`: those of an outcome.
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
