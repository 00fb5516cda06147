//! The queue of a composition that contains the processor: a message is processed
//! concurrently with its publisher.
//!
//! It must never block a publisher. It need not be durable: messages are lost with the
//! instance, but an overdue task is published again when it is read.

#[cfg(target_arch = "wasm32")]
mod component;
