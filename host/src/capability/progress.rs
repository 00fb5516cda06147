//! Progress: the task store tells the watchers of a task.

mod link;
