//! Deliveries of webhooks: who makes an attempt, and when.

use std::time::Duration;

use concept_refinement_capability::webhooks::Webhooks;
use concept_refinement_domain::capability::{Fenced, NewTask};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, LEASE,
    Redelivery, Webhook, WebhookDelivery,
};
use tokio::time::timeout;

use super::{MICROSECOND, Store, TaskBackend, at_once, created, new_task};

/// The longest that a test waits for what should come at once.
const TIMEOUT: Duration = Duration::from_secs(30);

pub fn with_webhook(user: &str, receiver: &str) -> NewTask {
    NewTask {
        webhook: Some(Webhook {
            url: format!("https://{receiver}.example/hook"),
            origin: "http://localhost:8080".into(),
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
        let until = store.now().plus(LEASE);
        assert_eq!(won[0].lease.until, until);
        assert_eq!(store.webhooks.next_delivery().await, Ok(Some(until)));
        store.pass(LEASE - MICROSECOND);
        assert_eq!(claim(&store).await, [], "its lease holds");
        store.pass(MICROSECOND);
    }
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
