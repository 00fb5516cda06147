//! Deadlines: a platform has no timers, so whoever reads a task looks at its deadline.

use super::*;

const MESSAGE: &str = "Error in refinement task processing: not started within 30 seconds";

/// A task that was submitted with a deadline, so many seconds ago.
fn submitted(seconds_ago: u64) -> String {
    fresh();
    let mut task = NewTask {
        quota: Some(Quota {
            limit: QUOTA,
            window: Window::Month,
        }),
        ..new_task("ada", 1)
    };
    task.refinement.deadline_seconds = Some(30);
    let submission = alone(store().submit(task)).unwrap();
    assert!(matches!(submission, Submission::Created(_)));
    NOW.set(NOW.get() + seconds_ago * 1_000_000);
    id(1)
}

fn used() -> u32 {
    alone(store().used("ada", Window::Month)).unwrap()
}

/// Reads the task with this id: its error message.
type Way = fn(&str) -> Option<String>;

#[test]
fn each_way_to_read_a_task_fails_it_once_its_deadline_has_passed() {
    let ways: [(&str, Way); 3] = [
        ("get", |id| {
            let task = alone(store().get("ada", id)).unwrap();
            task.unwrap().error_message
        }),
        ("list", |_| {
            let page = alone(store().list("ada", None, 10, None)).unwrap();
            page.items[0].error_message.clone()
        }),
        ("claim", |id| {
            let claimed = alone(store().claim(id, None)).unwrap();
            if claimed.is_some() {
                return None;
            }
            let task = alone(store().get("ada", id)).unwrap();
            task.unwrap().error_message
        }),
    ];
    for (name, read) in ways {
        let id = submitted(29);
        assert_eq!(read(&id), None, "{name}");
        let id = submitted(30);
        assert_eq!(used(), 1, "{name}");
        assert_eq!(read(&id).as_deref(), Some(MESSAGE), "{name}");
        assert_eq!(used(), 0, "{name}");
        // It is there for good, and the user may submit another one.
        let task = alone(store().get("ada", &id)).unwrap().unwrap();
        assert_eq!(task.status, Status::Failed, "{name}");
        let another = alone(store().submit(new_task("ada", 2))).unwrap();
        assert!(matches!(another, Submission::Created(_)), "{name}");
    }
}

#[test]
fn what_a_worker_has_begun_stays_with_workers() {
    let id = submitted(10);
    let claimed = alone(store().claim(&id, None)).unwrap().unwrap();
    NOW.set(NOW.get() + 60_000_000);
    let status = || alone(store().get("ada", &id)).unwrap().unwrap().status;
    assert_eq!(status(), Status::Processing);
    assert_eq!(
        alone(store().release(&claimed.lease)).unwrap(),
        Fenced::Done
    );
    assert_eq!(status(), Status::Pending);
    assert!(alone(store().claim(&id, None)).unwrap().is_some());
}
