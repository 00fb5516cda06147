//! A file that is served unchanged.

pub const HTML: &str = "text/html; charset=utf-8";
pub const CSS: &str = "text/css; charset=utf-8";
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub const SVG: &str = "image/svg+xml";
pub const WEBP: &str = "image/webp";
pub const JSON: &str = "application/json";

#[derive(Debug, PartialEq, Eq)]
pub struct Asset {
    pub path: &'static str,
    pub media_type: &'static str,
    pub bytes: &'static [u8],
    /// The ETag of the bytes.
    hash: u64,
}

impl Asset {
    pub const fn new(path: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        Self {
            path,
            media_type,
            bytes,
            hash: fnv_1a(bytes),
        }
    }

    pub fn etag(&self) -> String {
        format!("\"{:016x}\"", self.hash)
    }
}

/// Computed at compile time. A weak hash is enough, since the bytes are our own.
const fn fnv_1a(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        bytes = rest;
    }
    hash
}
