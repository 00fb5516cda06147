//! `GET /api/tasks/{task_id}/events`: what becomes of a task, as it happens.
//!
//! A stream ends by itself after the task's last state. What a client does then
//! is to connect again, with the id of the last event that it saw, for ever
//! unless it is told otherwise: one that has seen the end is answered 204, which
//! tells it to stop, and one that comes back in the middle is told what it has
//! not seen. The store tells what changes; only while it is silent the task is
//! looked at now and then, so that one that is overdue is published again even
//! if nobody does anything but watch it.

use std::pin::pin;
use std::rc::Rc;

use concept_refinement_domain::task::{Change, Task};
use concept_refinement_domain::validation;
use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream;

use super::Answer;
use super::tasks::{NO_SUCH_TASK, shown};
use crate::api::Api;
use crate::auth;
use crate::event;
use crate::log;
use crate::origin::Origin;
use crate::ports::{Changes, Ports, TaskStore};
use crate::problem::Problem;
use crate::republish::Republished;
use crate::request::Request;
use crate::response::{Content, Response};

/// One who watches a task.
struct Watcher<P> {
    ports: P,
    republished: Rc<Republished>,
    user: String,
    origin: Origin,
    task_id: String,
    changes: Changes,
}

pub async fn watch<P: Ports + 'static, B>(
    api: &Api<P>,
    request: &Request<B>,
    id: &str,
) -> Answer<P> {
    let now = api.ports.now();
    let caller = auth::reader(api, request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    let seen = request.headers.text("last-event-id");
    let Some(mut changes) = api.ports.watch(&caller.user, &id).await? else {
        return gone(seen);
    };
    let task = match changes.next().await {
        Some(Change::Task(task)) => task,
        Some(Change::Deleted) => return gone(seen),
        Some(Change::Progress(_)) | None => return Err(NOT_NOW),
    };
    api.was_read(&task, now);
    let is_seen = seen == Some(event::id(&task).as_str());
    if is_seen && task.status.is_final() {
        return Ok(Response::empty(204));
    }
    let watcher = Watcher {
        ports: api.ports.clone(),
        republished: Rc::clone(&api.republished),
        user: caller.user,
        origin: request.origin.clone(),
        task_id: id,
        changes,
    };
    let mut opening = event::OPENING.to_owned();
    if !is_seen {
        opening.push_str(&watcher.told(&task).await?);
    }
    let later = stream::unfold(watcher, |mut watcher| async {
        let piece = watcher.next().await?;
        Some((piece, watcher))
    });
    let pieces = stream::once(async { opening }).chain(later);
    Ok(Response {
        status: 200,
        headers: vec![
            ("content-type", "text/event-stream".into()),
            ("cache-control", "no-store".into()),
            // A proxy is not to collect what is to arrive at once.
            ("x-accel-buffering", "no".into()),
        ],
        content: Content::Events(pieces.map(String::into_bytes).boxed_local()),
    })
}

/// The store closes, or has too much to do.
const NOT_NOW: Problem = Problem::Unavailable {
    detail: std::borrow::Cow::Borrowed("The task cannot be watched now. Try again later."),
    retry_after: Some(1),
};

/// Whoever saw that the task was deleted is told to stop. That says nothing of
/// whether there is, or ever was, such a task.
fn gone<C>(seen: Option<&str>) -> Result<Response<C>, Problem> {
    match seen {
        Some(event::DELETED_ID) => Ok(Response::empty(204)),
        Some(_) | None => Err(NO_SUCH_TASK),
    }
}

impl<P: Ports + 'static> Watcher<P> {
    /// The next piece of the stream. None: it ends here. Without its last event
    /// a client connects again, and is told then.
    async fn next(&mut self) -> Option<String> {
        let silence = pin!(self.ports.sleep(event::KEEP_ALIVE));
        let change = match select(self.changes.next(), silence).await {
            Either::Left((change, _)) => change?,
            Either::Right(((), _)) => {
                Box::pin(self.look()).await;
                return Some(event::COMMENT.to_owned());
            }
        };
        let told = match change {
            // Boxed: what it takes is not to be held while nothing happens.
            Change::Task(task) => Box::pin(self.told(&task)).await,
            Change::Progress(stage) => event::progress(stage),
            Change::Deleted => event::deleted(&self.task_id),
        };
        told.inspect_err(|problem| {
            log::warn(format_args!("a change could not be told: {problem:?}"));
        })
        .ok()
    }

    /// Has the task published again if it is overdue. If it cannot be read now,
    /// there is another time.
    async fn look(&self) {
        if let Ok(Some(task)) = TaskStore::get(&self.ports, &self.user, &self.task_id).await {
            let now = self.ports.now();
            self.republished.was_read(&self.ports, &task, now);
        }
    }

    async fn told(&self, task: &Task) -> Result<String, Problem> {
        let shown = shown(&self.ports, task, &self.origin).await?;
        event::task(&event::id(task), &shown)
    }
}
