//! How long a task may wait for a worker, and a claim for its renewal.

use std::time::Duration;

use crate::capability::Lease;
use crate::task::{Status, Task};
use crate::timestamp::Timestamp;

/// After this many deaths of its workers, a task fails.
pub const MAX_DEATHS: u32 = 3;

/// When a pending task's message counts as lost.
pub const PENDING_OVERDUE: Duration = Duration::from_secs(15);

/// The shortest time after its submission that a task's deadline may have.
pub const MIN_DEADLINE: Duration = Duration::from_secs(10);

/// For how long it matters when a task of a user was claimed last, if claims are to be fair:
/// whoever had none for longer counts as somebody who never had one.
pub const CLAIM_REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest interval after which an overdue task is published again.
pub const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The shortest interval at which a watcher reads a task that may be overdue.
const SHORTEST_READ: Duration = Duration::from_secs(2);

/// Messages per unfinished task in the queue beyond which no more are published: one of
/// them will be for the overdue task.
const ENOUGH_MESSAGES: u64 = 4;

/// When the task needs a (new) message, unless it changes before: either no worker has
/// taken it in time, or its worker is gone. None: it is final.
///
/// A store that searches for such tasks saves this time with each change of a task, and a
/// later time, [`due_again`], when it returns the task as due.
pub fn due_at(task: &Task) -> Option<Timestamp> {
    match task.status {
        Status::Pending => Some(left_alone(task).plus(PENDING_OVERDUE)),
        Status::Processing => Some(left_alone(task)),
        Status::Completed | Status::Failed => None,
    }
}

/// When a task that is published again now is next due: after as long as it has already
/// been left alone. So the interval doubles each time, and a task without a worker gets
/// only a handful of messages, however often it is looked at.
pub fn due_again(task: &Task, now: Timestamp) -> Timestamp {
    let interval = now.since(left_alone(task));
    now.plus(interval.clamp(PENDING_OVERDUE, LONGEST_INTERVAL))
}

/// Since when nobody has worked on it (in the future while a lease lasts).
fn left_alone(task: &Task) -> Timestamp {
    match task.status {
        Status::Processing => task.lease_until.unwrap_or_default(),
        _ => task.updated_at.unwrap_or(task.created_at),
    }
}

/// Whether its deadline has passed before any worker has begun it.
pub fn has_missed_deadline(task: &Task, now: Timestamp) -> bool {
    let is_unstarted = task.status == Status::Pending && task.updated_at.is_none();
    is_unstarted && task.deadline().is_some_and(|deadline| deadline <= now)
}

/// How long a worker that begins now may work on the task: for as long as on any, but only
/// until its deadline.
pub fn time_limit(task: &Task, task_timeout: Duration, now: Timestamp) -> Duration {
    let until_deadline = task.deadline().map(|deadline| deadline.since(now));
    until_deadline.map_or(task_timeout, |left| left.min(task_timeout))
}

/// Whether a queue with this many messages has enough of them for the unfinished tasks.
pub fn has_enough_messages(messages: u64, tasks: u64) -> bool {
    messages >= tasks.saturating_mul(ENOUGH_MESSAGES)
}

/// Whether to publish the task again; true from exactly the moment at which it is due. An
/// extra message is harmless, since claiming decides.
pub fn is_overdue(task: &Task, now: Timestamp) -> bool {
    due_at(task).is_some_and(|due| due <= now)
}

/// How long whoever watches a task waits for a change until it reads the task, where nothing
/// else looks for overdue ones. `due`: when it is due, as far as the watcher knows; the end of
/// a lease moves on while its worker lives.
pub fn until_read(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.map_or(PENDING_OVERDUE, |due| due.since(now));
    left.clamp(SHORTEST_READ, PENDING_OVERDUE)
}

/// The latest time at which a task can be due, if it was written or published again by
/// now. `lease` is the task's own duration, since hosts may have different settings. A
/// later time was written before the clock was set back, and is replaced by this one, so
/// that nobody has to wait until the clock catches up. The end of the lease then is at
/// most one lease from now; a live worker renews it anyway.
pub fn furthest_due(task: &Task, lease: Duration, now: Timestamp) -> Timestamp {
    now.plus(lease).max(due_again(task, now))
}

/// When to renew a lease: early enough that two renewals may fail before it
/// expires.
pub fn renew_after(lease: Duration) -> Duration {
    lease / 3
}

