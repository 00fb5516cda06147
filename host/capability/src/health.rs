//! The state of the capabilities, where it takes more than asking each of them.

mod model_health;
mod probes;

pub use model_health::{ModelHealth, Requester, Verdict};
pub use probes::Probes;
