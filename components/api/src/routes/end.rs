//! Waits for the end of a task.

use std::time::Duration;

use concept_refinement_domain::task::{Change, Task};

use crate::ports::Ports;
use crate::republish::{Republisher, Watched};

/// How long it waits at a time.
const SILENCE: Duration = Duration::from_secs(15);

/// The task in its final state. None: it was deleted, or cannot be watched.
pub async fn end<P: Ports>(ports: &P, republisher: &Republisher<P>, task: &Task) -> Option<Task> {
    let changes = ports.watch(&task.user_id, &task.id).await.ok()??;
    let mut watched = Watched::new(task, changes);
    loop {
        let Some(change) = republisher.next_change(&mut watched, SILENCE).await else {
            continue;
        };
        match change? {
            Change::Task(task) if task.status.is_final() => return Some(*task),
            Change::Deleted => return None,
            Change::Task(_) | Change::Progress(_) => {}
        }
    }
}
