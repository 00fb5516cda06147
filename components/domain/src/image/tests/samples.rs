//! Sample images for tests: some made by encoders, the others assembled by hand
//! as far as the inspector looks.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, Frame, ImageEncoder as _, ImageFormat, Rgb, RgbImage,
};

use crate::image::Format;

pub struct Sample {
    pub name: &'static str,
    pub format: Format,
    pub size: (u32, u32),
    pub bytes: Vec<u8>,
}

/// Complete images without trailing bytes.
pub fn all() -> Vec<Sample> {
    let sample = |name, format, size, bytes| Sample {
        name,
        format,
        size,
        bytes,
    };
    let packed = [
        png_chunk(b"iCCP", &[b"a\0\0", &packed(70_000)[..]].concat()),
        png_chunk(b"iTXt", &[b"b\0\x01\0\0\0", &packed(9)[..]].concat()),
    ];
    let wide = riff(&lossless(16_384, 1));
    let (extended, animated) = (extended_webp(7, 3), animated_webp(20, 10));
    vec![
        sample("PNG", Format::Png, (9, 5), encoded(ImageFormat::Png)),
        sample("JPEG", Format::Jpeg, (9, 5), encoded(ImageFormat::Jpeg)),
        sample("WebP", Format::Webp, (9, 5), encoded(ImageFormat::WebP)),
        sample("GIF", Format::Gif, (9, 5), encoded(ImageFormat::Gif)),
        sample("animated GIF", Format::Gif, (9, 5), animated_gif()),
        sample("PNG with more chunks", Format::Png, (3, 2), png(3, 2)),
        sample("packed PNG", Format::Png, (3, 2), png_with(&packed)),
        sample("JPEG of many scans", Format::Jpeg, (16, 8), jpeg(16, 8)),
        sample("GIF of 1987", Format::Gif, (4, 3), gif(4, 3, (1, 1, 3, 2))),
        sample("lossy WebP", Format::Webp, (7, 3), riff(&lossy(7, 3))),
        sample("lossless WebP", Format::Webp, (16_384, 1), wide),
        sample("WebP with metadata", Format::Webp, (7, 3), extended),
        sample("animated WebP", Format::Webp, (20, 10), animated),
    ]
}

fn picture() -> RgbImage {
    RgbImage::from_fn(9, 5, |x, y| {
        Rgb([(x * 28) as u8, (y * 50) as u8, (x * y * 6) as u8])
    })
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture())
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

fn animated_gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame = Frame::new(DynamicImage::from(picture()).to_rgba8());
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.encode_frames([frame.clone(), frame]).unwrap();
    drop(encoder);
    bytes
}

pub const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub fn png_chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_be_bytes();
    [&length, &kind[..], contents, b"\0\0\0\0"].concat()
}

pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    png_chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 1]].concat())
}

/// So many zeros, as a profile or a text is packed.
pub fn packed(length: usize) -> Vec<u8> {
    deflated(vec![0; length])
}

/// As a profile or a text is packed.
pub fn deflated(content: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(content).unwrap();
    encoder
        .write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8)
        .unwrap();
    let kind = bytes.windows(4).position(|kind| kind == b"iCCP").unwrap();
    let length = u32::from_be_bytes(bytes[kind - 4..kind].try_into().unwrap());
    let chunk = &bytes[kind + 4..][..length as usize];
    let name = chunk.iter().position(|byte| *byte == 0).unwrap();
    chunk[name + 2..].to_vec()
}

/// With these chunks before the picture.
pub fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let (chunks, data) = (chunks.concat(), png_chunk(b"IDAT", b"abc"));
    let end = png_chunk(b"IEND", b"");
    [PNG_SIGNATURE, &png_header(3, 2), &chunks, &data, &end].concat()
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    [
        PNG_SIGNATURE,
        &png_header(width, height),
        &png_chunk(b"tEXt", b"Title\0IEND"),
        &png_chunk(b"IDAT", b"abc"),
        &png_chunk(b"IDAT", b""),
        &png_chunk(b"IEND", b""),
    ]
    .concat()
}

pub fn jpeg_segment(code: u8, contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u16 + 2).to_be_bytes();
    [&[0xff, code], &length[..], contents].concat()
}

pub fn jpeg_frame(width: u16, height: u16) -> Vec<u8> {
    let [a, b] = height.to_be_bytes();
    let [c, d] = width.to_be_bytes();
    jpeg_segment(0xc2, &[8, a, b, c, d, 1, 1, 0x11, 0])
}

