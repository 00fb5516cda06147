//! Deliveries of webhooks: when they are due, who makes an attempt, what comes of
//! it.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_capability::webhooks::Webhooks;
use concept_refinement_domain::capability::{Fenced, NewTask, Submission};
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryState, DueDelivery,
    Holder, LEASE as DELIVERY_LEASE, Redelivery, Webhook, WebhookDelivery,
};
use tokio::time::timeout;

use super::{LEASE, MICROSECOND, Store, TaskBackend, at_once, created, new_task};

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

pub async fn its_user_alone_sees_it_and_it_goes_with_its_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let without = store.created("ann").await;
    let task = created(store.submit(with_webhook("ada", "receiver")).await);
    let expected = WebhookDelivery {
        url: "https://receiver.example/hook".into(),
        state: DeliveryState::Pending,
        attempts: vec![],
        next_attempt_at: None,
    };
    assert_eq!(seen(&store, &task).await, Some(expected.clone()));
    let redelivered = store.webhooks.redeliver("ada", &task.id).await;
    assert_eq!(redelivered, Ok(Redelivery::Pending), "it has not ended");
    for (user, id) in [
        ("ann", &without.id),
        ("bob", &task.id),
        ("ada", &"x".into()),
    ] {
        let none = store.webhooks.webhook(user, id).await;
        assert_eq!(none, Ok(None), "{user} {id}");
        let none = store.webhooks.redeliver(user, id).await;
        assert_eq!(none, Ok(Redelivery::None), "{user} {id}");
    }
    let claimed = store.claim(&task).await;
    store.finish(&claimed).await;
    let ended = store.task(&task).await;
    let delivery = seen(&store, &task).await.unwrap();
    assert_eq!(delivery.next_attempt_at, ended.completed_at);
    assert_eq!(delivery.state, DeliveryState::Pending);

    assert_eq!(store.tasks.delete("ada", &task.id).await, Ok(true));
    assert_eq!(seen(&store, &task).await, None);
    let none = store.webhooks.redeliver("ada", &task.id).await;
    assert_eq!(none, Ok(Redelivery::None));
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
        let submission = store.submit(again).await;
        let Submission::Replayed(accepted) = submission else {
            panic!("{submission:?}")
        };
        assert_eq!(accepted.task.id, task.id);
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

pub async fn attempts_are_made_until_it_is_delivered<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = failed(&store, "ada", "receiver").await;
    for (number, seconds) in [5, 300].into_iter().enumerate() {
        let lease = claim_one(&store).await.lease;
        store.pass(Duration::from_secs(1));
        assert_eq!(record(&store, &lease, 500).await, Fenced::Done);
        let next = store.now().plus(Duration::from_secs(seconds));
        let delivery = seen(&store, &task).await.unwrap();
        assert_eq!(delivery.attempts.len(), number + 1);
        assert_eq!(delivery.next_attempt_at, Some(next));
        assert_eq!(store.webhooks.next_delivery().await, Ok(Some(next)));
        assert_eq!(claim(&store).await, []);
        store.clock.set(next);
    }
    let lease = claim_one(&store).await.lease;
    let outcome = DeliveryOutcome {
        at: store.now(),
        answer: DeliveryAnswer::None("It cannot be reached.".into()),
    };
    let recorded = store.webhooks.record_attempt(&lease, outcome, 1.0);
    assert_eq!(recorded.await, Ok(Fenced::Done));
    let next = store.now().plus(Duration::from_secs(33 * 60));
    assert_eq!(store.webhooks.next_delivery().await, Ok(Some(next)));
    store.clock.set(next);
    let lease = claim_one(&store).await.lease;
    assert_eq!(record(&store, &lease, 204).await, Fenced::Done);
    let delivery = seen(&store, &task).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.next_attempt_at, None);
    let statuses: Vec<_> = delivery.attempts.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Some(500), Some(500), None, Some(204)]);
    store.pass(Duration::from_secs(24 * 60 * 60));
    assert_eq!(claim(&store).await, []);
}

pub async fn one_attempt_more_is_made_on_request<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = failed(&store, "ada", "receiver").await;
    let redeliver = async || store.webhooks.redeliver("ada", &task.id).await.unwrap();
    assert_eq!(redeliver().await, Redelivery::Pending);
    let lease = claim_one(&store).await.lease;
    assert_eq!(redeliver().await, Redelivery::Pending, "it is under way");
    assert_eq!(record(&store, &lease, 410).await, Fenced::Done);
    let delivery = seen(&store, &task).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(claim(&store).await, []);

    let requests = at_once(10, |_| {
        let (webhooks, id) = (store.webhooks.clone(), task.id.clone());
        async move { webhooks.redeliver("ada", &id).await.unwrap() }
    })
    .await;
    let requested = requests.iter().filter(|it| **it == Redelivery::Requested);
    assert_eq!(requested.count(), 1, "{requests:?}");
    let lease = claim_one(&store).await.lease;
    assert_eq!(record(&store, &lease, 500).await, Fenced::Done);
    let delivery = seen(&store, &task).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Failed, "it is not retried");
    assert_eq!(delivery.attempts.len(), 2);
    assert_eq!(store.webhooks.next_delivery().await, Ok(None));
}

