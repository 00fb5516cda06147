//! What watchers are told.

use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::samples::new_task;
use futures::{FutureExt, StreamExt};

use super::*;

impl Hub {
    fn is_watched(&self, task_id: &str) -> bool {
        self.state.lock().watched.contains_key(task_id)
    }
}

fn status(revision: u64, attempt: u32, status: Status) -> Update {
    let task = Task { status, ..task() };
    Update::Status(revision, attempt, Arc::new(task))
}

fn lease(attempt: u32) -> Lease {
    Lease {
        task_id: "a".into(),
        attempt,
        until: Timestamp(1),
        renew_after: 1,
    }
}

fn task() -> Task {
    new_task("a").created(Timestamp(1))
}

#[tokio::test]
async fn whoever_leaves_is_forgotten() {
    let hub = Arc::new(Hub::default());
    let (first, second) = (hub.subscribe("a"), hub.subscribe("a"));
    drop(first);
    assert!(hub.is_watched("a"));
    drop(second);
    assert!(!hub.is_watched("a"));

    let mut last = hub.subscribe("a");
    hub.began_elsewhere("a", 1, Stage::Refining);
    hub.announce("a", Update::Deleted);
    assert!(!hub.is_watched("a"));
    assert!(matches!(last.next_after(0).await, Some(Update::Stage(_))));
    assert!(matches!(last.next_after(0).await, Some(Update::Deleted)));
    assert!(last.next_after(0).await.is_none());
}

/// A task that is read after subscribing may already contain a change that
/// is announced later.
#[tokio::test]
async fn what_was_seen_already_is_skipped() {
    let hub = Arc::new(Hub::default());
    let mut subscription = hub.subscribe("a");
    hub.announce("a", status(1, 1, Status::Processing));
    hub.began(&lease(1), Stage::Refining);
    hub.announce("a", status(2, 1, Status::Pending));
    hub.announce("a", status(3, 2, Status::Processing));
    let next = subscription.next_after(2).await;
    assert!(matches!(next, Some(Update::Status(3, ..))), "{next:?}");
}

/// However a claim ends, later stages of its worker are ignored, and no
/// entry is left for it.
#[tokio::test]
async fn work_is_remembered_for_as_long_as_its_claim_lasts() {
    let hub = Arc::new(Hub::default());
    let stage = || hub.state.lock().under_way.get("a").map(|work| work.stage);
    let ends = [
        ("completed", status(2, 1, Status::Completed), None),
        ("failed", status(2, 1, Status::Failed), None),
        ("released", status(2, 1, Status::Pending), None),
        ("deleted", Update::Deleted, None),
        ("taken over", status(2, 2, Status::Processing), Some(None)),
    ];
    for (name, end, left) in ends {
        hub.announce("a", status(1, 1, Status::Processing));
        assert_eq!(stage(), Some(None), "{name}");
        hub.began(&lease(1), Stage::Refining);
        assert_eq!(stage(), Some(Some(Stage::Refining)), "{name}");
        hub.announce("a", end);
        hub.began(&lease(1), Stage::StoringImage);
        assert_eq!(stage(), left, "{name}");
    }
}

/// What is only read, or happened before, ends no claim of this process.
#[tokio::test]
async fn a_look_at_a_task_ends_no_work() {
    let hub = Arc::new(Hub::default());
    hub.announce("a", status(3, 1, Status::Processing));
    let _ = hub.began(&lease(1), Stage::Refining);
    hub.announce_elsewhere("a", status(3, 1, Status::Processing));
    hub.announce_elsewhere("a", status(2, 0, Status::Pending));
    let subscription = hub.subscribe("a");
    let task = Task {
        status: Status::Processing,
        ..task()
    };
    let told: Vec<_> = subscription.changes_after(3, task).take(2).collect().await;
    assert_eq!(told.last(), Some(&Change::Progress(Stage::Refining)));
    hub.announce_elsewhere("a", status(4, 2, Status::Processing));
    assert_eq!(hub.began(&lease(1), Stage::StoringImage), None);
}

#[tokio::test]
async fn who_reads_something_new_takes_it_from_nobody() {
    let hub = Arc::new(Hub::default());
    let mut first = hub.subscribe("a");
    let alone = hub.subscribe("b").changes_after(4, task());
    assert!(!hub.lacks("b", 4));
    let second = hub.subscribe("a").changes_after(4, task());
    assert!(hub.lacks("a", 4), "the first one does not know");
    hub.announce_elsewhere("a", status(4, 1, Status::Processing));
    assert!(matches!(
        first.next_after(3).await,
        Some(Update::Status(4, ..))
    ));
    assert!(!hub.lacks("a", 4));
    drop((alone, second));
}

