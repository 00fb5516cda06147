//! The validator of an image: whoever knows it knows its bytes (RFC 9110,
//! 8.8.3).

use crate::hex::hex;

/// Of the hash, in bytes.
const LENGTH: usize = 16;

/// Of an image with this SHA-256, with quotation marks.
pub fn of_hash(hash: &[u8]) -> String {
    format!("\"{}\"", hex(hash.get(..LENGTH).unwrap_or(hash)))
}
