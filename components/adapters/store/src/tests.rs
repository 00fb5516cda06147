//! The store over an in-memory platform, with interleaved operations: each call
//! of the platform yields to others, and a worker may vanish at any of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use concept_refinement_domain::capability::{
    Fenced, Finished, ImageKind, ImageLength, Lease, NewImage, NewTask, Stored, StoredOrNot,
    Submission, TaskFailure,
};
use concept_refinement_domain::quota::{Quota, Window};
use concept_refinement_domain::refined;
use concept_refinement_domain::task::{Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use self::memory::{Dice, Memory, stored};
use crate::ports::Fault;
use crate::store::Store;
use concept_refinement_guest::{ByteStream, Random};

mod deadlines;
mod deliveries;
mod erasure;
mod from_0_1;
mod memory;
mod payments;
mod readiness;
mod several;
mod versions;
mod watching;

const USERS: [&str; 2] = ["ada", "bob"];
const QUOTA: u32 = 6;

type Shared = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

thread_local! {
    static STORED: Shared = Rc::default();
    static RANDOM: Cell<u64> = const { Cell::new(1) };
    static NOW: Cell<u64> = const { Cell::new(1_795_176_000_000_000) };
    /// Whether a provider may be asked once only.
    static IS_NEVER: Cell<bool> = const { Cell::new(false) };
    /// A setting and its value.
    static SETTING: Cell<(&'static str, &'static str)> = const { Cell::new(("", "")) };
    /// How many tasks a user may have that are active.
    static ACTIVE_TASKS: Cell<u32> = const { Cell::new(1) };
    static SWAPS: Cell<Swaps> = const { Cell::new(Swaps::Work) };
    /// How often something was written: a platform may wait for its disk each time.
    static COMMITS: Cell<u32> = const { Cell::new(0) };
}

/// What platforms do that offer to swap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Swaps {
    Work,
    /// Each is reported as lost.
    AreLost,
    /// The same, though the value was written.
    AreLostButWritten,
}

fn store() -> Store<Memory, Dice> {
    Store::default()
}

fn id(number: u64) -> String {
    format!("0190c0de-0000-7000-8000-{number:012x}")
}