pub async fn a_receiver_takes_no_more_than_its_places<B: TaskBackend>() {
    let store = Store::<B>::start();
    for number in 0..20 {
        failed(&store, &format!("slow {number}"), "slow").await;
        store.pass(MICROSECOND);
    }
    for number in 0..3 {
        failed(&store, &format!("quick {number}"), "quick").await;
        store.pass(MICROSECOND);
    }
    let slow = ["x", "y", "z"].map(|user_id| holder("slow", user_id));
    let due = claim_users(&store, DeliveryPermits::new(9, 2, &slow[..1])).await;
    assert_eq!(due, ["slow 0", "quick 0", "quick 1"]);
    let due = claim_users(&store, DeliveryPermits::new(4, 9, &slow)).await;
    assert_eq!(due, ["quick 2"], "there is one permit, and slow has three");
    let due = claim_users(&store, DeliveryPermits::new(9, 2, &slow[..2])).await;
    assert_eq!(due, Vec::<String>::new());
    let due = claim_users(&store, DeliveryPermits::new(0, 2, [])).await;
    assert_eq!(due, Vec::<String>::new());
}

pub async fn a_user_leaves_places_to_others<B: TaskBackend>() {
    let store = Store::<B>::start();
    for number in 0..20 {
        failed(&store, "greedy", &format!("receiver-{number}")).await;
        store.pass(MICROSECOND);
    }
    for _ in 0..20 {
        failed(&store, "greedy", "same").await;
        store.pass(MICROSECOND);
    }
    for number in 0..3 {
        failed(&store, &format!("modest {number}"), "same").await;
        store.pass(MICROSECOND);
    }
    let due = claim_users(&store, DeliveryPermits::new(8, 8, [])).await;
    let (other, greedy) = due.split_last().unwrap();
    assert_eq!(greedy, ["greedy"; 6], "three quarters of all permits");
    assert_eq!(other, "modest 0");
    let taken = ["receiver-0"; 6].map(|receiver| holder(receiver, "greedy"));
    let due = claim_users(&store, DeliveryPermits::new(8, 8, &taken)).await;
    assert_eq!(due, ["modest 1"], "three quarters are taken");
    let due = claim_users(&store, DeliveryPermits::new(30, 8, [])).await;
    let (other, greedy) = due.split_last().unwrap();
    assert_eq!(greedy, ["greedy"; 14 + 6], "three quarters of one receiver");
    assert_eq!(other, "modest 2");
}

fn holder(receiver: &str, user_id: &str) -> Holder {
    Holder {
        receiver: format!("https://{receiver}.example"),
        user_id: user_id.to_owned(),
    }
}

/// The users whose deliveries were claimed.
async fn claim_users<B: TaskBackend>(store: &Store<B>, permits: DeliveryPermits) -> Vec<String> {
    let due = store.webhooks.claim_deliveries(permits).await.unwrap();
    due.into_iter().map(|due| due.task.user_id).collect()
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

pub async fn it_is_forgotten_with_an_old_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = failed(&store, "ada", "receiver").await;
    let lease = claim_one(&store).await.lease;
    store.pass(MICROSECOND);
    let expired = store.maintenance.expire(store.now(), 10).await.unwrap();
    assert_eq!(expired.tasks, 1);
    assert_eq!(seen(&store, &task).await, None);
    assert_eq!(record(&store, &lease, 200).await, Fenced::Lost);
    assert_eq!(store.webhooks.next_delivery().await, Ok(None));
}

/// No delivery may have to wait until the clock has caught up.
pub async fn a_clock_that_is_set_back_strands_none<B: TaskBackend>() {
    let store = Store::<B>::start();
    failed(&store, "ada", "receiver").await;
    let lease = claim_one(&store).await.lease;
    assert_eq!(record(&store, &lease, 500).await, Fenced::Done);
    let task = created(store.submit(with_webhook("bob", "receiver")).await);
    let claimed = store.claim(&task).await;
    let days = Duration::from_secs(3 * 24 * 60 * 60);
    store.clock.set(before(store.now(), days));
    store.fail(&claimed.lease).await;
    let mut due: Vec<_> = claim(&store).await;
    due.sort_by(|one, other| one.task.user_id.cmp(&other.task.user_id));
    let users: Vec<_> = due.iter().map(|due| due.task.user_id.as_str()).collect();
    assert_eq!(users, ["ada", "bob"]);
}
