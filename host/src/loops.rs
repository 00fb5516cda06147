//! The host's background loops: the worker, the delivering of webhooks, the sweep,
//! garbage collection, the probing of the stores.

pub mod deliverer;
pub mod garbage;
pub mod pending_releases;
pub mod probe;
pub mod sweep;
#[cfg(test)]
pub(crate) mod tests;
pub mod until_stop;
pub mod worker;
