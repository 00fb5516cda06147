//! Jobs: actions on all tasks that match a filter, done in parts.
//!
//! A part is planned without holding up other writes, and then done in one step that begins
//! by comparing the job: whatever another host did meanwhile, each task is acted on once.

use std::collections::HashMap;

use concept_refinement_domain::capability::{Cancellation, CapabilityError};
use concept_refinement_domain::rulebook::{Choice, Operation};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use super::Storage;
use super::acts::{Audit, TaskAct};
use super::search::{self, CHUNK, FoundTask, Walk};
use crate::administration::{Action, Job, JobProgress, JobStart, NewJob, Obstacle, TaskFilter};

/// Most tasks that one part examines.
const MAX_ROWS: usize = 1_000;

/// The outcome of the action of a job: the new task, if it creates one.
pub type Acted = Result<Option<Task>, Obstacle>;

/// The next part of a job.
pub struct Part {
    /// The job as it was read.
    pub job: Job,
    /// What is done.
    pub acts: Vec<TaskAct<Acted>>,
    /// The job afterwards, without what the acts will have come to.
    after: Job,
    is_over: bool,
}

impl Part {
    /// The job after these outcomes of the acts.
    pub fn done(&self, outcomes: Vec<Acted>, now: Timestamp) -> JobProgress {
        let mut job = self.after.clone();
        let mut created = Vec::new();
        for outcome in outcomes {
            job.count(&outcome);
            created.extend(outcome.ok().flatten());
        }
        if self.is_over {
            job.end(now);
        }
        JobProgress { job, created }
    }
}

pub(super) async fn start(store: &impl Storage, new: NewJob) -> Result<JobStart, CapabilityError> {
    let id = new.id(&store.context().options.pseudonyms);
    if let Some(job) = store.job(&id).await? {
        return Ok(JobStart::Started(Box::new(job)));
    }
    // Not in the step that stores the job: other writes would wait for the count.
    let total = search::count(store, new.filter.clone()).await?;
    let started = match total == new.expect {
        true => {
            let audit = Audit {
                act: new.act.clone(),
                action: new.action.as_str(),
                target: new.filter.to_json(),
                count: total,
            };
            let now = store.context().clock.now();
            store.insert_job(new.started(id, now), audit).await?
        }
        // Perhaps the same job was started meanwhile.
        false => store.job(&id).await?,
    };
    Ok(match started {
        Some(job) => JobStart::Started(Box::new(job)),
        None => JobStart::Unexpected(total),
    })
}

pub(super) async fn advance(
    store: &impl Storage,
    id: &str,
    new_ids: Vec<String>,
) -> Result<Option<JobProgress>, CapabilityError> {
    let job = store.job(id).await?;
    match job.filter(|job| job.ended_at.is_none()) {
        Some(job) => store.advance(next_part(store, job, new_ids).await?).await,
        None => Ok(None),
    }
}

/// Acts on at most as many tasks as there are ids for new ones. Counts tasks that are
/// skipped because they are not the newest of their user.
async fn next_part(
    store: &impl Storage,
    job: Job,
    new_ids: Vec<String>,
) -> Result<Part, CapabilityError> {
    let mut part = Part {
        acts: Vec::new(),
        after: job.clone(),
        is_over: false,
        job,
    };
    let mut walk = Walk::for_job(
        &part.job,
        part.job.filter.clone(),
        part.job.position.clone(),
    );
    let (mut rows, mut newest) = (0, HashMap::new());
    let mut new_ids = new_ids.into_iter();
    while new_ids.len() > 0 && rows < MAX_ROWS {
        let seen = walk.next(store, new_ids.len()).await?;
        if seen.is_empty() {
            part.is_over = true;
            break;
        }
        rows += seen.len();
        part.after.position.clone_from(&walk.after);
        for found in seen.into_iter().filter(|found| found.matches) {
            let action = part.job.action;
            if action == Action::Retry && !is_newest(store, &part.job, &found, &mut newest).await? {
                part.after.count::<()>(&Err(Obstacle::NotNewest));
            } else if let Some(new_id) = new_ids.next() {
                part.acts.push(act(action, found.position.id, new_id));
            }
        }
    }
    Ok(part)
}

fn act(action: Action, id: String, new_id: String) -> TaskAct<Acted> {
    fn done(is_done: bool) -> Acted {
        match is_done {
            true => Ok(None),
            false => Err(Obstacle::Changed),
        }
    }
    match action {
        Action::Retry => TaskAct::Retry {
            id,
            choice: Choice::Filter,
            new_id,
            answer: |retry| Obstacle::of(retry).map(|record| Some(record.task)),
        },
        Action::Cancel => TaskAct::Change(Operation::cancel_as_operator(&id, |cancellation| {
            done(matches!(cancellation, Some(Cancellation::Cancelled(_))))
        })),
        Action::Delete | Action::Erase => TaskAct::Delete { id, answer: done },
    }
}

/// Whether no later task of the same user matches. `newest`: caches the answer by
/// user.
async fn is_newest(
    store: &impl Storage,
    job: &Job,
    found: &FoundTask,
    newest: &mut HashMap<String, Option<String>>,
) -> Result<bool, CapabilityError> {
    let (task_id, user_id) = (&found.position.id, &found.user_id);
    if let Some(newest) = newest.get(user_id) {
        return Ok(newest.as_ref() == Some(task_id));
    }
    let filter = TaskFilter {
        user: Some(user_id.clone()),
        ..job.filter.clone()
    };
    let mut walk = Walk::for_job(job, filter, None);
    // It is usually among the first rows.
    let mut chunk = 10;
    let first = loop {
        let seen = walk.next(store, chunk).await?;
        if seen.is_empty() {
            break None;
        }
        if let Some(first) = seen.into_iter().find(|seen| seen.matches) {
            break Some(first.position.id);
        }
        chunk = CHUNK;
    };
    let is_newest = first.as_ref() == Some(task_id);
    newest.insert(user_id.clone(), first);
    Ok(is_newest)
}
