//! The Tasks extension of revision 2026-07-28: a call that outlives its request.

use serde::Serialize;

use crate::content::CallToolResult;

/// The extension's name among capabilities.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// How far a task is. A call that failed is one that completed, with a result that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    Working,
    Completed,
    Cancelled,
}

/// A task, as its creation and `tasks/get` have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub task_id: String,
    pub status: TaskStatus,
    /// A sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// The same; of a task that never changed, when it was created.
    pub last_updated_at: String,
    /// How long it is kept after its creation, in milliseconds. Null: without an end.
    pub ttl_ms: Option<u64>,
    /// How long to wait before each `tasks/get`, in milliseconds.
    pub poll_interval_ms: u32,
    /// Of a completed task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CallToolResult>,
}
