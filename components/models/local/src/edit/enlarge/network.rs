//! Anime4K's network "Upscale CNN x2 VL": seven convolutions of 3×3 pixels with eight
//! channels each, and a last one that reads all of them at one pixel. What it computes is
//! added to a bilinear enlargement, in sRGB. `LICENSE-anime4k.txt` says where the weights
//! come from.
//!
//! The same bytes everywhere: sums are added up in a fixed order, and products are never
//! fused with sums. SIMD computes several pixels at once, and each of them as without. It
//! is on for the functions that need it, so that no other code of a component changes.
//!
//! The weights are 8,612 little-endian `f32` in the order of their use: layer by layer,
//! four channels at a time, what each input contributes to these and then their biases.
//! Inputs come in fours too: for each four the pixels around column by column.

use std::array::from_fn;

/// How many pixels around another one its result depends on.
pub const REACH: usize = LAYERS;

/// Rows of values without gaps.
pub type Plane = Vec<f32>;

const LAYERS: usize = 7;

const WEIGHTS: &[u8] = include_bytes!("../../../anime4k-cnn-2x-vl.bin");

/// Pixels that are computed together, in registers.
const LANES: usize = 8;

pub struct Network {
    layers: Vec<[Filter; 2]>,
    /// For each colour.
    last: [Filter; 3],
}

/// What computes four planes from others.
struct Filter {
    weights: Vec<[f32; 4]>,
    biases: [f32; 4],
}

impl Network {
    pub fn new() -> Self {
        let numbers = WEIGHTS.as_chunks().0.iter().copied();
        let numbers: Vec<_> = numbers.map(f32::from_le_bytes).collect();
        let mut numbers = numbers.as_chunks().0.iter().copied();
        let mut filter = |inputs| Filter {
            weights: numbers.by_ref().take(inputs).collect(),
            biases: numbers.next().unwrap_or_default(),
        };
        // The first layer sees a fourth channel, whose weights are zero. All others see
        // each channel twice: what is positive and what is negative.
        let inputs = |layer| if layer == 0 { 4 } else { 16 };
        let layers = (0..LAYERS).map(|layer| from_fn(|_| filter(9 * inputs(layer))));
        let layers = layers.collect();
        let last = from_fn(|_| filter(16 * LAYERS));
        Self { layers, last }
    }

    /// Takes planes of red, green and blue, `stride` pixels wide. Returns for each of them
    /// the upper left, upper right, lower left and lower right quarters of its pixels,
    /// except for those within `REACH` of a border: results begin with that of the first
    /// other pixel, and the last `2 * REACH` of each row mean nothing.
    pub fn double(&self, colors: &[Plane; 3], stride: usize) -> [[Plane; 4]; 3] {
        let around = |start| from_fn(|tap: usize| start + tap / 3 + tap % 3 * stride);
        let ring = 2 * (stride + 1);
        let mut length = colors.iter().map(Vec::len).min().unwrap_or_default();
        let mut inputs: Vec<Plane> = colors.to_vec();
        inputs.push(Plane::new());
        for plane in &mut inputs {
            plane.resize(length + LANES, 0.0);
        }
        let result = length.saturating_sub(LAYERS * ring);
        let mut sums = self.last.each_ref().map(|last| last.blank(result));
        let middle: [usize; 9] = around((LAYERS - 1) * (stride + 1));
        for (sums, color) in sums.iter_mut().zip(inputs.chunks(1)) {
            add(sums, color, &middle, &bilinear());
        }
        for (layer, filters) in self.layers.iter().enumerate() {
            length = length.saturating_sub(ring);
            let outputs = filters.each_ref().map(|filter| {
                let mut outputs = filter.blank(length);
                add::<9>(&mut outputs, &inputs, &around(0), &filter.weights);
                outputs
            });
            inputs = rectified(outputs.as_flattened());
            let place = (LAYERS - 1 - layer) * (stride + 1);
            for (sums, last) in sums.iter_mut().zip(&self.last) {
                let weights = last.weights.chunks_exact(16).nth(layer);
                add(sums, &inputs, &[place], weights.unwrap_or_default());
            }
        }
        sums
    }
}

impl Filter {
    fn blank(&self, length: usize) -> [Plane; 4] {
        self.biases.map(|bias| vec![bias; length + LANES])
    }
}

/// The weights of a bilinear enlargement, in the order of a filter's.
fn bilinear() -> [[f32; 4]; 9] {
    const BEFORE: [f32; 3] = [0.25, 0.75, 0.0];
    const AFTER: [f32; 3] = [0.0, 0.75, 0.25];
    let mut places = BEFORE.iter().zip(AFTER).flat_map(|(left, right)| {
        let column = BEFORE.iter().zip(AFTER);
        column.map(move |(up, down)| [left * up, right * up, left * down, right * down])
    });
    from_fn(|_| places.next().unwrap_or_default())
}

/// What is positive of each plane, then what is negative.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn rectified(planes: &[Plane]) -> Vec<Plane> {
    let positive = |value: f32| if value > 0.0 { value } else { 0.0 };
    let [mut all, negative] = [1.0, -1.0].map(|sign| {
        let plane = |plane: &Plane| plane.iter().map(|value| positive(value * sign)).collect();
        planes.iter().map(plane).collect::<Vec<Plane>>()
    });
    all.extend(negative);
    all
}

/// Adds the inputs, each from all the given places on, to the outputs.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn add<const TAPS: usize>(
    outputs: &mut [Plane; 4],
    inputs: &[Plane],
    taps: &[usize; TAPS],
    weights: &[[f32; 4]],
) {
    let [a, b, c, d] = outputs
        .each_mut()
        .map(|plane| plane.as_chunks_mut::<LANES>().0);
    let outputs = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
    for (block, ((a, b), (c, d))) in outputs.enumerate() {
        let mut sums = [*a, *b, *c, *d];
        let mut weights = weights.iter();
        for four in inputs.chunks(4) {
            for tap in taps {
                for (plane, weights) in four.iter().zip(&mut weights) {
                    let from = plane.get(block * LANES + tap..).unwrap_or_default();
                    let Some(values) = from.first_chunk::<LANES>() else {
                        continue;
                    };
                    for (sums, weight) in sums.iter_mut().zip(weights) {
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += value * weight;
                        }
                    }
                }
            }
        }
        [*a, *b, *c, *d] = sums;
    }
}
