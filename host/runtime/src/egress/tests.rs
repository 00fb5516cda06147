//! What the tests of outbound HTTP have in common.

pub mod fakes;
