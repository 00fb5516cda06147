//! Decoded pixels beside those of another decoder, or beside what was drawn.

use concept_refinement_samples::jpeg::matrix;

use super::*;

/// Luma is a wave, chroma a slope, which the interpolation of chroma keeps.
fn drawn(component: usize, x: f64, y: f64) -> f64 {
    match component {
        0 => 110.0 + x + 30.0 * (y * 0.4).sin(),
        1 => 100.0 + y,
        _ => 170.0 - x * 0.8,
    }
}

fn differences<'a>(one: &'a [u8], other: &'a [u8]) -> impl Iterator<Item = f64> + 'a {
    assert_eq!(one.len(), other.len());
    one.iter()
        .zip(other)
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
}

#[test]
fn a_jpeg_has_the_same_pixels_in_every_arrangement_and_decoder() {
    let (mut count, mut compared) = (0, 0);
    for size in [(64, 64), (61, 47), (17, 9), (8, 8), (1, 1), (24, 40)] {
        let mut plain = Vec::new();
        for (name, jpeg) in matrix(size) {
            let file = jpeg.file(&drawn);
            let pixels = decode(file.clone(), Format::Jpeg).unwrap().pixels;
            count += 1;
            if name.contains("interleaved") {
                plain = pixels.data().to_vec();
                // The other decoder is wrong about larger chroma, and about four
                // components without a mark of what they are.
                if !name.starts_with("halved luma") && !name.starts_with("four") {
                    let other = image::load_from_memory(&file).unwrap().to_rgb8();
                    let worst = differences(&plain, &other).fold(0.0, f64::max);
                    assert!(worst <= 8.0, "{name}: {worst}");
                    compared += 1;
                }
                if jpeg.samplings.len() == 3 {
                    let width = usize::from(size.0);
                    let expected: Vec<u8> = (0..width * usize::from(size.1))
                        .flat_map(|at| {
                            let (x, y) = ((at % width) as f64, (at / width) as f64);
                            let [l, b, r] = [0, 1, 2].map(|part| drawn(part, x, y));
                            let (b, r) = (b - 128.0, r - 128.0);
                            [l + 1.402 * r, l - 0.344 * b - 0.714 * r, l + 1.772 * b]
                        })
                        .map(|value| value.round().clamp(0.0, 255.0) as u8)
                        .collect();
                    let mean = differences(&plain, &expected).sum::<f64>() / plain.len() as f64;
                    // Halved luma loses its wave.
                    let most = if name.starts_with("halved luma") {
                        20.0
                    } else {
                        4.0
                    };
                    assert!(mean <= most, "{name}: {mean}");
                }
            }
            assert!(pixels.data() == plain, "{name}");
        }
    }
    assert!(count > 1_000 && compared > 150, "{count} {compared}");
}

/// Adam7: the first column and row of each pass, and the steps to the next ones.
const PASSES: [(usize, usize, usize, usize); 7] = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
];

/// A PNG with these chunks before its data, which is not compressed.
fn png(size: (u32, u32), kind: [u8; 3], chunks: &[(&[u8; 4], &[u8])], rows: &[u8]) -> Vec<u8> {
    let [depth, color, interlace] = kind;
    let sides = [size.0.to_be_bytes(), size.1.to_be_bytes()].concat();
    let header = [sides.as_slice(), &[depth, color, 0, 0, interlace]].concat();
    let length = rows.len() as u16;
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let stored = [
        &[0x78, 1, 1],
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        rows,
        &(b << 16 | a).to_be_bytes(),
    ]
    .concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [(b"IHDR", header.as_slice())]
        .into_iter()
        .chain(chunks.iter().copied());
    for (name, contents) in all.chain([(b"IDAT", stored.as_slice()), (b"IEND", &[])]) {
        let named = [name.as_slice(), contents].concat();
        file.extend((contents.len() as u32).to_be_bytes());
        file.extend(&named);
        file.extend(super::crc32(&named).to_be_bytes());
    }
    file
}

#[test]
fn a_png_has_the_same_pixels_in_every_depth_and_order() {
    const WIDTH: usize = 11;
    const HEIGHT: usize = 9;
    let palette: Vec<u8> = (0..=255_u8).flat_map(|at| [at, 255 - at, at / 2]).collect();
    let kinds = [(0, 1), (2, 3), (3, 1), (4, 2), (6, 4)];
    for (color, channels) in kinds {
        for depth in [1_u8, 2, 4, 8, 16] {
            if !matches!((color, depth), (0, _) | (2 | 4 | 6, 8 | 16) | (3, 1..=8)) {
                continue;
            }
            let most = if depth == 16 {
                65_535
            } else {
                (1_u32 << depth) - 1
            };
            let value = |x: usize, y: usize, channel: usize| {
                ((x * 7 + y * 13 + channel * 29) as u32 * 1_103) % (most + 1)
            };
            let packed = |row: &mut dyn Iterator<Item = (usize, usize)>| {
                let (mut bytes, mut held, mut bits) = (vec![0_u8], 0_u32, 0);
                for (x, y) in row {
                    for channel in 0..channels {
                        held = held << depth | value(x, y, channel);
                        bits += depth;
                        while bits >= 8 {
                            bytes.push((held >> (bits - 8)) as u8);
                            bits -= 8;
                        }
                    }
                }
                if bits > 0 {
                    bytes.push((held << (8 - bits)) as u8);
                }
                bytes
            };
            let plain: Vec<u8> = (0..HEIGHT)
                .flat_map(|y| packed(&mut (0..WIDTH).map(move |x| (x, y))))
                .collect();
            let mut interlaced = Vec::new();
            for (left, top, across, down) in PASSES {
                for y in (top..HEIGHT).step_by(down) {
                    let mut row = (left..WIDTH).step_by(across).map(|x| (x, y)).peekable();
                    if row.peek().is_some() {
                        interlaced.extend(packed(&mut row));
                    }
                }
            }
            let scaled = |value: u32| (f64::from(value) * 255.0 / f64::from(most)).round() as u8;
            let expected: Vec<[u8; 4]> = (0..WIDTH * HEIGHT)
                .map(|at| {
                    let at = |channel| value(at % WIDTH, at / WIDTH, channel);
                    let grey = scaled(at(0));
                    match color {
                        0 => [grey, grey, grey, 255],
                        4 => [grey, grey, grey, scaled(at(1))],
                        3 => {
                            let place = at(0) as usize * 3;
                            [palette[place], palette[place + 1], palette[place + 2], 255]
                        }
                        2 => [grey, scaled(at(1)), scaled(at(2)), 255],
                        _ => [grey, scaled(at(1)), scaled(at(2)), scaled(at(3))],
                    }
                })
                .collect();
            let colors = &palette[..3 << depth.min(8)];
            let chunks: &[(&[u8; 4], &[u8])] = if color == 3 {
                &[(b"PLTE", colors)]
            } else {
                &[]
            };
            for (interlace, rows) in [(0, &plain), (1, &interlaced)] {
                let size = (WIDTH as u32, HEIGHT as u32);
                let file = png(size, [depth, color, interlace], chunks, rows);
                let pixels = decode(file, Format::Png).unwrap().pixels;
                let found: Vec<[u8; 4]> = pixels
                    .iter()
                    .map(|pixel| {
                        let [r, g, b] = crate::pixels::rgb(pixel);
                        [r, g, b, crate::pixels::alpha(pixel)]
                    })
                    .collect();
                assert!(found == expected, "{color} {depth} {interlace}");
            }
        }
    }
}
