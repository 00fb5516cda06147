//! Finds the few colours that represent a picture, by k-means clustering in a
//! perceptual space. It starts deterministically, so that the same picture
//! always gets the same colours.

use palette::Oklab;

use crate::color;
use crate::pixels::{Pixels, alpha, rgb};

/// Returns between one and `most` colours.
pub fn of(pixels: &Pixels, most: usize) -> Vec<[u8; 3]> {
    const ROUNDS: usize = 12;
    let points = histogram(pixels);
    let mut centers = start(&points, most);
    for _ in 0..ROUNDS {
        centers = clusters(&points, &centers)
            .into_iter()
            .filter_map(|cluster| mean(&cluster, |point| point.weight()))
            .collect();
    }
    merge_alike(&mut centers);
    // A cluster is represented by a colour near its most frequent one.
    clusters(&points, &centers)
        .into_iter()
        .filter_map(|cluster| mean(&cluster, |point| point.count * point.count))
        .map(color::to_srgb8)
        .collect()
}

/// The index of the centre that is nearest to a colour.
pub fn nearest(centers: impl IntoIterator<Item = Oklab>, color: Oklab) -> usize {
    centers
        .into_iter()
        .map(|center| apart(center, color))
        .enumerate()
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map_or(0, |(index, _)| index)
}

/// The same of many colours.
pub fn nearest_of_many(centers: Vec<Oklab>) -> impl FnMut([u8; 3]) -> usize {
    color::once(move |color| nearest(centers.iter().copied(), color::from_srgb(color)))
}

/// Distance of two colours. Hue counts more than usual, so that green stays
/// separate from a brown of the same lightness.
fn apart(one: Oklab, other: Oklab) -> f32 {
    const KIND: f32 = 1.8;
    let stretched = |color: Oklab| Oklab::new(color.l, color.a * KIND, color.b * KIND);
    color::distance(stretched(one), stretched(other))
}

/// A colour of the picture.
#[derive(Clone, Copy)]
struct Point {
    color: Oklab,
    /// How many pixels have it.
    count: f32,
}

impl Point {
    /// The weight grows less than the area, so that small objects of their own
    /// colour survive next to large backgrounds.
    fn weight(self) -> f32 {
        self.count.powf(0.6)
    }
}

/// The colours of visible pixels, similar ones combined.
fn histogram(pixels: &Pixels) -> Vec<Point> {
    const BITS: u32 = 5;
    let [mut calm, mut all, mut faint] = [(); 3].map(|()| Histogram::new(BITS));
    let channels = pixels.channels();
    for (y, row) in pixels.rows().enumerate() {
        let right = row.chunks_exact(channels).skip(1).map(Some).chain([None]);
        let below = pixels.row(y + 1).chunks_exact(channels);
        for ((pixel, right), below) in row.chunks_exact(channels).zip(right).zip(below) {
            if alpha(pixel) > 127 {
                all.add(rgb(pixel));
                if alike(pixel, right.unwrap_or(pixel)) && alike(pixel, below) {
                    calm.add(rgb(pixel));
                }
            } else if alpha(pixel) > 0 {
                faint.add(rgb(pixel));
            }
        }
    }
    // Seams of shapes are mixtures, so they are left out, unless there is
    // nothing else.
    let histograms = [calm, all, faint].into_iter();
    let mut points = histograms.map(Histogram::points);
    points.find(|points| !points.is_empty()).unwrap_or_default()
}

fn alike(one: &[u8], other: &[u8]) -> bool {
    const LEVELS: u32 = 24;
    let apart = one
        .iter()
        .zip(other)
        .map(|(one, other)| u32::from(one.abs_diff(*other)));
    apart.sum::<u32>() < LEVELS
}

/// For each colour (of few bits) the sums of what was added, and their number.
pub struct Histogram {
    bits: u32,
    sums: Vec<[u32; 4]>,
}

impl Histogram {
    pub fn new(bits: u32) -> Self {
        let sums = vec![[0; 4]; 1 << (3 * bits)];
        Self { bits, sums }
    }

    pub fn add(&mut self, color: [u8; 3]) {
        if let Some([r, g, b, count]) = self.sums.get_mut(color::bin(color, self.bits)) {
            let [red, green, blue] = color.map(u32::from);
            *r += red;
            *g += green;
            *b += blue;
            *count += 1;
        }
    }

    pub fn most_frequent(&self) -> Option<[u32; 4]> {
        let bins = self.sums.iter().rev();
        bins.max_by_key(|[.., count]| *count).copied()
    }

    fn points(self) -> Vec<Point> {
        let filled = self.sums.into_iter().filter(|[_, _, _, count]| *count > 0);
        filled
            .map(|[r, g, b, count]| Point {
                color: color::from_srgb([r, g, b].map(|sum| (sum / count) as u8)),
                count: count as f32,
            })
            .collect()
    }
}

/// Initial centres: the most frequent colour, then repeatedly the most frequent
/// and most distant one.
fn start(points: &[Point], most: usize) -> Vec<Oklab> {
    let mut far: Vec<f32> = vec![f32::INFINITY; points.len()];
    let mut centers: Vec<Oklab> = Vec::with_capacity(most);
    while centers.len() < most {
        let next = points
            .iter()
            .zip(&far)
            .map(|(point, far)| (point, far.min(1.0).powi(2) * point.weight()))
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((newest, _)) = next.filter(|(_, score)| *score > 0.0) else {
            break;
        };
        centers.push(newest.color);
        for (far, point) in far.iter_mut().zip(points) {
            *far = far.min(apart(point.color, newest.color));
        }
    }
    centers
}

/// The mean colour of some points, by their weights.
fn mean(points: &[Point], weight: impl Fn(&Point) -> f32) -> Option<Oklab> {
    let (mut sum, mut all): (Oklab, f32) = (Oklab::new(0.0, 0.0, 0.0), 0.0);
    for point in points {
        let weight = weight(point);
        sum += point.color * weight;
        all += weight;
    }
    (all > 0.0).then(|| sum / all)
}

/// The points that are nearest to each centre.
fn clusters(points: &[Point], centers: &[Oklab]) -> Vec<Vec<Point>> {
    let mut clusters = vec![Vec::new(); centers.len()];
    for point in points {
        let nearest = nearest(centers.iter().copied(), point.color);
        if let Some(cluster) = clusters.get_mut(nearest) {
            cluster.push(*point);
        }
    }
    clusters
}

/// Merges colours that can hardly be distinguished.
fn merge_alike(centers: &mut Vec<Oklab>) {
    const ALIKE: f32 = 0.06;
    let mut distinct: Vec<Oklab> = Vec::with_capacity(centers.len());
    for center in centers.drain(..) {
        if distinct.iter().all(|other| apart(*other, center) > ALIKE) {
            distinct.push(center);
        }
    }
    *centers = distinct;
}
