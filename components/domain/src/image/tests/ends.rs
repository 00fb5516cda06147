//! Where an image ends: it is complete when its picture is, whatever stands behind it, and
//! never before.

use concept_refinement_samples::jpeg::{Jpeg, matrix};

use super::*;

/// What is found behind pictures that were written without their end.
const BEHIND: [(&str, &[u8]); 5] = [
    ("nothing", b""),
    ("zeros", &[0; 300]),
    (
        "a film",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\xff\xe0\0\x01",
    ),
    ("a NUL and a trailer", b"\0;"),
    ("bytes", b"\xaa\xff\x02\x01"),
];

/// Of every arrangement, and small enough that each cut can be tried.
fn arrangements() -> Vec<(String, Vec<u8>)> {
    let wave = |component: usize, x: f64, y: f64| {
        128.0 + 70.0 * (x * 0.7 + component as f64).sin() + 50.0 * (y * y * 0.03).cos()
    };
    let sizes = [(8, 8), (17, 9), (33, 40)];
    let all = sizes.into_iter().flat_map(matrix);
    all.map(|(name, jpeg)| (name, jpeg.file(&wave))).collect()
}

fn scans(file: &[u8]) -> usize {
    file.windows(2).filter(|pair| pair == b"\xff\xda").count()
}

#[test]
fn a_jpeg_is_complete_when_its_data_is() {
    for (name, file) in arrangements() {
        let (data, end) = file.split_at(file.len() - 2);
        assert_eq!(end, b"\xff\xd9", "{name}");
        for (behind, bytes) in BEHIND {
            let file = [data, bytes].concat();
            assert!(inspect(&file, LIMITS).is_ok(), "{name}, {behind} behind it");
        }
        let mut inspector = Inspector::new(LIMITS);
        let by_byte = data.chunks(1).try_for_each(|byte| inspector.push(byte));
        assert_eq!(by_byte, Ok(()), "{name}");
        assert!(inspector.finish().is_ok(), "{name} by bytes");
    }
}

#[test]
fn a_jpeg_that_lacks_data_is_refused_also_with_an_end() {
    for (name, file) in arrangements() {
        let last = (0..file.len())
            .rfind(|at| file[*at..].starts_with(b"\xff\xda"))
            .unwrap();
        // A last byte may have nothing but padding.
        for at in (last + 2..file.len() - 3).step_by(7) {
            let cut = &file[..at];
            assert_eq!(
                inspect(cut, LIMITS),
                Err(Problem::CutShort),
                "{name} cut at {at}"
            );
            let ended = inspect(&[cut, b"\xff\xd9"].concat(), LIMITS);
            // Within the header of the scan, or after a restart marker's prefix, it is
            // another damage.
            let is_told = matches!(ended, Err(Problem::Incomplete | Problem::CutShort));
            assert!(is_told, "{name} cut at {at} and ended: {ended:?}");
        }
        let first = file
            .windows(2)
            .position(|pair| pair == b"\xff\xda")
            .unwrap();
        if scans(&file) > 1 {
            let next = first
                + 2
                + file[first + 2..]
                    .windows(2)
                    .position(|pair| pair == b"\xff\xda")
                    .unwrap();
            let cut = &file[..next];
            assert_eq!(
                inspect(cut, LIMITS),
                Err(Problem::CutShort),
                "{name}, one scan"
            );
        }
    }
}

/// A progressive picture may leave out its details, if it says that it ends there.
#[test]
fn a_jpeg_without_its_last_scans_needs_its_end() {
    for (name, jpeg) in matrix((33, 40)) {
        let Some(jpeg) = without_last(jpeg) else {
            continue;
        };
        let file = jpeg.file(&|_, x, y| x * 3.0 + y);
        assert!(inspect(&file, LIMITS).is_ok(), "{name}");
        let cut = &file[..file.len() - 2];
        assert_eq!(inspect(cut, LIMITS), Err(Problem::CutShort), "{name}");
    }
}

fn without_last(mut jpeg: Jpeg) -> Option<Jpeg> {
    let last = jpeg.scans.pop()?;
    (jpeg.progressive && last.first > 0).then_some(jpeg)
}

#[test]
fn a_jpeg_lacks_a_component() {
    for (name, mut jpeg) in matrix((16, 16)) {
        if jpeg.progressive || jpeg.scans.len() < 2 {
            continue;
        }
        jpeg.scans.pop();
        let file = jpeg.file(&|_, x, y| x * 3.0 + y);
        assert_eq!(inspect(&file, LIMITS), Err(Problem::Incomplete), "{name}");
    }
}

/// It is up to a decoder what it makes of them.
#[test]
fn damaged_data_is_not_counted() {
    let (_, jpeg) = matrix((33, 40)).swap_remove(0);
    let file = jpeg.file(&|_, x, y| x * 3.0 + y);
    let scan = file
        .windows(2)
        .position(|pair| pair == b"\xff\xda")
        .unwrap();
    // All ones are no code.
    let ones = [&file[..scan + 30], &b"\xff\0".repeat(8), b"\xff\xd9"].concat();
    assert!(inspect(&ones, LIMITS).is_ok());
    let cut = inspect(&ones[..ones.len() - 2], LIMITS);
    assert_eq!(cut, Err(Problem::CutShort));
}

#[test]
fn a_gif_is_complete_when_its_frames_are() {
    let file = gif(4, 3, (0, 0, 4, 3));
    let (frames, trailer) = file.split_at(file.len() - 1);
    assert_eq!(trailer, b";");
    for (behind, bytes) in BEHIND {
        let file = [frames, bytes].concat();
        assert!(inspect(&file, LIMITS).is_ok(), "{behind}");
    }
    // A second frame has begun.
    let begun = [frames, b",\0\0\0\0"].concat();
    assert_eq!(inspect(&begun, LIMITS), Err(Problem::CutShort));
}

#[test]
fn a_screen_grows_for_the_first_frame() {
    for (screen, frame, size) in [
        ((0, 0), (0, 0, 4, 3), (4, 3)),
        ((0, 9), (1, 2, 4, 3), (5, 9)),
        ((2, 2), (0, 0, 4, 3), (4, 3)),
        ((9, 9), (1, 1, 4, 3), (9, 9)),
    ] {
        let file = gif(screen.0, screen.1, frame);
        let inspected = inspect(&file, LIMITS).unwrap();
        assert_eq!((inspected.width, inspected.height), size, "{screen:?}");
    }
}
