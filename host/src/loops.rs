//! The host's background loops: the worker, the webhook deliverer, the sweep, garbage
//! collection, that of the uploads of tasks, the jobs of operators, and the probing of the
//! stores.

pub mod deliverer;
pub mod garbage;
pub mod in_flight;
pub mod jobs;
pub mod pending_releases;
pub mod probe;
pub mod sweep;
pub mod task_images;
#[cfg(test)]
pub(crate) mod tests;
mod unreferenced;
pub mod until_stop;
pub mod worker;
