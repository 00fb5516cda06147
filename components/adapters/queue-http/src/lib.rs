//! The queue of a platform on which the processor is a component of its own,
//! reached by HTTP: a message is posted beside whoever published it.
//!
//! It must never make a publisher wait, never post anywhere but to the
//! processor, and never keep a message for good: what is under way ends with
//! the instance, and a task that is read while overdue is published again.

mod answer;
#[cfg(target_arch = "wasm32")]
mod component;
