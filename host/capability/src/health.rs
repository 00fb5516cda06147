//! The state of the capabilities, where it is more than asking each of them.

mod model_health;
mod probes;

pub use model_health::{Asker, ModelHealth, Verdict};
pub use probes::Probes;
