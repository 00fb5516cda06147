//! Files of every format with metadata of every kind, by encoders where there are any.

use std::borrow::Cow;

use concept_refinement_samples::icc::display_p3;
use gif::{DisposalMethod, Encoder as GifEncoder, Frame, Repeat};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use png::chunk::ChunkType;
use png::{BitDepth, BlendOp, ColorType, DisposeOp, Encoder as PngEncoder, Info};

pub const SECRET: &[u8] = b"a secret place";
const WIDTH: u32 = 12;
const HEIGHT: u32 = 7;

/// With this orientation, and a place.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend([0x0f, 0x01, 2, 0, SECRET.len() as u8, 0, 0, 0, 38, 0, 0, 0]);
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    exif.extend([0; 4]);
    exif.extend(SECRET);
    exif
}

fn xmp() -> Vec<u8> {
    let names = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'";
    let secret = String::from_utf8_lossy(SECRET);
    format!("<rdf:RDF {names}><rdf:Description rdf:about='{secret}'/></rdf:RDF>").into_bytes()
}

/// Something to insert at a place.
pub fn after(file: &[u8], place: usize, more: &[u8]) -> Vec<u8> {
    let (before, behind) = file.split_at(place);
    [before, more, behind].concat()
}

pub fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&[0xff, code], &length[..], content].concat()
}

pub fn jpeg_with_metadata(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let segments = [
        segment(0xe1, &[b"Exif\0\0", &exif(orientation)[..]].concat()),
        segment(
            0xe1,
            &[b"http://ns.adobe.com/xap/1.0/\0", &xmp()[..]].concat(),
        ),
        segment(0xed, &[b"Photoshop 3.0\0", SECRET].concat()),
        segment(0xfe, SECRET),
    ];
    [&after(jpeg, 2, &segments.concat()), SECRET].concat()
}

fn pixels(channels: usize) -> Vec<u8> {
    (0..WIDTH as usize * HEIGHT as usize * channels)
        .map(|place| (place * 37 % 251) as u8)
        .collect()
}

/// Without metadata but a profile.
pub fn jpeg() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_icc_profile(display_p3()).unwrap();
    encoder
        .write_image(&pixels(3), WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

fn png_info(color: ColorType, depth: BitDepth) -> Info<'static> {
    let mut info = Info::with_size(WIDTH, HEIGHT);
    (info.color_type, info.bit_depth) = (color, depth);
    if color == ColorType::Indexed {
        info.palette = Some(Cow::Owned(
            (0..=255).flat_map(|it| [it, 255 - it, 90]).collect(),
        ));
        info.trns = Some(Cow::Owned((0..200).collect()));
    }
    info.icc_profile = Some(Cow::Owned(display_p3()));
    info
}

fn write_metadata(writer: &mut png::Writer<&mut Vec<u8>>, orientation: u8) {
    let packet = [b"XML:com.adobe.xmp\0\0\0\0\0", &xmp()[..]].concat();
    for (kind, content) in [
        (*b"tEXt", [b"Author\0", SECRET].concat()),
        (*b"eXIf", exif(orientation)),
        (*b"iTXt", packet),
        (*b"prVt", SECRET.to_vec()),
    ] {
        writer.write_chunk(ChunkType(kind), &content).unwrap();
    }
}

pub fn png_with_metadata(color: ColorType, orientation: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let (depth, channels) = match color {
        ColorType::Indexed => (BitDepth::Eight, 1),
        ColorType::Rgba => (BitDepth::Sixteen, 8),
        _ => (BitDepth::Eight, 3),
    };
    let encoder = PngEncoder::with_info(&mut file, png_info(color, depth)).unwrap();
    let mut writer = encoder.write_header().unwrap();
    write_metadata(&mut writer, orientation);
    writer.write_image_data(&pixels(channels)).unwrap();
    writer.finish().unwrap();
    file.extend(SECRET);
    file
}

/// Whose orientation follows the picture.
pub fn png_with_late_orientation(orientation: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let info = png_info(ColorType::Rgb, BitDepth::Eight);
    let encoder = PngEncoder::with_info(&mut file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels(3)).unwrap();
    let exif = exif(orientation);
    writer.write_chunk(ChunkType(*b"eXIf"), &exif).unwrap();
    writer.finish().unwrap();
    file
}

