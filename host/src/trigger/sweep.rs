//! Publishes again what a queue or a worker lost: pending tasks that nobody
//! took, and tasks whose lease ran out.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::Task;
use tokio::sync::watch;

use crate::capability::Capabilities;

/// Tasks published in one go.
const BATCH: u32 = 100;

/// The shortest time between two looks, where tasks are due all the time.
const BREATHER: Duration = Duration::from_millis(100);

/// The shortest time between two looks at a store that cannot be used.
const PATIENCE: Duration = Duration::from_secs(1);

/// Publishes what the process before this one left.
pub async fn recover(host: &Capabilities) -> Result<(), CapabilityError> {
    let unfinished = host.tasks.recover().await?;
    if unfinished > 0 {
        tracing::info!(tasks = unfinished, "taking over unfinished tasks");
    }
    loop {
        let due = host.tasks.due(BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        publish(host, &due).await;
    }
}

/// The same, once the store can be used. False: `stop` was set before.
pub async fn recover_later(host: &Capabilities, mut stop: watch::Receiver<bool>) -> bool {
    let recovered = async {
        loop {
            tokio::time::sleep(PATIENCE).await;
            match recover(host).await {
                Ok(()) => return,
                Err(error) => tracing::error!(%error, "unfinished tasks cannot be taken over yet"),
            }
        }
    };
    tokio::select! {
        () = recovered => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

/// Sweeps until `stop` is set: sleeps until the next task is due, or as long as
/// a task that does not exist yet takes to become due.
pub async fn run(host: Arc<Capabilities>, lease: Duration, mut stop: watch::Receiver<bool>) {
    let longest = lease.min(PENDING_OVERDUE);
    let mut shortest = BREATHER;
    loop {
        let wait = match host.tasks.next_due().await {
            Ok(Some(due)) => due.since(host.clock.now()).min(longest).max(shortest),
            Ok(None) => longest,
            Err(error) => {
                tracing::error!(%error, "the task store cannot be swept");
                longest
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        shortest = match host.tasks.due(BATCH).await {
            Ok(due) => {
                publish(&host, &due).await;
                BREATHER
            }
            Err(error) => {
                tracing::error!(%error, "the task store cannot be swept");
                PATIENCE
            }
        };
    }
}

/// Publishes tasks (again). One that cannot be published is due again later.
pub async fn publish(host: &Capabilities, tasks: &[Task]) {
    for task in tasks {
        let message = message_for(task);
        if let Err(error) = host.queue.publish(message).await {
            tracing::error!(%error, task = task.id, "a task could not be published again");
        }
    }
}
