//! A scrape: reads what nothing else keeps, and encodes everything as text.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::model::MemoryUse;
use concept_refinement_capability::tasks::Tally;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_runtime::metrics::series::{Label, PREFIX, register};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::process::Process;
use super::{Metrics, repeated_calls, room, usable};

/// Timeout for counting the tasks.
const TALLY_TIMEOUT: Duration = Duration::from_secs(2);

/// A count is cached for this time, or for this many times the time that it
/// took, whichever is longer.
const TALLY_LIFETIME: Duration = Duration::from_millis(500);
const REST: u32 = 20;

type Gauges = Family<Label, Gauge>;

/// Serves scrapes.
pub struct Scrape {
    /// What events update.
    registry: Registry,
    metrics: Arc<Metrics>,
    /// Weak, so that a scrape does not keep the capabilities of a stopped host
    /// alive.
    capabilities: Weak<Capabilities>,
    /// Instances of the API.
    instances: Limited,
    /// Clients that watch tasks.
    watchers: Arc<Watchers>,
    /// Task limit of the processor.
    concurrency: usize,
    process: Process,
    cached: Mutex<CachedTally>,
}

/// A resource with a limit.
#[derive(Clone)]
pub struct Limited {
    pub free: Arc<Semaphore>,
    pub limit: usize,
}

#[derive(Default)]
struct CachedTally {
    /// None: the store failed or timed out.
    tally: Option<Tally>,
    until: Option<Instant>,
    given_up: u64,
}

impl Scrape {
    /// `registry`: the one that `metrics` are registered in.
    pub fn new(
        mut registry: Registry,
        metrics: Arc<Metrics>,
        capabilities: &Arc<Capabilities>,
        instances: Limited,
        watchers: Arc<Watchers>,
        concurrency: usize,
    ) -> Self {
        let process = Process::new(&mut registry);
        Self {
            registry,
            metrics,
            capabilities: Arc::downgrade(capabilities),
            instances,
            watchers,
            concurrency,
            process,
            cached: Mutex::default(),
        }
    }

    /// Encodes in OpenMetrics text format. Scrapes run one at a time.
    pub async fn text(&self) -> Result<String, std::fmt::Error> {
        let mut cached = self.cached.lock().await;
        let capabilities = self.capabilities.upgrade();
        if let Some(capabilities) = &capabilities {
            self.count(capabilities, &mut cached).await;
        }
        let mut read = Registry::with_prefix(PREFIX);
        if let Some(capabilities) = &capabilities {
            let now = capabilities.clock.now();
            tasks(&mut read, cached.tally.as_ref(), now);
            let help = "Whether an operator has paused the queue";
            let paused = ConstGauge::new(i64::from(capabilities.pause.is_set()));
            read.register("queue_paused", help, paused);
            self.instances(&mut read, capabilities);
            model_memory(&mut read, capabilities.model.memory().unwrap_or_default());
            usable::register(&mut read, capabilities);
            room::register(&mut read, &capabilities.room);
            repeated_calls::register(&mut read, &capabilities.repeated_calls);
        }
        let help = "Clients that watch a task or wait for its end";
        read.register("watchers", help, whole(self.watchers.count()));
        self.process.update();
        let mut encoded = String::new();
        text::encode_registry(&mut encoded, &self.registry)?;
        text::encode_registry(&mut encoded, &read)?;
        text::encode_eof(&mut encoded)?;
        Ok(encoded)
    }

    async fn count(&self, capabilities: &Capabilities, cached: &mut CachedTally) {
        let begin = Instant::now();
        if cached.until.is_some_and(|until| begin < until) {
            return;
        }
        let tally = timeout(TALLY_TIMEOUT, capabilities.maintenance().tally()).await;
        cached.tally = tally.ok().and_then(Result::ok);
        let now = Instant::now();
        let rest = now.duration_since(begin).saturating_mul(REST);
        cached.until = now.checked_add(rest.max(TALLY_LIFETIME));
        if let Some(tally) = &cached.tally {
            let new = tally.given_up.saturating_sub(cached.given_up);
            self.metrics.tasks.given_up(new);
            cached.given_up = tally.given_up;
            self.metrics.costs.update(&tally.spent);
        }
    }

    fn instances(&self, registry: &mut Registry, capabilities: &Capabilities) {
        let help = "Instances of components at work";
        let in_use: Gauges = register(registry, "instances", help);
        let help = "How many instances there may be at once";
        let limits: Gauges = register(registry, "instances_limit", help);
        let model = &capabilities.model;
        let processors = usize::try_from(self.metrics.processors.get()).unwrap_or_default();
        let of_api = &self.instances;
        let api = of_api.limit.saturating_sub(of_api.free.available_permits());
        for (component, number, limit) in [
            ("api", api, of_api.limit),
            ("processor", processors, self.concurrency),
            ("model", model.running(), model.at_once()),
        ] {
            set(&in_use, "component", component, number);
            set(&limits, "component", component, limit);
        }
    }
}

