//! What the tests of the loops have in common.

pub(crate) mod fakes;
