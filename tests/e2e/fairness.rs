//! A backlog is processed first come, first served: a user who submits
//! repeatedly waits behind earlier ones.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::{join, join_all};
use rustix::process::Signal;
use serde_json::Value;

use crate::shared::{busy, new_user, picture_url, scripted_launch};
use crate::stopping::ended_at_once;

const WAITING: usize = 8;

#[tokio::test]
async fn who_keeps_submitting_never_overtakes_who_waits() {
    let (service, original) = (one_at_a_time().start(), picture_url());
    let (greedy, first, gate) = busy(&service).await;
    let waiting = wait_in_line(&service, &original).await;
    gate.open();
    // As fast as it may, from when its first is finished.
    let greedy = async {
        let mut tasks = vec![greedy.finished(&first).await];
        for _ in 0..3 {
            tasks.push(greedy.refined(&original, "echo it").await);
        }
        tasks
    };
    let (mut tasks, waited) = join(greedy, all_finished(&waiting)).await;
    tasks.extend(waited);
    assert_in_order(tasks);
}

#[tokio::test]
async fn who_waited_before_a_restart_is_served_first_after_it() {
    for crash in [true, false] {
        // What a dead host had is nobody's until its lease has expired.
        let launch = one_at_a_time().embedded();
        let (service, original) = (launch.start(), picture_url());
        let (user, first, gate) = busy(&service).await;
        let mut waiting = wait_in_line(&service, &original).await;
        let launch = launch.at(&service);
        match crash {
            true => drop(service.kill()),
            false => drop(ended_at_once(service, [Signal::TERM; 2]).await),
        }
        let service = launch.start();
        waiting.push((user, first));
        for (user, _) in &mut waiting {
            *user = user.reconnected();
        }
        let late = wait_in_line(&service, &original).await;
        waiting.extend(late);
        gate.open();
        assert_in_order(all_finished(&waiting).await);
    }
}

fn one_at_a_time() -> Launch {
    scripted_launch().set("concurrency", "1")
}

/// One after the other.
async fn wait_in_line(service: &Service, original: &str) -> Vec<(Client, String)> {
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let user = new_user(service);
        let id = user.accepted(original, "wait 5ms").await;
        waiting.push((user, id));
    }
    waiting
}

async fn all_finished(waiting: &[(Client, String)]) -> Vec<Value> {
    join_all(waiting.iter().map(|(user, id)| user.finished(id))).await
}

/// In which they were created they were completed.
fn assert_in_order(mut tasks: Vec<Value>) {
    let time = |task: &Value, name: &str| task[name].as_str().unwrap().to_owned();
    tasks.sort_by_key(|task| time(task, "created_at"));
    for pair in tasks.windows(2) {
        for task in pair {
            assert_eq!(task["status"], "completed", "{task}");
        }
        assert!(
            time(&pair[0], "completed_at") < time(&pair[1], "completed_at"),
            "{} was overtaken by {}",
            pair[0],
            pair[1]
        );
    }
}
