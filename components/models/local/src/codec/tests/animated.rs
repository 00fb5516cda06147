//! Of an animated image the first frame is decoded.

use super::*;

/// A frame of one colour.
fn frame(color: [u8; 3]) -> Pixels {
    let data = std::iter::repeat_n(color, 24 * 16).flatten().collect();
    Pixels::new(24, 16, false, data).unwrap()
}

const FIRST: [u8; 3] = [200, 30, 30];
const SECOND: [u8; 3] = [30, 30, 200];

pub fn gif() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
    for color in [FIRST, SECOND] {
        let data = frame(color).data().to_vec();
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

pub fn webp() -> Vec<u8> {
    webp_of(&frame(FIRST), (0, 0), 0, [0; 4])
}

/// With this first frame. Its flags: 1 disposes of it, 2 does not blend it.
fn webp_of(first: &Pixels, place: (u32, u32), flags: u8, background: [u8; 4]) -> Vec<u8> {
    let u24 = |value: u32| value.to_le_bytes()[..3].to_vec();
    const ANIMATED: u8 = 2;
    let mut chunks = b"WEBP".to_vec();
    let canvas = [vec![ANIMATED, 0, 0, 0], u24(23), u24(15)].concat();
    chunks.extend(chunk(b"VP8X", &canvas));
    chunks.extend(chunk(b"ANIM", &[&background[..], &[0; 2]].concat()));
    for (pixels, (left, top)) in [(first, place), (&frame(SECOND), (0, 0))] {
        let still = encoded(pixels, Format::Webp).unwrap();
        let (right, bottom) = (pixels.width() - 1, pixels.height() - 1);
        let numbers = [left / 2, top / 2, right, bottom, 100].map(u24).concat();
        chunks.extend(chunk(
            b"ANMF",
            &[&numbers, &[flags][..], &still[12..]].concat(),
        ));
    }
    chunk(b"RIFF", &chunks)
}

/// A PNG with a second frame, in chunks that other readers pass over.
pub fn png() -> Vec<u8> {
    animated_png(false, (24, 16), [1, 0])
}

/// Where the default image is hidden, it is not a frame of the animation, and the others
/// are at (3, 2). How each is disposed of and blended is in its control.
fn animated_png(is_hidden: bool, size: (u32, u32), [dispose, blend]: [u8; 2]) -> Vec<u8> {
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
            &[numbers.as_slice(), &[0, 1, 0, 10, dispose, blend]].concat(),
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

const OPERATIONS: [[u8; 2]; 6] = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]];

/// Whatever the frames do to those before and behind them.
#[test]
fn a_default_image_that_is_not_of_the_animation_is_never_seen() {
    for operations in OPERATIONS {
        let image = decode(animated_png(true, (20, 10), operations), Format::Png).unwrap();
        assert_eq!(image.remarks, []);
        on_canvas(&image.pixels, (3, 2), (20, 10), |_, _| [30, 30, 200, 255]);
        let first = decode(animated_png(false, (24, 16), operations), Format::Png).unwrap();
        let [r, g, b] = FIRST;
        on_canvas(&first.pixels, (0, 0), (24, 16), |_, _| [r, g, b, 255]);
    }
}

/// Around the first frame nothing is to be seen, whatever the colour of the ground, which no
/// browser shows either.
#[test]
fn the_first_frame_of_a_webp_is_shown_as_it_is() {
    let (width, height) = (12, 10);
    let value = |x: usize, y: usize| [x as u8 * 20, y as u8 * 25, 77, (x * y) as u8 * 2 + 1];
    let all = (0..height).flat_map(|y| (0..width).flat_map(move |x| value(x, y)));
    let translucent = Pixels::new(12, 10, true, all.collect()).unwrap();
    for flags in 0..4 {
        for background in [[0; 4], [9, 200, 9, 255]] {
            for place in [(0, 0), (4, 6), (12, 0)] {
                let (left, top) = place;
                let file = webp_of(&translucent, (left as u32, top as u32), flags, background);
                let image = decode(file, Format::Webp).unwrap();
                on_canvas(&image.pixels, place, (12, 10), value);
            }
            let opaque = webp_of(&frame(FIRST), (0, 0), flags, background);
            let image = decode(opaque, Format::Webp).unwrap();
            let [r, g, b] = FIRST;
            on_canvas(&image.pixels, (0, 0), (24, 16), |_, _| [r, g, b, 255]);
        }
    }
}

/// A frame of an animation of 24 × 16, around which everything is transparent.
#[track_caller]
fn on_canvas(
    pixels: &Pixels,
    (left, top): (usize, usize),
    (width, height): (usize, usize),
    expected: impl Fn(usize, usize) -> [u8; 4],
) {
    assert_eq!((pixels.width(), pixels.height()), (24, 16));
    for (place, pixel) in pixels.iter().enumerate() {
        let (x, y) = (place % 24, place / 24);
        let is_within = (left..left + width).contains(&x) && (top..top + height).contains(&y);
        let [r, g, b] = crate::pixels::rgb(pixel);
        let found = [r, g, b, crate::pixels::alpha(pixel)];
        match is_within {
            true => {
                // Blending rounds.
                let expected = expected(x - left, y - top);
                let mut pairs = found.iter().zip(expected);
                let is_near = pairs.all(|(one, other)| one.abs_diff(other) <= 2);
                assert!(is_near, "{x} {y}: {found:?} {expected:?}");
            }
            false => assert_eq!(found, [0; 4], "{x} {y}"),
        }
    }
}
