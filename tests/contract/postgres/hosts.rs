//! What several hosts on one database see of each other.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::administration::Oversight as _;
use concept_refinement_capability::clock::{ManualClock, SystemClock};
use concept_refinement_capability::leader_leases::LeaderLeases;
use concept_refinement_capability::queue::{TaskQueue as _, Work};
use concept_refinement_capability::tasks::{Changes, Leases as _, Tasks as _};
use concept_refinement_domain::capability::{Fenced, NewTask, TaskFailure};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::secret::LENGTH;
use concept_refinement_domain::task::{Change, Stage, Status};
use concept_refinement_postgres::{PostgresTasks, SharedQueue};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::Release;
use futures::StreamExt as _;
use futures::future::join_all;
use tokio::time::timeout;

use super::{Schema, open};
use crate::administration::act;
use crate::tasks::{LEASE, Rules, START, created, image, new_task};

/// How late whoever watches on one host may be told of what another did.
const PROMPTLY: Duration = Duration::from_millis(100);

/// On a busy machine one of some may be later.
const TRIES: usize = 5;

fn hosts(count: usize) -> (Vec<Arc<PostgresTasks>>, Schema) {
    let schema = Schema::new(Release::Fifteen);
    let clock = Arc::new(SystemClock);
    let open = |_| open(&schema.url(), None, Rules::default(), clock.clone());
    let hosts = (0..count).map(open).collect();
    (hosts, schema)
}

async fn next(changes: &mut Changes) -> Change {
    let next = timeout(Duration::from_secs(30), changes.next()).await;
    next.expect("nothing was told").expect("the stream ended")
}

