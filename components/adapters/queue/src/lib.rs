//! Shared by the queues that live within one instance: how many messages they
//! hold, and when one is retried.
//!
//! Such a queue is not durable: its messages end with the instance. That loses
//! no task, since an overdue task is published again when it is read. It must
//! bound the number of its messages and the time it holds them.
#![allow(async_fn_in_trait, reason = "components have one thread")]

mod delivery;
mod slots;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use delivery::{Attempt, Clock, deliver};
pub use slots::{Slot, Slots};
#[cfg(target_arch = "wasm32")]
pub use wasi::Wasi;

/// Most messages in an instance. Each is a task in progress or one that waits
/// for a retry.
pub const MAX_MESSAGES: usize = 256;

/// The error for one more message.
pub const TOO_MANY: &str = "Too many tasks are being processed at the moment.";
