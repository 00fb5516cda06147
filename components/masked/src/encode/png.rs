//! PNG, which is made row by row.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use png::chunk::ChunkType;
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter, Info, StreamWriter};

use super::{Form, Pieces, Pixel};
use crate::Problem;

/// In bytes: what a piece has at least, and a chunk of pixels.
const PIECE: usize = 64 << 10;

/// `rows` adds the pixels of one row after the other.
pub fn pieces(
    form: Form,
    mut rows: impl FnMut(&mut Vec<Pixel>) + 'static,
) -> Result<Pieces, Problem> {
    let file = Written::default();
    // None: the file is complete.
    let mut writer = Some(writer(&form, file.clone()).map_err(|_| Problem::Encoding)?);
    let mut left = form.height;
    let (mut pixels, mut bytes) = (Vec::new(), Vec::new());
    Ok(Box::new(std::iter::from_fn(move || {
        while let Some(open) = writer.as_mut().filter(|_| file.0.borrow().len() < PIECE) {
            let written: std::io::Result<()> = if left > 0 {
                left -= 1;
                pixels.clear();
                rows(&mut pixels);
                bytes.clear();
                let channels = form.channels();
                let values = pixels.iter().flat_map(|pixel| pixel.iter().take(channels));
                match form.wide {
                    true => bytes.extend(values.flat_map(|value| value.to_be_bytes())),
                    false => bytes.extend(values.map(|value| *value as u8)),
                }
                open.write_all(&bytes)
            } else {
                writer.take().map_or(Ok(()), |writer| Ok(writer.finish()?))
            };
            if written.is_err() {
                writer = None;
                return Some(Err(Problem::Encoding));
            }
        }
        let piece = Some(file.0.take());
        piece.filter(|piece| !piece.is_empty()).map(Ok)
    })))
}

fn writer(
    form: &Form,
    file: Written,
) -> Result<StreamWriter<'static, Written>, png::EncodingError> {
    /// The larger ones take several times as long for a few per cent.
    const COMPRESSION: DeflateCompression = DeflateCompression::Level(1);
    let mut info = Info::with_size(form.width, form.height);
    info.color_type = match form.alpha {
        true => ColorType::Rgba,
        false => ColorType::Rgb,
    };
    info.bit_depth = match form.wide {
        true => BitDepth::Sixteen,
        false => BitDepth::Eight,
    };
    info.icc_profile = form.colors.icc.clone().map(Into::into);
    let mut encoder = Encoder::with_info(file, info)?;
    encoder.set_deflate_compression(COMPRESSION);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    for (name, contents) in &form.colors.chunks {
        writer.write_chunk(ChunkType(*name), contents)?;
    }
    writer.into_stream_writer_with_size(PIECE)
}

/// What the encoder has written and nobody has taken.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
