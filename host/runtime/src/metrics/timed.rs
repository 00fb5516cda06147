//! Counts and times work by its outcome.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::series::{Active, Buckets, Histograms, Label, durations, observe, register};

/// The outcome of work that was dropped before its end.
pub const CANCELLED: &str = "cancelled";

/// Number and durations of completed work, by labels.
pub struct Timed<L> {
    counts: Family<L, Counter>,
    durations: Histograms<L>,
}

/// Work of which only the outcome is not known before.
pub struct Work {
    /// By outcome.
    series: HashMap<&'static str, (Counter, Histogram)>,
    /// How much there is at the moment. None: that is not told.
    in_flight: Option<Gauge>,
}

/// A piece of work in progress. If it is dropped without an outcome, it counts as cancelled.
pub struct Piece<'a> {
    work: &'a Work,
    begin: Instant,
    outcome: &'static str,
    _present: Option<Active>,
}

impl<L: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static> Timed<L> {
    /// `name`: in the singular. `counts` and `times`: the help of each.
    pub fn new(registry: &mut Registry, name: &str, counts: &str, times: &str) -> Self {
        let duration = format!("{name}_duration");
        Self {
            counts: register(registry, &format!("{name}s"), counts),
            durations: durations(registry, &duration, times, Buckets::Work),
        }
    }

    /// The work with these outcomes, each of which has the count 0. `labels`: makes the labels
    /// of an outcome.
    pub fn work(&self, outcomes: &[&'static str], labels: impl Fn(&'static str) -> L) -> Work {
        let series = outcomes.iter().map(|&outcome| {
            let labels = labels(outcome);
            let count = self.counts.get_or_create_owned(&labels);
            let duration = self.durations.get_or_create_owned(&labels);
            (outcome, (count, duration))
        });
        Work {
            series: series.collect(),
            in_flight: None,
        }
    }
}

impl Work {
    /// Work whose only label is its outcome. `name`: in the singular. `in_flight`, `counts` and
    /// `times`: the help of each.
    pub fn new(
        registry: &mut Registry,
        name: &str,
        [in_flight, counts, times]: [&str; 3],
        outcomes: &[&'static str],
    ) -> Self {
        let in_flight = register(registry, &format!("{name}s_in_flight"), in_flight);
        let timed = Timed::<Label>::new(registry, name, counts, times);
        Self {
            in_flight: Some(in_flight),
            ..timed.work(outcomes, |outcome| [("outcome", outcome)])
        }
    }

    /// Begins a piece of it.
    pub fn begin(&self) -> Piece<'_> {
        Piece {
            work: self,
            begin: Instant::now(),
            outcome: CANCELLED,
            _present: self.in_flight.as_ref().map(Active::of),
        }
    }
}

impl Piece<'_> {
    /// Ends it with one of the outcomes.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Piece<'_> {
    fn drop(&mut self) {
        if let Some((count, duration)) = self.work.series.get(self.outcome) {
            count.inc();
            observe(duration, self.begin.elapsed());
        }
    }
}