pub fn jpeg_scan(data: &[u8]) -> Vec<u8> {
    [&jpeg_segment(0xda, &[1, 1, 0, 0, 63, 0]), data].concat()
}

/// Progressive, with a thumbnail that has an end of its own, fill bytes,
/// restarts, stuffed bytes and something between two segments.
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    [
        b"\xff\xd8",
        &jpeg_segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")[..],
        &jpeg_segment(0xe1, b"Exif\0\0\xff\xd8\xff\xd9"),
        b"\0\0\xff\xff\xff",
        &jpeg_segment(0xdb, &[0; 65]),
        &jpeg_frame(width, height),
        &jpeg_segment(0xc4, &[0; 20]),
        &jpeg_scan(b"\x12\xff\0\x34\xff\xd0\x56\xff\xff\xd1\x78"),
        &jpeg_segment(0xc4, &[0; 20]),
        &jpeg_scan(b"\xff\0"),
        b"\xff\xff\xd9",
    ]
    .concat()
}

/// With a frame of its own (left, top, width, height) and colour tables.
pub fn gif(width: u16, height: u16, frame: (u16, u16, u16, u16)) -> Vec<u8> {
    let word = u16::to_le_bytes;
    [
        b"GIF87a",
        &word(width)[..],
        &word(height),
        &[0x81, 0, 0],
        &[0; 12],
        b"!\xfe\x03abc\x02de\0",
        b",",
        &word(frame.0),
        &word(frame.1),
        &word(frame.2),
        &word(frame.3),
        &[0x80],
        &[0; 6],
        b"\x02\x02\x4c\x01\0",
        b";",
    ]
    .concat()
}

pub fn riff(chunks: &[u8]) -> Vec<u8> {
    let size = (chunks.len() as u32 + 4).to_le_bytes();
    [b"RIFF", &size[..], b"WEBP", chunks].concat()
}

pub fn webp_chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let size = (contents.len() as u32).to_le_bytes();
    let padding: &[u8] = if contents.len() % 2 == 1 { &[0] } else { &[] };
    [kind, &size[..], contents, padding].concat()
}

pub fn lossy(width: u16, height: u16) -> Vec<u8> {
    let [a, b] = width.to_le_bytes();
    let [c, d] = height.to_le_bytes();
    webp_chunk(
        b"VP8 ",
        &[0x50, 0, 0, 0x9d, 0x01, 0x2a, a, b, c, d, 1, 2, 3],
    )
}

pub fn lossless(width: u32, height: u32) -> Vec<u8> {
    let bits = ((width - 1) | ((height - 1) << 14)).to_le_bytes();
    webp_chunk(b"VP8L", &[&[0x2f], &bits[..], &[1, 2, 3]].concat())
}

pub fn canvas(width: u32, height: u32) -> Vec<u8> {
    let [a, b, c, _] = (width - 1).to_le_bytes();
    let [d, e, f, _] = (height - 1).to_le_bytes();
    webp_chunk(b"VP8X", &[0, 0, 0, 0, a, b, c, d, e, f])
}

pub fn webp_frame(left: u8, top: u8, width: u8, height: u8, chunks: &[u8]) -> Vec<u8> {
    let place = [[left / 2, 0, 0], [top / 2, 0, 0]];
    let size = [[width - 1, 0, 0], [height - 1, 0, 0]];
    let header = [place.concat(), size.concat(), vec![40, 0, 0, 0]].concat();
    webp_chunk(b"ANMF", &[&header, chunks].concat())
}

pub fn extended_webp(width: u16, height: u16) -> Vec<u8> {
    riff(
        &[
            canvas(width.into(), height.into()),
            webp_chunk(b"ICCP", b"abc"),
            webp_chunk(b"ALPH", b"abcd"),
            lossy(width, height),
            webp_chunk(b"EXIF", b"VP8 "),
        ]
        .concat(),
    )
}

pub fn animated_webp(width: u32, height: u32) -> Vec<u8> {
    let alpha = webp_chunk(b"ALPH", b"abcde");
    riff(
        &[
            canvas(width, height),
            webp_chunk(b"ANIM", &[0; 6]),
            webp_frame(0, 0, 8, 4, &lossless(8, 4)),
            webp_frame(2, 4, 6, 6, &[alpha, lossy(6, 6)].concat()),
            webp_chunk(b"XMP ", b"abc"),
        ]
        .concat(),
    )
}
