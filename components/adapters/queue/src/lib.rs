//! Shared by what delivers messages within a single instance: how many it holds, when one is
//! retried, and what a worker does with it.
//!
//! Such a queue is not durable: its messages are lost with the instance. No task is lost
//! by that, since an overdue task is published again when it is read. The queue must
//! limit the number of its messages and how long it holds them.
#![allow(async_fn_in_trait, reason = "components have one thread")]

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod component;
mod delivery;
#[cfg(target_arch = "wasm32")]
mod publishing;
#[cfg(any(test, target_arch = "wasm32"))]
mod slots;
mod worker;

pub use delivery::{Attempt, deliver};
#[cfg(target_arch = "wasm32")]
pub use publishing::publish;
pub use worker::{Leases, Processor, work};
