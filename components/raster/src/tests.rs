//! Files without metadata and files with a mark show what they showed before, to every
//! decoder: pixels, colours, orientation, and each frame for as long.

mod files;

use std::io::Cursor;

use concept_refinement_domain::image::metadata::{Reader, Rewrite, SourceType};
use concept_refinement_domain::image::{Inspector, Limits};
use concept_refinement_samples::icc::in_jpeg;
use concept_refinement_samples::jpeg::matrix;
use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder as _, DynamicImage, ImageDecoder as _, ImageReader};

use crate::upright::Pixel;
use crate::{Chunk, Format, decode};
use files::*;

/// What a decoder shows.
#[derive(Debug, PartialEq)]
struct View {
    size: (u32, u32),
    /// Of an opaque picture as of one that might not be.
    pixels: Vec<Pixel>,
    orientation: Orientation,
    icc: Option<Vec<u8>>,
    chunks: Vec<Chunk>,
    is_animated: bool,
}

fn view(file: &[u8], format: Format) -> View {
    let raw = decode(file.to_vec(), format).unwrap();
    let (width, height) = raw.upright_size();
    let mut pixels = vec![];
    for y in 0..height {
        raw.read_row(0, y, width, &mut pixels);
    }
    View {
        size: (raw.width, raw.height),
        pixels,
        orientation: raw.orientation,
        icc: raw.colors.icc,
        chunks: raw.colors.chunks,
        is_animated: raw.is_animated,
    }
}

/// The same by the library. None: it cannot read it.
fn library_view(file: &[u8]) -> Option<View> {
    let reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .ok()?;
    let mut decoder = reader.into_decoder().ok()?;
    let (size, orientation) = (decoder.dimensions(), decoder.orientation().ok()?);
    let icc = decoder.icc_profile().ok()?;
    let image = DynamicImage::from_decoder(decoder).ok()?;
    Some(View {
        size,
        pixels: image.to_rgba16().pixels().map(|pixel| pixel.0).collect(),
        orientation,
        icc,
        chunks: vec![],
        is_animated: false,
    })
}

/// In pieces, as they arrive.
fn rewritten(rewrite: &Rewrite, file: &[u8]) -> Vec<u8> {
    let (mut filter, mut out) = (rewrite.filter(), Vec::new());
    for chunk in file.chunks(100) {
        filter.push(chunk, &mut out);
    }
    filter.finish(&mut out);
    assert_eq!(out.len() as u64, rewrite.length());
    out
}

/// The file stripped, and marked in each way.
fn rewrites(file: &[u8]) -> Vec<Vec<u8>> {
    let mut inspector = Inspector::new(Limits {
        max_bytes: u64::MAX,
        max_pixels: u64::MAX,
    });
    let mut reader = Reader::new();
    for chunk in file.chunks(1000) {
        inspector.push(chunk).unwrap();
        reader.push(chunk);
    }
    inspector.finish().unwrap();
    let metadata = reader.finish(inspector.picture_end());
    let stripped = rewritten(&metadata.stripped().unwrap(), file);
    assert!(!stripped.windows(SECRET.len()).any(|it| it == SECRET));
    let marked = SourceType::ALL.map(|source| rewritten(&metadata.marked(source), file));
    [vec![stripped], marked.into()].concat()
}

/// Everything that is made of the file looks as it does.
fn assert_same<T: PartialEq>(name: &str, file: &[u8], view: impl Fn(&[u8]) -> T) {
    let expected = view(file);
    for (place, result) in rewrites(file).iter().enumerate() {
        assert!(view(result) == expected, "{name}: {place}");
    }
}

fn assert_shown(name: &str, file: &[u8], format: Format) {
    assert_same(name, file, |file| view(file, format));
    assert_same(name, file, |file| library_view(file).unwrap());
}

#[test]
fn an_orientation_may_follow_the_picture() {
    let file = png_with_late_orientation(6);
    assert_eq!(view(&file, Format::Png).orientation, Orientation::Rotate90);
    assert_same("late", &file, |file| view(file, Format::Png));
}

#[test]
fn jpegs_of_every_arrangement() {
    for (place, (name, jpeg)) in matrix((37, 21)).into_iter().enumerate() {
        let sample = |component: usize, x: f64, y: f64| {
            ((x * 0.4 + component as f64).sin() + (y * 0.3).cos()) * 50.0 + 128.0
        };
        let orientation = 1 + (place % 8) as u8;
        let file = jpeg_with_metadata(&jpeg.file(&sample), orientation);
        let expected = Orientation::from_exif(orientation).unwrap();
        assert_eq!(view(&file, Format::Jpeg).orientation, expected, "{name}");
        assert_same(&name, &file, |file| view(file, Format::Jpeg));
        let bare = &file[..file.len() - SECRET.len() - 2];
        let shown = view(bare, Format::Jpeg);
        for more in [
            &b"\0\0\x18ftypmp42"[..],
            b"\xff\xfe\0\x0ea secret plac",
            b"",
        ] {
            for result in rewrites(&[bare, more].concat()) {
                assert!(
                    view(&result, Format::Jpeg) == shown,
                    "{name} without an end"
                );
            }
        }
    }
}

#[test]
fn jpegs_of_the_library() {
    for orientation in 1..=8 {
        let file = jpeg_with_metadata(&jpeg(), orientation);
        let shown = library_view(&file).unwrap();
        assert_eq!(Some(shown.orientation), Orientation::from_exif(orientation));
        assert!(shown.icc.is_some());
        assert_shown("JPEG", &file, Format::Jpeg);
    }
}

