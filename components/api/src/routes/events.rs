//! `GET /api/tasks/{task_id}/events`: the changes of a task as server-sent
//! events.
//!
//! A stream ends after the task's final state. The client then reconnects, with the id of
//! the last event that it received. If it has received the end, it gets a 204, which
//! makes it stop; otherwise it gets what it has missed. Changes come from the store; an
//! overdue task is published again even if clients only watch it.

use concept_refinement_domain::task::{Change, Task};
use concept_refinement_domain::validation;
use futures::StreamExt as _;
use futures::stream;

use super::answer::Answer;
use super::tasks::{NO_SUCH_TASK, shown};
use crate::event;
use crate::log;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::republish::{Republisher, Watched};
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

/// A watcher of a task.
struct Watcher<P> {
    ports: P,
    republisher: Republisher<P>,
    origin: Origin,
    watched: Watched,
}

pub async fn watch<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let now = state.ports.now();
    let caller = state.auth.reader(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    let seen = request.headers.text("last-event-id");
    let Some(mut changes) = state.ports.watch(&caller.user, &id).await? else {
        return deleted(seen);
    };
    let task = match changes.next().await {
        Some(Change::Task(task)) => task,
        Some(Change::Deleted) => return deleted(seen),
        Some(Change::Progress(_)) | None => return Err(STORE_CLOSING),
    };
    state.republisher.republish_if_overdue(&task, now);
    let is_seen = seen == Some(event::id(&task).as_str());
    if is_seen && task.status.is_final() {
        return Ok(Response::empty(204));
    }
    let watcher = Watcher {
        ports: state.ports.clone(),
        republisher: state.republisher.clone(),
        origin: request.origin.clone(),
        watched: Watched::new(&task, changes),
    };
    let mut opening = event::OPENING.to_owned();
    if !is_seen {
        opening.push_str(&watcher.task_event(&task).await?);
    }
    let later = stream::unfold(watcher, |mut watcher| async {
        let chunk = watcher.next().await?;
        Some((chunk, watcher))
    });
    let pieces = stream::once(async { opening }).chain(later);
    let chunks = pieces.map(String::into_bytes).boxed_local();
    Ok(Response::events(chunks))
}

/// The store is closing or has too many watchers.
const STORE_CLOSING: Problem =
    Problem::unavailable("The task cannot be watched now. Try again later.", 1);

/// A client that knows of the task's deletion has to stop. The answer does not reveal
/// whether there is, or ever was, such a task.
fn deleted<C>(seen: Option<&str>) -> Result<Response<C>, Problem> {
    match seen {
        Some(event::DELETED_ID) => Ok(Response::empty(204)),
        Some(_) | None => Err(NO_SUCH_TASK),
    }
}

impl<P: Ports> Watcher<P> {
    /// The next part of the stream. None: the stream ends. A client that has not received
    /// the last event reconnects, and gets it then.
    async fn next(&mut self) -> Option<String> {
        let watched = &mut self.watched;
        let next = self.republisher.next_change(watched, event::KEEP_ALIVE);
        let Some(change) = next.await else {
            return Some(event::COMMENT.to_owned());
        };
        let event = match change? {
            // Boxed, so that an idle stream needs less memory.
            Change::Task(task) => Box::pin(self.task_event(&task)).await,
            Change::Progress(stage) => event::progress(stage),
            Change::Deleted => event::deleted(&self.watched.task_id),
        };
        event
            .inspect_err(|problem| {
                log::warn(format_args!("a change could not be sent: {problem:?}"));
            })
            .ok()
    }

    async fn task_event(&self, task: &Task) -> Result<String, Problem> {
        let shown = shown(&self.ports, task, &self.origin).await?;
        event::task(&event::id(task), &shown)
    }
}
