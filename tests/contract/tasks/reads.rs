//! Reading tasks for users.

use std::time::Duration;

use concept_refinement_domain::task::{Status, Task};
use uuid::Uuid;

use super::{Store, TaskBackend, created, replayed, with_key};

/// So many completed tasks, two of which always are of the same moment; newest
/// first, and among equals the greater id first.
async fn history<B: TaskBackend>(store: &Store<B>, user: &str, count: usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    for n in 0..count {
        tasks.push(store.completed(user).await.0);
        if n % 2 == 1 {
            store.pass(Duration::from_secs(1));
        }
    }
    tasks.sort_by_key(|task| std::cmp::Reverse((task.created_at, task.id.clone())));
    tasks
}

/// All pages of such a size, and how long each was.
async fn pages<B: TaskBackend>(
    store: &Store<B>,
    status: Option<Status>,
    limit: u32,
) -> (Vec<Task>, Vec<usize>) {
    let (mut tasks, mut lengths, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.tasks.list("ada", status, limit, after).await.unwrap();
        lengths.push(page.items.len());
        tasks.extend(page.items);
        after = page.next;
        if after.is_none() {
            return (tasks, lengths);
        }
        assert!(lengths.len() < 100, "the pages do not end");
    }
}

pub async fn a_user_sees_their_own_tasks_only<B: TaskBackend>() {
    let store = Store::<B>::start();
    let ada = store.created("ada").await;
    let (bob, _) = store.completed("bob").await;
    for (user, id) in [
        ("bob", ada.id.as_str()),
        ("ada", &bob.id),
        ("Ada", &ada.id),
        ("ada", &ada.id.to_uppercase()),
        ("", &ada.id),
        ("%", &ada.id),
        ("ada", ""),
        ("ada", "%"),
        ("ada", &Uuid::new_v4().to_string()),
    ] {
        assert_eq!(
            store.tasks.get(user, id).await.unwrap(),
            None,
            "{user} {id}"
        );
    }
    for (user, expected) in [
        ("ada", vec![ada]),
        ("bob", vec![bob]),
        ("eve", vec![]),
        ("%", vec![]),
    ] {
        let page = store.tasks.list(user, None, 100, None).await.unwrap();
        assert_eq!(page.items, expected);
        assert_eq!(page.next, None);
    }
}

pub async fn pages_meet_without_gap_or_overlap<B: TaskBackend>() {
    let store = Store::<B>::start();
    let expected = history(&store, "ada", 9).await;
    for limit in 1..=10 {
        for status in [None, Some(Status::Completed)] {
            let (tasks, lengths) = pages(&store, status, limit).await;
            assert_eq!(tasks, expected, "{limit} a page");
            assert_eq!(
                lengths.len(),
                9_usize.div_ceil(limit as usize),
                "{lengths:?}"
            );
        }
    }
    // What comes in meanwhile stands before the pages that are still to come.
    let first = store.tasks.list("ada", None, 4, None).await.unwrap();
    store.pass(Duration::from_secs(1));
    let newer = store.created("ada").await;
    let rest = store
        .tasks
        .list("ada", None, 100, first.next.clone())
        .await
        .unwrap();
    assert_eq!([first.items, rest.items].concat(), expected);
    // A task that is gone still marks its place.
    let place = first.next.unwrap();
    assert!(store.tasks.delete("ada", &place.id).await.unwrap());
    let rest = store
        .tasks
        .list("ada", None, 100, Some(place))
        .await
        .unwrap();
    assert_eq!(rest.items, expected[4..]);
    let all = store.tasks.list("ada", None, 100, None).await.unwrap();
    assert_eq!(all.items[0], newer);
}

/// However a store keeps what is old.
pub async fn a_long_history_is_there_to_its_end<B: TaskBackend>() {
    const COUNT: usize = 70;
    let store = Store::<B>::start();
    let mut history = Vec::new();
    let key = |n: usize| with_key("ada", &format!("key {n}"));
    for n in 0..COUNT {
        let task = created(store.submit(key(n)).await);
        let claimed = store.claim(&task).await;
        let concept = match n % 7 {
            0 => {
                store.fail(&claimed.lease).await;
                None
            }
            _ => Some(store.finish(&claimed).await),
        };
        history.insert(0, (store.task(&task).await, concept));
        store.pass(Duration::from_secs(1));
    }
    let tasks: Vec<_> = history.iter().map(|(task, _)| task.clone()).collect();
    for limit in [10, 33, 100] {
        assert_eq!(pages(&store, None, limit).await.0, tasks, "{limit} a page");
    }
    let (failed, _) = pages(&store, Some(Status::Failed), 4).await;
    assert_eq!(failed.len(), COUNT / 7);
    let concepts = store.concepts.list("ada", 100, None).await.unwrap().items;
    let ids: Vec<_> = concepts.iter().map(|concept| &concept.id).collect();
    let expected: Vec<_> = history.iter().filter_map(|(_, id)| id.as_ref()).collect();
    assert_eq!(ids, expected);

    let (oldest, none) = &history[COUNT - 1];
    assert_eq!((store.task(oldest).await, none), (oldest.clone(), &None));
    assert_eq!(replayed(store.submit(key(0)).await).id, oldest.id);
    assert!(store.tasks.delete("ada", &oldest.id).await.unwrap());
    assert_eq!(store.find(oldest).await, None);
    let (next, concept) = &history[COUNT - 2];
    let concept = concept.as_ref().unwrap();
    let image = store.concepts.delete("ada", concept).await.unwrap();
    assert_eq!(image, next.image_path);
    assert_eq!(store.concepts.get("ada", concept).await.unwrap(), None);
    assert_eq!(store.task(next).await.image_path, None);
    assert_eq!(pages(&store, None, 50).await.0.len(), COUNT - 1);
    let concepts = store.concepts.list("ada", 100, None).await.unwrap().items;
    assert_eq!(concepts.len(), expected.len() - 1);
}

pub async fn a_checked_store_can_be_used<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.maintenance.check().await, Ok(()));
    store.created("ada").await;
    assert_eq!(store.maintenance.check().await, Ok(()));
}
