//! The strong ETag of an image (RFC 9110, 8.8.3).

use crate::hex::hex;

/// How many bytes of the hash are used.
const LENGTH: usize = 16;

/// The ETag of an image with this SHA-256, including quotation marks.
pub fn of_hash(hash: &[u8]) -> String {
    format!("\"{}\"", hex(hash.get(..LENGTH).unwrap_or(hash)))
}
