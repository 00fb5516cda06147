//! The queue of a composition that holds its own processor: a message is
//! processed beside whoever published it.
//!
//! It must never make a publisher wait, and never keep a message for good: what
//! is under way ends with the instance, and a task that is read while overdue
//! is published again.

#[cfg(target_arch = "wasm32")]
mod component;
