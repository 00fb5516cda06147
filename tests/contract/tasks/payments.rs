//! What a task may have to be paid for.

use std::sync::Arc;

use concept_refinement_capability::payments::{Payments, Prices, Reason, Repeat, RepeatedCalls};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::Claimed;

use super::{Store, TaskBackend};

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
