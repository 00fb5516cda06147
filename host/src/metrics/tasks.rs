//! Outcomes and durations of tasks.

use std::collections::HashMap;
use std::time::Instant;

use concept_refinement_domain::capability::{Claimed, Lease};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_runtime::metrics::series::{
    Buckets, Counters, Histograms, Label, counters, histograms, observe, register,
};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

const STEP: &str = "step";
const PUBLISH: &str = "publish";
const WORKER_DIED: &str = "worker-died";
const OTHER: &str = "other";

const STAGE: &str = "stage";

const OUTCOME: &str = "outcome";
const COMPLETED: &str = "completed";
const FAILED: &str = "failed";

pub struct Tasks {
    created: Counter,
    completed: Counter,
    cancelled: Counter,
    failed: Counters,
    leases_lost: Counter,
    durations: Histograms<Label>,
    stages: Histograms<Label>,
    /// Claims in progress, by task.
    under_way: Mutex<HashMap<String, UnderWay>>,
}

struct UnderWay {
    attempt: u32,
    created_at: Timestamp,
    stage: Option<(Stage, Instant)>,
}

/// How a claim ended.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Completed,
    /// At this stage. None: before the first one.
    Failed(Option<Stage>),
    /// Released; another worker continues.
    Released,
}

impl Tasks {
    pub fn new(registry: &mut Registry) -> Self {
        let steps = Stage::ALL.map(Stage::step);
        Self {
            created: register(registry, "tasks_created", "Tasks that were accepted"),
            completed: register(registry, "tasks_completed", "Tasks that were completed"),
            cancelled: register(
                registry,
                "tasks_cancelled",
                "Tasks that their users cancelled",
            ),
            failed: counters(
                registry,
                "tasks_failed",
                "Tasks that failed, by the step at which they did",
                STEP,
                steps.into_iter().chain([PUBLISH, WORKER_DIED, OTHER]),
            ),
            leases_lost: register(
                registry,
                "leases_lost",
                "Leases that ran out, as of workers that died or hung",
            ),
            durations: histograms(
                registry,
                "task_duration",
                "From the submission of a task to its end",
                Buckets::Work,
                OUTCOME,
                [COMPLETED, FAILED],
            ),
            stages: histograms(
                registry,
                "stage_duration",
                "Stages of the pipeline that came to an end, good or bad",
                Buckets::Work,
                STAGE,
                Stage::ALL.map(Stage::as_str),
            ),
            under_way: Mutex::default(),
        }
    }

    pub fn created(&self) {
        self.created.inc();
    }

    pub fn cancelled(&self) {
        self.cancelled.inc();
    }

    /// A created task could not be published.
    pub fn publish_failed(&self) {
        self.count_failure(PUBLISH);
    }

    /// Tasks that failed because their workers died.
    pub fn given_up(&self, tasks: u64) {
        let failed = self.failed.get_or_create(&[(STEP, WORKER_DIED)]);
        failed.inc_by(tasks);
        // They failed in place of being taken over.
        self.leases_lost.inc_by(tasks);
    }

    pub fn claimed(&self, claimed: &Claimed) {
        if claimed.is_takeover {
            self.leases_lost.inc();
        }
        let under_way = UnderWay {
            attempt: claimed.lease.attempt,
            created_at: claimed.task.created_at,
            stage: None,
        };
        self.under_way
            .lock()
            .insert(claimed.lease.task_id.clone(), under_way);
    }

    pub fn began(&self, lease: &Lease, stage: Stage) {
        let now = Instant::now();
        let ended = match self.under_way.lock().get_mut(&lease.task_id) {
            Some(task) if task.attempt == lease.attempt => task.stage.replace((stage, now)),
            Some(_) | None => None,
        };
        self.stage_ended(ended, now);
    }

    /// A claim ended.
    pub fn ended(&self, lease: &Lease, end: End, now: Timestamp) {
        match end {
            End::Completed => {
                self.completed.inc();
            }
            End::Failed(stage) => {
                self.count_failure(stage.map_or(OTHER, Stage::step));
            }
            End::Released => {}
        }
        let ended = {
            let mut under_way = self.under_way.lock();
            match under_way.get(&lease.task_id) {
                Some(task) if task.attempt == lease.attempt => under_way.remove(&lease.task_id),
                Some(_) | None => None,
            }
        };
        let Some(task) = ended else { return };
        self.stage_ended(task.stage, Instant::now());
        let outcome = match end {
            End::Completed => COMPLETED,
            End::Failed(_) => FAILED,
            End::Released => return,
        };
        let duration = self.durations.get_or_create(&[(OUTCOME, outcome)]);
        observe(&duration, now.since(task.created_at));
    }

    /// The worker has finished with the task, whatever the outcome.
    pub fn left(&self, task_id: &str) {
        self.under_way.lock().remove(task_id);
    }

    fn stage_ended(&self, stage: Option<(Stage, Instant)>, now: Instant) {
        let Some((stage, began)) = stage else { return };
        let duration = self.stages.get_or_create(&[(STAGE, stage.as_str())]);
        observe(&duration, now.saturating_duration_since(began));
    }

    fn count_failure(&self, step: &'static str) {
        self.failed.get_or_create(&[(STEP, step)]).inc();
    }
}
