//! The strong ETag of an image (RFC 9110, 8.8.3).

use crate::hex::hex;

/// How many digits of the hash are used.
const DIGITS: usize = 32;

/// The ETag of an image with this SHA-256, including quotation marks.
pub fn of_hash(hash: &[u8]) -> String {
    of_hex(&hex(hash))
}

/// The same with the hash in hexadecimal.
pub fn of_hex(sha256: &str) -> String {
    format!("\"{}\"", sha256.get(..DIGITS).unwrap_or(sha256))
}
