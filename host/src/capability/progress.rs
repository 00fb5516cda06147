//! Progress: those who watch a task are told by the task store.

mod link;
