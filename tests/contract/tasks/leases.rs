//! Claims, and who may still write.

use concept_refinement_domain::capability::{Claimed, Fenced, Lease};
use concept_refinement_domain::task::Status;
use uuid::Uuid;

use super::{LEASE, Store, TaskBackend, at_once, concept};

/// All that a worker can write, and whether it was told that its lease is lost.
async fn write_everything<B: TaskBackend>(
    store: &Store<B>,
    held: &Claimed,
    result_id: &str,
) -> Vec<(&'static str, bool)> {
    let (leases, lease) = (&store.leases, &held.lease);
    let lost = |fenced| fenced == Fenced::Lost;
    vec![
        ("renew", leases.renew(lease).await.unwrap().is_none()),
        (
            "checkpoint",
            lost(leases.checkpoint(lease, "late").await.unwrap()),
        ),
        (
            "put",
            leases
                .put_concept(lease, concept(&held.task))
                .await
                .unwrap()
                .is_none(),
        ),
        (
            "complete",
            lost(leases.complete(lease, result_id).await.unwrap()),
        ),
        (
            "fail",
            lost(leases.fail(lease, None, "Late.").await.unwrap()),
        ),
        ("release", lost(leases.release(lease).await.unwrap())),
    ]
}

async fn assert_fenced_out<B: TaskBackend>(
    store: &Store<B>,
    held: &Claimed,
    result_id: &str,
    who: &str,
) {
    let before = store.find(&held.task).await;
    for (write, was_lost) in write_everything(store, held, result_id).await {
        assert!(was_lost, "{who}: {write}");
    }
    assert_eq!(store.find(&held.task).await, before, "{who}");
}

pub async fn one_of_many_workers_gets_the_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let mut task = store.created("ada").await;
    // Pending, then with its lease run out.
    for attempt in 1..=2 {
        let claims = at_once(20, |_| {
            let (leases, id) = (store.leases.clone(), task.id.clone());
            async move { leases.claim(&id, Some("ada")).await.unwrap() }
        })
        .await;
        let won: Vec<_> = claims.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(won[0].lease.attempt, attempt);
        task = store.task(&task).await;
        assert_eq!(won[0].task, task);
        store.pass(LEASE);
    }
}

pub async fn what_cannot_be_claimed<B: TaskBackend>() {
    let store = Store::<B>::start();
    let none = async |id: &str, user: Option<&str>| {
        assert!(
            store.leases.claim(id, user).await.unwrap().is_none(),
            "{id} {user:?}"
        );
    };
    none(&Uuid::new_v4().to_string(), None).await;
    none("", None).await;
    let ada = store.created("ada").await;
    none(&ada.id, Some("bob")).await;
    none(&ada.id, Some("")).await;
    assert_eq!(store.task(&ada).await, ada);
    let claimed = store.leases.claim(&ada.id, Some("ada")).await.unwrap();
    assert!(claimed.is_some());
    none(&ada.id, Some("ada")).await;

    let (completed, _) = store.completed("completed").await;
    let failed = store.claimed("failed").await;
    store.fail(&failed.lease).await;
    let deleted = store.created("deleted").await;
    store.tasks.delete("deleted", &deleted.id).await.unwrap();
    store.pass(LEASE * 2);
    for task in [completed, failed.task, deleted] {
        none(&task.id, None).await;
    }
}

pub async fn who_lost_the_lease_can_write_nothing<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("ada").await;
    let concept = store.prepare(&first).await;
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    assert_fenced_out(&store, &first, &concept, "another has it").await;
    assert_eq!(store.prepare(&second).await, concept);

    let _ = store.leases.release(&second.lease).await.unwrap();
    assert_fenced_out(&store, &first, &concept, "nobody has it").await;
    assert_fenced_out(&store, &second, &concept, "its own release").await;

    let third = store.claim(&first.task).await;
    for lease in [&first, &second] {
        assert_fenced_out(&store, lease, &concept, "a third has it").await;
    }
    assert_eq!(third.checkpoint, None, "a late checkpoint was kept");
    let never = Claimed {
        lease: Lease {
            attempt: third.lease.attempt + 1,
            ..third.lease.clone()
        },
        ..third.clone()
    };
    assert_fenced_out(&store, &never, &concept, "an attempt that never was").await;

    store.tasks.delete("ada", &first.task.id).await.unwrap();
    assert_fenced_out(&store, &third, &concept, "the task is deleted").await;
    assert_eq!(store.concepts.get("ada", &concept).await.unwrap(), None);
}

pub async fn of_two_final_writes_one_wins<B: TaskBackend>() {
    let store = Store::<B>::start();
    for round in 0..10 {
        let claimed = store.claimed(&format!("user {round}")).await;
        let concept = store.prepare(&claimed).await;
        let outcomes = at_once(10, |n| {
            let (leases, lease, concept) =
                (store.leases.clone(), claimed.lease.clone(), concept.clone());
            async move {
                let outcome = if n % 2 == 0 {
                    leases.complete(&lease, &concept).await
                } else {
                    leases.fail(&lease, None, "No.").await
                };
                (n % 2 == 0, outcome.unwrap())
            }
        })
        .await;
        let winners: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Fenced::Done)
            .collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let task = store.task(&claimed.task).await;
        let (completed, _) = winners[0];
        assert_eq!(task.status == Status::Completed, *completed);
        assert_eq!(task.result_id.is_some(), *completed);
        assert_eq!(task.error_message.is_some(), !completed);
    }
}

pub async fn a_checkpoint_is_there_for_the_next_worker<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("ada").await;
    assert_eq!(first.checkpoint, None);
    for path in ["refined/a", "refined/a", "refined/b"] {
        let kept = store.leases.checkpoint(&first.lease, path).await.unwrap();
        assert_eq!(kept, Fenced::Done);
    }
    assert_eq!(
        store.task(&first.task).await,
        first.task,
        "users see nothing of it"
    );
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    assert_eq!(second.checkpoint.as_deref(), Some("refined/b"));
    let _ = store.leases.release(&second.lease).await.unwrap();
    let third = store.claim(&first.task).await;
    assert_eq!(third.checkpoint.as_deref(), Some("refined/b"));
}
