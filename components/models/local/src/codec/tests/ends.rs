//! What uploads accept, the model decodes: pictures with and without their end, with other
//! things behind it, cut at any place, and with flags for what is not there.

use concept_refinement_domain::image::{Limits, inspect};
use concept_refinement_samples::jpeg::matrix;
use gif::{Encoder, Frame};

use super::*;

const LIMITS: Limits = Limits {
    max_bytes: u64::MAX,
    max_pixels: MAX_PIXELS,
};

fn gif_on(screen: (u16, u16), (left, top): (u16, u16)) -> Vec<u8> {
    let mut file = Vec::new();
    let colors = [200, 30, 30, 30, 30, 200];
    let mut encoder = Encoder::new(&mut file, screen.0, screen.1, &colors).unwrap();
    let indices: Vec<u8> = (0..96 * 64).map(|at| u8::from(at % 96 < 48)).collect();
    let mut frame = Frame::from_indexed_pixels(96, 64, indices, None);
    (frame.left, frame.top) = (left, top);
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    file
}

/// Whether uploads accept it. The model is only asked then, and decodes it.
fn agree(name: &str, file: &[u8], format: Format) -> bool {
    let accepted = inspect(file, LIMITS).is_ok();
    let decoded = || decode(file.to_vec(), format).err();
    assert_eq!(accepted.then(decoded).flatten(), None, "{name}");
    accepted
}

#[test]
fn uploads_and_the_model_agree_on_where_a_picture_ends() {
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\xff\xe0\0\x01\xff\xc4\0\x03\0";
    let behind: [&[u8]; 5] = [b"", &[0; 300], film, b"\0;", b"\xaa\xff\x02\x01"];
    let mut files = vec![("gif".to_owned(), Format::Gif, gif_on((96, 64), (0, 0)), 1)];
    for (name, jpeg) in matrix((33, 24)) {
        files.push((name, Format::Jpeg, jpeg.file(&drawn), 2));
    }
    for (name, format, file, mark) in files {
        let (picture, _) = file.split_at(file.len() - mark);
        let whole = decode(file.clone(), format).unwrap().pixels;
        for behind in behind {
            let longer = [picture, behind].concat();
            assert!(agree(&name, &longer, format), "{name}");
            assert!(decode(longer, format).unwrap().pixels == whole, "{name}");
        }
        for at in [picture.len() / 2, picture.len() * 9 / 10, picture.len() - 4] {
            assert!(!agree(&name, &picture[..at], format), "{name} cut at {at}");
        }
    }
}

fn drawn(component: usize, x: f64, y: f64) -> f64 {
    90.0 + x * 3.0 + y * component as f64
}

/// A lossy WebP, which no library here writes.
const DISC: &[u8] = include_bytes!("../../../../../../host/src/wiring/conformance/disc.webp");

/// Files of each format.
fn whole_files() -> Vec<(String, Format, Vec<u8>)> {
    let wave = |at: u32| ((at * at / 7 + at * 31) % 251) as u8;
    let pixels = Pixels::new(40, 30, false, (0..40 * 30 * 3).map(wave).collect()).unwrap();
    let [png, gif, webp] = [Format::Png, Format::Gif, Format::Webp];
    let mut files = vec![
        ("lossy".to_owned(), webp, DISC.to_vec()),
        ("animated".to_owned(), png, animated::png()),
        ("animated".to_owned(), gif, animated::gif()),
        ("animated".to_owned(), webp, animated::webp()),
    ];
    files.extend([png, gif, webp].map(|format| {
        let file = file_with(&pixels, format);
        ("still".to_owned(), format, file)
    }));
    for (name, jpeg) in matrix((33, 24)).into_iter().step_by(7) {
        files.push((name, Format::Jpeg, jpeg.file(&drawn)));
    }
    files
}

