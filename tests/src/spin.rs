//! The key-value store of Spin 4.1 with the surprises that it has, for whatever
//! has to run on it: the test host that reads `spin.toml`, and the contract of
//! the stores.

pub mod bindings;
pub mod keyvalue;
pub mod store;
