//! How long a task waits for a worker, and a worker's claim for its renewal.

use std::time::Duration;

use crate::task::{Status, Task};
use crate::timestamp::Timestamp;

/// Deaths of workers that fail a task.
pub const MAX_DEATHS: u32 = 3;

/// When a pending task's message counts as lost.
pub const PENDING_OVERDUE: Duration = Duration::from_secs(15);

/// When the task needs a (new) message, unless it changes before: nobody took it
/// in time, or whoever took it is gone. None: it is final.
///
/// A store that looks for such tasks by itself notes this time with each change
/// of a task, and a later one, [`PENDING_OVERDUE`] from then, when it answers
/// the task as due.
pub fn due_at(task: &Task) -> Option<Timestamp> {
    match task.status {
        Status::Pending => {
            let since = task.updated_at.unwrap_or(task.created_at);
            Some(since.plus(PENDING_OVERDUE))
        }
        Status::Processing => Some(task.lease_until.unwrap_or_default()),
        Status::Completed | Status::Failed => None,
    }
}

/// Whether to publish the task again, from the very moment on at which it is
/// due. A message too many is harmless, since claiming decides.
pub fn is_overdue(task: &Task, now: Timestamp) -> bool {
    due_at(task).is_some_and(|due| due <= now)
}

/// The furthest that a task can be due, and a lease end, of those that were
/// written now. What lies beyond was written before the clock was set back, and
/// is moved there: nobody has to wait until the clock is where it was. A worker
/// that lives renews its lease all the same.
pub fn furthest(lease: Duration, now: Timestamp) -> (Timestamp, Timestamp) {
    (now.plus(lease.max(PENDING_OVERDUE)), now.plus(lease))
}

/// When to renew a lease: early enough that two renewals may fail before it
/// expires.
pub fn renew_after(lease: Duration) -> Duration {
    lease / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(status: Status, updated_at: Option<u64>, lease_until: Option<u64>) -> Task {
        Task {
            status,
            updated_at: updated_at.map(Timestamp::from_secs),
            lease_until: lease_until.map(Timestamp::from_secs),
            ..Task::example()
        }
    }

    #[test]
    fn knows_who_was_left_alone() {
        use Status::{Completed, Failed, Pending, Processing};
        for (name, task, now, overdue) in [
            ("just created", task(Pending, None, None), 1_000, false),
            ("pending for 14 s", task(Pending, None, None), 1_014, false),
            ("pending for 15 s", task(Pending, None, None), 1_015, true),
            (
                "released a moment ago",
                task(Pending, Some(1_010), None),
                1_024,
                false,
            ),
            (
                "released long ago",
                task(Pending, Some(1_010), None),
                1_025,
                true,
            ),
            (
                "a clock that went back",
                task(Pending, None, None),
                10,
                false,
            ),
            (
                "held",
                task(Processing, Some(1_001), Some(1_031)),
                1_030,
                false,
            ),
            (
                "its lease ends now",
                task(Processing, Some(1_001), Some(1_031)),
                1_031,
                true,
            ),
            (
                "its lease is over",
                task(Processing, Some(1_001), Some(1_031)),
                9_999,
                true,
            ),
            (
                "held by nobody",
                task(Processing, Some(1_001), None),
                1_001,
                true,
            ),
            (
                "completed",
                task(Completed, Some(1_001), None),
                9_999,
                false,
            ),
            (
                "failed",
                task(Failed, Some(1_001), Some(1_031)),
                9_999,
                false,
            ),
        ] {
            assert_eq!(
                is_overdue(&task, Timestamp::from_secs(now)),
                overdue,
                "{name}"
            );
        }
    }

    #[test]
    fn renews_three_times_in_a_lease() {
        assert_eq!(
            renew_after(Duration::from_secs(30)),
            Duration::from_secs(10)
        );
    }
}
