//! What goes on for as long as a host lives: workers take messages, the sweep
//! publishes again what was lost, garbage is collected.

#[cfg(test)]
pub(crate) mod fakes;
pub mod garbage;
pub mod processor;
pub mod sweep;
pub mod unreleased;
pub mod worker;