/// Whether a lease can be handed to a worker only now as if it were new: it lasts until
/// the worker, which counts from now, has renewed it, even if one renewal fails.
pub fn is_fresh(lease: &Lease, now: Timestamp) -> bool {
    let renew_after = Duration::from_millis(lease.renew_after.into());
    lease.until.since(now) >= renew_after * 2
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
        let pending = |updated_at| task(Pending, updated_at, None);
        let held = |until| task(Processing, Some(1_001), until);
        for (name, task, now, overdue) in [
            ("just created", pending(None), 1_000, false),
            ("pending for 14 s", pending(None), 1_014, false),
            ("pending for 15 s", pending(None), 1_015, true),
            ("just released", pending(Some(1_010)), 1_024, false),
            ("released long ago", pending(Some(1_010)), 1_025, true),
            ("a clock that went back", pending(None), 10, false),
            ("held", held(Some(1_031)), 1_030, false),
            ("its lease ends now", held(Some(1_031)), 1_031, true),
            ("its lease is over", held(Some(1_031)), 9_999, true),
            ("held by nobody", held(None), 1_001, true),
            ("completed", task(Completed, Some(1), None), 9_999, false),
            ("failed", task(Failed, Some(1), Some(1)), 9_999, false),
        ] {
            let is_overdue = is_overdue(&task, Timestamp::from_secs(now));
            assert_eq!(is_overdue, overdue, "{name}");
        }
    }

    #[test]
    fn a_watched_task_is_read_when_it_may_be_overdue() {
        let now = Timestamp::from_secs(1_000);
        for (name, due, expected) in [
            ("final", None, 15),
            ("its lease ends soon", Some(1_005), 5),
            ("its lease ends now", Some(1_000), 2),
            ("its lease is over", Some(900), 2),
            ("its lease is long", Some(1_300), 15),
        ] {
            let until_read = until_read(due.map(Timestamp::from_secs), now);
            assert_eq!(until_read.as_secs(), expected, "{name}");
        }
    }

    /// How long a task waits for its next message, each time that it is published.
    #[test]
    fn is_told_of_less_and_less_often() {
        use Status::{Pending, Processing};
        const HOUR: u64 = 60 * 60;
        let over = task(Processing, Some(1_001), Some(5_000));
        for (name, task, begin) in [
            ("pending", task(Pending, None, None), 1_000),
            ("released", task(Pending, Some(5_000), None), 5_000),
            ("its lease is over", over, 4_985),
        ] {
            let mut at = due_at(&task).unwrap();
            assert_eq!(at.as_secs() - begin, 15, "{name}");
            let mut intervals = Vec::new();
            while at.as_secs() < begin + 10 * HOUR {
                let next = due_again(&task, at);
                intervals.push(next.since(at).as_secs());
                at = next;
            }
            let doubling: &[u64] = match task.status {
                Processing => &[15, 15, 30, 60, 120, 240, 480, 960, 1_920, HOUR],
                _ => &[15, 30, 60, 120, 240, 480, 960, 1_920, HOUR],
            };
            assert!(intervals.starts_with(doubling), "{name}: {intervals:?}");
            assert!(intervals.len() <= 19, "{name}: {intervals:?}");
        }
        let before_it_was = due_again(&task(Pending, None, None), Timestamp::from_secs(10));
        // The clock went back.
        assert_eq!(before_it_was, Timestamp::from_secs(25));
    }

    #[test]
    fn what_was_written_before_the_clock_was_set_back_is_moved() {
        use Status::{Pending, Processing};
        const LEASE: Duration = Duration::from_secs(30);
        let held = || task(Processing, Some(1_000), Some(1_030));
        for (name, task, now, furthest) in [
            ("just created", task(Pending, None, None), 1_000, 1_015),
            ("waits for long", task(Pending, None, None), 1_300, 1_600),
            ("a clock that went back", task(Pending, None, None), 10, 25),
            ("held", held(), 1_000, 1_030),
            ("its lease is over for long", held(), 1_130, 1_230),
        ] {
            let lease = task.lease_until.map_or(Duration::ZERO, |_| LEASE);
            let furthest_due = furthest_due(&task, lease, Timestamp::from_secs(now));
            assert_eq!(furthest_due, Timestamp::from_secs(furthest), "{name}");
        }
    }

    #[test]
    fn four_messages_for_each_task_are_enough() {
        for (messages, tasks, enough) in [
            (0, 0, true),
            (0, 1, false),
            (3, 1, false),
            (4, 1, true),
            (39_999, 10_000, false),
            (40_000, 10_000, true),
            (u64::MAX, u64::MAX, true),
        ] {
            let found = has_enough_messages(messages, tasks);
            assert_eq!(found, enough, "{messages} {tasks}");
        }
    }

    #[test]
    fn renews_three_times_in_a_lease() {
        let third = renew_after(Duration::from_secs(30));
        assert_eq!(third, Duration::from_secs(10));
    }

    #[test]
    fn a_worker_has_until_the_deadline_and_never_longer_than_for_any_task() {
        const TIMEOUT: Duration = Duration::from_secs(300);
        for (name, deadline_seconds, now, expected) in [
            ("no deadline", None, 9_000, 300),
            ("just submitted", Some(30), 1_000, 30),
            ("it has waited", Some(30), 1_029, 1),
            ("at its deadline", Some(30), 1_030, 0),
            ("after its deadline", Some(30), 9_000, 0),
            ("as long as any task", Some(300), 1_000, 300),
            ("of a host that allowed more", Some(3_600), 1_000, 300),
            ("a clock that went back", Some(30), 10, 300),
        ] {
            let mut task = task(Status::Pending, None, None);
            task.refinement.deadline_seconds = deadline_seconds;
            let limit = time_limit(&task, TIMEOUT, Timestamp::from_secs(now));
            assert_eq!(limit, Duration::from_secs(expected), "{name}");
        }
    }

    #[test]
    fn is_fresh_until_it_should_have_been_renewed() {
        let begin = Timestamp::from_secs(1_000);
        let lease = Lease {
            task_id: String::new(),
            attempt: 1,
            until: begin.plus(Duration::from_secs(30)),
            renew_after: 10_000,
        };
        for (age, fresh) in [(0, true), (10, true), (11, false), (30, false), (90, false)] {
            let now = begin.plus(Duration::from_secs(age));
            assert_eq!(is_fresh(&lease, now), fresh, "after {age} s");
        }
    }
}