/// What was observed.
#[derive(Default)]
struct Observed {
    created: BTreeMap<String, &'static str>,
    keys: BTreeMap<(&'static str, String), String>,
    attempts: BTreeSet<(String, u32)>,
    ends: BTreeMap<String, Status>,
    deleted: BTreeSet<String>,
}

type Shown = Rc<RefCell<Observed>>;

fn new_task(user: &str, number: u64) -> NewTask {
    NewTask {
        active_tasks: ACTIVE_TASKS.get(),
        ..NewTask::new(
            id(number),
            user,
            Refinement::new("https://example.com/a.png", "Make it lighter"),
        )
    }
}

async fn submit(user: &'static str, number: u64, observed: Shown) {
    let key = format!("key {}", number % 5);
    let task = NewTask {
        idempotency_key: number.is_multiple_of(3).then(|| key.clone()),
        quota: Some(Quota {
            limit: QUOTA,
            window: Window::Month,
        }),
        ..new_task(user, number)
    };
    let has_key = task.idempotency_key.is_some();
    let answer = store().submit(task).await.unwrap();
    let mut observed = observed.borrow_mut();
    match answer {
        Submission::Created(accepted) => {
            let id = accepted.task.id.clone();
            assert_eq!(observed.created.insert(id, user), None);
            if has_key {
                let other = observed.keys.insert((user, key), accepted.task.id);
                assert_eq!(other, None, "a key made two tasks");
            }
        }
        Submission::Replayed(accepted) => {
            if let Some(first) = observed.keys.get(&(user, key)) {
                assert_eq!(*first, accepted.task.id);
            }
        }
        Submission::Active(accepted) => assert_eq!(accepted.task.user_id, user),
        Submission::QuotaExceeded(_) => {}
        other => panic!("{other:?}"),
    }
}

fn image(lease: &Lease) -> Stored {
    Stored {
        path: format!("refined/{}", lease.attempt),
        url: "/api/images/refined".into(),
        sha256: None,
    }
}

async fn work(id: String, fails: bool, observed: Shown) {
    let store = store();
    let Some(claimed) = store.claim(&id, None).await.unwrap() else {
        return;
    };
    let lease = claimed.lease;
    let is_new = observed
        .borrow_mut()
        .attempts
        .insert((id.clone(), lease.attempt));
    assert!(is_new, "two hold one attempt");
    let (is_done, status) = if fails {
        let failed = store
            .fail(&lease, &TaskFailure::new("It failed."))
            .await
            .unwrap();
        (failed == Fenced::Done, Status::Failed)
    } else {
        let finished = store.finish(&lease, image(&lease).into()).await.unwrap();
        (finished == Finished::Done, Status::Completed)
    };
    if is_done {
        let earlier = observed.borrow_mut().ends.insert(id, status);
        assert_eq!(earlier, None, "a task ended twice");
    }
}

async fn delete(user: &'static str, id: String, observed: Shown) {
    if store().delete(user, &id).await.unwrap() {
        assert!(observed.borrow_mut().deleted.insert(id), "deleted twice");
    }
}

/// Runs all users in an order drawn from the seed; at one in `vanish` steps
/// someone vanishes in the middle of an operation.
fn run(seed: u64, vanish: u64) -> Shown {
    fresh();
    ACTIVE_TASKS.set(1 + u32::try_from(seed % 3).unwrap());
    RANDOM.set(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let dice = Dice;
    let observed = Shown::default();
    let mut running: Running = Vec::new();
    let mut begun = 0;
    while begun < 120 || !running.is_empty() {
        if begun < 120 && running.len() < 6 {
            begun += 1;
            let user = USERS[(dice.random() % 2) as usize];
            let some = id(dice.random() % begun);
            running.push(match dice.random() % 8 {
                0..4 => Box::pin(submit(user, begun, observed.clone())),
                4..7 => {
                    let fails = dice.random().is_multiple_of(4);
                    Box::pin(work(some, fails, observed.clone()))
                }
                _ => Box::pin(delete(user, some, observed.clone())),
            });
        }
        step(&mut running, vanish);
        if dice.random().is_multiple_of(20) {
            NOW.set(NOW.get() + 20_000_000);
        }
    }
    observed
}

type Running = Vec<Pin<Box<dyn Future<Output = ()>>>>;

/// One of those who run makes a step; at one in `vanish` steps it vanishes.
fn step(running: &mut Running, vanish: u64) {
    let index = (Dice.random() % running.len() as u64) as usize;
    let mut context = Context::from_waker(Waker::noop());
    let is_done = running[index].as_mut().poll(&mut context).is_ready();
    if is_done || Dice.random().is_multiple_of(vanish) {
        drop(running.swap_remove(index));
    }
}

fn alone<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}

/// Checks what must hold after all remaining tasks were processed.
fn check(seed: u64, observed: &Shown) {
    for user in USERS {
        loop {
            let tasks = alone(store().list(user, None, 100, None)).unwrap().items;
            let left: Vec<_> = tasks
                .iter()
                .filter(|task| !task.status.is_final())
                .collect();
            let most = ACTIVE_TASKS.get() as usize;
            assert!(left.len() <= most, "seed {seed}: too many are active");
            let Some(task) = left.first() else { break };
            NOW.set(NOW.get() + 60_000_000);
            alone(work(task.id.clone(), false, observed.clone()));
        }
        let tasks = alone(store().list(user, None, 100, None)).unwrap().items;
        // A task that failed for nothing is given back.
        let counted = tasks.iter().filter(|task| task.status != Status::Failed);
        let counted = counted.count();
        assert!(counted <= QUOTA as usize, "seed {seed}: {counted}");
        let ids: BTreeSet<_> = tasks.iter().map(|task| task.id.clone()).collect();
        assert_eq!(ids.len(), tasks.len(), "seed {seed}: one is there twice");
        let observed = observed.borrow();
        for (id, _) in observed.created.iter().filter(|(_, owner)| **owner == user) {
            // The user may have vanished before the answer to the deletion
            // arrived.
            let is_gone = alone(store().get(user, id)).unwrap().is_none();
            assert_eq!(!ids.contains(id), is_gone, "seed {seed}");
            assert!(!observed.deleted.contains(id) || is_gone, "seed {seed}");
        }
        let concepts = alone(store().concepts(user, 100, None)).unwrap().items;
        let times: Vec<_> = concepts.iter().map(|concept| concept.created_at).collect();
        assert!(times.is_sorted_by(|newer, older| newer > older), "{seed}");
        for task in &tasks {
            assert_eq!(
                alone(store().get(user, &task.id)).unwrap().as_ref(),
                Some(task)
            );
            if let Some(status) = observed.ends.get(&task.id) {
                assert_eq!(task.status, *status, "seed {seed}");
            }
            let has_concept = concepts
                .iter()
                .any(|concept| concept.content.task_id == task.id);
            assert_eq!(has_concept, task.status == Status::Completed, "seed {seed}");
            assert_eq!(task.result_id.is_some(), has_concept, "seed {seed}");
            assert_eq!(task.image_path.is_some(), has_concept, "seed {seed}");
        }
    }
}

fn check_many(vanish: u64) {
    let mut ended = 0;
    for seed in 1..=400 {
        let observed = run(seed, vanish);
        check(seed, &observed);
        ended += observed.borrow().ends.len();
    }
    assert!(ended > 400, "hardly anything happened: {ended}");
}

#[test]
fn any_order_of_steps_keeps_the_promises() {
    check_many(u64::MAX);
}

#[test]
fn whoever_vanishes_leaves_nothing_broken() {
    check_many(40);
}

fn fresh() {
    stored(BTreeMap::clear);
    RANDOM.set(7);
    ACTIVE_TASKS.set(1);
}

fn keys() -> Vec<String> {
    stored(|stored| stored.keys().cloned().collect())
}

fn has_key(prefix: &str) -> bool {
    keys().iter().any(|key| key.starts_with(prefix))
}

fn accepted(number: u64) -> String {
    let observed = Shown::default();
    alone(submit("ada", number, observed.clone()));
    let id = id(number);
    assert!(observed.borrow().created.contains_key(&id));
    id
}

#[test]
fn a_task_that_goes_while_it_is_listed_moves_no_page() {
    fresh();
    let observed = Shown::default();
    for number in [1, 2, 4, 5] {
        let id = accepted(number);
        alone(work(id, false, observed.clone()));
    }
    // Its entry was read before the deletion.
    stored(|stored| stored.remove(&crate::names::task(&id(5)).unwrap()));
    let first = alone(store().list("ada", None, 2, None)).unwrap();
    let second = alone(store().list("ada", None, 2, first.next)).unwrap();
    let ids = |tasks: Vec<Task>| Vec::from_iter(tasks.into_iter().map(|task| task.id));
    assert_eq!(ids(first.items), [id(4)]);
    assert_eq!(ids(second.items), [id(2), id(1)]);
    assert_eq!(second.next, None);
}

/// The contents of an image in one piece.
struct Piece(Option<Vec<u8>>);

impl ByteStream for Piece {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.take()
    }
}

