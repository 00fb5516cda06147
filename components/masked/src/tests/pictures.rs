//! Pictures that are written in any way.

use std::io::Cursor;

use concept_refinement_raster::{Format, Raw};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use png::{BitDepth, ColorType};

use super::pixels;
use crate::encode::Pixel;

/// RGB and alpha with eight bits, or with sixteen.
#[derive(Clone, Debug)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub wide: bool,
    pub alpha: bool,
    pub pixels: Vec<Pixel>,
}

impl Picture {
    /// With details in both directions.
    pub fn new(width: u32, height: u32, wide: bool, alpha: bool) -> Self {
        let pixel = |place: u32| {
            let (x, y) = (place % width, place / width);
            let wave = |value: u32| (f64::from(value) * 0.37).sin() * 60.0 + 128.0;
            let level = |value: f64| match wide {
                true => (value * 257.0).round() as u16,
                false => value.round() as u16,
            };
            let transparency = match (x + y) % 7 {
                0 => 0.0,
                1 => 100.0,
                _ => 255.0,
            };
            [
                level(wave(x)),
                level(wave(y)),
                level(wave(x + 2 * y)),
                level(if alpha { transparency } else { 255.0 }),
            ]
        };
        Self {
            width,
            height,
            wide,
            alpha,
            pixels: (0..width * height).map(pixel).collect(),
        }
    }

    pub fn of_raw(raw: &Raw) -> Self {
        let (width, height) = raw.upright_size();
        Self {
            width,
            height,
            wide: raw.is_wide(),
            alpha: raw.samples.has_alpha(),
            pixels: pixels(raw).concat(),
        }
    }

    pub fn inverted(mut self) -> Self {
        let max = crate::original::max_of(self.wide);
        for [r, g, b, _] in &mut self.pixels {
            [*r, *g, *b] = [max - *r, max - *g, max - *b];
        }
        self
    }

    /// With eight bits per channel.
    pub fn narrow(&self) -> Self {
        let level = |value: u16| match self.wide {
            true => ((u32::from(value) + 128) / 257) as u16,
            false => value,
        };
        Self {
            wide: false,
            pixels: self.pixels.iter().map(|pixel| pixel.map(level)).collect(),
            ..self.clone()
        }
    }

    /// Every pixel of another size, by the nearest one.
    pub fn sized(&self, width: u32, height: u32) -> Self {
        let pixel = |place: u32| {
            let x = u64::from(place % width) * u64::from(self.width) / u64::from(width);
            let y = u64::from(place / width) * u64::from(self.height) / u64::from(height);
            self.pixels[(y * u64::from(self.width) + x) as usize]
        };
        Self {
            width,
            height,
            pixels: (0..width * height).map(pixel).collect(),
            ..self.clone()
        }
    }

    fn values(&self) -> impl Iterator<Item = u16> {
        let channels = if self.alpha { 4 } else { 3 };
        self.pixels
            .iter()
            .flat_map(move |pixel| pixel.iter().copied().take(channels))
    }

    /// As it is.
    pub fn png(&self, chunks: &[(&[u8; 4], &[u8])], icc: Option<&[u8]>) -> Vec<u8> {
        let color = match self.alpha {
            true => ColorType::Rgba,
            false => ColorType::Rgb,
        };
        let (depth, data) = match self.wide {
            true => (
                BitDepth::Sixteen,
                self.values().flat_map(u16::to_be_bytes).collect(),
            ),
            false => (
                BitDepth::Eight,
                self.values().map(|value| value as u8).collect::<Vec<u8>>(),
            ),
        };
        let size = (self.width, self.height);
        png_of(size, (color, depth), chunks, icc, &data)
    }

