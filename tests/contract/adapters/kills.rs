//! A platform that is killed in the middle of work, and started again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::tasks::{Leases, Tasks};
use concept_refinement_domain::capability::{Accepted, Finished, Submission};
use concept_refinement_domain::task::{Status, Task};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::instances::Instances;
use super::{Adapted, Platform, clock};
use crate::tasks::{LEASE, image, new_task};

const USERS: usize = 12;

/// It is killed after this many answers: during the first tasks and during
/// later ones.
const KILLED_AFTER: [usize; 6] = [1, 7, 20, 33, 50, 80];

/// What was answered: the ids of tasks, and whether they were completed.
#[derive(Default)]
struct Answers {
    completed: BTreeMap<String, bool>,
    /// Answers since the start. None: it was killed.
    count: Option<usize>,
}

#[derive(Default)]
struct Heard {
    answers: Mutex<Answers>,
    more: Notify,
}

impl Heard {
    fn hear(&self, task: &Task, is_completed: bool) {
        let mut answers = self.answers.lock().unwrap();
        let Some(count) = &mut answers.count else {
            return;
        };
        *count += 1;
        let known = answers.completed.entry(task.id.clone()).or_default();
        *known |= is_completed;
        self.more.notify_one();
    }

    /// Waits for this many answers and ignores later ones, so that the state at
    /// that moment matches the recorded answers.
    async fn until<T>(&self, count: usize, left: impl Fn() -> T) -> T {
        loop {
            {
                let mut answers = self.answers.lock().unwrap();
                if answers.count.is_some_and(|heard| heard >= count) {
                    answers.count = None;
                    return left();
                }
            }
            self.more.notified().await;
        }
    }
}

/// Works on one task after the other, on what is left of earlier ones first.
async fn work(instances: Arc<Instances>, user: String, heard: Arc<Heard>) {
    let tasks: &dyn Tasks = &*instances;
    let leases: &dyn Leases = &*instances;
    loop {
        let submission = tasks.submit(new_task(&user)).await.unwrap();
        let (Submission::Created(Accepted { task, .. })
        | Submission::Active(Accepted { task, .. })) = submission
        else {
            panic!("{submission:?}")
        };
        heard.hear(&task, false);
        // Else its last worker was killed too often.
        if let Some(claimed) = leases.claim(&task.id, Some(&user)).await.unwrap() {
            let lease = &claimed.lease;
            let finished = leases.finish(lease, image(&task).into()).await.unwrap();
            assert_eq!(finished, Finished::Done);
            heard.hear(&task, true);
        }
    }
}

pub async fn what_was_answered_is_kept_and_what_was_begun_is_gone_on_with<P: Platform>() {
    let (clock, heard) = (clock(), Arc::new(Heard::default()));
    let mut platform = Arc::new(P::empty());
    for answers in KILLED_AFTER {
        let adapted = Adapted::on(Arc::clone(&platform), Vec::new(), clock.clone());
        heard.answers.lock().unwrap().count = Some(0);
        let mut users = JoinSet::new();
        for user in 0..USERS {
            let instances = Arc::clone(&adapted.instances);
            users.spawn(work(instances, format!("user {user}"), heard.clone()));
        }
        let left = tokio::select! {
            left = heard.until(answers, || platform.left()) => left,
            Some(failed) = users.join_next() => panic!("{failed:?}"),
        };
        users.shutdown().await;
        drop(adapted);
        platform = left;
        clock.advance(LEASE);
    }
    let adapted = Adapted::on(platform, Vec::new(), clock);
    let mut completed = std::mem::take(&mut heard.answers.lock().unwrap().completed);
    for user in 0..USERS {
        judge(&adapted.instances, &format!("user {user}"), &mut completed).await;
    }
    assert_eq!(completed, BTreeMap::new(), "these are gone");
}

/// Finds the user's tasks among the answers, and takes them out.
async fn judge(instances: &Instances, user: &str, completed: &mut BTreeMap<String, bool>) {
    let tasks = Tasks::list(instances, user, None, 1000, None).await;
    let concepts = Concepts::list(instances, user, 1000, None).await;
    let (tasks, concepts) = (tasks.unwrap().items, concepts.unwrap().items);
    let mut results = Vec::new();
    for (n, task) in tasks.iter().enumerate() {
        let was_completed = completed.remove(&task.id).unwrap_or_default();
        assert!(
            !was_completed || task.status == Status::Completed,
            "{task:?}"
        );
        assert!(
            n == 0 || task.status.is_final(),
            "two are active: {tasks:?}"
        );
        let found = Tasks::get(instances, user, &task.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(task));
        results.extend(task.result_id.clone());
    }
    let ids: Vec<_> = concepts.into_iter().map(|concept| concept.id).collect();
    assert_eq!(ids, results, "one concept for each task that was completed");
    let submission = instances.submit(new_task(user)).await.unwrap();
    if let Submission::Active(Accepted { task, .. }) = submission {
        assert_eq!(Some(&task), tasks.first());
    }
}
