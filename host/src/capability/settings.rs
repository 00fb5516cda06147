//! Settings: what a component was granted stands in its sandbox.

mod link;
