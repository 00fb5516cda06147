//! The state of the capabilities, where it is more than asking each of them.

mod link;
mod model_health;

pub use model_health::ModelHealth;
