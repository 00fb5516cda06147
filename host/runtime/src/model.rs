//! Models as components: when a call may run, with how much memory, and on which thread.
//! `wit/image-model.wit` has the promises.

mod admission;
pub mod component;
mod convert;
mod held;
mod link;
pub mod machine;
pub mod memory;
pub mod output;
pub mod paid_call;
pub mod partial_edits;
mod receipts;
mod replay;
mod state;
pub mod threads;
mod usage;
