//! The strong ETag of an image (RFC 9110, 8.8.3).

use crate::hex::hex;

/// Bytes of the hash that are used.
const LENGTH: usize = 16;

/// Of an image with this SHA-256, with quotation marks.
pub fn of_hash(hash: &[u8]) -> String {
    format!("\"{}\"", hex(hash.get(..LENGTH).unwrap_or(hash)))
}
