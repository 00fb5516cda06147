//! What happened to a task, from its submission on.

use concept_refinement_domain::capability::Cancellation;
use concept_refinement_domain::step::{Step, StepKind};
use concept_refinement_domain::task::Stage;

use super::{MOMENT, Operated};
use crate::tasks::webhooks::{claim_one, record, with_webhook};
use crate::tasks::{HOST, LEASE, Store, created};

pub async fn each_step_is_told_in_the_order_of_time<B: Operated>() {
    let store = Store::<B>::start();
    let submitted = store.now();
    let task = created(store.submit(with_webhook("ada", "receiver")).await);
    let id = &task.id;
    store.pass(MOMENT);
    let delivered = store.now();
    store.leases.add_step(id, 0, StepKind::Delivered, "");
    store.pass(MOMENT);
    let first = store.claim(&task).await;
    let claimed = store.now();
    store.pass(MOMENT);
    let downloading = store.now();
    store.progress(&first.lease, Stage::Downloading).await;
    store.pass(MOMENT);
    let asked = store.now();
    store
        .leases
        .add_step(id, 1, StepKind::Asked, "fast: refused, 20 ms");
    store.pass(LEASE);

    // The steps of the one who lost it are there too.
    let lost = store.now();
    let second = store.claim(&task).await;
    store.pass(MOMENT);
    let completed = store.now();
    store.finish(&second).await;
    store.pass(MOMENT);
    let attempted = store.now();
    let due = claim_one(&store).await;
    let _ = record(&store, &due.lease, 500).await;

    let expected = [
        (submitted, StepKind::Submitted, 0, None),
        (delivered, StepKind::Delivered, 0, None),
        (claimed, StepKind::Claimed, 1, None),
        (downloading, StepKind::Stage, 1, Some("downloading")),
        (asked, StepKind::Asked, 1, Some("fast: refused, 20 ms")),
        (lost, StepKind::Lost, 1, None),
        (lost, StepKind::Claimed, 2, None),
        (completed, StepKind::Completed, 2, None),
    ];
    let steps: Vec<_> = store.record(id).await.steps.iter().collect();
    let (webhook, before) = steps.split_last().unwrap();
    assert_eq!(before.len(), expected.len(), "{before:?}");
    for (step, (at, kind, attempt, detail)) in before.iter().zip(expected) {
        let expected = Step {
            at,
            kind,
            host: Some(HOST.to_owned()),
            attempt,
            detail: detail.map(str::to_owned),
        };
        assert_eq!(*step, expected);
    }
    assert_eq!((webhook.at, webhook.kind), (attempted, StepKind::Webhook));
    assert!(
        webhook.detail.as_ref().unwrap().contains("500"),
        "{webhook:?}"
    );
}

pub async fn each_way_to_end_is_told<B: Operated>() {
    use StepKind::{Cancelled, Claimed, Completed, Failed, Released, Submitted};
    let store = Store::<B>::start();
    for (way, expected) in [
        ("completed", vec![Submitted, Claimed, Completed]),
        ("failed", vec![Submitted, Claimed, Failed]),
        ("withdrawn", vec![Submitted, Failed]),
        ("released", vec![Submitted, Claimed, Released]),
        ("cancelled", vec![Submitted, Claimed, Cancelled]),
    ] {
        let task = store.pending(way).await;
        let id = &task.id;
        if way == "withdrawn" {
            let _ = store.tasks.withdraw(id, "No.").await.unwrap();
        } else {
            let claimed = store.claim(&task).await;
            match way {
                "completed" => drop(store.finish(&claimed).await),
                "failed" => store.fail(&claimed.lease).await,
                "released" => drop(store.leases.release(&claimed.lease).await.unwrap()),
                _ => {
                    let cancelled = store.tasks.cancel(way, id).await.unwrap();
                    assert!(matches!(cancelled, Some(Cancellation::Cancelled(_))));
                }
            }
        }
        assert_eq!(store.kinds(id).await, expected, "{way}");
    }
}
