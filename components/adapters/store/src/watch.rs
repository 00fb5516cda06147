//! Watching a task and its stages. Platforms do not announce changes of a
//! record, so a watcher polls.

use std::time::Duration;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::{Change, Stage, Status, Task};

use crate::documents::{self, StageDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

/// Polling interval.
pub const INTERVAL: Duration = Duration::from_millis(250);

/// The state that a watcher was told last.
pub struct Watch {
    user_id: String,
    id: String,
    task: Option<Task>,
    stage: Option<StageDocument>,
    is_finished: bool,
}

impl Watch {
    /// There will be no more changes.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }
}

impl<P: Platform, M: Machine> Store<P, M> {
    /// None: no such task, or another user's.
    pub async fn watch(&self, user_id: &str, id: &str) -> Result<Option<Watch>, Fault> {
        let is_there = self.get(user_id, id).await?.is_some();
        Ok(is_there.then(|| Watch {
            user_id: user_id.to_owned(),
            id: id.to_owned(),
            task: None,
            stage: None,
            is_finished: false,
        }))
    }

    /// Stores a stage for watchers. Best effort; nothing depends on it.
    pub async fn began(&self, lease: &Lease, stage: Stage) {
        let id = &lease.task_id;
        let attempt = lease.attempt;
        let written = async {
            // Otherwise it would remain after the task is deleted.
            let Some(task) = self.task_document(id).await? else {
                return Ok(());
            };
            let ledger = self.ledger(&task.user_id).await?;
            let active = ledger.active_task(id);
            if active.is_none_or(|active| active.attempt != attempt) {
                return Ok(());
            }
            let content = documents::encode(&StageDocument { attempt, stage })?;
            let document = (names::stage(id), content);
            self.platform.set_many(vec![document]).await
        };
        if let Err(fault) = written.await {
            crate::log::warn(format_args!("a stage could not be stored: {fault}"));
        }
    }

    /// The next change since the last poll.
    pub async fn poll(&self, watch: &mut Watch) -> Result<Option<Change>, Fault> {
        let Some((task, attempt)) = self.find(&watch.user_id, &watch.id).await? else {
            watch.is_finished = true;
            return Ok(Some(Change::Deleted));
        };
        let is_unchanged = watch.task.as_ref().is_some_and(|previous| {
            (previous.status, previous.updated_at) == (task.status, task.updated_at)
        });
        if !is_unchanged {
            watch.is_finished = task.status.is_final();
            watch.task = Some(task.clone());
            return Ok(Some(Change::Task(Box::new(task))));
        }
        if task.status != Status::Processing {
            return Ok(None);
        }
        let stage: Option<StageDocument> = self.document(&names::stage(&watch.id)).await?;
        // The stage may be from a worker that lost its lease.
        let is_news = |stage: &StageDocument| {
            Some(stage.attempt) == attempt && watch.stage.as_ref() != Some(stage)
        };
        let Some(stage) = stage.filter(is_news) else {
            return Ok(None);
        };
        let change = Change::Progress(stage.stage);
        watch.stage = Some(stage);
        Ok(Some(change))
    }
}
