//! Settings: a component's granted settings are in its sandbox.

mod link;
