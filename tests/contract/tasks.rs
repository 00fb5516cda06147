//! The promises of `task-store` and `concept-store`, and those that our own host
//! relies on besides.

pub mod claim_order;
pub mod concepts;
pub mod deadlines;
pub mod differential;
pub mod durability;
pub mod erasure;
pub mod expiry;
pub mod idempotency;
pub mod leases;
pub mod payments;
pub mod quota;
pub mod reads;
pub mod references;
pub mod sessions;
pub mod submit;
pub mod sweep;
pub mod watch;
pub mod webhook_crashes;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::{Clock, ManualClock};
use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::tasks::{Leases, Maintenance, Options, TaskStore, Tasks};
use concept_refinement_capability::webhooks::Webhooks;
use concept_refinement_domain::capability::{
    Claimed, Fenced, Finished, ImageKind, Lease, NewTask, RefinedImage, Stored, Submission,
    TaskFailure,
};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, tag_of};
use concept_refinement_domain::provenance::{Mark, Provenance};
use concept_refinement_domain::quota::{Quota, Window};
use concept_refinement_domain::refined;
use concept_refinement_domain::task::{Refinement, Stage, Task};
use concept_refinement_domain::timestamp::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// 2026-11-20T12:00:00.123456Z, a Friday.
pub const START: Timestamp = Timestamp(1_795_176_000_123_456);

pub const LEASE: Duration = Duration::from_secs(30);
/// How long a pending task waits before it is due.
pub const OVERDUE: Duration = Duration::from_secs(15);
pub const MICROSECOND: Duration = Duration::from_micros(1);

/// What each host is called in the story of a task.
pub const HOST: &str = "one";

/// What an operator may set.
#[derive(Clone, Copy)]
pub struct Rules {
    pub lease: Duration,
    pub max_backlog: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lease: LEASE,
            max_backlog: 10_000,
        }
    }
}

impl Rules {
    pub fn options(self) -> Options {
        Options {
            lease: self.lease,
            max_backlog: self.max_backlog,
            host: HOST.into(),
            ..Options::default()
        }
    }
}

/// A backend that takes part in the suite.
pub trait TaskBackend: Sized {
    /// An empty store.
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self;

    fn store(&self) -> Arc<dyn TaskStore>;
}

/// A durable backend.
pub trait Durable: TaskBackend {
    /// Stops in an orderly way and starts again on the same data.
    fn restart(self, rules: Rules, clock: Arc<ManualClock>) -> Self;

    /// Another store with the data that would be left if this one were killed
    /// now.
    fn crash(&self, rules: Rules, clock: Arc<ManualClock>) -> Self;
}

/// A backend that belongs to one process at a time.
pub trait Owned: Durable {
    /// Tries to open the same data a second time.
    fn open_again(&self, rules: Rules, clock: Arc<ManualClock>) -> Result<(), String>;
}

/// A store under test, with a clock that stands still.
pub struct Store<B> {
    pub backend: B,
    pub clock: Arc<ManualClock>,
    pub tasks: Arc<dyn Tasks>,
    pub concepts: Arc<dyn Concepts>,
    pub leases: Arc<dyn Leases>,
    pub maintenance: Arc<dyn Maintenance>,
    pub webhooks: Arc<dyn Webhooks>,
}

impl<B: Durable> Store<B> {
    /// What there would be if the process were killed now.
    pub fn crash(&self) -> Self {
        let clock = self.clock.clone();
        let after = self.backend.crash(Rules::default(), clock.clone());
        Self::of(after, clock)
    }
}

impl<B: TaskBackend> Store<B> {
    pub fn start() -> Self {
        Self::start_with(Rules::default())
    }

