//! A scrape: updates the gauges that are read on demand, and encodes everything
//! as text.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::model::MemoryUse;
use concept_refinement_capability::tasks::Tally;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_domain::task::Status;
use concept_refinement_runtime::metrics::series::{Label, PREFIX, register, register_in};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::Metrics;
use super::process::Process;
use super::repeated_calls::RepeatedCalls;
use super::room::Room;
use super::usable::Usable;

/// Timeout for counting the tasks.
const TALLY_TIMEOUT: Duration = Duration::from_secs(2);

/// A count is cached for this time, or for this many times the time that it
/// took, whichever is longer.
const TALLY_LIFETIME: Duration = Duration::from_millis(500);
const REST: u32 = 20;

type Gauges = Family<Label, Gauge>;

/// A gauge whose value may be unknown.
type Number = Gauge<f64, AtomicU64>;

/// Serves scrapes.
pub struct Scrape {
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
    tasks: Gauges,
    depth: Number,
    age: Number,
    paused: Gauge,
    in_use: Gauges,
    limits: Gauges,
    watching: Gauge,
    usable: Usable,
    room: Room,
    memory: ModelMemory,
    repeated_calls: RepeatedCalls,
    cached: Mutex<CachedTally>,
}

/// Memory of model instances.
struct ModelMemory {
    bytes: Gauge,
    limit: Gauge,
    put_off: Counter,
}

impl ModelMemory {
    fn new(registry: &mut Registry) -> Self {
        let bytes = "Memory of the model's instances, as they have grown or is set aside";
        let limit = "What the model's instances may have together";
        let put_off = "Calls of the model that were ended for want of memory, to be tried again";
        Self {
            bytes: register_in(registry, Unit::Bytes, "model_memory", bytes),
            limit: register_in(registry, Unit::Bytes, "model_memory_limit", limit),
            put_off: register(registry, "model_calls_put_off", put_off),
        }
    }

    fn set(&self, used: MemoryUse) {
        let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes.set(number(used.bytes));
        self.limit.set(number(used.limit));
        let new = used.put_off.saturating_sub(self.put_off.get());
        self.put_off.inc_by(new);
    }
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
        let own = registry.sub_registry_with_prefix(PREFIX);
        let age = "How long the first of those that wait has waited; 0 if none does";
        let limits = "How many instances there may be at once";
        Self {
            tasks: register(own, "tasks", "Tasks in the store"),
            depth: register(own, "queue_depth", "Tasks that wait for a worker"),
            age: register_in(own, Unit::Seconds, "queue_oldest_age", age),
            paused: register(
                own,
                "queue_paused",
                "Whether an operator has paused the queue",
            ),
            in_use: register(own, "instances", "Instances of components at work"),
            limits: register(own, "instances_limit", limits),
            watching: register(
                own,
                "watchers",
                "Clients that watch a task or wait for its end",
            ),
            usable: Usable::new(own),
            room: Room::new(own),
            memory: ModelMemory::new(own),
            repeated_calls: RepeatedCalls::new(own),
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
        if let Some(capabilities) = self.capabilities.upgrade() {
            self.count(&capabilities, &mut cached).await;
            self.set_tasks(&capabilities, cached.tally.as_ref());
            self.set_instances(&capabilities);
            self.paused.set(i64::from(capabilities.pause.is_set()));
            self.usable.update(&capabilities);
            self.room.update(&capabilities.room);
            self.repeated_calls.update(&capabilities.repeated_calls);
        }
        let watching = self.watchers.count();
        self.watching
            .set(i64::try_from(watching).unwrap_or(i64::MAX));
        self.process.update();
        let mut encoded = String::new();
        text::encode(&mut encoded, &self.registry)?;
        Ok(encoded)
    }

    async fn count(&self, capabilities: &Capabilities, cached: &mut CachedTally) {
        let begin = Instant::now();
        if cached.until.is_some_and(|until| begin < until) {
            return;
        }
        cached.tally = match timeout(TALLY_TIMEOUT, capabilities.maintenance().tally()).await {
            Ok(Ok(tally)) => Some(tally),
            Ok(Err(_)) | Err(_) => None,
        };
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

    /// Unknown values are left out, or NaN.
    fn set_tasks(&self, capabilities: &Capabilities, tally: Option<&Tally>) {
        self.tasks.clear();
        let Some(tally) = tally else {
            self.depth.set(f64::NAN);
            self.age.set(f64::NAN);
            return;
        };
        for status in Status::ALL {
            let tasks = match status {
                Status::Pending => tally.pending,
                Status::Processing => tally.processing,
                Status::Completed => tally.completed,
                Status::Failed => tally.failed,
            };
            let gauge = self.tasks.get_or_create(&[("status", status.as_str())]);
            gauge.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        }
        self.depth.set(tally.pending as f64);
        let now = capabilities.clock.now();
        let waited = tally.oldest_pending.map(|since| now.since(since));
        let waited = waited.unwrap_or_default().as_secs_f64();
        self.age.set(waited);
    }

    fn set_instances(&self, capabilities: &Capabilities) {
        let model = &capabilities.model;
        let processors = usize::try_from(self.metrics.processors.get()).unwrap_or_default();
        let of_api = &self.instances;
        let in_use = of_api.limit.saturating_sub(of_api.free.available_permits());
        for (component, in_use, limit) in [
            ("api", in_use, of_api.limit),
            ("processor", processors, self.concurrency),
            ("model", model.running(), model.at_once()),
        ] {
            let label = [("component", component)];
            let set = |gauges: &Gauges, number| {
                let gauge = gauges.get_or_create(&label);
                gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
            };
            set(&self.in_use, in_use);
            set(&self.limits, limit);
        }
        if let Some(used) = model.memory() {
            self.memory.set(used);
        }
    }
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
