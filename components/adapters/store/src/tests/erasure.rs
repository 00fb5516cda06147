//! Erasing a user, interrupted anywhere.

use concept_refinement_domain::webhook::Webhook;

use super::*;

/// Two segments, and some entries in the record.
const TASKS: u64 = 70;

fn with_key(user: &str, number: u64) -> NewTask {
    NewTask {
        webhook: Some(Webhook {
            url: "https://example.com/hook".into(),
            origin: "https://example.com".into(),
        }),
        // As many as stay in the record.
        idempotency_key: (number < 60).then(|| format!("key {number}")),
        ..new_task(user, number)
    }
}

/// Failed and completed tasks, two active ones, uploads, and what another user has.
async fn history() {
    for number in 1..=TASKS {
        store().submit(with_key("ada", number)).await.unwrap();
        match number % 5 {
            0 => work(id(number), true, Shown::default()).await,
            _ => pipeline(id(number)).await,
        }
    }
    for number in [TASKS + 1, TASKS + 3] {
        let submitted = store().submit(with_key("ada", number)).await.unwrap();
        assert!(matches!(submitted, Submission::Created(_)));
    }
    for name in ["a", "b"] {
        let stored = put_image(ImageKind::Upload, name.into()).await.unwrap();
        assert!(matches!(stored, StoredOrNot::Stored(_)));
    }
    store().submit(with_key("bob", TASKS + 2)).await.unwrap();
}

async fn erase() {
    while store().erase_user("ada", 10).await.unwrap().has_more {}
    while store().delete_uploads("ada", 1).await.unwrap() {}
}

/// What there is, without the user's own record, the empty segments and the store's secret.
fn left() -> BTreeMap<String, Vec<u8>> {
    let mut left = stored(|stored| stored.clone());
    left.retain(|key, value| match key.split_once('/') {
        Some(("segment", _)) => !String::from_utf8_lossy(value).ends_with("\"entries\":[]}"),
        Some(("user", tag)) => tag != concept_refinement_domain::image_path::tag_of("ada"),
        _ => true,
    });
    left
}

#[test]
fn wherever_it_stops_a_repeat_erases_what_is_left() {
    fresh();
    ACTIVE_TASKS.set(2);
    alone(store().submit(with_key("bob", TASKS + 2))).unwrap();
    let others = left();
    stored(BTreeMap::clear);
    alone(history());
    let before = stored(|stored| stored.clone());
    let used = alone(store().used("ada", Window::Month)).unwrap();
    let mut steps = 0;
    loop {
        stored(|stored| *stored = before.clone());
        let mut erasing = Box::pin(erase());
        let mut context = Context::from_waker(Waker::noop());
        let is_done = (0..steps).any(|_| erasing.as_mut().poll(&mut context).is_ready());
        drop(erasing);
        // Whatever is seen in between can be read.
        alone(store().list("ada", None, 100, None)).unwrap();
        alone(store().concepts("ada", 100, None)).unwrap();
        alone(erase());
        assert_eq!(
            left().keys().collect::<Vec<_>>(),
            others.keys().collect::<Vec<_>>(),
            "after {steps}"
        );
        assert_eq!(alone(store().used("ada", Window::Month)).unwrap(), used);
        if is_done {
            break;
        }
        // Not each of thousands, but at any place in the end.
        steps += 1 + steps / 40;
    }
    assert!(steps > 100, "it takes {steps} steps");
    let submitted = alone(store().submit(with_key("ada", 1))).unwrap();
    assert!(matches!(submitted, Submission::Created(_)));
    let tasks = alone(store().list("ada", None, 100, None)).unwrap().items;
    assert_eq!(tasks.len(), 1);
    alone(pipeline(id(1)));
}
