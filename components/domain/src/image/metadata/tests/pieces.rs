//! Files that come in pieces, and files of random segments.

use proptest::prelude::*;

use super::super::orientation;
use super::files::*;
use super::*;
use crate::image::Format;

/// A segment, and what is left of it.
type Segment = (Vec<u8>, Vec<u8>);

fn kept(segment: Vec<u8>) -> Segment {
    (segment.clone(), segment)
}

fn gone(segment: Vec<u8>) -> Segment {
    (segment, vec![])
}

/// Random bytes, with the secret among them.
fn secrets() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff), Just(0)], 0..40);
    (bytes(), bytes()).prop_map(|(before, behind)| [&before, SECRET, &behind].concat())
}

/// TIFF with an orientation somewhere in it, and what is left of it.
fn tiffs() -> impl Strategy<Value = Segment> {
    (any::<bool>(), 8u32..300, 1u8..9, secrets()).prop_map(|(is_big, place, value, secret)| {
        let entries = [(0x10f, 2, 8, 8), (0x112, 3, 1, value.into())];
        let whole = [&tiff(is_big, place, &entries)[..], &secret].concat();
        let minimal = if value == 1 {
            vec![]
        } else {
            minimal_tiff(value)
        };
        (whole, minimal)
    })
}

fn exif(tiff: Segment, segment: impl Fn(&[u8]) -> Vec<u8>) -> Segment {
    let (whole, minimal) = tiff;
    let left = if minimal.is_empty() {
        vec![]
    } else {
        segment(&minimal)
    };
    (segment(&whole), left)
}

fn pngs() -> impl Strategy<Value = Segment> {
    let foreign = prop::sample::select(vec![b"tEXt", b"zTXt", b"caBX", b"tIME", b"iTXt"]);
    let own = prop::sample::select(vec![b"PLTE", b"gAMA", b"iCCP", b"pHYs", b"fdAT"]);
    prop_oneof![
        (foreign, secrets()).prop_map(|(kind, secret)| gone(png_chunk(kind, &secret))),
        (own, any::<u32>()).prop_map(|(kind, value)| kept(png_chunk(kind, &value.to_be_bytes()))),
        secrets().prop_map(|secret| gone(png_xmp(&secret))),
        Just(gone(png_xmp(&packet("")))),
        tiffs().prop_map(|tiff| exif(tiff, |it| png_chunk_with_checksum(b"eXIf", it))),
    ]
}

fn jpegs() -> impl Strategy<Value = Segment> {
    let foreign = prop::sample::select(vec![0xe1, 0xe2, 0xe3, 0xeb, 0xed, 0xee, 0xfe, 0xf0]);
    let own = prop::sample::select(vec![0xdb, 0xcc, 0xdd]);
    prop_oneof![
        (foreign, secrets()).prop_map(|(code, secret)| gone(jpeg_segment(code, &secret))),
        (own, any::<u32>()).prop_map(|(code, it)| kept(jpeg_segment(code, &it.to_be_bytes()))),
        secrets().prop_map(|secret| gone(jpeg_xmp(&secret))),
        Just(gone(jpeg_xmp(&packet("")))),
        Just(gone(SECRET.to_vec())),
        tiffs().prop_map(|tiff| exif(tiff, |it| jpeg_segment(0xe1, &[b"Exif\0\0", it].concat()))),
    ]
}

fn webps() -> impl Strategy<Value = Segment> {
    let foreign = prop::sample::select(vec![b"C2PA", b"XMP ", b"IPTC", b"JUNK"]);
    let own = prop::sample::select(vec![b"ICCP", b"ALPH", b"ANIM"]);
    prop_oneof![
        (foreign, secrets()).prop_map(|(kind, secret)| gone(webp_chunk(kind, &secret))),
        (own, any::<u32>()).prop_map(|(kind, it)| kept(webp_chunk(kind, &it.to_be_bytes()))),
        Just(gone(webp_chunk(b"XMP ", &packet("")))),
        tiffs().prop_map(|tiff| exif(tiff, |it| webp_chunk(b"EXIF", it))),
    ]
}

fn gifs() -> impl Strategy<Value = Segment> {
    let label = prop::sample::select(vec![0xfe, 0x01, 0xff, 0x77]);
    prop_oneof![
        (label, secrets()).prop_map(|(label, secret)| gone(gif_extension(label, &[&secret]))),
        any::<u32>().prop_map(|it| kept(gif_extension(0xf9, &[&it.to_be_bytes()]))),
        secrets().prop_map(|secret| {
            let named = |blocks: &[&[u8]]| gif_extension(0xff, blocks);
            let once = b"\x01\x01\0";
            let before = named(&[b"NETSCAPE2.0", &secret, once]);
            (before, named(&[b"NETSCAPE2.0", once]))
        }),
        Just(gone(gif_xmp(&packet("")))),
        Just(kept(gif_picture())),
    ]
}

fn file(format: Format, segments: &[Vec<u8>], flags: u8) -> Vec<u8> {
    match format {
        Format::Png => png_with(segments),
        Format::Jpeg => jpeg_with(segments),
        Format::Webp => webp_with(flags, segments),
        Format::Gif => gif_with(b"GIF89a", segments),
    }
}

