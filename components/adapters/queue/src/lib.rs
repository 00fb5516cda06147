//! What the queues that stand in one instance decide alike: how many messages
//! they hold, and when one is tried again.
//!
//! Such a queue keeps nothing: what it holds ends with its instance. Nothing is
//! lost by that, since a task that is read while overdue is published again. So
//! it must never hold a message for long, or more of them than it can bear.
#![allow(async_fn_in_trait, reason = "components have one thread")]

mod delivery;
mod places;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use delivery::{Attempt, Clock, deliver};
pub use places::{Place, Places};
#[cfg(target_arch = "wasm32")]
pub use wasi::Wasi;

/// How many messages an instance holds. Each is a task under way, or one that
/// waits for another try.
pub const AT_MOST: usize = 256;

/// For whoever publishes one more.
pub const TOO_MANY: &str = "Too many tasks are being processed at the moment.";
