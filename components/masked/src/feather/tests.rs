use proptest::prelude::*;

use super::*;

/// By the definition: the distance to each pixel that stays.
fn expected(marked: &[Vec<bool>], feather: u32) -> Vec<Vec<u32>> {
    let stays: Vec<(i64, i64)> = (0..)
        .zip(marked)
        .flat_map(|(y, row)| (0..).zip(row).map(move |(x, marked)| (x, y, *marked)))
        .filter_map(|(x, y, marked)| (!marked).then_some((x, y)))
        .collect();
    let weight = |x: i64, y: i64| {
        let distances = stays
            .iter()
            .map(|(a, b)| ((a - x).pow(2) + (b - y).pow(2)) as f64);
        let distance = distances.fold(f64::INFINITY, f64::min).sqrt();
        let reach = f64::from(feather + 1);
        match distance >= reach {
            true => FULL,
            false => (distance / reach * f64::from(FULL)).round() as u32,
        }
    };
    (0..)
        .zip(marked)
        .map(|(y, row)| (0..row.len() as i64).map(|x| weight(x, y)).collect())
        .collect()
}

fn found(marked: &[Vec<bool>], feather: u32) -> Vec<Vec<u32>> {
    let width = marked[0].len() as u32;
    let mask = Mask::of_rows(marked);
    let mut rows = Feather::new(width, feather);
    let mut row = Vec::new();
    marked
        .iter()
        .map(|_| {
            rows.next_row(&mask, &mut row);
            row.clone()
        })
        .collect()
}

/// Noise of some density, and rectangles upon it.
fn masks() -> impl Strategy<Value = Vec<Vec<bool>>> {
    let rectangle = (any::<[u8; 4]>(), any::<bool>());
    let rectangles = proptest::collection::vec(rectangle, 0..6);
    let seed = (any::<u64>(), 0..=16_u64);
    (1..150_usize, 1..150_usize, seed, rectangles).prop_map(
        |(width, height, (mut state, density), rectangles)| {
            let mut noise = || {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(99);
                (state >> 33) % 16 < density
            };
            let mut rows = vec![vec![false; width]; height];
            rows.iter_mut().flatten().for_each(|pixel| *pixel = noise());
            for ([x, y, across, down], value) in rectangles {
                for row in rows.iter_mut().skip(y as usize % height).take(down.into()) {
                    let pixels = row.iter_mut().skip(x as usize % width);
                    pixels.take(across.into()).for_each(|pixel| *pixel = value);
                }
            }
            rows
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn weights_are_those_of_the_definition(marked in masks(), feather in 0..=64_u32) {
        let (found, expected) = (found(&marked, feather), expected(&marked, feather));
        prop_assert!(found == expected);
    }
}

#[test]
fn the_border_of_the_image_is_no_edge() {
    let whole = vec![vec![true; 9]; 7];
    assert!(
        found(&whole, 64)
            .iter()
            .flatten()
            .all(|weight| *weight == FULL)
    );
    let mut half = whole;
    half.iter_mut().for_each(|row| row[..4].fill(false));
    let expected = [0, 0, 0, 0, FULL / 4, FULL / 2, FULL / 4 * 3, FULL, FULL];
    assert!(found(&half, 3).iter().all(|row| *row == expected));
    assert!(found(&half, 0).iter().all(|row| row[4..] == [FULL; 5]));
}

/// What is larger counts as the largest.
#[test]
fn an_extreme_feather_is_the_largest() {
    let mut marked = vec![vec![true; 200]];
    marked[0][0] = false;
    assert_eq!(found(&marked, u32::MAX), found(&marked, 64));
}
