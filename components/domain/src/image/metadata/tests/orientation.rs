//! Orientations, as decoders read them.

use image::metadata::Orientation;
use proptest::prelude::*;

use super::super::orientation::Reader;
use super::chunks;
use super::files::{minimal_tiff, tiff};

const TAG: u16 = 0x112;

fn read(bytes: &[u8], cuts: &[usize]) -> Option<Vec<u8>> {
    let mut reader = Reader::default();
    for chunk in chunks(bytes, cuts) {
        reader.push(chunk);
    }
    reader.finish().map(|orientation| orientation.tiff())
}

#[test]
fn every_orientation_is_found_in_either_order() {
    for is_big in [false, true] {
        for value in 0..=9 {
            for place in [8, 9, 70_000] {
                let entries = [(0x10f, 2, 20, 8), (TAG, 3, 1, value), (0x8825, 4, 1, 8)];
                let tiff = tiff(is_big, place, &entries);
                let expected = (2..=8).contains(&value).then(|| minimal_tiff(value as u8));
                assert_eq!(read(&tiff, &[]), expected, "{value} at {place}");
                let bytes: Vec<usize> = (0..tiff.len()).collect();
                assert_eq!(read(&tiff, &bytes), expected, "{value} at {place} by bytes");
            }
        }
    }
}

#[test]
fn what_is_no_orientation_says_nothing() {
    let upside_down = [(TAG, 3, 1, 3)];
    let whole = tiff(true, 8, &upside_down);
    assert_eq!(read(&whole, &[]), Some(minimal_tiff(3)));
    for (name, bytes) in [
        ("nothing", vec![]),
        ("two of them", tiff(true, 8, &[(TAG, 3, 2, 3)])),
        ("a byte", tiff(true, 8, &[(TAG, 1, 1, 3)])),
        ("another tag", tiff(true, 8, &[(0x113, 3, 1, 3)])),
        ("no entries", tiff(true, 8, &[])),
        (
            "a directory in the header",
            b"MM\0*\0\0\0\x04\0\x01".to_vec(),
        ),
        (
            "a directory behind the end",
            b"MM\0*\xff\xff\xff\xff".to_vec(),
        ),
        ("a cut entry", whole[..21].to_vec()),
        ("another number", [b"MM\0+", &whole[4..]].concat()),
        (
            "first a wrong one",
            tiff(false, 8, &[(TAG, 3, 1, 9), (TAG, 3, 1, 3)]),
        ),
        (
            "long, and too large",
            tiff(false, 8, &[(TAG, 4, 1, 0x1_0003)]),
        ),
        ("a prefix twice", [b"Exif\0\0Exif\0\0", &whole[..]].concat()),
    ] {
        assert_eq!(read(&bytes, &[]), None, "{name}");
    }
}

/// What only some can read is left as it is: it is then read by the same ones.
#[test]
fn unusual_forms_are_kept() {
    for is_big in [false, true] {
        let long = tiff(is_big, 8, &[(TAG, 4, 1, 7)]);
        let result = read(&long, &[]).unwrap();
        assert_eq!(Orientation::from_exif_chunk(&long), None);
        assert_eq!(Orientation::from_exif_chunk(&result), None);
        assert_eq!(result, tiff(true, 8, &[(TAG, 4, 1, 7)]));

        let both = tiff(is_big, 8, &[(TAG, 4, 1, 7), (TAG, 3, 1, 6)]);
        assert_eq!(read(&both, &[]), Some(minimal_tiff(6)));

        let prefixed = [b"Exif\0\0", &tiff(is_big, 30, &[(TAG, 3, 1, 6)])[..]].concat();
        let expected = [b"Exif\0\0", &minimal_tiff(6)[..]].concat();
        assert_eq!(read(&prefixed, &[]), Some(expected));
    }
}

proptest! {
    #[test]
    fn the_library_finds_the_same(
        is_big: bool,
        place in 8u32..60,
        entries in prop::collection::vec(
            (0x110u16..0x114, 1u16..5, 0u32..3, 0u32..10), 0..6
        ),
        cut in 0usize..200,
        cuts in prop::collection::vec(0usize..200, 0..4),
    ) {
        let entries: Vec<_> = entries.into_iter().filter(|entry| entry.1 != 4).collect();
        let tiff = tiff(is_big, place, &entries);
        let tiff = &tiff[..cut.min(tiff.len())];
        let expected = Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms);
        let result = read(tiff, &cuts);
        let found = result.and_then(|it| Orientation::from_exif_chunk(&it));
        prop_assert_eq!(found.unwrap_or(Orientation::NoTransforms), expected);
    }
}
