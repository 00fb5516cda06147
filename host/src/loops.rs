//! The host's background loops: the worker, the delivering of webhooks, the sweep,
//! garbage collection, the probing of the stores.

pub mod deliverer;
#[cfg(test)]
pub(crate) mod fakes;
pub mod garbage;
pub mod pending_releases;
pub mod probe;
pub mod slots;
pub mod sweep;
pub mod until_stop;
pub mod worker;
