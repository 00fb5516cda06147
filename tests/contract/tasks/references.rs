//! Telling which images nothing refers to, and nothing ever will.

use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_capability::tasks::Leases;
use concept_refinement_domain::capability::{Claimed, Finished, NewTask};
use concept_refinement_domain::image_path::tag_of;
use concept_refinement_domain::image_path::without_format;
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::refined;
use concept_refinement_domain::task::Task;

use super::{LEASE, Store, TaskBackend, at_once, created, image_of, new_task};

/// What the worker of an attempt stores.
fn image(task: &Task, attempt: u32) -> String {
    image_of(task, attempt).path
}

async fn is_unreferenced<B: TaskBackend>(store: &Store<B>, path: &str) -> bool {
    let answer = store.maintenance.unreferenced(vec![path.to_owned()]).await;
    match answer.unwrap().as_slice() {
        [] => false,
        [only] if only == path => true,
        other => panic!("{other:?}"),
    }
}

/// With the image of the attempt that was claimed.
async fn finish(leases: &dyn Leases, Claimed { lease, task, .. }: &Claimed) -> Finished {
    let image = image_of(task, lease.attempt);
    leases.finish(lease, image.into()).await.unwrap()
}

/// A completed task with the image of its first attempt, and its concept's id.
async fn completed<B: TaskBackend>(store: &Store<B>, user: &str) -> (Task, String) {
    let claimed = store.claimed(user).await;
    let finished = finish(&*store.leases, &claimed).await;
    assert_eq!(finished, Finished::Done);
    let task = store.task(&claimed.task).await;
    let id = task.result_id.clone().unwrap();
    (task, id)
}

/// Cases are told before the lease of any of them runs out.
pub async fn an_image_is_needed_as_long_as_a_worker_or_a_concept_may_need_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    // The case, the task, the attempt whose image it is, whether it is needed.
    let mut cases: Vec<(&str, Task, u32, bool)> = Vec::new();

    let task = store.created("pending").await;
    cases.push(("of a worker to come", task, 1, true));

    let task = store.claimed("processing").await.task;
    cases.push(("of a worker", task.clone(), 1, true));
    cases.push(("of the worker after it", task, 2, true));

    let claimed = store.claimed("released").await;
    let _ = store.leases.release(&claimed.lease).await.unwrap();
    cases.push(("of who gave the task back", claimed.task.clone(), 1, true));
    cases.push(("of who takes it next", claimed.task, 2, true));

    let (task, _) = completed(&store, "completed").await;
    cases.push(("of a concept", task.clone(), 1, true));
    cases.push(("of no attempt of a completed task", task, 2, false));

    let (task, _) = completed(&store, "deleted when completed").await;
    store.tasks.delete(&task.user_id, &task.id).await.unwrap();
    cases.push(("of a concept without its task", task.clone(), 1, true));
    cases.push(("of no attempt of a deleted task", task, 2, false));

    let (task, id) = completed(&store, "concept deleted").await;
    store.concepts.delete(&task.user_id, &id).await.unwrap();
    cases.push(("of a deleted concept", task, 1, false));

    let (task, id) = completed(&store, "all deleted").await;
    store.concepts.delete(&task.user_id, &id).await.unwrap();
    store.tasks.delete(&task.user_id, &task.id).await.unwrap();
    cases.push(("of a concept and a task that are deleted", task, 1, false));

    let claimed = store.claimed("failed").await;
    store.fail(&claimed.lease).await;
    cases.push(("of a failed task", claimed.task, 1, false));

    let claimed = store.claimed("withdrawn").await;
    let _ = store.leases.release(&claimed.lease).await.unwrap();
    let _ = store.tasks.withdraw(&claimed.task.id, "No.").await.unwrap();
    cases.push(("of a withdrawn task", claimed.task, 1, false));

    let claimed = store.claimed("deleted").await;
    let Task { user_id, id, .. } = &claimed.task;
    store.tasks.delete(user_id, id).await.unwrap();
    cases.push(("of a task deleted under its worker", claimed.task, 1, false));

    let task = store.created("deleted when pending").await;
    store.tasks.delete(&task.user_id, &task.id).await.unwrap();
    cases.push(("of a task deleted before it began", task, 1, false));

    // A store that has lost its tasks knows none, and no image may be deleted.
    let never = Task {
        id: new_task("").id,
        ..store.created("never").await
    };
    cases.push(("of a task that nobody ever knew", never, 1, true));

    for (case, task, attempt, is_needed) in &cases {
        let path = image(task, *attempt);
        let unreferenced = is_unreferenced(&store, &path).await;
        assert_eq!(unreferenced, !is_needed, "{case}: {path}");
        // Where a list does not tell the format.
        let unreferenced = is_unreferenced(&store, without_format(&path)).await;
        assert_eq!(unreferenced, !is_needed, "{case}: {path}, by name");
    }
    // All together: those and no others, each once.
    let paths = |which: &dyn Fn(bool) -> bool| -> Vec<String> {
        let mut paths: Vec<_> = cases.iter().filter(|case| which(case.3)).collect();
        paths.sort_by_key(|case| image(&case.1, case.2));
        paths.iter().map(|case| image(&case.1, case.2)).collect()
    };
    let all = store.maintenance.unreferenced(paths(&|_| true)).await;
    let mut all = all.unwrap();
    all.sort();
    assert_eq!(all, paths(&|is_needed| !is_needed));
    assert_eq!(
        store.maintenance.unreferenced(vec![]).await.unwrap(),
        [""; 0]
    );
}