    /// With eight bits per channel, and the alpha that the format has.
    pub fn file(&self, format: Format, icc: Option<&[u8]>) -> Vec<u8> {
        let alpha = self.alpha && format != Format::Jpeg;
        let picture = Self {
            alpha,
            ..self.narrow()
        };
        let color = match alpha {
            true => ExtendedColorType::Rgba8,
            false => ExtendedColorType::Rgb8,
        };
        let (width, height) = (self.width, self.height);
        let data: Vec<u8> = picture.values().map(|value| value as u8).collect();
        let icc = icc.map(<[u8]>::to_vec);
        let mut file = Vec::new();
        match format {
            Format::Png => return picture.png(&[], icc.as_deref()),
            Format::Jpeg => {
                let mut encoder = JpegEncoder::new_with_quality(&mut file, 95);
                if let Some(icc) = icc {
                    encoder.set_icc_profile(icc).unwrap();
                }
                encoder.write_image(&data, width, height, color).unwrap();
            }
            Format::Webp => {
                let mut encoder = WebPEncoder::new_lossless(&mut file);
                if let Some(icc) = icc {
                    encoder.set_icc_profile(icc).unwrap();
                }
                encoder.write_image(&data, width, height, color).unwrap();
            }
            Format::Gif => {
                let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
                encoder.encode(&data, width, height, color).unwrap();
            }
        }
        file
    }
}

/// A PNG of this data.
pub fn png_of(
    (width, height): (u32, u32),
    (color, depth): (ColorType, BitDepth),
    chunks: &[(&[u8; 4], &[u8])],
    icc: Option<&[u8]>,
    data: &[u8],
) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut info = png::Info::with_size(width, height);
    (info.color_type, info.bit_depth) = (color, depth);
    info.icc_profile = icc.map(Into::into);
    if color == ColorType::Indexed {
        let colors = (0..1 << depth as u8).flat_map(|at: u32| {
            let at = (at * 255 / ((1 << depth as u8) - 1)) as u8;
            [at, 255 - at, at / 2]
        });
        info.palette = Some(colors.collect::<Vec<u8>>().into());
    }
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for (name, contents) in chunks {
        let name = png::chunk::ChunkType(**name);
        writer.write_chunk(name, contents).unwrap();
    }
    writer.write_image_data(data).unwrap();
    drop(writer);
    file.into_inner()
}

/// With a segment of EXIF that says an orientation, or with such a chunk.
pub fn oriented(file: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0".to_vec();
    exif.extend(b"\x01\0"); // one entry
    exif.extend(b"\x12\x01\x03\0\x01\0\0\0"); // orientation, a short
    exif.extend([orientation, 0, 0, 0]);
    exif.extend(b"\0\0\0\0"); // no next directory
    if file.starts_with(b"\xff\xd8") {
        let exif = [b"Exif\0\0", exif.as_slice()].concat();
        let length = (exif.len() as u16 + 2).to_be_bytes();
        let (start, rest) = file.split_at(2);
        return [start, &[0xff, 0xe1], &length, &exif, rest].concat();
    }
    // Behind the header of a PNG.
    let (start, rest) = file.split_at(33);
    let chunk = png_chunk(b"eXIf", &exif);
    [start, &chunk, rest].concat()
}

pub fn png_chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let named = [name.as_slice(), contents].concat();
    let crc = !named.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0xEDB8_8320,
            _ => crc >> 1,
        })
    });
    let length = (contents.len() as u32).to_be_bytes();
    [length.as_slice(), &named, &crc.to_be_bytes()].concat()
}

/// A PNG by Adam7, not compressed.
pub fn interlaced(picture: &Picture) -> Vec<u8> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let mut rows = Vec::new();
    for (left, top, across, down) in passes {
        for y in (top..height).step_by(down) {
            rows.push(0);
            for x in (left..width).step_by(across) {
                let [r, g, b, _] = picture.pixels[y * width + x];
                rows.extend([r, g, b].map(|value| value as u8));
            }
        }
    }
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let length = rows.len() as u16;
    let stored = [
        &[0x78, 1, 1],
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        &rows,
        &(b << 16 | a).to_be_bytes(),
    ];
    let sides = [picture.width, picture.height]
        .map(u32::to_be_bytes)
        .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &[sides.as_slice(), &[8, 2, 0, 0, 1]].concat()),
        png_chunk(b"IDAT", &stored.concat()),
        png_chunk(b"IEND", &[]),
    ]
    .concat()
}
