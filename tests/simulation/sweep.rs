//! What a process does beside its work: publishing again what was left alone,
//! forgetting what is old, and removing images that nothing refers to.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::Task;
use concept_refinement_host::capability::clock::before;
use futures::future::select;

use crate::process::Process;
use crate::world::World;

/// As in the host.
const BATCH: u32 = 100;
const BREATHER: Duration = Duration::from_millis(100);

/// As the host's sweep does.
pub async fn run(world: Rc<World>, process: Rc<Process>) {
    let longest = world.settings.lease.min(PENDING_OVERDUE);
    while !process.stopping.is_raised() {
        let next = world
            .call(&process, "next due", None, || world.store.next_due())
            .await;
        let wait = match next {
            Ok(Some(due)) => due.since(process.now(&world)).clamp(BREATHER, longest),
            Ok(None) | Err(_) => longest,
        };
        wait_for(&world, &process, wait).await;
        let due = world
            .call(&process, "due", None, || world.store.due(BATCH))
            .await;
        publish(&world, &process, &due.unwrap_or_default()).await;
    }
}

/// As the host does at its start.
pub async fn recover(world: &World, process: &Process) -> Result<(), CapabilityError> {
    world
        .call(process, "recover", None, || world.store.recover())
        .await?;
    loop {
        let due = || world.store.due(BATCH);
        let due = world.call(process, "due", None, due).await?;
        if due.is_empty() {
            return Ok(());
        }
        publish(world, process, &due).await;
    }
}

pub async fn publish(world: &World, process: &Process, tasks: &[Task]) {
    for task in tasks {
        // One that cannot be published is due again later.
        let _ = publish_one(world, process, task).await;
    }
}

pub async fn publish_one(
    world: &World,
    process: &Process,
    task: &Task,
) -> Result<(), CapabilityError> {
    let publish = || {
        world.queue.publish(message_for(task));
        Ok(())
    };
    world
        .call(process, "publish", Some(&task.id), publish)
        .await
}

/// More often than the host does.
pub async fn tidy(world: Rc<World>, process: Rc<Process>) {
    while !process.stopping.is_raised() {
        if let Some(retention) = world.settings.wild.and_then(|wild| wild.retention) {
            let age = before(process.now(&world), retention);
            let expire = || world.store.expire(age);
            let expired = world.call(&process, "expire", None, expire).await;
            for path in expired.unwrap_or_default().image_paths {
                let _ = delete_image(&world, &process, &path).await;
            }
        }
        let paths = world.images.paths();
        if !paths.is_empty() {
            let unreferenced = world
                .call(&process, "unreferenced", None, || {
                    world.store.unreferenced(paths)
                })
                .await;
            for path in unreferenced.unwrap_or_default() {
                let _ = delete_image(&world, &process, &path).await;
            }
        }
        let pause = world.random.seconds(10, 60);
        wait_for(&world, &process, pause).await;
    }
}

pub async fn delete_image(
    world: &World,
    process: &Process,
    path: &str,
) -> Result<(), CapabilityError> {
    let delete = || {
        world.remove_image(path);
        Ok(())
    };
    world.call(process, "delete an image", None, delete).await
}

async fn wait_for(world: &World, process: &Process, wait: Duration) {
    select(
        pin!(world.scheduler.sleep(wait)),
        pin!(process.stopping.raised()),
    )
    .await;
}
