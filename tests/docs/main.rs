//! What the documents show works as it stands.

mod embed;
mod readme;
