//! Decoded pixels beside those of another decoder, or beside what was drawn.

mod gif;
mod png;

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

/// Colours with alpha, row by row.
fn all_pixels(pixels: &Pixels) -> Vec<[u8; 4]> {
    let of = |pixel: &[u8]| {
        let [r, g, b] = crate::pixels::rgb(pixel);
        [r, g, b, crate::pixels::alpha(pixel)]
    };
    pixels.iter().map(of).collect()
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
