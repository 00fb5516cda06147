//! The state of capabilities, if asking each of them is not enough.

mod model_health;
mod probes;

pub use model_health::{ModelHealth, Requester, Verdict};
pub use probes::Probes;
