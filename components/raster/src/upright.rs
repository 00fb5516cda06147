//! A picture as it is to be seen, without turning it in memory.

use concept_refinement_domain::image::metadata::is_turned;
use image::ColorType;
use image::metadata::Orientation;

use crate::Raw;

/// RGB and alpha, up to 255, or up to 65,535 where the samples are wide.
pub type Pixel = [u16; 4];

/// How the picture is to be turned, and whether other decoders read that differently: some know
/// forms that the standard does not have.
pub fn of_exif(exif: Option<&[u8]>) -> (Orientation, bool) {
    let orientation = exif.and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let is_known = orientation != Orientation::NoTransforms;
    (orientation, !is_known && exif.is_some_and(is_turned))
}

impl Raw {
    pub fn upright_size(&self) -> (u32, u32) {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        match self.orientation {
            Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }

    /// Adds so many pixels from (x, y) of the upright picture on to a row.
    pub fn read_row(&self, x: u32, y: u32, width: u32, row: &mut Vec<Pixel>) {
        use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
        const MAX: u16 = u8::MAX as u16;
        const WIDE: u16 = u16::MAX;
        let wide = |low: u8, high: u8| u16::from_ne_bytes([low, high]);
        let byte = |value: u8| u16::from(value);
        let place = (x, y, width);
        match self.samples {
            L8 => self.read_by(place, row, |[l]| [byte(l), byte(l), byte(l), MAX]),
            La8 => self.read_by(place, row, |[l, a]| [byte(l), byte(l), byte(l), byte(a)]),
            Rgb8 => self.read_by(place, row, |[r, g, b]| [byte(r), byte(g), byte(b), MAX]),
            Rgba8 => self.read_by(place, row, |pixel: [u8; 4]| pixel.map(byte)),
            L16 => self.read_by(place, row, |[l, m]| {
                let l = wide(l, m);
                [l, l, l, WIDE]
            }),
            La16 => self.read_by(place, row, |[l, m, a, b]| {
                let l = wide(l, m);
                [l, l, l, wide(a, b)]
            }),
            Rgb16 => self.read_by(place, row, |[r, s, g, h, b, c]| {
                [wide(r, s), wide(g, h), wide(b, c), WIDE]
            }),
            Rgba16 => self.read_by(place, row, |[r, s, g, h, b, c, a, d]| {
                [wide(r, s), wide(g, h), wide(b, c), wide(a, d)]
            }),
            _ => {}
        }
    }

    fn read_by<const N: usize>(
        &self,
        (x, y, width): (u32, u32, u32),
        row: &mut Vec<Pixel>,
        pixel: impl Fn([u8; N]) -> Pixel,
    ) {
        let (pixels, _) = self.data.as_chunks::<N>();
        let (start, step) = self.walk(x as usize, y as usize);
        let width = width as usize;
        if step == 1 {
            let piece = pixels.get(start..start.saturating_add(width));
            row.extend(piece.unwrap_or_default().iter().map(|it| pixel(*it)));
            return;
        }
        let mut place = start;
        for _ in 0..width {
            row.push(pixel(pixels.get(place).copied().unwrap_or([0; N])));
            place = place.wrapping_add_signed(step);
        }
    }

    /// Which pixel of the data is at (x, y) of the upright picture, and how far it is from
    /// there to the next one to the right.
    fn walk(&self, x: usize, y: usize) -> (usize, isize) {
        let (width, height) = (self.width as usize, self.height as usize);
        let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
        let at = |x: usize, y: usize| y * width + x;
        let down = width as isize;
        let (mirrored_x, mirrored_y) = (right.saturating_sub(x), bottom.saturating_sub(y));
        let (turned_x, turned_y) = (right.saturating_sub(y), bottom.saturating_sub(x));
        match self.orientation {
            Orientation::NoTransforms => (at(x, y), 1),
            Orientation::FlipHorizontal => (at(mirrored_x, y), -1),
            Orientation::Rotate180 => (at(mirrored_x, mirrored_y), -1),
            Orientation::FlipVertical => (at(x, mirrored_y), 1),
            Orientation::Rotate90FlipH => (at(y, x), down),
            Orientation::Rotate90 => (at(y, turned_y), -down),
            Orientation::Rotate270FlipH => (at(turned_x, turned_y), -down),
            Orientation::Rotate270 => (at(turned_x, x), down),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;
    use crate::Colors;

    #[test]
    fn every_orientation_is_that_of_the_library() {
        let (width, height) = (5, 3);
        let data: Vec<u8> = (0..width as u8 * height as u8 * 3).collect();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let raw = Raw {
                width,
                height,
                samples: ColorType::Rgb8,
                data: data.clone(),
                colors: Colors::default(),
                orientation,
                is_animated: false,
                is_ambiguous: false,
            };
            let image = RgbImage::from_raw(width, height, data.clone()).unwrap();
            let mut image = DynamicImage::from(image);
            image.apply_orientation(orientation);
            let image = image.to_rgba8();
            assert_eq!(raw.upright_size(), image.dimensions(), "{exif}");
            for y in 0..image.height() {
                for x in 0..image.width() {
                    let mut row = Vec::new();
                    raw.read_row(x, y, image.width() - x, &mut row);
                    let expected: Vec<Pixel> = (x..image.width())
                        .map(|x| image.get_pixel(x, y).0.map(u16::from))
                        .collect();
                    assert_eq!(row, expected, "{exif}: {x} {y}");
                }
            }
        }
    }
}
