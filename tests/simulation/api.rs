//! What the API does for a request: the same calls in the same order.

use std::rc::Rc;

use concept_refinement_domain::capability::{CapabilityError, Fenced, NewTask, Submission};
use concept_refinement_domain::lease::is_overdue;
use concept_refinement_domain::task::Task;

use crate::process::Process;
use crate::sweep::{delete_image, publish_one};
use crate::world::World;

/// What became of a submission, as its user is told.
pub enum Reply {
    Accepted(String),
    Active(String),
    Refused,
}

pub async fn submit(
    world: &Rc<World>,
    process: &Rc<Process>,
    mut new: NewTask,
) -> Result<Reply, CapabilityError> {
    let id = new.id.clone();
    if let Some(path) = new.original_path.clone() {
        let stat = || Ok(world.images.get(&path).map(|image| image.owner));
        let owner = world.call(process, "stat", None, stat).await?;
        new.original_found = owner.is_some_and(|owner| owner == new.user_id);
        new.original_path = new.original_path.filter(|_| new.original_found);
    }
    let submit = || world.store.submit(new);
    let submission = world.call(process, "submit", Some(&id), submit).await?;
    match submission {
        Submission::Created(accepted) => {
            let task = accepted.task;
            let Err(error) = publish_one(world, process, &task).await else {
                return Ok(Reply::Accepted(task.id));
            };
            let withdraw = || world.store.withdraw(&task, "It could not be queued.");
            let withdrawn = world
                .call(process, "withdraw", Some(&task.id), withdraw)
                .await?;
            match withdrawn {
                Fenced::Done => Err(error),
                Fenced::Lost => Ok(Reply::Accepted(task.id)),
            }
        }
        Submission::Replayed(accepted) => Ok(Reply::Accepted(accepted.task.id)),
        Submission::Active(accepted) => {
            was_read(world, process, &accepted.task);
            Ok(Reply::Active(accepted.task.id))
        }
        Submission::QuotaExceeded(_)
        | Submission::KeyReused
        | Submission::OriginalMissing
        | Submission::BacklogFull(_) => Ok(Reply::Refused),
    }
}

pub async fn read(
    world: &Rc<World>,
    process: &Rc<Process>,
    user: &str,
    id: &str,
) -> Result<Option<Task>, CapabilityError> {
    let get = || world.store.get(user, id);
    let task = world.call(process, "read", Some(id), get).await?;
    if let Some(task) = &task {
        was_read(world, process, task);
    }
    Ok(task)
}

/// One that is overdue is published again, beside the answer.
fn was_read(world: &Rc<World>, process: &Rc<Process>, task: &Task) {
    if is_overdue(task, process.now(world)) {
        let (world, process, task) = (Rc::clone(world), Rc::clone(process), task.clone());
        let group = process.group;
        world.clone().scheduler.spawn(group, async move {
            let _ = publish_one(&world, &process, &task).await;
        });
    }
}

pub async fn delete(
    world: &Rc<World>,
    process: &Rc<Process>,
    user: &str,
    id: &str,
) -> Result<(), CapabilityError> {
    let delete = || world.store.delete(user, id);
    let deleted = world.call(process, "delete", Some(id), delete).await?;
    if let Some(path) = deleted.and_then(|deleted| deleted.unpublished_image) {
        // The task is gone all the same.
        let _ = delete_image(world, process, &path).await;
    }
    Ok(())
}

/// The concept goes first: one that is there has its image.
pub async fn delete_concept(
    world: &Rc<World>,
    process: &Rc<Process>,
    user: &str,
    id: &str,
) -> Result<(), CapabilityError> {
    let delete = || world.store.delete_concept(user, id);
    let deleted = world
        .call(process, "delete a concept", None, delete)
        .await?;
    if let Some(path) = deleted {
        // The concept is gone all the same.
        let _ = delete_image(world, process, &path).await;
    }
    Ok(())
}
