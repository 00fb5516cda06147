//! What a task may have to be paid for, and its receipts.

use std::sync::Arc;

use concept_refinement_capability::payments::{Payments, Prices, Reason, Repeat, RepeatedCalls};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::{Claimed, Fenced};
use concept_refinement_domain::payment::{Payment, Usage};

use super::{LEASE, Store, TaskBackend};

/// With a receipt of no text, and what the work cost.
fn paid() -> Payment {
    let payment = Payment::default().call_begun("openai", None);
    let usage = Usage {
        cost: Some(60_000),
        ..Usage::default()
    };
    let payment = payment.with_usage("fast", &usage);
    payment.with_receipt("fast", &[0, 255]).unwrap()
}

pub async fn the_next_attempt_knows_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("ada").await;
    assert_eq!(first.payment, Payment::default());
    // A repeat is harmless.
    for payment in [
        &Payment::default().call_begun("openai", None),
        &paid(),
        &paid(),
    ] {
        let noted = store.leases.pay(&first.lease, payment).await.unwrap();
        assert_eq!(noted, Fenced::Done);
    }
    let task = store.task(&first.task).await;
    assert_eq!(task, first.task, "nobody else sees it");

    let renewed = store.leases.renew(&first.lease).await.unwrap().unwrap();
    let _ = store.leases.release(&renewed).await.unwrap();
    let second = store.claim(&first.task).await;
    assert_eq!(second.payment, paid());
    store.pass(LEASE);
    let third = store.claim(&first.task).await;
    assert_eq!(third.payment, paid());
    let none = Payment::default();
    let _ = store.leases.pay(&third.lease, &none).await.unwrap();
    let _ = store.leases.release(&third.lease).await.unwrap();
    assert_eq!(store.claim(&first.task).await.payment, none);
}

/// On whichever host that is.
pub async fn the_next_attempt_knows_why_it_repeats_a_call<B: TaskBackend>() {
    let store = Store::<B>::start();
    let calls = |claimed: &Claimed| {
        let repeated = Arc::new(RepeatedCalls::new(Repeat::Unknown, [], Prices::new()));
        let runtime = Arc::new(Tokio::default());
        let payments = Payments::of(
            store.backend.store(),
            claimed,
            Arc::clone(&repeated),
            runtime,
            Attempt::default(),
        );
        (payments, repeated)
    };
    for (user, lacked_memory, reason) in
        [("ada", true, Reason::Memory), ("bob", false, Reason::Crash)]
    {
        let first = store.claimed(user).await;
        let (payments, _) = calls(&first);
        let _call = payments.begin("fast", false).await.unwrap();
        if lacked_memory {
            payments.lacked_memory().await;
        }
        let _ = store.leases.release(&first.lease).await.unwrap();
        let (payments, repeated) = calls(&store.claim(&first.task).await);
        drop(payments.begin("fast", false).await.unwrap());
        let expected = [("fast".to_owned(), reason, 1)];
        assert_eq!(repeated.counts(), expected, "{user}");
    }
}