fn status(change: &Change) -> Option<Status> {
    match change {
        Change::Task(task) => Some(task.status),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_watches_on_one_host_sees_what_another_does() {
    let (hosts, _schema) = hosts(2);
    let [here, there] = [&hosts[0], &hosts[1]];
    let mut late = Vec::new();
    for number in 0..TRIES {
        let task = created(
            here.submit(new_task(&format!("user {number}")))
                .await
                .unwrap(),
        );
        let mut changes = here.watch(&task.user_id, &task.id).await.unwrap().unwrap();
        assert_eq!(status(&next(&mut changes).await), Some(Status::Pending));

        let claimed = there.claim(&task.id, None).await.unwrap().unwrap();
        let since = Instant::now();
        assert_eq!(status(&next(&mut changes).await), Some(Status::Processing));
        late.push(since.elapsed());

        there
            .progress(&claimed.lease, Stage::Refining)
            .await
            .unwrap();
        let refining = Change::Progress(Stage::Refining);
        assert_eq!(next(&mut changes).await, refining);
        // Who begins to watch here is told the stage as well.
        let mut others = here.watch(&task.user_id, &task.id).await.unwrap().unwrap();
        assert_eq!(status(&next(&mut others).await), Some(Status::Processing));
        assert_eq!(next(&mut others).await, refining);

        let finished = there
            .finish(&claimed.lease, image(&claimed.task).into())
            .await;
        let _ = finished.unwrap();
        let since = Instant::now();
        assert_eq!(status(&next(&mut changes).await), Some(Status::Completed));
        late.push(since.elapsed());
        assert_eq!(changes.next().await, None);
    }
    late.sort();
    assert!(late[late.len() / 2] < PROMPTLY, "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_on_another_host_is_told_of_a_deletion() {
    let (hosts, _schema) = hosts(2);
    let [here, there] = [&hosts[0], &hosts[1]];
    let task = created(here.submit(new_task("ada")).await.unwrap());
    there.claim(&task.id, None).await.unwrap().unwrap();
    let deleted = there.revocation(&task.id);
    let mut changes = there.watch("ada", &task.id).await.unwrap().unwrap();
    next(&mut changes).await;
    assert!(here.delete("ada", &task.id).await.unwrap());
    timeout(Duration::from_secs(3), deleted)
        .await
        .expect("it was not told");
    assert_eq!(next(&mut changes).await, Change::Deleted);
}

/// And where that worker does not begin, any other host's may.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_fetched_is_claimed_for_who_waits() {
    let (hosts, _schema) = hosts(2);
    let [here, there] = [&hosts[0], &hosts[1]];
    let (queue, other) = (here.queue(), there.queue());
    let task = created(here.submit(new_task("ada")).await.unwrap());
    assert_eq!(task.status, Status::Pending, "as it was accepted");
    let stored = async || there.get("ada", &task.id).await.unwrap().unwrap();
    assert_eq!(stored().await.status, Status::Pending, "nobody waits");
    queue.publish(message_for(&task)).await.unwrap();

    let delivery = queue.receive().await.unwrap();
    let Work::Claimed(claimed) = delivery.work() else {
        panic!("{:?}", delivery.work())
    };
    assert_eq!((&claimed.task.id, claimed.lease.attempt), (&task.id, 1));
    assert_eq!(stored().await.status, Status::Processing);
    assert_eq!(there.claim(&task.id, None).await.unwrap(), None);
    drop(delivery);
    let again = timeout(Duration::from_secs(30), other.receive()).await;
    let again = again.expect("it was not delivered again").unwrap();
    let (work, acknowledgement) = again.begin();
    let Work::Claimed(claimed) = work else {
        panic!("{work:?}")
    };
    assert_eq!(claimed.lease.attempt, 2, "the fence has moved");
    assert_eq!(here.claim(&task.id, None).await.unwrap(), None);
    acknowledgement.ack().await;
}

/// Its own host hears that the task has ended, though nobody watches it there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_that_another_host_took_is_forgotten() {
    let schema = Schema::new(Release::Fifteen);
    let clock = Arc::new(ManualClock::at(START));
    let open = || open(&schema.url(), None, Rules::default(), clock.clone());
    let (here, there) = (open(), open());
    hears(&here, &there).await;
    let before = here.claims();
    let task = created(here.submit(new_task("ada")).await.unwrap());
    here.claim(&task.id, None).await.unwrap().unwrap();
    assert_eq!(here.claims(), before + 1);
    clock.advance(LEASE);
    let taken = there.claim(&task.id, None).await.unwrap().unwrap();
    let image = image(&taken.task).into();
    let _ = there.finish(&taken.lease, image).await.unwrap();
    eventually("it is forgotten", SOON, async || {
        (here.claims() == before).then_some(())
    })
    .await;
}

/// Waits until one host hears what another does: stages are told, and never looked for.
async fn hears(here: &PostgresTasks, there: &PostgresTasks) {
    let task = created(here.submit(new_task("heard")).await.unwrap());
    let claimed = there.claim(&task.id, None).await.unwrap().unwrap();
    let mut changes = here.watch("heard", &task.id).await.unwrap().unwrap();
    eventually("it is heard", SOON, async || {
        there
            .progress(&claimed.lease, Stage::Refining)
            .await
            .unwrap();
        let next = timeout(PROMPTLY, changes.next()).await;
        (next == Ok(Some(Change::Progress(Stage::Refining)))).then_some(())
    })
    .await;
    let failed = there
        .fail(&claimed.lease, &TaskFailure::new("It failed."))
        .await;
    assert_eq!(failed, Ok(Fenced::Done));
    while changes.next().await.is_some() {}
}

/// Each message once, as long as nobody fails, and none waits for a poll.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_share_the_queue() {
    const TASKS: usize = 60;
    let (hosts, _schema) = hosts(3);
    let queues: Vec<_> = hosts.iter().map(|host| Arc::new(host.queue())).collect();
    let mut receiving = Vec::new();
    for _ in 0..TASKS / 3 {
        for queue in &queues {
            let queue = Arc::clone(queue);
            receiving.push(tokio::spawn(async move {
                let delivery = timeout(Duration::from_secs(30), queue.receive()).await;
                let delivery = delivery.expect("nothing was delivered").unwrap();
                let id = delivery.work().task_id().unwrap().to_owned();
                delivery.ack().await;
                id
            }));
        }
    }
    let begin = Instant::now();
    for number in 0..TASKS {
        let task = created(
            hosts[0]
                .submit(new_task(&format!("user {number}")))
                .await
                .unwrap(),
        );
        queues[0].publish(message_for(&task)).await.unwrap();
    }
    let mut received = HashSet::new();
    for task in receiving {
        assert!(received.insert(task.await.unwrap()), "delivered twice");
    }
    assert_eq!(received.len(), TASKS);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
}

