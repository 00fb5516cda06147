//! PNG, which is made row by row.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use png::chunk::ChunkType;
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter, Info, StreamWriter};

use super::{Form, Pieces, Pixel, Rows};
use crate::Problem;

/// In bytes: what a piece has at least, and a chunk of pixels.
const PIECE: usize = 64 << 10;

pub fn pieces(form: Form, rows: impl Rows + 'static) -> Result<Pieces, Problem> {
    let file = Written::default();
    let writer = writer(&form, file.clone()).map_err(|_| Problem::Encoding)?;
    Ok(Box::new(Encoding {
        rows,
        left: form.height,
        form,
        writer: Some(writer),
        file,
        pixels: Vec::new(),
        bytes: Vec::new(),
    }))
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

struct Encoding<R> {
    form: Form,
    rows: R,
    /// How many rows.
    left: u32,
    /// None: the file is complete.
    writer: Option<StreamWriter<'static, Written>>,
    file: Written,
    pixels: Vec<Pixel>,
    bytes: Vec<u8>,
}

impl<R: Rows> Iterator for Encoding<R> {
    type Item = Result<Vec<u8>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.writer.is_some() && self.file.0.borrow().len() < PIECE {
            if self.step().is_err() {
                self.writer = None;
                return Some(Err(Problem::Encoding));
            }
        }
        Some(self.file.0.take())
            .filter(|piece| !piece.is_empty())
            .map(Ok)
    }
}

impl<R: Rows> Encoding<R> {
    /// Writes a row, or the end.
    fn step(&mut self) -> std::io::Result<()> {
        if self.left == 0 {
            let writer = self.writer.take();
            return writer.map_or(Ok(()), |writer| Ok(writer.finish()?));
        }
        self.left -= 1;
        self.pixels.clear();
        self.rows.next_row(&mut self.pixels);
        self.bytes.clear();
        let channels = self.form.channels();
        let values = self
            .pixels
            .iter()
            .flat_map(|pixel| pixel.iter().take(channels));
        match self.form.wide {
            true => self
                .bytes
                .extend(values.flat_map(|value| value.to_be_bytes())),
            false => self.bytes.extend(values.map(|value| *value as u8)),
        }
        match &mut self.writer {
            Some(writer) => writer.write_all(&self.bytes),
            None => Ok(()),
        }
    }
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
