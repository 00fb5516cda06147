//! GIFs in every order of rows, with and without transparency, and with every disposal, which
//! is for later frames; beside what they were made of.

use ::gif::{DisposalMethod, Encoder, Frame};

use super::*;

/// The rows in the order in which an interlaced file has them.
fn interlaced(height: usize) -> impl Iterator<Item = usize> {
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    passes
        .into_iter()
        .flat_map(move |(first, step)| (first..height).step_by(step))
}

#[derive(Clone, Copy, Debug)]
struct Case {
    size: (usize, usize),
    colors: usize,
    place: (usize, usize),
    transparent: Option<u8>,
    is_interlaced: bool,
    has_own_palette: bool,
    dispose: DisposalMethod,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [(1, 1), (3, 2), (8, 1), (1, 9), (17, 13), (64, 40)] {
        for (colors, place) in [(2, (0, 0)), (4, (5, 3)), (256, (0, 0)), (256, (5, 3))] {
            for transparent in [None, Some(1)] {
                for (is_interlaced, has_own_palette) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    use DisposalMethod::{Any, Background, Keep, Previous};
                    cases.extend([Any, Keep, Background, Previous].map(|dispose| Case {
                        size,
                        colors,
                        place,
                        transparent,
                        is_interlaced,
                        has_own_palette,
                        dispose,
                    }));
                }
            }
        }
    }
    cases
}

impl Case {
    fn index(&self, x: usize, y: usize) -> u8 {
        ((x * 7 + y * 13) % self.colors) as u8
    }

    fn file(&self) -> Vec<u8> {
        let (width, height) = self.size;
        let (left, top) = self.place;
        let palette: Vec<u8> = (0..self.colors).flat_map(color).collect();
        let other: Vec<u8> = palette.iter().rev().copied().collect();
        let global = if self.has_own_palette {
            &other
        } else {
            &palette
        };
        let rows: Vec<usize> = match self.is_interlaced {
            true => interlaced(height).collect(),
            false => (0..height).collect(),
        };
        let indices: Vec<u8> = rows
            .into_iter()
            .flat_map(|y| (0..width).map(move |x| self.index(x, y)))
            .collect();
        let first = Frame {
            left: left as u16,
            top: top as u16,
            width: width as u16,
            height: height as u16,
            transparent: self.transparent,
            interlaced: self.is_interlaced,
            palette: self.has_own_palette.then(|| palette.clone()),
            dispose: self.dispose,
            buffer: indices.into(),
            ..Frame::default()
        };
        let second = Frame {
            buffer: vec![0; width * height].into(),
            dispose: DisposalMethod::Background,
            ..first.clone()
        };
        let screen = ((left + width) as u16, (top + height) as u16);
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, screen.0, screen.1, global).unwrap();
        encoder.write_frame(&first).unwrap();
        encoder.write_frame(&second).unwrap();
        drop(encoder);
        file
    }
}

fn color(index: usize) -> [u8; 3] {
    let index = index as u8;
    [index, 255 - index, index / 2]
}

#[test]
fn a_gif_has_the_same_pixels_in_every_order_and_with_every_disposal() {
    let cases = cases();
    assert_eq!(cases.len(), 768);
    for case in cases {
        let image = decode(case.file(), Format::Gif).unwrap();
        assert_eq!(image.remarks, [Remark::FirstFrame], "{case:?}");
        let (left, top) = case.place;
        let width = left + case.size.0;
        assert_eq!(image.pixels.width() as usize, width, "{case:?}");
        for (at, found) in all_pixels(&image.pixels).into_iter().enumerate() {
            let place = (at % width)
                .checked_sub(left)
                .zip((at / width).checked_sub(top));
            let index = place.map(|(x, y)| case.index(x, y));
            match index.filter(|index| Some(*index) != case.transparent) {
                Some(index) => {
                    let [r, g, b] = color(index.into());
                    assert_eq!(found, [r, g, b, 255], "{case:?} at {at}");
                }
                None => assert_eq!(found[3], 0, "{case:?} at {at}"),
            }
        }
    }
}
