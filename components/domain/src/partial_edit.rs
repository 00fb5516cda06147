//! Edits of a part of an image.

use serde::{Deserialize, Serialize};

/// A rectangle in pixels of an upright image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// At least 1.
    pub width: u32,
    /// At least 1.
    pub height: u32,
}

/// The memory of an instance that computes, without any image, in bytes.
const INSTANCE: u64 = 24 << 20;

/// How much memory preparing needs at most, in bytes: of the original and the mask their
/// pixels and the bytes of their files.
pub fn prepare_need(pixels: u64, bytes: u64, mask_pixels: u64, mask_bytes: u64) -> u64 {
    need(pixels, bytes).saturating_add(need(mask_pixels, mask_bytes))
}

/// The same for composing.
pub fn compose_need(pixels: u64, bytes: u64, answer_pixels: u64, answer_bytes: u64) -> u64 {
    need(pixels, bytes).saturating_add(need(answer_pixels, answer_bytes))
}

fn need(pixels: u64, bytes: u64) -> u64 {
    let pixels = pixels.saturating_mul(8);
    INSTANCE.saturating_add(pixels).saturating_add(bytes)
}