/// Uploads are of users, who may delete them, but nobody else does.
pub async fn an_original_and_a_mask_are_needed_until_their_task_ends<B: TaskBackend>() {
    let store = Store::<B>::start();
    let original = "uploads/ada/0190c0de-0000-7000-8000-000000000001.png".to_owned();
    let mask = "uploads/ada/0190c0de-0000-7000-8000-000000000002.png".to_owned();
    let new = NewTask {
        original_path: Some(original.clone()),
        mask_path: Some(mask.clone()),
        ..new_task("ada")
    };
    let task = created(store.submit(new).await);
    // What a user writes is no path.
    let other = "uploads/ada/0190c0de-0000-7000-8000-000000000003.png".to_owned();
    let mut named = new_task("bob");
    named.refinement.refinement_prompt = format!("\"mask_path\":\"{other}\"");
    store.submit(named).await;
    let claimed = store.claim(&task).await;
    assert_eq!(claimed.task.mask_path.as_ref(), Some(&mask));
    for path in [&original, &mask] {
        for path in [path.as_str(), without_format(path)] {
            assert!(!is_unreferenced(&store, path).await, "{path}");
        }
    }
    assert!(is_unreferenced(&store, &other).await);
    store.fail(&claimed.lease).await;
    for path in [&original, &mask] {
        assert!(is_unreferenced(&store, path).await, "{path}");
    }
}

/// Whoever claims a task looks for the images of earlier attempts first.
pub async fn an_earlier_attempts_image_is_needed_until_the_task_ends<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("taken").await;
    let given_up = store.claimed("given up").await;
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    for attempt in 1..=2 {
        assert!(!is_unreferenced(&store, &image(&first.task, attempt)).await);
    }
    // The second goes on from what the first one stored.
    let taken = image_of(&first.task, 1);
    let finished = store.leases.finish(&second.lease, taken.into()).await;
    assert_eq!(finished, Ok(Finished::Done));
    assert!(!is_unreferenced(&store, &image(&first.task, 1)).await);
    assert!(is_unreferenced(&store, &image(&first.task, 2)).await);

    for _ in 1..=MAX_DEATHS {
        assert!(!is_unreferenced(&store, &image(&given_up.task, 1)).await);
        let _ = store.try_claim(&given_up.task).await;
        store.pass(LEASE);
    }
    for attempt in 1..=MAX_DEATHS {
        let image = image(&given_up.task, attempt);
        assert!(is_unreferenced(&store, &image).await, "died: {attempt}");
    }
}

pub async fn an_image_is_judged_by_its_whole_path<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (task, _) = completed(&store, "ada").await;
    let (name, ada) = (refined::name(&task.id, 1), tag_of("ada"));
    for (path, is_needed) in [
        (format!("refined/{ada}/{name}.png"), true),
        (format!("refined/{ada}/{name}.jpg"), false),
        (format!("refined/bob/{name}.png"), false),
        (format!("refined/{name}.png"), false),
        // Nothing tells whose these are.
        (format!("refined/{ada}/{name}-x.png"), true),
        (format!("refined/{ada}/{}.png", task.id), true),
        (format!("refined/{ada}/{}-01.png", task.id), true),
        ("refined/ada/logo.png".into(), true),
        ("refined/".into(), true),
    ] {
        assert_eq!(is_unreferenced(&store, &path).await, !is_needed, "{path:?}");
    }
}

/// An image that a worker is about to make visible is never reported as
/// unreferenced.
pub async fn what_is_being_published_is_never_unreferenced<B: TaskBackend>() {
    let store = Store::<B>::start();
    at_once(8, |n| {
        let store = store.backend.store();
        async move {
            for _ in 0..25 {
                let new = new_task(&format!("user {n}"));
                let task = created(store.submit(new).await.unwrap());
                let claimed = store.claim(&task.id, None).await.unwrap().unwrap();
                let path = image(&task, claimed.lease.attempt);
                let published = AtomicBool::new(false);
                let work = async {
                    let finished = finish(&*store, &claimed).await;
                    assert_eq!(finished, Finished::Done);
                    published.store(true, Ordering::SeqCst);
                };
                let looks = async {
                    while !published.load(Ordering::SeqCst) {
                        let told = store.unreferenced(vec![path.clone()]).await.unwrap();
                        assert_eq!(told, [""; 0], "it is about to be seen");
                    }
                };
                futures::join!(work, looks);
            }
        }
    })
    .await;
}
