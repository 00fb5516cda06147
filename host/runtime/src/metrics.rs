//! Metrics of inbound and outbound HTTP, and of models.

pub mod egress;
pub mod http;
pub mod model;
pub mod series;
pub mod timed;
