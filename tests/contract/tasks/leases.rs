//! Claims, and who may still write.

use concept_refinement_domain::capability::{Claimed, Fenced, Finished, Lease, TaskFailure};
use concept_refinement_domain::task::Status;
use uuid::Uuid;

use super::{LEASE, Store, TaskBackend, at_once, image};

/// Whatever a worker can write.
async fn assert_fenced_out<B: TaskBackend>(store: &Store<B>, held: &Claimed, who: &str) {
    let (leases, lease) = (&store.leases, &held.lease);
    let before = store.find(&held.task).await;
    assert_eq!(leases.renew(lease).await, Ok(None), "{who}");
    let finished = leases.finish(lease, image(&held.task).into()).await;
    assert_ne!(finished.unwrap(), Finished::Done, "{who}");
    let failed = leases.fail(lease, &TaskFailure::new("Late.")).await;
    assert_eq!(failed, Ok(Fenced::Lost), "{who}");
    assert_eq!(leases.release(lease).await, Ok(Fenced::Lost), "{who}");
    assert_eq!(store.find(&held.task).await, before, "{who}");
    let concepts = store.concepts.list(&held.task.user_id, 10, None).await;
    assert_eq!(concepts.unwrap().items, [], "{who}");
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
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    assert_fenced_out(&store, &first, "another has it").await;

    let _ = store.leases.release(&second.lease).await.unwrap();
    assert_fenced_out(&store, &first, "nobody has it").await;
    assert_fenced_out(&store, &second, "its own release").await;

    let third = store.claim(&first.task).await;
    for lease in [&first, &second] {
        assert_fenced_out(&store, lease, "a third has it").await;
    }
    let never = Claimed {
        lease: Lease {
            attempt: third.lease.attempt + 1,
            ..third.lease.clone()
        },
        ..third.clone()
    };
    assert_fenced_out(&store, &never, "an attempt that never was").await;

    store.tasks.delete("ada", &first.task.id).await.unwrap();
    assert_fenced_out(&store, &third, "the task is deleted").await;
}

pub async fn of_two_final_writes_one_wins<B: TaskBackend>() {
    let store = Store::<B>::start();
    for round in 0..10 {
        let claimed = store.claimed(&format!("user {round}")).await;
        let outcomes = at_once(10, |n| {
            let (leases, lease) = (store.leases.clone(), claimed.lease.clone());
            let image = image(&claimed.task);
            async move {
                let is_done = if n % 2 == 0 {
                    leases.finish(&lease, image.into()).await.unwrap() == Finished::Done
                } else {
                    leases.fail(&lease, &TaskFailure::new("No.")).await.unwrap() == Fenced::Done
                };
                (n % 2 == 0, is_done)
            }
        })
        .await;
        let winners: Vec<_> = outcomes.iter().filter(|(_, is_done)| *is_done).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let task = store.task(&claimed.task).await;
        let (completed, _) = winners[0];
        assert_eq!(task.status == Status::Completed, *completed);
        assert_eq!(task.result_id.is_some(), *completed);
        assert_eq!(task.error_message.is_some(), !completed);
    }
}
