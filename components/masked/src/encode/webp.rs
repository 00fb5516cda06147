//! WebP without loss. Its encoder goes through the pixels more than once, so that they are
//! all in memory.

use std::io::Write;

use concept_refinement_raster as raster;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Form, Pieces, Pixel};
use crate::Problem;

const MAX_SIDE: u32 = 16_383;
const PIECE: usize = 1 << 20;

/// Whether it has eight bits per channel, and sides that the format can have.
pub fn fits(form: &Form) -> bool {
    form.width.max(form.height) <= MAX_SIDE && !form.wide
}

/// Of an image that fits; `rows` adds the pixels of one row after the other. All of it, pixels
/// and file, is in memory.
pub fn pieces(form: Form, mut rows: impl FnMut(&mut Vec<Pixel>)) -> Result<Pieces, Problem> {
    let channels = form.channels();
    let length = (form.width as usize * channels).checked_mul(form.height as usize);
    let mut data = raster::room(length).map_err(|_| Problem::Encoding)?;
    let mut pixels = Vec::new();
    for row in data.chunks_exact_mut(form.width as usize * channels) {
        pixels.clear();
        rows(&mut pixels);
        for (onto, pixel) in row.chunks_exact_mut(channels).zip(&pixels) {
            onto.iter_mut()
                .zip(pixel)
                .for_each(|(onto, value)| *onto = *value as u8);
        }
    }
    drop(rows);
    let mut file = Written::default();
    let mut encoder = WebPEncoder::new_lossless(&mut file);
    if let Some(icc) = form.colors.icc {
        encoder
            .set_icc_profile(icc)
            .map_err(|_| Problem::Encoding)?;
    }
    let color = match form.alpha {
        true => ExtendedColorType::Rgba8,
        false => ExtendedColorType::Rgb8,
    };
    encoder
        .write_image(&data, form.width, form.height, color)
        .map_err(|_| Problem::Encoding)?;
    Ok(Box::new(file.0.into_iter().map(Ok)))
}

/// A file that never moves while it grows.
#[derive(Default)]
struct Written(Vec<Vec<u8>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.last().is_none_or(|piece| piece.len() >= PIECE) {
            self.0.push(Vec::new());
        }
        let Some(piece) = self.0.last_mut() else {
            return Ok(0);
        };
        let room = PIECE - piece.len();
        let (bytes, _) = bytes.split_at(bytes.len().min(room));
        piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