/// Stores five bytes of ada's.
async fn put_image(kind: ImageKind, name: String) -> Result<StoredOrNot, Fault> {
    let image = NewImage {
        kind,
        name,
        owner: "ada".into(),
        media_type: "image/png".into(),
        length: ImageLength::Exactly(5),
        metadata: Vec::new(),
        limits: None,
    };
    let contents = &mut Piece(Some(b"image".to_vec()));
    store().put_image(image, contents).await
}

/// From its submission to its end, as the processor goes through it.
async fn pipeline(task_id: String) {
    let store = store();
    let claimed = store.claim(&task_id, None).await.unwrap().unwrap();
    let lease = claimed.lease;
    store.began(&lease, Stage::Downloading).await;
    store.began(&lease, Stage::Refining).await;
    store.began(&lease, Stage::StoringImage).await;
    let name = refined::name(&task_id, lease.attempt);
    let stored = match put_image(ImageKind::Refined, name).await.unwrap() {
        StoredOrNot::Stored(stored) => stored,
        other => panic!("{other:?}"),
    };
    store.began(&lease, Stage::StoringConcept).await;
    let finished = store.finish(&lease, stored.into()).await.unwrap();
    assert_eq!(finished, Finished::Done);
}

/// A platform may wait for its disk at each: the request, its place in the user's
/// record, the claim, four stages, the image and its description, the concept, and
/// the end.
#[test]
fn a_task_is_eleven_commits() {
    fresh();
    // The first of all makes the secret, too.
    alone(pipeline(accepted(1)));
    let before = COMMITS.get();
    alone(pipeline(accepted(2)));
    assert_eq!(COMMITS.get() - before, 11);
}

#[test]
fn what_is_deleted_leaves_nothing_behind() {
    for (name, end) in [("failed", true), ("active", false)] {
        fresh();
        let task = accepted(1);
        let claimed = alone(store().claim(&task, None)).unwrap().unwrap();
        let lease = claimed.lease;
        alone(store().began(&lease, Stage::StoringConcept));
        if end {
            let failed = alone(store().fail(&lease, &TaskFailure::new("It failed."))).unwrap();
            assert_eq!(failed, Fenced::Done);
        }
        assert!(alone(store().delete("ada", &task)).unwrap());
        alone(store().began(&lease, Stage::StoringConcept));
        assert_eq!(keys(), [crate::names::user("ada")], "{name}");
    }
}

#[test]
fn a_task_that_is_given_up_leaves_the_reason_alone() {
    fresh();
    let task = accepted(1);
    for _ in 0..3 {
        alone(store().claim(&task, None)).unwrap().unwrap();
        NOW.set(NOW.get() + 60_000_000);
    }
    assert_eq!(alone(store().claim(&task, None)).unwrap(), None);
    let left = stored(|stored| stored.keys().filter(|key| key.starts_with("end/")).count());
    assert_eq!(left, 1);
    assert!(!has_key("concept/"));
    assert!(alone(store().delete("ada", &task)).unwrap());
    assert_eq!(keys(), [crate::names::user("ada")]);
}