pub fn animated_png() -> Vec<u8> {
    let mut file = Vec::new();
    let info = png_info(ColorType::Rgba, BitDepth::Eight);
    let mut encoder = PngEncoder::with_info(&mut file, info).unwrap();
    encoder.set_animated(3, 2).unwrap();
    let mut writer = encoder.write_header().unwrap();
    write_metadata(&mut writer, 5);
    for place in 0..3 {
        writer.set_frame_delay(place + 1, 10).unwrap();
        writer.set_dispose_op(DisposeOp::Background).unwrap();
        writer.set_blend_op(BlendOp::Over).unwrap();
        let mut frame = pixels(4);
        frame.rotate_left(usize::from(place));
        writer.write_image_data(&frame).unwrap();
        writer.write_chunk(ChunkType(*b"tEXt"), SECRET).unwrap();
    }
    writer.finish().unwrap();
    file
}

fn webp_of(alpha: bool, icc: Option<Vec<u8>>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut file);
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc).unwrap();
    }
    let (color, channels) = match alpha {
        true => (ExtendedColorType::Rgba8, 4),
        false => (ExtendedColorType::Rgb8, 3),
    };
    encoder
        .write_image(&pixels(channels), WIDTH, HEIGHT, color)
        .unwrap();
    file
}

/// Of one chunk.
pub fn webp(alpha: bool) -> Vec<u8> {
    webp_of(alpha, None)
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WEBP", chunks].concat())
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    let padding: &[u8] = if content.len() % 2 == 1 { &[0] } else { &[] };
    [name, &length[..], content, padding].concat()
}

pub fn webp_with_metadata(alpha: bool, orientation: u8) -> Vec<u8> {
    const EXIF_AND_XMP: u8 = 0x0c;
    let mut file = webp_of(alpha, Some(display_p3()));
    file[20] |= EXIF_AND_XMP;
    let metadata = [
        chunk(b"EXIF", &exif(orientation)),
        chunk(b"XMP ", &xmp()),
        chunk(b"prVt", SECRET),
    ];
    [
        riff(&[&file[12..], &metadata.concat()].concat()),
        SECRET.to_vec(),
    ]
    .concat()
}

/// With chunks within and between its frames, too, or only behind them.
pub fn animated_webp(is_mixed: bool) -> Vec<u8> {
    const ALPHA_AND_ANIMATION: u8 = 0x12;
    let u24 = |value: u32| value.to_le_bytes()[..3].to_vec();
    let private = chunk(b"prVt", SECRET);
    let within = if is_mixed { private.clone() } else { vec![] };
    let size = [u24(WIDTH - 1), u24(HEIGHT - 1)].concat();
    let frame = |alpha: bool, duration: u32| {
        let place = [0; 6];
        let still = &webp(alpha)[12..];
        let header = [&place, &size[..], &u24(duration), &[0]].concat();
        chunk(b"ANMF", &[&header, still, &within].concat())
    };
    let chunks = [
        chunk(
            b"VP8X",
            &[&[ALPHA_AND_ANIMATION, 0, 0, 0], &size[..]].concat(),
        ),
        chunk(b"ANIM", &[1, 2, 3, 4, 5, 0]),
        frame(true, 100),
        within.clone(),
        frame(false, 70),
        private,
        chunk(b"EXIF", &exif(7)),
    ];
    riff(&chunks.concat())
}

pub fn gif_with_metadata(is_animated: bool) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255).flat_map(|it| [it, 255 - it, 90]).collect();
    let mut file = Vec::new();
    let (width, height) = (WIDTH as u16, HEIGHT as u16);
    let mut encoder = GifEncoder::new(&mut file, width, height, &palette).unwrap();
    if is_animated {
        encoder.set_repeat(Repeat::Finite(3)).unwrap();
    }
    for place in 0..if is_animated { 3 } else { 1 } {
        let comment = gif::Extension::Comment.into();
        encoder
            .write_raw_extension(comment, &[SECRET, SECRET])
            .unwrap();
        let application = gif::Extension::Application.into();
        encoder
            .write_raw_extension(application, &[b"XMP DataXMQ", SECRET])
            .unwrap();
        let mut frame = Frame::from_indexed_pixels(width, height, pixels(1), Some(17));
        frame.delay = 5 + place;
        frame.dispose = DisposalMethod::Background;
        if place == 1 {
            frame.palette = Some(palette.iter().rev().copied().collect());
            frame.interlaced = true;
        }
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file.extend(SECRET);
    file
}
