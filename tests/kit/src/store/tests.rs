//! What the rules mean over days and over several tasks. Every backend answers
//! as this store does, so nothing here has to be said of each.

use concept_refinement_domain::capability::{Stored, TaskFailure};
use concept_refinement_domain::quota::Quota;
use concept_refinement_domain::task::Refinement;

use super::*;

const NOW: Timestamp = Timestamp(1_795_176_000_123_456);
const NEVER: Timestamp = Timestamp(u64::MAX / 2);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct World {
    store: MemoryStore,
    now: Timestamp,
    created: u32,
}

/// How a task ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Completed,
    Failed,
    Deleted,
}

impl World {
    fn start(max_backlog: u32) -> Self {
        let options = Options {
            max_backlog,
            ..Options::default()
        };
        Self {
            store: MemoryStore::new(options),
            now: NOW,
            created: 0,
        }
    }

    fn new_task(&mut self, user_id: &str, quota: Option<(u32, Window)>) -> NewTask {
        self.created += 1;
        NewTask {
            quota: quota.map(|(limit, window)| Quota { limit, window }),
            ..NewTask::new(
                format!("0190c0de-0000-7000-8000-{:012x}", self.created),
                user_id,
                Refinement::new("https://example.com/a.png", "Make it lighter"),
            )
        }
    }

    fn submit(&mut self, task: NewTask) -> Submission {
        self.store.submit(task, self.now).unwrap()
    }

    fn created(&mut self, task: NewTask) -> Task {
        match self.submit(task) {
            Submission::Created(accepted) => accepted.task,
            other => panic!("not created: {other:?}"),
        }
    }

    fn claimed(&mut self, task: &Task) -> Lease {
        self.store.claim(&task.id, None, self.now).unwrap().lease
    }

    fn end(&mut self, task: &Task, end: End) {
        let lease = self.claimed(task);
        match end {
            End::Completed => {
                let image = Stored {
                    path: format!("refined/{}", task.id),
                    url: String::new(),
                    sha256: None,
                };
                let finished = self.store.finish(&lease, image.into(), self.now);
                assert_eq!(finished, Finished::Done);
            }
            End::Failed => assert_eq!(
                self.store.fail(&lease, &TaskFailure::new("No."), self.now),
                Fenced::Done
            ),
            End::Deleted => assert!(self.store.delete(&task.user_id, &task.id)),
        }
    }

    fn ended(&mut self, user_id: &str, end: End) -> Task {
        let task = self.new_task(user_id, None);
        let task = self.created(task);
        self.end(&task, end);
        task
    }
}

#[test]
fn a_quota_is_of_its_window() {
    // From 12:00:00.123456 on 20 November.
    for (window, end) in [
        (Window::Hour, 1_795_179_600),
        (Window::Day, 1_795_219_200),
        (Window::Month, 1_796_083_200),
    ] {
        let mut world = World::start(10);
        let end = Timestamp::from_secs(end);
        for now in [NOW, end] {
            world.now = now;
            for end in [End::Completed, End::Completed, End::Deleted] {
                let task = world.new_task("ada", Some((3, window)));
                let task = world.created(task);
                let active = world.new_task("ada", Some((3, window)));
                assert!(matches!(world.submit(active), Submission::Active(_)));
                world.end(&task, end);
            }
            // What is refused is not counted, and a later moment of the window is
            // no other window.
            for now in [now, Timestamp(window.end(now).0 - 1)] {
                world.now = now;
                let judged = world.new_task("ada", Some((3, window)));
                let judged = world.submit(judged);
                let Submission::QuotaExceeded(state) = judged else {
                    panic!("{window:?}: {judged:?}")
                };
                assert_eq!((state.remaining, state.reset), (0, window.end(now)));
            }
        }
        let unlimited = world.new_task("ada", None);
        let task = world.created(unlimited);
        world.end(&task, End::Completed);
        let counted = world.new_task("ada", Some((4, window)));
        assert!(matches!(
            world.submit(counted),
            Submission::QuotaExceeded(_)
        ));
    }
}

#[test]
fn a_key_outlives_its_task_for_a_day_and_not_a_refusal() {
    let mut world = World::start(1);
    let keyed = |mut task: NewTask, key: &str| {
        task.idempotency_key = Some(key.into());
        task
    };
    let task = world.new_task("ada", None);
    let first = world.created(keyed(task, "key"));
    // The backlog is full.
    let task = world.new_task("bob", None);
    let refused = world.submit(keyed(task, "refused"));
    assert!(matches!(refused, Submission::BacklogFull(_)), "{refused:?}");
    world.end(&first, End::Deleted);
    for (key, user) in [("refused", "bob"), ("key", "bob"), ("KEY", "ada")] {
        let task = world.new_task(user, None);
        let task = world.created(keyed(task, key));
        world.end(&task, End::Completed);
    }
    for (later, is_replayed) in [(DAY - Duration::from_micros(1), true), (DAY, false)] {
        world.now = NOW.plus(later);
        let task = world.new_task("ada", None);
        let judged = world.submit(keyed(task, "key"));
        match judged {
            Submission::Replayed(accepted) => assert!(is_replayed && accepted.task == first),
            other => assert!(!is_replayed, "{other:?}"),
        }
    }
}

#[test]
fn what_ended_is_forgotten_by_its_age() {
    let mut world = World::start(10);
    let mut ended = vec![];
    for (n, end) in [End::Completed, End::Failed, End::Completed]
        .into_iter()
        .enumerate()
    {
        world.now = NOW.plus(HOUR * u32::try_from(n).unwrap());
        ended.push(world.ended("ada", end));
    }
    let original = world.store.get("ada", &ended[2].id).unwrap().image_path;
    let pending = world.new_task("bob", None);
    let pending = world.created(NewTask {
        original_path: original.clone(),
        ..pending
    });
    let image = |task: &Task| vec![format!("refined/{}", task.id)];
    let gone = |tasks, image_paths: Vec<String>| Expired {
        tasks,
        concepts: u32::try_from(image_paths.len()).unwrap(),
        image_paths,
    };
    for (name, before, limit, expected) in [
        ("as old as then", NOW, 9, gone(0, vec![])),
        ("older", NOW.plus(HOUR), 9, gone(1, image(&ended[0]))),
        ("the oldest", NEVER, 1, gone(1, vec![])),
        (
            "an original of a pending task stays",
            NEVER,
            9,
            gone(1, vec![]),
        ),
        ("pending tasks do", NEVER, 9, gone(0, vec![])),
    ] {
        assert_eq!(world.store.expire(before, limit), expected, "{name}");
    }
    world.end(&pending, End::Failed);
    assert_eq!(world.store.expire(NEVER, 9), gone(1, image(&ended[2])));
}