/// Nothing that lacks a part is taken for whole: what uploads accept is decoded to the same
/// pixels, or refused with a sentence that is true. Inside the compressed data of a PNG, a
/// GIF or a WebP uploads do not look.
#[test]
fn a_picture_that_is_cut_is_whole_or_refused() {
    let (mut cuts, mut accepted, mut late) = (0, 0, 0);
    for (name, format, file) in whole_files() {
        let whole = decode(file.clone(), format).unwrap().pixels;
        for at in (0..file.len()).step_by(1 + file.len() / 200) {
            for cut in [file[..at].to_vec(), closed(&file[..at], format)] {
                let name = format!("{name} {format:?} cut at {at} of {}", file.len());
                cuts += 1;
                if inspect(&cut, LIMITS).is_err() {
                    continue;
                }
                accepted += 1;
                match decode(cut, format) {
                    // Without its last scans a progressive JPEG is a coarser one.
                    Ok(_) if name.contains("progressive") => {}
                    Ok(image) => assert!(image.pixels == whole, "{name}"),
                    Err(problem) => {
                        late += 1;
                        assert_ne!(format, Format::Jpeg, "{name}");
                        let sentence = problem.to_string();
                        assert!(sentence.ends_with("malformed or incomplete"), "{name}");
                    }
                }
            }
        }
    }
    println!("{cuts} cuts, {accepted} accepted, {late} of them refused by the model");
    assert!(accepted > 200 && late > 50, "{accepted} {late}");
}

/// With an end, and with lengths that fit again, as far as they are near the beginning.
fn closed(cut: &[u8], format: Format) -> Vec<u8> {
    let mut file = cut.to_vec();
    match format {
        Format::Jpeg => file.extend(b"\xff\xd9"),
        Format::Gif => file.extend(b"\0\0;"),
        Format::Png => {
            if let Some(name) = cut.windows(4).position(|name| name == b"IDAT") {
                let length = (cut.len() - name - 4) as u32;
                file[name - 4..name].copy_from_slice(&length.to_be_bytes());
                file.extend(crc32(&cut[name..]).to_be_bytes());
            }
            file.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
        }
        Format::Webp => {
            for place in [4, 16] {
                let behind = cut.len().saturating_sub(place + 4) as u32;
                if let Some(length) = file.get_mut(place..place + 4) {
                    length.copy_from_slice(&behind.to_le_bytes());
                }
            }
        }
    }
    file
}

#[test]
fn a_screen_that_is_too_small_grows_for_the_first_frame() {
    for (screen, place, size) in [
        ((96, 64), (0, 0), (96, 64)),
        ((40, 30), (0, 0), (96, 64)),
        ((0, 0), (0, 0), (96, 64)),
        ((40, 90), (7, 3), (103, 90)),
    ] {
        let file = gif_on(screen, place);
        let pixels = decode(file, Format::Gif).unwrap().pixels;
        assert_eq!((pixels.width(), pixels.height()), size, "{screen:?}");
        let at = |x: u32, y: u32| pixel(&pixels, x as usize, y as usize);
        let (left, top) = (u32::from(place.0), u32::from(place.1));
        assert_eq!(at(left, top), [30, 30, 200], "{screen:?}");
        assert_eq!(at(left + 95, top + 63), [200, 30, 30], "{screen:?}");
    }
}

#[test]
fn a_webp_is_as_its_chunks_are() {
    let still = encoded(&sample(), Format::Webp).unwrap();
    let size = [23, 0, 0, 15, 0, 0];
    for flags in 0..=u8::MAX {
        let extended = [b"VP8X\x0a\0\0\0", &[flags, 0, 0, 0][..], &size].concat();
        let chunks = [b"WEBP", &extended[..], &still[12..]].concat();
        let length = (chunks.len() as u32).to_le_bytes();
        let file = [b"RIFF", &length[..], &chunks].concat();
        assert!(agree("flags", &file, Format::Webp), "{flags:#x}");
        assert!(
            decode(file, Format::Webp).unwrap().pixels == sample(),
            "{flags:#x}"
        );
    }
}
