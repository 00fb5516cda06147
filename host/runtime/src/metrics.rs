//! Metrics of inbound and outbound HTTP.

pub mod egress;
pub mod http;
pub mod series;
