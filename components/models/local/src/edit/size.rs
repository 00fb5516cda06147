//! Sizes: crops to a ratio, adds space around, scales.

use super::border::Border;
use super::{enlarge, resize, rotate};
use crate::pixels::Pixels;
use crate::plan::{Edit, Pad, Resize};

/// Most pixels of a result, as of an original.
const MAX_PIXELS: u64 = 50_000_000;

/// Whether a picture of this size can be changed so.
pub fn fits(width: u32, height: u32, edit: &Edit) -> bool {
    let (wide, high) = match edit {
        Edit::Resize(Resize::Enlarge { twice }) => {
            return enlarge::fits(width, height, if *twice { 4 } else { 2 });
        }
        Edit::Resize(Resize::Scale(factor)) => scaled(width, height, *factor),
        Edit::Resize(Resize::To(width, height)) => (*width, *height),
        Edit::Pad(pad) => padded(width, height, *pad),
        Edit::Rotate(degrees) => rotate::size(width, height, *degrees),
        _ => return true,
    };
    u64::from(wide) * u64::from(high) <= MAX_PIXELS
}

/// Keeps the middle, in this ratio of width to height.
pub fn crop(pixels: &mut Pixels, width: u32, height: u32) {
    let (wide, high) = (pixels.width(), pixels.height());
    let fitting = |side: u32, own: u32, other: u32| {
        (u64::from(side) * u64::from(own) / u64::from(other.max(1))).max(1) as u32
    };
    let (across, down) = (
        wide.min(fitting(high, width, height)),
        high.min(fitting(wide, height, width)),
    );
    pixels.crop((wide - across) / 2, (high - down) / 2, across, down);
}

pub fn pad(pixels: &mut Pixels, pad: Pad) {
    let (width, height) = padded(pixels.width(), pixels.height(), pad);
    place(pixels, width, height);
}

pub fn resize(pixels: &mut Pixels, to: Resize) {
    let (wide, high) = (pixels.width(), pixels.height());
    match to {
        Resize::Enlarge { twice } => enlarge::apply(pixels, twice),
        Resize::Scale(factor) => {
            let (width, height) = scaled(wide, high, factor);
            scale(pixels, width, height);
        }
        Resize::To(width, height) => {
            let factor = (width as f32 / wide as f32).min(height as f32 / high as f32);
            let (across, down) = scaled(wide, high, factor);
            scale(pixels, across.min(width), down.min(height));
            place(pixels, width, height);
        }
    }
}

/// Larger by the network where it can, which keeps edges sharp.
fn scale(pixels: &mut Pixels, width: u32, height: u32) {
    let is_larger = width > pixels.width() && height > pixels.height();
    if is_larger && enlarge::fits(pixels.width(), pixels.height(), 2) {
        enlarge::apply(pixels, false);
    }
    if (pixels.width(), pixels.height()) != (width, height) {
        resize::to(pixels, width, height);
    }
}

fn scaled(width: u32, height: u32, factor: f32) -> (u32, u32) {
    let of = |side: u32| (side as f32 * factor).round().max(1.0) as u32;
    (of(width), of(height))
}

fn padded(width: u32, height: u32, pad: Pad) -> (u32, u32) {
    /// Of the longer side, on each side.
    const MARGIN: f32 = 0.12;
    let filling = |side: u32, own: u32, other: u32| {
        (u64::from(side) * u64::from(own)).div_ceil(u64::from(other.max(1))) as u32
    };
    match pad {
        Pad::Margin(amount) => {
            let margin = (width.max(height) as f32 * MARGIN * amount).round() as u32;
            (width + 2 * margin, height + 2 * margin)
        }
        Pad::Ratio(wide, high) => (
            width.max(filling(height, wide, high)),
            height.max(filling(width, high, wide)),
        ),
    }
}

/// Puts the picture in the middle of a larger one of the background's colour: transparent
/// where that is, and white where it has none.
fn place(pixels: &mut Pixels, width: u32, height: u32) {
    let fill = match Border::of(pixels) {
        Border::Colored([r, g, b]) => [r, g, b, u8::MAX],
        Border::Transparent => {
            pixels.add_alpha();
            [0; 4]
        }
        Border::Mixed => [u8::MAX; 4],
    };
    let channels = pixels.channels();
    let left = width.saturating_sub(pixels.width()) as usize / 2;
    let top = height.saturating_sub(pixels.height()) as usize / 2;
    let length = pixels.width() as usize * channels;
    let pixel = fill.into_iter().take(channels);
    let mut data: Vec<u8> = pixel
        .cycle()
        .take(width as usize * height as usize * channels)
        .collect();
    let below = data.chunks_exact_mut(width as usize * channels).skip(top);
    for (row, own) in below.zip(pixels.rows()) {
        let start = left * channels;
        if let Some(within) = row.get_mut(start..start + length) {
            within.copy_from_slice(own);
        }
    }
    if let Some(placed) = Pixels::new(width, height, pixels.has_alpha(), data) {
        *pixels = placed;
    }
}