/// A stage of another process is told to those who watch and who will.
#[tokio::test]
async fn a_stage_elsewhere_is_told_until_its_claim_ends() {
    let hub = Arc::new(Hub::default());
    let stage = || {
        hub.state
            .lock()
            .elsewhere
            .get("a")
            .and_then(|work| work.stage)
    };
    let mut watching = hub.subscribe("a");
    hub.began_elsewhere("a", 1, Stage::Refining);
    let told = watching.next_after(1).await;
    let Some(Update::Stage(told)) = told else {
        panic!("{told:?}");
    };
    assert_eq!((told.revision, told.stage), (1, Stage::Refining));
    hub.announce_elsewhere("a", status(1, 1, Status::Processing));
    assert_eq!(stage(), Some(Stage::Refining), "it was only looked at");
    hub.began_elsewhere("a", 0, Stage::Downloading);
    assert_eq!(stage(), Some(Stage::Refining), "that was before");
    hub.announce_elsewhere("a", status(2, 1, Status::Pending));
    assert_eq!(stage(), None);
    hub.began_elsewhere("a", 3, Stage::Refining);
    hub.changed_elsewhere("a", 4, Status::Completed);
    assert_eq!(stage(), None);
}

/// Nobody watches these tasks, so nobody looks at them.
#[tokio::test]
async fn a_claim_that_another_process_took_over_is_forgotten() {
    let hub = Hub::default();
    let is_remembered = || hub.state.lock().under_way.contains_key("a");
    for (name, revision, now, remembered) in [
        ("its own claim", 3, Status::Processing, true),
        ("what was before", 2, Status::Pending, true),
        ("taken over", 4, Status::Processing, false),
        ("ended", 4, Status::Failed, false),
    ] {
        hub.announce("a", status(3, 1, Status::Processing));
        hub.changed_elsewhere("a", revision, now);
        assert_eq!(is_remembered(), remembered, "{name}");
    }
    for task in 0..3 * MAX_WORK {
        hub.announce(&task.to_string(), status(1, 1, Status::Processing));
        assert!(hub.state.lock().under_way.len() <= MAX_WORK);
    }
}

/// A few are told of each stage, however late. Of a crowd who is late is told what is
/// left to tell.
#[tokio::test]
async fn a_crowd_is_not_told_of_stages_that_are_over() {
    use Stage::{Refining, StoringConcept, StoringImage};
    let all = [
        Change::Progress(Refining),
        Change::Progress(StoringImage),
        Change::Progress(StoringConcept),
    ];
    let end = status(2, 1, Status::Completed);
    for (name, watchers, expected) in [("few", CROWD, &all[..]), ("crowd", CROWD + 1, &[])] {
        let hub = Arc::new(Hub::default());
        hub.announce("a", status(1, 1, Status::Processing));
        let subscriptions = (0..watchers).map(|_| hub.subscribe("a").changes_after(1, task()));
        let mut crowd: Vec<_> = subscriptions.collect();
        hub.began(&lease(1), Stage::Downloading);
        let mut prompt = crowd.pop().unwrap();
        assert!(matches!(prompt.next().await, Some(Change::Task(_))));
        let told = prompt.next().await;
        assert_eq!(told, Some(Change::Progress(Stage::Downloading)), "{name}");
        for stage in [Refining, StoringImage, StoringConcept] {
            hub.began(&lease(1), stage);
        }
        hub.announce("a", end.clone());
        let mut told: Vec<_> = prompt.collect().await;
        let last = told.pop().unwrap();
        assert!(matches!(last, Change::Task(task) if task.status == Status::Completed));
        assert_eq!(told, expected, "{name}");
    }
}

#[tokio::test]
async fn a_store_that_closes_lets_its_watchers_go() {
    let hub = Arc::new(Hub::default());
    let changes = futures::stream::unfold(hub.subscribe("a"), |mut subscription| async {
        let update = subscription.next_after(0).await?;
        Some((update, subscription))
    });
    let mut changes = Box::pin(changes);
    assert!(changes.next().now_or_never().is_none());
    hub.close();
    assert!(changes.next().await.is_none());
}
