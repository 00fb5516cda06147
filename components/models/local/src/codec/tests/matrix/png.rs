//! PNGs of every colour type, depth and order of rows, beside what they were made of.

use super::super::crc32;
use super::*;

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
        file.extend(crc32(&named).to_be_bytes());
    }
    file
}

#[test]
fn a_png_has_the_same_pixels_in_every_depth_and_order_and_with_a_key() {
    const WIDTH: usize = 11;
    const HEIGHT: usize = 9;
    let palette: Vec<u8> = (0..=255_u8).flat_map(|at| [at, 255 - at, at / 2]).collect();
    let kinds = [(0, 1), (2, 3), (3, 1), (4, 2), (6, 4)];
    let mut count = 0;
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
            let colors = &palette[..3 << depth.min(8)];
            // What is transparent: a colour, or the first ones of a palette by degrees.
            let key = [0, 1, 2].map(|channel| value(3, 4, channel));
            let degrees: Vec<u8> = (1..colors.len() / 3).map(|at| (at * 60) as u8).collect();
            let key_chunk: Vec<u8> = match color {
                3 => degrees.clone(),
                _ => key
                    .iter()
                    .take(channels)
                    .flat_map(|value| (*value as u16).to_be_bytes())
                    .collect(),
            };
            for is_keyed in [false, true] {
                if is_keyed && matches!(color, 4 | 6) {
                    continue;
                }
                let expected: Vec<[u8; 4]> = (0..WIDTH * HEIGHT)
                    .map(|at| {
                        let at = |channel| value(at % WIDTH, at / WIDTH, channel);
                        let is_key = is_keyed && (0..channels).all(|part| at(part) == key[part]);
                        let alpha = if is_key { 0 } else { 255 };
                        let grey = scaled(at(0));
                        match color {
                            0 => [grey, grey, grey, alpha],
                            4 => [grey, grey, grey, scaled(at(1))],
                            3 => {
                                let place = at(0) as usize;
                                let degree = degrees.get(place).filter(|_| is_keyed);
                                let alpha = degree.copied().unwrap_or(255);
                                let color = &palette[3 * place..];
                                [color[0], color[1], color[2], alpha]
                            }
                            2 => [grey, scaled(at(1)), scaled(at(2)), alpha],
                            _ => [grey, scaled(at(1)), scaled(at(2)), scaled(at(3))],
                        }
                    })
                    .collect();
                let mut chunks: Vec<(&[u8; 4], &[u8])> = Vec::new();
                chunks.extend((color == 3).then_some((b"PLTE", colors)));
                chunks.extend(is_keyed.then_some((b"tRNS", key_chunk.as_slice())));
                for (interlace, rows) in [(0, &plain), (1, &interlaced)] {
                    let size = (WIDTH as u32, HEIGHT as u32);
                    let file = png(size, [depth, color, interlace], &chunks, rows);
                    let pixels = decode(file, Format::Png).unwrap().pixels;
                    let case = format!("{color} {depth} {interlace} {is_keyed}");
                    assert_eq!(all_pixels(&pixels), expected, "{case}");
                    assert!(pixels.has_alpha() || !is_keyed, "{case}");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 52);
}