/// Unknown values are left out, or NaN.
fn tasks(registry: &mut Registry, tally: Option<&Tally>, now: Timestamp) {
    let stored: Gauges = register(registry, "tasks", "Tasks in the store");
    if let Some(tally) = tally {
        for status in Status::ALL {
            let tasks = match status {
                Status::Pending => tally.pending,
                Status::Processing => tally.processing,
                Status::Completed => tally.completed,
                Status::Failed => tally.failed,
            };
            set(&stored, "status", status.as_str(), tasks);
        }
    }
    let depth = tally.map_or(f64::NAN, |tally| tally.pending as f64);
    let help = "Tasks that wait for a worker";
    registry.register("queue_depth", help, ConstGauge::new(depth));
    let age = tally.map_or(f64::NAN, |tally| {
        let waited = tally.oldest_pending.map(|since| now.since(since));
        waited.unwrap_or_default().as_secs_f64()
    });
    let help = "How long the first of those that wait has waited; 0 if none does";
    let age = ConstGauge::new(age);
    registry.register_with_unit("queue_oldest_age", help, Unit::Seconds, age);
}

/// Memory of model instances.
fn model_memory(registry: &mut Registry, used: MemoryUse) {
    let help = "Memory of the model's instances, as they have grown or is set aside";
    registry.register_with_unit("model_memory", help, Unit::Bytes, whole(used.bytes));
    let help = "What the model's instances may have together";
    registry.register_with_unit("model_memory_limit", help, Unit::Bytes, whole(used.limit));
    let help = "Calls of the model that were ended for want of memory, to be tried again";
    registry.register("model_calls_put_off", help, ConstCounter::new(used.put_off));
}

/// A gauge of a whole number.
pub(super) fn whole(number: impl TryInto<i64>) -> ConstGauge<i64> {
    ConstGauge::new(number.try_into().unwrap_or(i64::MAX))
}

fn set(gauges: &Gauges, label: &'static str, value: &'static str, number: impl TryInto<i64>) {
    let gauge = gauges.get_or_create(&[(label, value)]);
    gauge.set(number.try_into().unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::images::Signing;
    use concept_refinement_capability::tasks::TaskStore;
    use concept_refinement_embedded::memory::MemoryImages;
    use concept_refinement_embedded::tasks::{Options, SqliteTasks};

    use super::*;
    use crate::loops::tests::fakes::{self, Ledger};

    fn scrape(store: Arc<dyn TaskStore>) -> (Scrape, Arc<Capabilities>) {
        let clock = Arc::<ManualClock>::default();
        let signing = Signing {
            key: vec![],
            ttl: Duration::from_secs(1),
            public_url: None,
        };
        let images = Arc::new(MemoryImages::new(signing, clock.clone()));
        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::new(&mut registry));
        let capabilities = Arc::new(metrics.around(fakes::capabilities(store, images, clock)));
        let instances = Limited {
            free: Arc::new(Semaphore::new(2)),
            limit: 3,
        };
        let watchers = Arc::default();
        let scrape = Scrape::new(registry, metrics, &capabilities, instances, watchers, 7);
        (scrape, capabilities)
    }

    #[tokio::test]
    async fn what_cannot_be_counted_is_left_out() {
        let clock = Arc::<ManualClock>::default();
        let counts = SqliteTasks::in_memory(Options::default(), clock).unwrap();
        for (tasks, expected) in [
            (Arc::<Ledger>::default().store(), false),
            (Arc::new(counts), true),
        ] {
            let (scrape, _capabilities) = scrape(tasks);
            let text = scrape.text().await.unwrap();
            for line in [
                "concept_refinement_tasks{status=\"failed\"} 0\n",
                "concept_refinement_queue_depth 0.0\n",
                "concept_refinement_queue_oldest_age_seconds 0.0\n",
            ] {
                assert_eq!(text.contains(line), expected, "{line}: {text}");
            }
            for line in [
                "concept_refinement_instances{component=\"api\"} 1\n",
                "concept_refinement_instances_limit{component=\"processor\"} 7\n",
            ] {
                assert!(text.contains(line), "{line}: {text}");
            }
        }
    }

    /// The count is cached, however often it is scraped.
    #[tokio::test]
    async fn a_count_is_used_again_for_a_while() {
        let counts = SqliteTasks::in_memory(Options::default(), Arc::<ManualClock>::default());
        let (scrape, _capabilities) = scrape(Arc::new(counts.unwrap()));
        for _ in 0..20 {
            scrape.text().await.unwrap();
        }
        let text = scrape.text().await.unwrap();
        let cached = text.lines().find_map(|line| {
            let name = "concept_refinement_store_operation_duration_seconds_count";
            let labels = "{store=\"tasks\",operation=\"tally\"} ";
            line.strip_prefix(name)?.strip_prefix(labels)?.parse().ok()
        });
        let cached: u32 = cached.unwrap();
        assert!((1..20).contains(&cached), "{cached}");
    }
}
