//! Watches a task and its stages. Platforms do not announce changes of records, so
//! watchers poll: often after a change, since the next one may follow soon, and less and
//! less often in silence.

use std::time::Duration;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::{Change, Stage, Status};
use concept_refinement_domain::timestamp::Timestamp;

use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;
use crate::user_record::UserRecord;

/// The pause after a change.
const SHORTEST_PAUSE: Duration = Duration::from_millis(25);

const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The state that the watcher got last.
pub struct Watch {
    user_id: String,
    id: String,
    /// The task's status, and when it changed.
    seen: Option<(Status, Option<Timestamp>)>,
    stage: Option<Stage>,
    /// Whether there will be no more changes.
    pub is_finished: bool,
    pause: Duration,
}

impl Watch {
    /// How long to wait after a poll without a change. Each time it is longer by half, so
    /// that a change that comes soon is noticed soon.
    pub fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        pause
    }
}

impl<P: Platform, M: Machine> Store<P, M> {
    /// None: no such task, or another user's.
    pub async fn watch(&self, user_id: &str, id: &str) -> Result<Option<Watch>, Fault> {
        let is_there = self.get(user_id, id).await?.is_some();
        Ok(is_there.then(|| Watch {
            user_id: user_id.to_owned(),
            id: id.to_owned(),
            seen: None,
            stage: None,
            is_finished: false,
            pause: SHORTEST_PAUSE,
        }))
    }

    /// Records a stage for watchers. Best effort; nothing depends on it.
    pub async fn began(&self, lease: &Lease, stage: Stage) {
        let written = async {
            let Some(task) = self.task_document(&lease.task_id).await? else {
                return Ok(());
            };
            let begin = |user_record: &mut UserRecord| user_record.begin_stage(lease, &task, stage);
            self.change(&task.user_id, begin).await
        };
        if let Err(fault) = written.await {
            crate::log::warn(format_args!("a stage could not be stored: {fault}"));
        }
    }

    /// The next change since the last poll.
    pub async fn poll(&self, watch: &mut Watch) -> Result<Option<Change>, Fault> {
        let change = self.change_since(watch).await?;
        if change.is_some() {
            watch.pause = SHORTEST_PAUSE;
        }
        Ok(change)
    }

    async fn change_since(&self, watch: &mut Watch) -> Result<Option<Change>, Fault> {
        let Some((task, entry)) = self.find_now(&watch.user_id, &watch.id).await? else {
            watch.is_finished = true;
            return Ok(Some(Change::Deleted));
        };
        let stage = entry.active.and_then(|active| active.stage);
        let state = Some((task.status, task.updated_at));
        if watch.seen != state {
            watch.is_finished = task.status.is_final();
            watch.seen = state;
            watch.stage = None;
            return Ok(Some(Change::Task(Box::new(task))));
        }
        let Some(stage) = stage.filter(|_| stage != watch.stage) else {
            return Ok(None);
        };
        watch.stage = Some(stage);
        Ok(Some(Change::Progress(stage)))
    }
}
