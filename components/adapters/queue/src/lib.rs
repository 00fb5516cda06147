//! What the queues that stand in one instance decide alike: how many messages
//! they hold, and when one is tried again.
//!
//! Such a queue keeps nothing: what it holds ends with its instance. Nothing is
//! lost by that, since a task that is read while overdue is published again. So
//! it must never hold a message for long, or more of them than it can bear.

mod delivery;
mod places;

pub use delivery::{Attempt, deliver};
pub use places::{Place, Places};

/// How many messages an instance holds. Each is a task under way, or one that
/// waits for another try.
pub const AT_MOST: usize = 256;

/// For whoever publishes one more.
pub const TOO_MANY: &str = "Too many tasks are being processed at the moment.";
