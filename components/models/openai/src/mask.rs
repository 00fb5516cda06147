//! The mask as OpenAI wants it.

use std::io::{Cursor, Write as _};

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Transformations};

/// A PNG with red, green, blue and alpha, which is transparent where the mask is white. It
/// is made row by row.
pub fn transparent(mask: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let unreadable = |error: png::DecodingError| std::io::Error::other(error);
    let mut decoder = Decoder::new(Cursor::new(mask));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = reader.info().size();
    let channels = reader.output_color_type().0.samples();
    let mut file = Vec::new();
    {
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header()?;
        let mut writer = writer.stream_writer()?;
        while let Some(row) = reader.next_row().map_err(unreadable)? {
            for pixel in row.data().chunks_exact(channels) {
                let is_white = pixel.first().is_some_and(|level| *level > 127);
                let alpha = if is_white { 0 } else { u8::MAX };
                writer.write_all(&[0, 0, 0, alpha])?;
            }
        }
        writer.finish()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of one bit for each pixel.
    fn mask(width: u32, height: u32, rows: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(rows).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn what_is_white_is_transparent() {
        let file = transparent(&mask(10, 2, &[0b1000_0000, 0b0100_0000, 0, 0])).unwrap();
        let mut reader = Decoder::new(Cursor::new(file)).read_info().unwrap();
        assert_eq!(reader.info().size(), (10, 2));
        assert_eq!(
            reader.output_color_type(),
            (ColorType::Rgba, BitDepth::Eight)
        );
        let mut data = vec![0; 80];
        reader.next_frame(&mut data).unwrap();
        let alpha: Vec<_> = data.chunks_exact(4).map(|pixel| pixel[3]).collect();
        let transparent: Vec<_> = (0..20).filter(|at| alpha[*at] == 0).collect();
        assert_eq!(transparent, [0, 9]);
        assert!(alpha.iter().all(|alpha| [0, 255].contains(alpha)));
        assert!(super::transparent(b"no PNG").is_err());
    }
}
