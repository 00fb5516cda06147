//! What an operator does on one host counts for all.

use std::time::Duration;

use concept_refinement_capability::administration::Action;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::Status;

use super::{Joined, new_ids, of_status};
use crate::tasks::{Rules, Store};

impl<B: Joined> Store<B> {
    fn joined(&self) -> Self {
        let clock = self.clock.clone();
        Self::of(self.backend.join(Rules::default(), clock.clone()), clock)
    }
}

pub async fn another_host_goes_on_with_a_job<B: Joined>() {
    let [one, other] = {
        let one = Store::<B>::start();
        let other = one.joined();
        [one, other]
    };
    for number in 0..10 {
        one.pending(&format!("user {number}")).await;
    }
    let job = one
        .started(Action::Cancel, of_status(Status::Pending), 10)
        .await;
    let progress = one.operator().advance_job(&job.id, new_ids(4)).await;
    assert_eq!(progress.unwrap().unwrap().job.done, 4);
    drop(one);
    let jobs = other.operator().unfinished_jobs().await;
    assert_eq!(jobs, Ok(vec![job.id.clone()]));
    let (job, _) = other.end_job(&job, 4).await;
    assert_eq!((job.done, job.failed), (10, 0));
}

pub async fn it_is_paused_for_all<B: Joined>() {
    let one = Store::<B>::start();
    let other = one.joined();
    let task = one.pending("ada").await;
    one.set_paused(true).await;
    assert_eq!(other.operator().is_paused().await, Ok(true));
    assert!(other.try_claim(&task).await.is_none());
    assert!(other.set_paused(false).await);
    one.claim(&task).await;
}

/// What a host has noted is stored though another one was faster.
pub async fn steps_outlive_a_lost_race<B: Joined>() {
    let one = Store::<B>::start();
    let other = one.joined();
    let task = one.pending("ada").await;
    let claimed = one.claim(&task).await;
    let detail = "fast: answered, 20 ms";
    one.leases.add_step(&task.id, 1, StepKind::Asked, detail);
    one.pass(Duration::from_secs(1));
    // What the first host remembers of the task is outdated from here on.
    let renewed = other.leases.renew(&claimed.lease).await.unwrap();
    one.finish(&claimed).await;
    assert!(renewed.is_some());
    let expected = [
        StepKind::Submitted,
        StepKind::Claimed,
        StepKind::Asked,
        StepKind::Completed,
    ];
    assert_eq!(one.kinds(&task.id).await, expected);
}
