//! Shared by queues within a single instance: how many messages they hold, and when one
//! is retried.
//!
//! Such a queue is not durable: its messages are lost with the instance. No task is lost
//! by that, since an overdue task is published again when it is read. The queue must
//! limit the number of its messages and how long it holds them.

mod delivery;
mod slots;

pub use delivery::{Attempt, deliver};
pub use slots::{Slot, Slots};

/// Limit of messages in an instance. Each belongs to a task in progress, or one that
/// waits for a retry.
pub const MAX_MESSAGES: usize = 256;

/// The error beyond that limit.
pub const TOO_MANY: &str = "Too many tasks are being processed at the moment.";
