//! The queue of a platform where the processor is a separate component with an
//! HTTP address: a message is posted concurrently with its publisher.
//!
//! It must never block a publisher, or post anywhere but to the processor. It need not be
//! durable: messages are lost with the instance, but an overdue task is published again
//! when it is read.

mod answer;
#[cfg(target_arch = "wasm32")]
mod component;
