use concept_refinement_domain::capability::TaskFailure;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use concept_refinement_domain::message::message_for;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::samples::new_task;
use concept_refinement_kit::store::MemoryStore;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const BEGIN: Timestamp = Timestamp(1_795_176_000_000_000);

/// What the processor does with a task.
enum Script {
    Answer(Attempt),
    Hang,
}

/// A task store, a processor and a clock, which advances when nothing is ready.
struct World {
    store: RefCell<MemoryStore>,
    id: String,
    now: Cell<Timestamp>,
    timers: RefCell<Vec<Timestamp>>,
    script: Script,
    fault: Option<CapabilityError>,
    /// How many renewals succeed. None: all do.
    renewals: Cell<Option<u32>>,
    processed: Cell<u32>,
}

impl World {
    fn new(script: Script) -> Self {
        let mut store = MemoryStore::default();
        let new = new_task("ada");
        let id = new.id.clone();
        store.submit(new, BEGIN).unwrap();
        Self {
            store: RefCell::new(store),
            id,
            now: Cell::new(BEGIN),
            timers: RefCell::default(),
            script,
            fault: None,
            renewals: Cell::new(None),
            processed: Cell::default(),
        }
    }

    fn edited(self, edit: impl FnOnce(&mut Task)) -> Self {
        let edit = |record: &mut TaskRecord| edit(&mut record.task);
        self.store.borrow_mut().edit_record(&self.id, edit);
        self
    }

    fn task(&self) -> Option<Task> {
        let store = self.store.borrow();
        store.record(&self.id).map(|record| record.task.clone())
    }

    fn message(&self) -> Vec<u8> {
        message_for(&self.task().unwrap())
    }

    fn work(&self, message: &[u8]) -> Attempt {
        let mut work = pin!(work(self, message));
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return done;
            }
            let next = self.timers.take().into_iter().min();
            self.now.set(next.expect("it waits for nothing"));
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        let end = self.now().plus(duration);
        poll_fn(|_| match self.now() >= end {
            true => Poll::Ready(()),
            false => {
                self.timers.borrow_mut().push(end);
                Poll::Pending
            }
        })
        .await;
    }
}

impl Leases for World {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        match &self.fault {
            Some(error) => Err(error.clone()),
            None => Ok(self.store.borrow_mut().claim(task_id, user_id, self.now())),
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        match self.renewals.get() {
            Some(0) => return Ok(None),
            left => self.renewals.set(left.map(|left| left - 1)),
        }
        Ok(self.store.borrow_mut().renew(lease, self.now()))
    }

    async fn fail(&self, lease: &Lease, error_message: &str) -> Result<Fenced, CapabilityError> {
        let mut store = self.store.borrow_mut();
        Ok(store.fail(lease, &TaskFailure::new(error_message), self.now()))
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        Ok(self.store.borrow_mut().release(lease, self.now()))
    }
}

impl Processor for World {
    async fn process(&self, claimed: Claimed) -> Attempt {
        assert_eq!(claimed.task.id, self.id);
        self.processed.set(self.processed.get() + 1);
        match &self.script {
            Script::Answer(attempt) => attempt.clone(),
            Script::Hang => std::future::pending().await,
        }
    }
}

fn done() -> World {
    World::new(Script::Answer(Attempt::Taken))
}

#[test]
fn what_cannot_be_claimed_is_skipped_in_silence() {
    let gone = done();
    let message = gone.message();
    assert!(gone.store.borrow_mut().delete("ada", &gone.id));
    let taken = |task: &mut Task| {
        task.status = Status::Processing;
        task.lease_until = Some(BEGIN.plus(Duration::from_secs(20)));
    };
    for (name, world) in [
        ("gone", gone),
        ("taken", done().edited(taken)),
        (
            "completed",
            done().edited(|task| task.status = Status::Completed),
        ),
        (
            "another's",
            done().edited(|task| task.user_id = "grace".into()),
        ),
    ] {
        let before = world.task();
        assert_eq!(world.work(&message), Attempt::Taken, "{name}");
        assert_eq!(world.task(), before, "{name}");
        assert_eq!(world.processed.get(), 0, "{name}");
    }
}

#[test]
fn a_message_that_makes_no_sense_fails_its_task() {
    let changed = |world: &World, name: &str, value: &str| {
        let mut message: serde_json::Value = serde_json::from_slice(&world.message()).unwrap();
        message[name] = value.into();
        message.to_string().into_bytes()
    };
    for (name, value, status) in [
        ("task_type", "logo", Status::Failed),
        ("refinement_prompt", "", Status::Failed),
        ("original_image_url", "", Status::Failed),
        ("user_id", "", Status::Failed),
        ("task_id", "", Status::Pending),
    ] {
        let world = done();
        let attempt = world.work(&changed(&world, name, value));
        let refused = Attempt::Refused(MISSING_PROMPT_OR_URL.to_owned());
        assert_eq!(attempt, refused, "{name}");
        let task = world.task().unwrap();
        assert_eq!(task.status, status, "{name}");
        let expected = (status == Status::Failed).then_some(MISSING_PROMPT_OR_URL);
        assert_eq!(task.error_message.as_deref(), expected, "{name}");
    }
}

#[test]
fn what_is_to_be_tried_again_is_released() {
    let world = World::new(Script::Answer(Attempt::Again("no memory".to_owned())));
    let expected = Attempt::Again("no memory".to_owned());
    assert_eq!(world.work(&world.message()), expected);
    assert_eq!(world.task().unwrap().status, Status::Pending);
}

#[test]
fn a_store_that_cannot_claim_is_asked_again_only_if_that_can_help() {
    let (away, never) = ("It is away.", "It cannot be done.");
    for (error, expected) in [
        (
            CapabilityError::unavailable(away),
            Attempt::Again(away.into()),
        ),
        (
            CapabilityError::invalid(never),
            Attempt::Refused(never.into()),
        ),
    ] {
        let world = World {
            fault: Some(error),
            ..done()
        };
        assert_eq!(world.work(&world.message()), expected);
    }
}

#[test]
fn the_lease_is_renewed_until_it_is_lost() {
    let world = World::new(Script::Hang);
    world.renewals.set(Some(3));
    assert_eq!(world.work(&world.message()), Attempt::Taken);
    let elapsed = world.now().since(BEGIN).as_secs();
    assert_eq!(elapsed, 40, "10 s each, dropped at once");
    assert_eq!(world.task().unwrap().status, Status::Processing);
}

proptest! {
    #[test]
    fn any_message_is_dealt_with(
        bytes in vec(any::<u8>(), 0..100),
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
        end in any::<Index>(),
    ) {
        let world = done();
        let mut damaged = world.message();
        for (at, value) in changes {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        damaged.truncate(end.index(damaged.len() + 1));
        for message in [bytes, damaged] {
            let attempt = world.work(&message);
            prop_assert!(!matches!(attempt, Attempt::Again(_)), "{:?}", attempt);
        }
    }
}
