//! Waits for the end of a task.

use std::time::Duration;

use concept_refinement_domain::task::{Change, Task};
use futures::StreamExt as _;

use crate::ports::Ports;
use crate::republish::Republisher;

/// If there is no news for this time, the task is read, in case its message was lost.
const SILENCE: Duration = Duration::from_secs(15);

/// The task in its final state. None: it was deleted, or cannot be watched.
pub async fn end<P: Ports>(ports: &P, republisher: &Republisher<P>, task: &Task) -> Option<Task> {
    let mut changes = ports.watch(&task.user_id, &task.id).await.ok()??;
    loop {
        let Some(change) = ports.timeout(SILENCE, changes.next()).await else {
            republisher.look_at(&task.user_id, &task.id).await;
            continue;
        };
        match change? {
            Change::Task(task) if task.status.is_final() => return Some(*task),
            Change::Deleted => return None,
            Change::Task(_) | Change::Progress(_) => {}
        }
    }
}
