//! Why a token is not accepted: for the log and for the operator.

use concept_refinement_domain::sentence::sanitize;
use thiserror::Error;

use crate::compact::Compact;

/// Most characters of a key's id that are logged.
const MAX_ID: usize = 64;

/// As the rest of a sentence about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("it is longer than 8 KiB")]
    TooLong,
    #[error("it is not a signed JWT for this purpose")]
    Form,
    #[error("no key for its algorithm verifies its signature")]
    Signature,
    #[error("its claims are not those of a token")]
    Claims,
    #[error("it has no exp")]
    NoExpiry,
    #[error("it has expired")]
    Expired,
    #[error("its nbf is in the future")]
    NotYet,
    #[error("its sub is missing, empty, longer than 1,024 bytes or has control characters")]
    Subject,
    #[error("its iss is not the required one")]
    Issuer,
    #[error("its aud is not the required one")]
    Audience,
}

/// The `kid` in the header of a token, for the log: no control characters, and not long.
pub fn key_id(token: &str) -> Option<String> {
    let id = Compact::parse(token)?.key_id?;
    Some(sanitize(&id, MAX_ID))
}
