//! Deliveries of webhooks: who makes an attempt, and what is left of it.

use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryOutcome, DeliveryState, Redelivery, Webhook, WebhookDelivery,
};

use super::*;

pub(super) fn with_webhook(number: u64) -> String {
    let webhook = Webhook {
        url: "https://receiver.example/hook".into(),
        origin: "http://localhost".into(),
    };
    let task = NewTask {
        webhook: Some(webhook),
        ..new_task("ada", number)
    };
    let submitted = alone(store().submit(task)).unwrap();
    assert!(matches!(submitted, Submission::Created(_)), "{submitted:?}");
    id(number)
}

pub(super) fn delivery(id: &str) -> Option<WebhookDelivery> {
    alone(store().webhook("ada", id)).unwrap()
}

pub(super) fn answered(code: u16) -> DeliveryOutcome {
    DeliveryOutcome {
        at: Timestamp(NOW.get()),
        answer: DeliveryAnswer::Status {
            code,
            retry_after: None,
        },
    }
}

/// Also once its task is in a segment, where older ones are.
#[test]
fn a_delivery_is_made_wherever_its_task_is() {
    fresh();
    let observed = Shown::default();
    let first = with_webhook(1);
    assert_eq!(alone(store().begin_delivery(&first)).unwrap(), None);
    alone(work(first.clone(), false, observed.clone()));
    let due = alone(store().begin_delivery(&first)).unwrap().unwrap();
    assert_eq!(due.task.status, Status::Completed);
    assert_eq!(alone(store().begin_delivery(&first)).unwrap(), None);
    let recorded = alone(store().record_attempt(&due.lease, answered(500)));
    assert_eq!(recorded.unwrap(), Fenced::Done);
    for number in 2..70 {
        let id = with_webhook(number);
        alone(work(id, true, observed.clone()));
    }
    assert!(has_key("segment/"));
    let seen = delivery(&first).unwrap();
    assert_eq!(seen.attempts.len(), 1);
    NOW.set(NOW.get() + 10_000_000);
    let due = alone(store().begin_delivery(&first)).unwrap().unwrap();
    let recorded = alone(store().record_attempt(&due.lease, answered(204)));
    assert_eq!(recorded.unwrap(), Fenced::Done);
    assert_eq!(delivery(&first).unwrap().state, DeliveryState::Delivered);
    let requested = alone(store().redeliver("ada", &first)).unwrap();
    assert_eq!(requested, Redelivery::Requested);
    let again = alone(store().redeliver("ada", &first)).unwrap();
    assert_eq!(again, Redelivery::Pending);
    assert!(alone(store().delete("ada", &first)).unwrap());
    assert_eq!(delivery(&first), None);
    assert_eq!(alone(store().begin_delivery(&first)).unwrap(), None);
}

/// At each point one may vanish, and others go on.
#[test]
fn of_many_who_deliver_one_makes_an_attempt() {
    for seed in 1..=200_u64 {
        fresh();
        RANDOM.set(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let task = with_webhook(1);
        alone(work(task.clone(), false, Shown::default()));
        let begun = Rc::new(Cell::new(0));
        let mut running: Running = (0..4)
            .map(|_| {
                let (task, begun) = (task.clone(), begun.clone());
                Box::pin(async move {
                    if store().begin_delivery(&task).await.unwrap().is_some() {
                        begun.set(begun.get() + 1);
                    }
                }) as Pin<Box<dyn Future<Output = ()>>>
            })
            .collect();
        while !running.is_empty() {
            step(&mut running, 30);
        }
        assert!(begun.get() <= 1, "seed {seed}");
        NOW.set(NOW.get() + 30_000_000);
        let due = alone(store().begin_delivery(&task)).unwrap();
        assert!(due.is_some(), "seed {seed}: whoever vanished is followed");
    }
}
