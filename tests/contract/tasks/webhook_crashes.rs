//! Deliveries of webhooks when the process is killed.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::webhook::{DeliveryState, LEASE, Redelivery};

use super::webhooks::{claim, claim_one, record, seen, with_webhook};
use super::{Durable, Store, created};

/// After each step the process is killed: what was answered is there, and in the
/// end there is one outcome.
pub async fn a_crash_at_any_point_loses_no_delivery<B: Durable>() {
    for point in ["submitted", "ended", "claimed", "recorded", "requested"] {
        let mut store = Store::<B>::start();
        let task = created(store.submit(with_webhook("ada", "receiver")).await);
        if point == "submitted" {
            store = store.crash();
        }
        let claimed = store.claim(&task).await;
        store.finish(&claimed).await;
        if point == "ended" {
            store = store.crash();
        }
        let mut due = claim_one(&store).await;
        if point == "claimed" {
            let lost = due.lease.clone();
            store = store.crash();
            assert_eq!(claim(&store).await, [], "its lease holds");
            store.pass(LEASE);
            due = claim_one(&store).await;
            assert_eq!(record(&store, &lost, 200).await, Fenced::Lost);
        }
        assert_eq!(record(&store, &due.lease, 204).await, Fenced::Done);
        if point == "recorded" {
            store = store.crash();
        }
        let delivery = seen(&store, &task).await.unwrap();
        assert_eq!(delivery.state, DeliveryState::Delivered, "{point}");
        assert_eq!(delivery.attempts.len(), 1, "{point}");
        let redelivered = store.webhooks.redeliver("ada", &task.id).await;
        assert_eq!(redelivered, Ok(Redelivery::Requested), "{point}");
        if point == "requested" {
            store = store.crash();
        }
        let again = claim_one(&store).await;
        assert_eq!(record(&store, &again.lease, 204).await, Fenced::Done);
        assert_eq!(store.webhooks.next_delivery().await, Ok(None), "{point}");
    }
}
