//! The original, and files in general.

use concept_refinement_raster::{self as raster, Format, Raw};

use crate::encode::{Form, Pixel};
use crate::{Problem, Region};

/// An image file, complete and with its type. It is freed where it is decoded.
pub struct File {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// By its contents, or else as it is declared: models err about what they answer.
    pub fn format(&self) -> Option<Format> {
        match self.bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => Some(Format::Png),
            [0xff, 0xd8, ..] => Some(Format::Jpeg),
            [b'G', b'I', b'F', b'8', ..] => Some(Format::Gif),
            [b'R', b'I', b'F', b'F', ..] => Some(Format::Webp),
            _ => Format::from_media_type(&self.media_type),
        }
    }

    pub fn decode(self) -> Result<Raw, raster::Problem> {
        let format = self.format().ok_or(raster::Problem::Unsupported)?;
        raster::decode(self.bytes, format)
    }
}

pub struct Original {
    pub raw: Raw,
    pub format: Option<Format>,
}

impl Original {
    pub fn decode(file: File) -> Result<Self, Problem> {
        let format = file.format();
        let raw = file.decode().map_err(Problem::Original)?;
        if raw.is_animated {
            return Err(Problem::Animation);
        }
        Ok(Self { raw, format })
    }

    /// How it is written again without loss.
    pub fn form(&self) -> Form {
        let (width, height) = self.raw.upright_size();
        let samples = self.raw.samples;
        // The decoder of GIFs always has alpha.
        let alpha = samples.has_alpha()
            && (self.format != Some(Format::Gif) || has_transparency(&self.raw));
        Form {
            width,
            height,
            alpha,
            wide: self.raw.is_wide(),
            colors: self.raw.colors.clone().of_rgb(samples),
        }
    }

    /// A part of it, upright, and what adds its rows.
    pub fn crop(self, area: Region) -> (Form, impl FnMut(&mut Vec<Pixel>)) {
        let form = Form {
            width: area.width,
            height: area.height,
            ..self.form()
        };
        let mut y = area.y;
        let rows = move |row: &mut Vec<Pixel>| {
            self.raw.read_row(area.x, y, area.width, row);
            y += 1;
        };
        (form, rows)
    }
}

/// Whether some alpha is below its maximum.
pub fn has_transparency(raw: &Raw) -> bool {
    if !raw.samples.has_alpha() {
        return false;
    }
    let max = max_of(raw.is_wide());
    let mut row = Vec::new();
    let (width, height) = raw.upright_size();
    (0..height).any(|y| {
        row.clear();
        raw.read_row(0, y, width, &mut row);
        row.iter().any(|[_, _, _, alpha]| *alpha < max)
    })
}

/// The largest value of a channel.
pub fn max_of(wide: bool) -> u16 {
    if wide { u16::MAX } else { u8::MAX.into() }
}
