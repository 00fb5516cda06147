//! Of an animated image the first frame is decoded.

use super::*;

/// A frame of one colour.
fn frame(color: [u8; 3]) -> Pixels {
    let data = std::iter::repeat_n(color, 24 * 16).flatten().collect();
    Pixels::new(24, 16, false, data).unwrap()
}

const FIRST: [u8; 3] = [200, 30, 30];
const SECOND: [u8; 3] = [30, 30, 200];

fn gif() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
    for color in [FIRST, SECOND] {
        let data = frame(color).into_data();
        encoder
            .encode(&data, 24, 16, ExtendedColorType::Rgb8)
            .unwrap();
    }
    drop(encoder);
    file
}

/// Chunks of RIFF: what they are, how long, and what is in them.
fn chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_le_bytes();
    let padding: &[u8] = if contents.len() % 2 == 1 { &[0] } else { &[] };
    [name, length.as_slice(), contents, padding].concat()
}

fn webp() -> Vec<u8> {
    let u24 = |value: u32| value.to_le_bytes()[..3].to_vec();
    let size = [u24(23), u24(15)].concat();
    const ANIMATED: u8 = 2;
    let mut chunks = b"WEBP".to_vec();
    chunks.extend(chunk(
        b"VP8X",
        &[&[ANIMATED, 0, 0, 0], size.as_slice()].concat(),
    ));
    chunks.extend(chunk(b"ANIM", &[0; 6]));
    for color in [FIRST, SECOND] {
        let still = encoded(&frame(color), Format::Webp).unwrap();
        let (place, rest) = ([0; 6], [u24(100), vec![0]].concat());
        let contents = [&place, size.as_slice(), &rest, &still[12..]].concat();
        chunks.extend(chunk(b"ANMF", &contents));
    }
    chunk(b"RIFF", &chunks)
}

/// A PNG with a second frame, in chunks that other readers pass over.
fn png() -> Vec<u8> {
    animated_png(false, (24, 16))
}

/// Where the default image is hidden, it is not a frame of the animation, and the others
/// are at (3, 2).
fn animated_png(is_hidden: bool, size: (u32, u32)) -> Vec<u8> {
    let chunk = |name: &[u8; 4], contents: &[u8]| {
        let named = [name.as_slice(), contents].concat();
        let length = (contents.len() as u32).to_be_bytes();
        let checksum = crc32(&named).to_be_bytes();
        [length.as_slice(), &named, &checksum].concat()
    };
    let control = |sequence: u32| {
        let (left, top) = if is_hidden { (3, 2) } else { (0, 0) };
        let numbers = [sequence, size.0, size.1, left, top]
            .map(u32::to_be_bytes)
            .concat();
        chunk(
            b"fcTL",
            &[numbers.as_slice(), &[0, 1, 0, 10, 0, 0]].concat(),
        )
    };
    let data_of = |file: &[u8]| {
        let start = file.windows(4).position(|name| name == b"IDAT").unwrap();
        let length = u32::from_be_bytes(*file[start - 4..].first_chunk().unwrap());
        (start, file[start + 4..start + 4 + length as usize].to_vec())
    };
    let first = encoded(&frame(FIRST), Format::Png).unwrap();
    let second: Vec<u8> = std::iter::repeat_n(SECOND, (size.0 * size.1) as usize)
        .flatten()
        .collect();
    let second = Pixels::new(size.0, size.1, false, second).unwrap();
    let second = encoded(&second, Format::Png).unwrap();
    let (start, _) = data_of(&first);
    let (head, tail) = first.split_at(start - 4);
    let (data, end) = tail.split_at(tail.len() - 12);
    let frames = if is_hidden { 1 } else { 2_u32 };
    let count = [frames, 0].map(u32::to_be_bytes).concat();
    let next = [frames.to_be_bytes().as_slice(), &data_of(&second).1].concat();
    let first = if is_hidden { Vec::new() } else { control(0) };
    [
        head,
        &chunk(b"acTL", &count),
        &first,
        data,
        &control(frames - 1),
        &chunk(b"fdAT", &next),
        end,
    ]
    .concat()
}

#[test]
fn the_first_frame_is_the_image() {
    let cases = [
        (Format::Gif, gif()),
        (Format::Webp, webp()),
        (Format::Png, png()),
    ];
    for (format, file) in cases {
        assert!(file.len() > file_with(&frame(FIRST), format).len() + 40);
        let image = decode(file, format).unwrap();
        assert_eq!(image.remarks, [Remark::FirstFrame], "{format:?}");
        let still = decode(file_with(&frame(FIRST), format), format).unwrap();
        assert_eq!(still.remarks, [], "{format:?}");
        let pixels = image.pixels;
        assert_eq!((pixels.width(), pixels.height()), (24, 16), "{format:?}");
        for (found, expected) in pixels.data().iter().zip(frame(FIRST).data()) {
            assert!(found.abs_diff(*expected) <= 4, "{format:?}: {found}");
        }
    }
}

#[test]
fn a_default_image_that_is_not_of_the_animation_is_never_seen() {
    let image = decode(animated_png(true, (20, 10)), Format::Png).unwrap();
    assert_eq!(image.remarks, []);
    let pixels = image.pixels;
    assert_eq!((pixels.width(), pixels.height()), (24, 16));
    for (place, pixel) in pixels.iter().enumerate() {
        let (x, y) = (place % 24, place / 24);
        let is_within = (3..23).contains(&x) && (2..12).contains(&y);
        let expected: [u8; 4] = if is_within {
            [30, 30, 200, 255]
        } else {
            [0; 4]
        };
        assert_eq!(pixel, expected, "{x} {y}");
    }
}
