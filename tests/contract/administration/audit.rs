//! The record of who did what.

use std::time::Duration;

use concept_refinement_capability::administration::{Action, TaskFilter};
use concept_refinement_domain::task::Status;

use super::{MOMENT, Operated, act, of_status};
use crate::tasks::Store;

pub async fn each_act_is_recorded_the_latest_first<B: Operated>() {
    let store = Store::<B>::start();
    let operator = store.operator();
    let failed = store.failed("ada", "No.").await.id;
    let cancelled = store.pending("bob").await.id;
    let deleted = store.pending("cid").await.id;
    let begin = store.now();
    operator
        .retry(&failed, store.new_id(), act())
        .await
        .unwrap();
    store.pass(MOMENT);
    operator.cancel(&cancelled, act()).await.unwrap();
    store.pass(MOMENT);
    operator.delete(&deleted, act()).await.unwrap();
    store.pass(MOMENT);
    operator.set_paused(true, act()).await.unwrap();
    store.pass(MOMENT);
    operator.set_paused(false, act()).await.unwrap();
    store.pass(MOMENT);
    let filter = of_status(Status::Failed);
    store.started(Action::Delete, filter.clone(), 2).await;

    let filter = serde_json::to_string(&filter).unwrap();
    let expected = [
        ("delete", &*filter, 2),
        ("resume", "queue", 1),
        ("pause", "queue", 1),
        ("delete", &deleted, 1),
        ("cancel", &cancelled, 1),
        ("retry", &failed, 1),
    ];
    let entries = operator.audit(10, None).await.unwrap();
    assert_eq!(entries.len(), expected.len(), "{entries:?}");
    for (age, (entry, (action, target, count))) in (0..).zip(entries.iter().zip(expected)) {
        assert_eq!((&*entry.action, &*entry.target), (action, target));
        assert_eq!(entry.count, count, "{action}");
        assert_eq!(entry.at, begin.plus(MOMENT * (5 - age)), "{action}");
        assert_eq!((&entry.actor, &entry.reason), (&act().actor, &act().reason));
    }
    assert!(entries.is_sorted_by(|later, earlier| later.number > earlier.number));
    let some = operator.audit(2, Some(entries[1].number)).await.unwrap();
    assert_eq!(some, entries[2..4]);
    let none = operator.audit(2, Some(entries[5].number)).await.unwrap();
    assert_eq!(none, []);
}

/// Entries and jobs that have ended.
pub async fn what_is_old_is_removed<B: Operated>() {
    let store = Store::<B>::start();
    let operator = store.operator();
    let over = store
        .started(Action::Delete, TaskFilter::default(), 0)
        .await;
    store.end_job(&over, 1).await;
    let unfinished = store
        .started(Action::Cancel, TaskFilter::default(), 0)
        .await;
    let last = operator.audit(1, None).await.unwrap().remove(0);
    store.pass(Duration::from_secs(1));
    operator.prune_audit(store.now()).await.unwrap();
    assert_eq!(operator.audit(10, None).await, Ok(vec![]));
    assert_eq!(operator.job(&over.id).await, Ok(None));
    let jobs = operator.unfinished_jobs().await.unwrap();
    assert_eq!(jobs, std::slice::from_ref(&unfinished.id));

    // Numbers are not used again.
    operator.set_paused(true, act()).await.unwrap();
    operator.prune_audit(store.now()).await.unwrap();
    let entries = operator.audit(10, None).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].number > last.number);
}
