//! What the domain says that an edit needs is what it needs at most.

#![allow(clippy::unwrap_used)]
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use concept_refinement_domain::partial_edit::{compose_need, prepare_need};
use concept_refinement_masked::{Answer, File, Part, Region, compose, prepare};
use concept_refinement_samples::jpeg::{Jpeg, Scan};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use png::{BitDepth, ColorType, Encoder};

struct Counting;

static NOW: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// Everything is the system's allocator but the counts. What moves counts twice, as it does
// in the instance's memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size() as u64;
        MOST.fetch_max(NOW.fetch_add(size, Relaxed) + size, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size() as u64, Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

const SIDE: u32 = 900;
const PIXELS: u64 = SIDE as u64 * SIDE as u64;
/// The widest and highest image of so many pixels: for what its rows and columns need the
/// bounds have room, and for code.
const LINE: u64 = 65_535;
/// Rows and tables of small images.
const ROWS: u64 = 4 << 20;

/// The most that was allocated meanwhile.
fn peak<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let made = work();
    (MOST.load(Relaxed) - before, made)
}

/// Of four inks, progressive.
fn print() -> Vec<u8> {
    let all = [0, 1, 2, 3];
    let first = Scan::part(&all, (0, 0), (0, 0));
    let others = all.map(|ink| Scan::part(&[ink], (1, 63), (0, 0)));
    let jpeg = Jpeg {
        size: (SIDE as u16, SIDE as u16),
        samplings: vec![(1, 1); 4],
        restart: 0,
        progressive: true,
        scans: [vec![first], others.to_vec()].concat(),
    };
    jpeg.file(&|ink, x, y| 200.0 + 10.0 * ink as f64 + x * 0.01 + y * 0.005)
}

/// Noise of four channels.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..PIXELS as usize * bytes).map(|_| byte()).collect()
}

fn deep_png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, SIDE, SIDE);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Sixteen);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&noise(8)).unwrap();
    drop(writer);
    file
}

fn webp() -> Vec<u8> {
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file)
        .write_image(&noise(4), SIDE, SIDE, ExtendedColorType::Rgba8)
        .unwrap();
    file
}

fn file((media_type, bytes): &(&str, Vec<u8>)) -> File {
    File {
        media_type: (*media_type).to_owned(),
        bytes: bytes.clone(),
    }
}

#[test]
fn an_edit_needs_no_more_memory_than_the_domain_says() {
    let kinds = [
        ("image/jpeg", print()),
        ("image/png", deep_png()),
        ("image/webp", webp()),
    ];
    let part = || Region {
        x: 100,
        y: 100,
        width: 700,
        height: 600,
    };
    for original in &kinds {
        for other in &kinds {
            let case = format!("{} {}", original.0, other.0);
            let length = |file: &(&str, Vec<u8>)| file.1.len() as u64;
            for part_only in [false, true] {
                let (needed, ()) = peak(|| {
                    let mask = Part::Mask(file(other));
                    let view = prepare(file(original), mask, part_only).unwrap();
                    view.image.into_iter().flatten().for_each(drop);
                });
                let bound = prepare_need(PIXELS, length(original), length(other))
                    - prepare_need(LINE, 0, 0)
                    + ROWS;
                println!("prepare, {case}: {needed} of {bound}");
                assert!(needed <= bound, "prepare, {case}: {needed} of {bound}");
            }
            let view = prepare(file(original), Part::Region(part()), false).unwrap();
            let (needed, ()) = peak(|| {
                let answer = Answer {
                    mask: view.mask,
                    area: view.area,
                    feather: 64,
                    image: file(other),
                };
                let composite = compose(file(original), answer).unwrap();
                composite.contents.for_each(drop);
            });
            let bound = compose_need(PIXELS, length(original), length(other))
                - compose_need(LINE, 0, 0)
                + ROWS;
            println!("compose, {case}: {needed} of {bound}");
            assert!(needed <= bound, "compose, {case}: {needed} of {bound}");
        }
    }
}
