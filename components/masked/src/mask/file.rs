//! A mask as a file: a PNG in grey with one bit for each pixel, white where the image is to
//! change.

use std::io::Cursor;

use concept_refinement_raster::{self as raster, MAX_PIXELS};
use png::{BitDepth, ColorType, Decoder, DeflateCompression, Encoder, Filter, Transformations};

use super::{Mask, row_length};
use crate::Problem;

impl Mask {
    pub fn to_png(&self) -> Result<Vec<u8>, Problem> {
        /// This one leaves what it cannot compress as it is, so that a mask of noise is not
        /// larger than its bits.
        const COMPRESSION: DeflateCompression = DeflateCompression::Level(6);
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        encoder.set_deflate_compression(COMPRESSION);
        encoder.set_filter(Filter::NoFilter);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.bits)?;
            writer.finish()
        });
        written.map_err(|_| Problem::Encoding)?;
        Ok(file)
    }

    /// Only what [`Mask::to_png`] writes.
    pub fn from_png(file: &[u8]) -> Result<Self, Problem> {
        let malformed = |_| Problem::Mask(raster::Problem::Malformed);
        let mut decoder = Decoder::new(Cursor::new(file));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(malformed)?;
        let (width, height) = reader.info().size();
        let kind = (reader.info().color_type, reader.info().bit_depth);
        if kind != (ColorType::Grayscale, BitDepth::One)
            || u64::from(width) * u64::from(height) > MAX_PIXELS
        {
            return Err(Problem::OtherView);
        }
        let length = row_length(width) * height as usize;
        if reader.output_buffer_size() != Some(length) {
            return Err(Problem::OtherView);
        }
        let mut bits = raster::room(Some(length)).map_err(Problem::Mask)?;
        reader.next_frame(&mut bits).map_err(malformed)?;
        Ok(Self {
            width,
            height,
            bits,
        })
    }
}