/// A file and what is left of it.
fn files() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    fn many(
        format: Format,
        segments: impl Strategy<Value = Segment>,
    ) -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let segments = prop::collection::vec(segments, 0..8);
        (segments, any::<bool>(), secrets()).prop_map(move |(segments, has_more, secret)| {
            let (before, left): (Vec<_>, Vec<_>) = segments.into_iter().unzip();
            let is_turned = left.iter().any(|it| it.starts_with(b"EXIF"));
            let is_changed = has_more || before != left;
            let flags = if is_turned { 0x08 } else { 0 };
            let before = file(format, &before, if is_changed { 0x0c } else { flags });
            let left = file(format, &left, flags);
            let more = if has_more { secret } else { vec![] };
            ([before, more].concat(), left)
        })
    }
    prop_oneof![
        many(Format::Png, pngs()),
        many(Format::Jpeg, jpegs()),
        many(Format::Webp, webps()),
        many(Format::Gif, gifs()),
    ]
}

/// One piece or many: the same is found and written.
fn assert_same(bytes: &[u8], pieces: &[&[u8]], end: u64) {
    let metadata = read_in(&[bytes], end);
    assert_eq!(read_in(pieces, end), metadata);
    let rewrites = SourceType::ALL.map(|source| metadata.marked(source));
    for rewrite in metadata.stripped().iter().chain(&rewrites) {
        let whole = rewritten_in(rewrite, &[bytes]);
        assert!(rewritten_in(rewrite, pieces) == whole);
    }
}

/// With something of everything.
fn samples() -> Vec<(Format, Vec<u8>)> {
    let tiff = tiff(false, 20, &[(0x112, 3, 1, 6)]);
    let jfif = jpeg_segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01abc");
    let more = SECRET.to_vec();
    let frame = webp_frame(
        0,
        0,
        8,
        4,
        &[lossless(8, 4), webp_chunk(b"EXIF", b"abc")].concat(),
    );
    let named = |name: &[u8], block: &[u8]| gif_extension(0xff, &[name, block]);
    [
        (
            Format::Png,
            vec![
                png_chunk(b"tEXt", SECRET),
                png_chunk(b"eXIf", &tiff),
                png_xmp(&packet("")),
            ],
        ),
        (
            Format::Jpeg,
            vec![
                jfif,
                jpeg_segment(0xe1, &[b"Exif\0\0", &tiff[..]].concat()),
                b"\0\xff\0\xff\xff\xff".to_vec(),
                jpeg_xmp(&packet("")),
                jpeg_segment(0xee, b"Adobe\0\x64\0\0\0\0\x01abc"),
                jpeg_frame(16, 8),
                jpeg_scan(b"\x12\xff\0\x34\xff\xd0\x56\xff\xff\xd1\x78"),
            ],
        ),
        (
            Format::Webp,
            vec![
                webp_chunk(b"EXIF", &tiff),
                webp_chunk(b"odd ", b"abc"),
                webp_chunk(b"XMP ", &packet("")),
                frame,
            ],
        ),
        (
            Format::Gif,
            vec![
                gif_extension(0xfe, &[SECRET, SECRET]),
                named(b"NETSCAPE2.0", b"\x01\0\0"),
                gif_xmp(&packet("")),
                gif_extension(0xf9, &[&[0; 4]]),
            ],
        ),
    ]
    .into_iter()
    .map(|(format, segments)| {
        (
            format,
            [file(format, &segments, 0x0c), more.clone()].concat(),
        )
    })
    .collect()
}

#[test]
fn cut_anywhere_a_file_is_the_same() {
    for (format, bytes) in samples() {
        let end = picture_end(&bytes);
        let metadata = read(&bytes);
        assert!(metadata.stripped().is_some(), "{format:?}");
        for place in 0..=bytes.len() {
            let (before, behind) = bytes.split_at(place);
            assert_same(&bytes, &[before, behind], end);
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_same(&bytes, &single, end);
    }
}

/// Segments are what the file consists of.
#[test]
fn no_byte_is_lost_between_segments() {
    for (format, bytes) in samples() {
        for end in 0..=bytes.len() {
            let mut walked = Vec::new();
            let mut walker = walker::Walker::default();
            let take = &mut |event: segment::Event| walked.extend_from_slice(event.bytes());
            walker.push(&bytes[..end], take);
            walker.finish(take);
            assert!(walked == bytes[..end], "{format:?} cut at {end}");
        }
    }
}

proptest! {
    #[test]
    fn of_random_segments_only_what_is_known_is_left(
        (before, left) in files(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let result = stripped(&before);
        prop_assert!(!has(&result, SECRET));
        prop_assert!(result == left);
        assert_same(&before, &chunks(&before, &cuts), picture_end(&before));
    }

    /// Whatever happens to a file on its way.
    #[test]
    fn damaged_files_are_the_same_in_pieces(
        (mut bytes, _) in files(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        end in any::<usize>(),
        picture_end in any::<u16>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        for (place, value) in changes {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        bytes.truncate(end % (2 * bytes.len()));
        assert_same(&bytes, &chunks(&bytes, &cuts), picture_end.into());
    }

    #[test]
    fn anything_is_the_same_in_pieces(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(vec![
            &b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\xff\0\0\0WEBP", b"GIF89a",
        ]),
        picture_end in 0u64..250,
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let bytes = [start, &bytes].concat();
        assert_same(&bytes, &chunks(&bytes, &cuts), picture_end);
        let mut reader = orientation::Reader::default();
        reader.push(&bytes);
        let _ = reader.finish();
    }
}