    pub fn start_with(rules: Rules) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        Self::of(B::start(rules, clock.clone()), clock)
    }

    pub fn of(backend: B, clock: Arc<ManualClock>) -> Self {
        Self {
            tasks: backend.store(),
            concepts: backend.store(),
            leases: backend.store(),
            maintenance: backend.store(),
            webhooks: backend.store(),
            backend,
            clock,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub async fn submit(&self, task: NewTask) -> Submission {
        self.tasks.submit(task).await.unwrap()
    }

    /// A task of a user who has none.
    pub async fn created(&self, user: &str) -> Task {
        created(self.submit(new_task(user)).await)
    }

    pub async fn try_claim(&self, task: &Task) -> Option<Claimed> {
        self.leases.claim(&task.id, None).await.unwrap()
    }

    pub async fn claim(&self, task: &Task) -> Claimed {
        self.try_claim(task).await.expect("the task can be claimed")
    }

    /// A task of a user who has none, and who works on it.
    pub async fn claimed(&self, user: &str) -> Claimed {
        let task = self.created(user).await;
        self.claim(&task).await
    }

    /// Its concept's id.
    pub async fn finish(&self, claimed: &Claimed) -> String {
        let image = refined(&claimed.task);
        let finished = self.leases.finish(&claimed.lease, image).await.unwrap();
        assert_eq!(finished, Finished::Done);
        let task = self.task(&claimed.task).await;
        task.result_id.expect("a completed task has a result")
    }

    pub async fn fail(&self, lease: &Lease) {
        let failed = self
            .leases
            .fail(lease, &TaskFailure::new("It failed."))
            .await
            .unwrap();
        assert_eq!(failed, Fenced::Done);
    }

    /// A completed task and its concept's id.
    pub async fn completed(&self, user: &str) -> (Task, String) {
        let claimed = self.claimed(user).await;
        let concept = self.finish(&claimed).await;
        (self.task(&claimed.task).await, concept)
    }

    pub async fn progress(&self, lease: &Lease, stage: Stage) {
        self.leases.progress(lease, stage).await.unwrap();
    }

    pub async fn find(&self, task: &Task) -> Option<Task> {
        self.tasks.get(&task.user_id, &task.id).await.unwrap()
    }

    /// The task as it stands now.
    pub async fn task(&self, task: &Task) -> Task {
        self.find(task).await.expect("the task is there")
    }
}

pub fn new_task(user: &str) -> NewTask {
    NewTask::new(
        Uuid::new_v4().to_string(),
        user,
        Refinement {
            logo_description: Some("A coffee cup".into()),
            ..Refinement::new("https://example.com/logo.png", "Make it lighter")
        },
    )
}

pub fn with_key(user: &str, key: &str) -> NewTask {
    NewTask {
        idempotency_key: Some(key.into()),
        ..new_task(user)
    }
}

pub fn with_quota(user: &str, limit: u32, window: Window) -> NewTask {
    NewTask {
        quota: Some(Quota { limit, window }),
        ..new_task(user)
    }
}

pub fn created(submission: Submission) -> Task {
    match submission {
        Submission::Created(accepted) => accepted.task,
        other => panic!("not created: {other:?}"),
    }
}

/// What was submitted before under the same key.
pub fn replayed(submission: Submission) -> Task {
    match submission {
        Submission::Replayed(accepted) => accepted.task,
        other => panic!("not replayed: {other:?}"),
    }
}

#[track_caller]
pub fn assert_over_quota(submission: &Submission) {
    let is_refused = matches!(submission, Submission::QuotaExceeded(_));
    assert!(is_refused, "{submission:?}");
}

/// What the first worker of a task would have stored.
pub fn image(task: &Task) -> Stored {
    image_of(task, 1)
}

/// The same, with what the model said of its work.
pub fn refined(task: &Task) -> RefinedImage {
    RefinedImage {
        stored: image(task),
        notes: vec!["Not understood: ☕️ \" \0.".into(), "Another.".into()],
        provenance: Some(Provenance {
            source: Some("algorithmicallyEnhanced".into()),
            mark: Mark::Xmp,
            original_had_credentials: true,
        }),
    }
}

/// What the worker of an attempt would have stored.
pub fn image_of(task: &Task, attempt: u32) -> Stored {
    stored(&task.user_id, &task.id, attempt)
}

pub fn stored(user_id: &str, task_id: &str, attempt: u32) -> Stored {
    let path = ImagePath {
        kind: ImageKind::Refined,
        tag: tag_of(user_id),
        name: refined::name(task_id, attempt),
        format: Format::Png,
    };
    let path = path.to_string();
    let url = format!("/api/images/{path}");
    Stored {
        sha256: Some(hex(&Sha256::digest(&path))),
        path,
        url,
    }
}

/// Runs so many at once, and waits for all.
pub async fn at_once<T, F>(count: usize, mut work: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|n| tokio::spawn(work(n))).collect();
    let mut done = Vec::with_capacity(count);
    for task in running {
        done.push(task.await.unwrap());
    }
    done
}
