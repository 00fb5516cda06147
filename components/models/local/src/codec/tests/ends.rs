//! What uploads accept, the model decodes, and nothing else: pictures with and without
//! their end, with other things behind it, and with flags for what is not there.

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

fn agree(name: &str, file: &[u8], format: Format) -> bool {
    let accepted = inspect(file, LIMITS).is_ok();
    let decoded = decode(file.to_vec(), format);
    assert_eq!(accepted, decoded.is_ok(), "{name}: {:?}", decoded.err());
    accepted
}

#[test]
fn uploads_and_the_model_agree_on_where_a_picture_ends() {
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\xff\xe0\0\x01\xff\xc4\0\x03\0";
    let behind: [&[u8]; 5] = [b"", &[0; 300], film, b"\0;", b"\xaa\xff\x02\x01"];
    let mut files = vec![("gif".to_owned(), Format::Gif, gif_on((96, 64), (0, 0)), 1)];
    for (name, jpeg) in matrix((33, 24)) {
        let file = jpeg.file(&|component, x, y| 90.0 + x * 3.0 + y * component as f64);
        files.push((name, Format::Jpeg, file, 2));
    }
    for (name, format, file, mark) in files {
        let (picture, end) = file.split_at(file.len() - mark);
        let whole = decode(file.clone(), format).unwrap().pixels;
        for behind in behind {
            let longer = [picture, behind].concat();
            assert!(agree(&name, &longer, format), "{name}");
            assert!(decode(longer, format).unwrap().pixels == whole, "{name}");
        }
        for at in [picture.len() / 2, picture.len() * 9 / 10, picture.len() - 4] {
            assert!(!agree(&name, &picture[..at], format), "{name} cut at {at}");
            if format == Format::Jpeg {
                agree(&name, &[&picture[..at], end].concat(), format);
            }
        }
    }
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
