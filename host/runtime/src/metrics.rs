//! What HTTP into and out of components measures.

pub mod egress;
pub mod http;
pub mod series;