#[test]
fn a_jpeg_with_a_profile_in_other_colours() {
    let (_, mut jpeg) = matrix((20, 12)).swap_remove(0);
    let sample = |component: usize, x: f64, y: f64| x * 5.0 + y * 7.0 + component as f64 * 20.0;
    let profile = concept_refinement_samples::icc::display_p3();
    let plain = in_jpeg(&jpeg.file(&sample), &profile);
    for transform in 0..=1 {
        let adobe = segment(
            0xee,
            &[b"Adobe\0\x64\0\0\0\0", &[transform][..], SECRET].concat(),
        );
        let file = jpeg_with_metadata(&after(&plain, 2, &adobe), 6);
        assert_eq!(view(&file, Format::Jpeg).icc.as_ref(), Some(&profile));
        assert_same("Adobe", &file, |file| view(file, Format::Jpeg));
    }
    jpeg.samplings = vec![(1, 1); 4];
    for scan in &mut jpeg.scans {
        scan.components = vec![0, 1, 2, 3];
    }
    for transform in [0, 2] {
        let adobe = segment(0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat());
        let file = jpeg_with_metadata(&after(&jpeg.file(&sample), 2, &adobe), 3);
        let mut decoder = jpeg_decoder::Decoder::new(&*file);
        decoder.read_info().unwrap();
        let stored = decoder.info().unwrap().pixel_format;
        assert_eq!(stored, jpeg_decoder::PixelFormat::CMYK32);
        assert_same("ink", &file, |file| view(file, Format::Jpeg));
    }
}

#[test]
fn pngs() {
    for orientation in 1..=8 {
        for color in [
            png::ColorType::Indexed,
            png::ColorType::Rgba,
            png::ColorType::Rgb,
        ] {
            let file = png_with_metadata(color, orientation);
            let shown = view(&file, Format::Png);
            assert_eq!(Some(shown.orientation), Orientation::from_exif(orientation));
            assert!(shown.icc.is_some());
            assert_shown("PNG", &file, Format::Png);
        }
    }
}

#[test]
fn an_animated_png() {
    let file = animated_png();
    let frames = png_frames(&file);
    assert_eq!(frames.len(), 3);
    assert_same("frames", &file, png_frames);
    assert_shown("APNG", &file, Format::Png);
}

/// Each frame, and how and for how long it is shown.
fn png_frames(file: &[u8]) -> Vec<(Vec<u8>, String)> {
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let count = reader.info().animation_control.unwrap().num_frames;
    (0..count)
        .map(|_| {
            let mut data = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut data).unwrap();
            (data, format!("{:?}", reader.info().frame_control))
        })
        .collect()
}

#[test]
fn webps() {
    for orientation in 1..=8 {
        for alpha in [false, true] {
            let file = webp_with_metadata(alpha, orientation);
            let shown = view(&file, Format::Webp);
            assert_eq!(Some(shown.orientation), Orientation::from_exif(orientation));
            assert!(shown.icc.is_some());
            assert_shown("WebP", &file, Format::Webp);
        }
    }
    for alpha in [false, true] {
        let file = [&webp(alpha)[..], SECRET].concat();
        assert_shown("simple WebP", &file, Format::Webp);
    }
}

#[test]
fn an_animated_webp() {
    let file = animated_webp(false);
    let frames = |file: &[u8]| {
        let decoder = WebPDecoder::new(Cursor::new(file)).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        let shown = frames.iter().map(|it| (it.delay(), it.buffer().clone()));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(frames(&file).len(), 2);
    assert_same("frames", &file, frames);
    assert_shown("animated WebP", &file, Format::Webp);
    let mixed = animated_webp(true);
    assert_same("mixed", &mixed, |file| view(file, Format::Webp));
}

#[test]
fn gifs() {
    for is_animated in [false, true] {
        let file = gif_with_metadata(is_animated);
        let frames = gif_frames(&file);
        assert_eq!(frames.len(), if is_animated { 3 } else { 1 });
        assert_same("frames", &file, gif_frames);
        assert_shown("GIF", &file, Format::Gif);
        let composed = |file: &[u8]| {
            let decoder = GifDecoder::new(Cursor::new(file)).unwrap();
            let frames = decoder.into_frames().collect_frames().unwrap();
            let shown = frames.iter().map(|it| (it.delay(), it.buffer().clone()));
            shown.collect::<Vec<_>>()
        };
        assert_same("composed frames", &file, composed);
    }
}

/// Each frame, and how and for how long it is shown, and how often all of them.
fn gif_frames(file: &[u8]) -> Vec<String> {
    let mut decoder = gif::DecodeOptions::new().read_info(file).unwrap();
    let mut frames = vec![];
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push(format!("{frame:?}"));
    }
    let all = format!("{:?} {:?}", decoder.repeat(), decoder.global_palette());
    frames.iter().map(|frame| frame.clone() + &all).collect()
}

/// EXIF wants a short number, and some decoders follow a long one too.
#[test]
fn what_decoders_read_differently_is_ambiguous() {
    for (format, file) in [
        (Format::Jpeg, jpeg_with_metadata(&jpeg(), 6)),
        (Format::Webp, webp_with_metadata(false, 6)),
    ] {
        let mut long = file.clone();
        let entry = long.windows(4).position(|bytes| bytes == b"\x12\x01\x03\0");
        long[entry.unwrap() + 2] = 4;
        let [file, long] = [file, long].map(|file| decode(file, format).unwrap());
        assert_eq!(file.orientation, Orientation::Rotate90, "{format:?}");
        assert_eq!(long.orientation, Orientation::NoTransforms, "{format:?}");
        assert_eq!(
            (file.is_ambiguous, long.is_ambiguous),
            (false, true),
            "{format:?}"
        );
    }
}
