//! Deliveries of webhooks: when they are due, who makes an attempt, what comes of
//! it.

use std::time::Duration;

use concept_refinement_capability::webhooks::Webhooks;
use concept_refinement_domain::capability::{Fenced, NewTask, Submission};
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryState, DueDelivery,
    LEASE as DELIVERY_LEASE, Redelivery, Webhook, WebhookDelivery,
};
use tokio::time::timeout;

use super::{LEASE, MICROSECOND, Store, TaskBackend, at_once, created, new_task, replayed};

const ORIGIN: &str = "http://localhost:8080";

/// The longest that a test waits for what should come at once.
const TIMEOUT: Duration = Duration::from_secs(30);

pub fn with_webhook(user: &str, receiver: &str) -> NewTask {
    NewTask {
        webhook: Some(Webhook {
            url: format!("https://{receiver}.example/hook"),
            origin: ORIGIN.into(),
        }),
        ..new_task(user)
    }
}

pub async fn failed<B: TaskBackend>(store: &Store<B>, user: &str, receiver: &str) -> Task {
    let task = created(store.submit(with_webhook(user, receiver)).await);
    let claimed = store.claim(&task).await;
    store.fail(&claimed.lease).await;
    store.task(&task).await
}

pub(super) async fn seen<B: TaskBackend>(store: &Store<B>, task: &Task) -> Option<WebhookDelivery> {
    let webhook = store.webhooks.webhook(&task.user_id, &task.id).await;
    webhook.unwrap()
}

async fn claim_from(webhooks: &dyn Webhooks) -> Vec<DueDelivery> {
    let permits = DeliveryPermits::new(100, 100, []);
    webhooks.claim_deliveries(permits).await.unwrap()
}

pub async fn claim<B: TaskBackend>(store: &Store<B>) -> Vec<DueDelivery> {
    claim_from(&*store.webhooks).await
}

pub async fn claim_one<B: TaskBackend>(store: &Store<B>) -> DueDelivery {
    let mut due = claim(store).await;
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

pub async fn record<B: TaskBackend>(store: &Store<B>, lease: &DeliveryLease, code: u16) -> Fenced {
    let outcome = DeliveryOutcome {
        at: store.now(),
        answer: DeliveryAnswer::Status {
            code,
            retry_after: None,
        },
    };
    let recorded = store.webhooks.record_attempt(lease, outcome, 0.0);
    recorded.await.unwrap()
}

pub async fn a_key_compares_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    let keyed = |task: NewTask| NewTask {
        idempotency_key: Some("key".into()),
        ..task
    };
    let first = keyed(with_webhook("ada", "receiver"));
    let task = created(store.submit(first.clone()).await);
    // The image's URL would be elsewhere, but what was asked for is the same.
    let mut elsewhere = keyed(with_webhook("ada", "receiver"));
    if let Some(webhook) = &mut elsewhere.webhook {
        webhook.origin = "https://elsewhere.example".into();
    }
    for again in [first, elsewhere] {
        assert_eq!(replayed(store.submit(again).await).id, task.id);
    }
    for other in [new_task("ada"), with_webhook("ada", "other")] {
        let submission = store.submit(keyed(other)).await;
        assert_eq!(submission, Submission::KeyReused);
    }
}

pub async fn each_way_to_end_makes_it_due<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.webhooks.next_delivery().await, Ok(None));
    for way in ["completed", "failed", "withdrawn", "its workers died"] {
        let task = created(store.submit(with_webhook(way, "receiver")).await);
        assert_eq!(claim(&store).await, [], "{way}: it is pending");
        if way == "withdrawn" {
            let _ = store.tasks.withdraw(&task.id, "No.").await.unwrap();
        } else {
            let mut claimed = store.claim(&task).await;
            assert_eq!(claim(&store).await, [], "{way}: it is processing");
            match way {
                "completed" => drop(store.finish(&claimed).await),
                "failed" => store.fail(&claimed.lease).await,
                _ => {
                    for _ in 1..MAX_DEATHS {
                        store.pass(LEASE);
                        claimed = store.claim(&task).await;
                    }
                    store.pass(LEASE);
                    assert_eq!(store.try_claim(&claimed.task).await, None);
                }
            }
        }
        let due = store.webhooks.next_delivery().await.unwrap();
        assert!(due.is_some_and(|due| due <= store.now()), "{way}: {due:?}");
        let due = claim_one(&store).await;
        assert_eq!(due.task, store.task(&task).await, "{way}");
        assert_eq!(due.webhook.url, "https://receiver.example/hook");
        assert_eq!(due.webhook.origin, ORIGIN);
        assert_eq!(record(&store, &due.lease, 204).await, Fenced::Done);
        assert_eq!(store.webhooks.next_delivery().await, Ok(None), "{way}");
    }
    // Without a webhook there is nothing to deliver.
    store.completed("without").await;
    assert_eq!(claim(&store).await, []);
}

pub async fn one_of_many_who_deliver_gets_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = failed(&store, "ada", "receiver").await;
    for round in 1..=2 {
        let claims = at_once(20, |_| {
            let webhooks = store.webhooks.clone();
            async move { claim_from(&*webhooks).await }
        })
        .await;
        let won: Vec<_> = claims.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(won[0].lease.token, round);
        assert_eq!(won[0].task, task);
        let until = store.now().plus(DELIVERY_LEASE);
        assert_eq!(won[0].lease.until, until);
        assert_eq!(store.webhooks.next_delivery().await, Ok(Some(until)));
        store.pass(DELIVERY_LEASE - MICROSECOND);
        assert_eq!(claim(&store).await, [], "its lease holds");
        store.pass(MICROSECOND);
    }
}

pub async fn who_lost_the_lease_records_nothing<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = failed(&store, "ada", "receiver").await;
    let first = claim_one(&store).await.lease;
    store.pass(DELIVERY_LEASE);
    let second = claim_one(&store).await.lease;
    assert_eq!(record(&store, &first, 200).await, Fenced::Lost);
    assert_eq!(seen(&store, &task).await.unwrap().attempts, []);
    assert_eq!(record(&store, &second, 500).await, Fenced::Done);
    assert_eq!(record(&store, &second, 200).await, Fenced::Lost, "twice");
    let delivery = seen(&store, &task).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Pending);
    assert_eq!(delivery.attempts.len(), 1);

    store.pass(Duration::from_secs(6));
    let third = claim_one(&store).await.lease;
    store.tasks.delete("ada", &task.id).await.unwrap();
    assert_eq!(record(&store, &third, 200).await, Fenced::Lost, "deleted");
}

pub async fn who_waits_is_woken<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = created(store.submit(with_webhook("ada", "receiver")).await);
    let claimed = store.claim(&task).await;
    let waiting = tokio::spawn(store.webhooks.delivery_due());
    store.finish(&claimed).await;
    timeout(TIMEOUT, waiting).await.unwrap().unwrap();

    let lease = claim_one(&store).await.lease;
    assert_eq!(record(&store, &lease, 200).await, Fenced::Done);
    let requested = store.webhooks.redeliver("ada", &task.id).await;
    assert_eq!(requested, Ok(Redelivery::Requested));
    // Whoever comes to wait a moment later misses nothing.
    let waiting = store.webhooks.delivery_due();
    timeout(TIMEOUT, waiting).await.unwrap();
}
