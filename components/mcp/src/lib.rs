//! Model Context Protocol: its messages, its revisions and what its results look like, for
//! every server of tools that this project has.
//!
//! Pure: no I/O, no clock, and nothing that knows a tool. Who answers decides what is asked
//! and waits; that a message has a bounded length is the reader's business.

mod content;
mod error;
mod message;
mod method;
mod result;
mod revision;
mod server;
mod task;
mod tool;

pub use content::{CallToolResult, Content};
pub use error::{Code, Error};
pub use message::{Id, Malformed, Message, Notification, Params, Response, parse};
pub use method::{Call, Method, task_id};
pub use result::{PROGRESS, progress};
pub use revision::{PROTOCOL_VERSION, REVISIONS, Revision, Terms};
pub use server::{Implementation, Server};
pub use task::{Task, TaskStatus};
pub use tool::{Annotations, Tool};

/// What is wrong with an argument that a tool does not have: a call that was meant otherwise
/// may cost. It completes "the argument …".
pub const UNKNOWN_ARGUMENT: &str = "is no argument of this tool";

/// The path of a service that speaks it over HTTP.
pub const PATH: &str = "/mcp";
