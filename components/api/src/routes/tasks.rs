//! `/api/tasks`, and the original path of a task under `/api/concepts/task`.

use concept_refinement_domain::sentence;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::validation;
use serde::Serialize;

use super::Answer;
use crate::api::Api;
use crate::auth;
use crate::log;
use crate::origin::Origin;
use crate::paging::{ByStatus, Paging, next_cursor};
use crate::ports::{ImageStore, Ports, TaskStore};
use crate::problem::Problem;
use crate::representation::{TaskResponse, image_path};
use crate::request::Request;
use crate::response::Response;

pub const NO_SUCH_TASK: Problem = Problem::NotFound("There is no such task.");

/// A page of tasks, newest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct TaskList<'a> {
    tasks: Vec<TaskResponse<'a>>,
    /// Where the next page begins; null after the last one.
    next_cursor: Option<String>,
}

pub async fn get<P: Ports + 'static, B>(api: &Api<P>, request: &Request<B>, id: &str) -> Answer<P> {
    let now = api.ports.now();
    let caller = auth::reader(api, request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    let task = TaskStore::get(&api.ports, &caller.user, &id)
        .await?
        .ok_or(NO_SUCH_TASK)?;
    api.was_read(&task, now);
    Response::json(200, &shown(&api.ports, &task, &request.origin).await?)
}

pub async fn list<P: Ports + 'static, B>(api: &Api<P>, request: &Request<B>) -> Answer<P> {
    let now = api.ports.now();
    let caller = auth::reader(api, request).await?;
    let paging = Paging::parse(request.query.as_deref(), &caller.user, ByStatus::Yes)?;
    let page = TaskStore::list(
        &api.ports,
        &caller.user,
        paging.status,
        paging.limit,
        paging.after,
    )
    .await?;
    let mut tasks = Vec::with_capacity(page.items.len());
    for task in &page.items {
        api.was_read(task, now);
        tasks.push(shown(&api.ports, task, &request.origin).await?);
    }
    let next_cursor = next_cursor(&caller.user, page.next.as_ref());
    Response::json(200, &TaskList { tasks, next_cursor })
}

pub async fn delete<P: Ports + 'static, B>(
    api: &Api<P>,
    request: &Request<B>,
    id: &str,
) -> Answer<P> {
    let caller = auth::writer(api, request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_TASK)?;
    let deleted = TaskStore::delete(&api.ports, &caller.user, &id)
        .await?
        .ok_or(NO_SUCH_TASK)?;
    if let Some(path) = deleted.unpublished_image
        && let Err(error) = ImageStore::delete(&api.ports, &path).await
    {
        // The task is gone all the same, and nobody can see the image.
        log::warn(format_args!(
            "the image of a deleted task could not be deleted: {error}"
        ));
    }
    Ok(Response::empty(204))
}

/// A task as it stands.
pub(super) async fn shown<'a>(
    images: &impl ImageStore,
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
