//! `/api/tasks`, and the same under its original path, `/api/concepts/task`.

use concept_refinement_domain::capability::{Cancellation, CapabilityError, TaskPage};
use concept_refinement_domain::cursor::List;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::task_response::{TaskResponse, image_path};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation;
use serde::Serialize;

use super::answer::{Answer, json};
use crate::origin::Origin;
use crate::paging::{ByStatus, Paging, next_cursor};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

pub const NO_SUCH_TASK: Problem = Problem::NotFound("There is no such task.");

/// A page of tasks, newest first.
#[derive(Serialize)]
pub struct TaskList<'a> {
    tasks: Vec<TaskResponse<'a>>,
    /// Where the next page begins; null after the last one.
    next_cursor: Option<String>,
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let now = state.ports.now();
    let caller = state.auth.reader(request).await?;
    let task = find(&state.ports, &caller.user, id).await?;
    let task = task.ok_or(NO_SUCH_TASK)?;
    state.republisher.republish_if_overdue(&task, now);
    let response = json(200, &shown(&state.ports, &task, &request.origin).await?)?;
    Ok(match position(&state.ports, &task).await {
        Some(position) => response.with("x-queue-position", position.to_string()),
        None => response,
    })
}

/// The user's task of this id; another's is not told apart from none.
pub(super) async fn find(
    store: &impl Ports,
    user: &str,
    id: &str,
) -> Result<Option<Task>, CapabilityError> {
    match validation::uuid(id) {
        Some(id) => store.task(user, &id).await,
        None => Ok(None),
    }
}

/// Where the task is in the queue, while it waits there. A queue that cannot tell does not keep
/// its user from seeing the task.
async fn position(queue: &impl Ports, task: &Task) -> Option<u32> {
    match task.status {
        Status::Pending => queue.position(&task.id).await.ok().flatten(),
        Status::Processing | Status::Completed | Status::Failed => None,
    }
}

pub async fn list<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let now = state.ports.now();
    let caller = state.auth.reader(request).await?;
    let paging = Paging::parse(
        request.query.as_deref(),
        List::Tasks,
        &caller.user,
        ByStatus::Yes,
    )?;
    let page = page(state, &caller.user, paging, now).await?;
    json(
        200,
        &list_of(state, &caller.user, &page, &request.origin).await?,
    )
}

/// A page of the user's tasks.
pub(super) async fn page<P: Ports>(
    state: &State<P>,
    user: &str,
    paging: Paging,
    now: Timestamp,
) -> Result<TaskPage, Problem> {
    let Paging {
        limit,
        after,
        status,
    } = paging;
    let page = state.ports.tasks(user, status, limit, after).await?;
    for task in &page.items {
        state.republisher.republish_if_overdue(task, now);
    }
    Ok(page)
}

/// The representation of a page.
pub(super) async fn list_of<'a, P: Ports>(
    state: &State<P>,
    user: &str,
    page: &'a TaskPage,
    origin: &Origin,
) -> Result<TaskList<'a>, Problem> {
    let mut tasks = Vec::with_capacity(page.items.len());
    for task in &page.items {
        tasks.push(shown(&state.ports, task, origin).await?);
    }
    let next_cursor = next_cursor(List::Tasks, user, page.next.as_ref());
    Ok(TaskList { tasks, next_cursor })
}

/// The task is kept, and shown as failed.
pub async fn cancel<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    let cancellation = state.ports.cancel(&caller.user, &id).await?;
    let (code, task) = match cancellation.ok_or(NO_SUCH_TASK)? {
        Cancellation::Cancelled(task) => (200, task),
        Cancellation::Ended(task) => (409, task),
    };
    json(code, &shown(&state.ports, &task, &request.origin).await?)
}

pub async fn delete<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    match state.ports.delete_task(&caller.user, &id).await? {
        true => Ok(Response::empty(204)),
        false => Err(NO_SUCH_TASK),
    }
}

/// The representation of a task.
pub(super) async fn shown<'a>(
    images: &impl Ports,
    task: &'a Task,
    origin: &Origin,
) -> Result<TaskResponse<'a>, Problem> {
    let image_url = match image_path(task) {
        Some(path) => Some(images.sign(path, origin.as_str()).await?),
        None => None,
    };
    Ok(TaskResponse::new(
        task,
        sentence::task_is(task.status),
        image_url,
    ))
}