/// Also of a backlog that is not sorted at each fetch.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_share_a_long_backlog_in_turn() {
    const USERS: usize = 200;
    let (hosts, _schema) = hosts(2);
    let mut turns = VecDeque::new();
    for _ in 0..2 {
        for user in 0..USERS {
            let new = NewTask {
                active_tasks: 2,
                ..new_task(&format!("user {user}"))
            };
            turns.push_back(created(hosts[0].submit(new).await.unwrap()).id);
        }
    }
    let queues: Vec<_> = hosts.iter().map(|host| host.queue()).collect();
    let receive = async |queue: &SharedQueue| {
        let delivery = timeout(SOON, queue.receive()).await;
        let delivery = delivery.expect("nothing was delivered").unwrap();
        let id = delivery.work().task_id().unwrap().to_owned();
        delivery.ack().await;
        id
    };
    let mut next = |count: usize| turns.drain(..count).collect::<HashSet<_>>();
    // The hosts take turns, and each goes by the order that it has read: one task at a time, or
    // several.
    for round in 0..100 {
        let count = if round % 10 < 5 { 1 } else { 4 };
        let queue = &queues[round % 2];
        let received = join_all((0..count).map(|_| receive(queue))).await;
        assert_eq!(HashSet::from_iter(received), next(count), "round {round}");
    }
    hosts[0].set_paused(true, act()).await.unwrap();
    let early = timeout(PROMPTLY, queues[0].receive()).await;
    assert!(early.is_err(), "delivered while paused");
    hosts[1].set_paused(false, act()).await.unwrap();
    for round in 0..10 {
        let id = receive(&queues[round % 2]).await;
        assert_eq!(HashSet::from([id]), next(1), "after the pause, {round}");
    }
}

/// What one host publishes wakes another that has been idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_host_is_woken() {
    let (hosts, _schema) = hosts(2);
    let queues: Vec<_> = hosts.iter().map(|host| host.queue()).collect();
    let waiting = queues[1].receive();
    let work = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let task = created(hosts[0].submit(new_task("ada")).await.unwrap());
        queues[0].publish(message_for(&task)).await.unwrap();
        Instant::now()
    };
    let (delivery, published) = futures::join!(waiting, work);
    delivery.unwrap().ack().await;
    assert!(
        published.elapsed() < Duration::from_secs(1),
        "{:?}",
        published.elapsed()
    );
}

/// What a host gives back before it stops, another gets that has been idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_host_gets_what_another_gives_back() {
    let (mut hosts, _schema) = hosts(2);
    let (other, host) = (hosts.pop().unwrap(), hosts.pop().unwrap());
    let (other_queue, queue) = (other.queue(), host.queue());
    let task = created(host.submit(new_task("ada")).await.unwrap());
    queue.publish(message_for(&task)).await.unwrap();
    let delivery = queue.receive().await.unwrap();
    let waiting = other_queue.receive();
    let work = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        delivery.nack(Duration::ZERO).await;
        drop((queue, host));
        Instant::now()
    };
    let (again, returned) = futures::join!(waiting, work);
    again.unwrap().ack().await;
    let late = returned.elapsed();
    assert!(late < Duration::from_secs(1), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_host_has_a_leader_lease_and_all_have_one_secret() {
    use concept_refinement_capability::SharedSecret as _;
    let (hosts, _schema) = hosts(2);
    let [short, long] = [Duration::from_millis(300), Duration::from_secs(600)];
    assert_eq!(hosts[0].take("sweep", short).await, Ok(true));
    assert_eq!(hosts[0].take("sweep", long).await, Ok(true), "again");
    assert_eq!(hosts[1].take("sweep", long).await, Ok(false));
    assert_eq!(hosts[1].take("garbage", long).await, Ok(true));
    LeaderLeases::release(&*hosts[1], "sweep").await.unwrap();
    assert_eq!(hosts[1].take("sweep", long).await, Ok(false), "another's");
    LeaderLeases::release(&*hosts[0], "sweep").await.unwrap();
    assert_eq!(hosts[1].take("sweep", short).await, Ok(true), "given up");
    tokio::time::sleep(short).await;
    let late = hosts[0].take("sweep", long).await;
    assert_eq!(late, Ok(true), "it did not come back");

    assert_eq!(hosts[1].existing().await, Ok(None));
    let first = hosts[0].secret([1; LENGTH]).await.unwrap();
    let second = hosts[1].secret([2; LENGTH]).await.unwrap();
    assert_eq!((first, second), ([1; LENGTH], [1; LENGTH]));
    assert_eq!(hosts[1].existing().await, Ok(Some(first)));
}
