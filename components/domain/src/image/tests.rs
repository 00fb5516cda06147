//! The inspector, on images of every format, whole, cut, changed and made up.

mod ends;
pub(in crate::image) mod samples;

use proptest::prelude::*;

use super::*;
use samples::*;

const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 100_000,
};

/// Pushes the image in chunks cut at these positions, continuing after a
/// problem.
fn inspect_in_chunks(bytes: &[u8], cuts: &[usize], limits: Limits) -> Result<Inspected, Problem> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut inspector = Inspector::new(limits);
    let mut from = 0;
    for to in cuts {
        let _ = inspector.push(&bytes[from..to]);
        from = to;
    }
    inspector.finish()
}

#[test]
fn knows_whole_images() {
    for sample in all() {
        let name = sample.name;
        let expected = Inspected {
            format: sample.format,
            width: sample.size.0,
            height: sample.size.1,
            bytes: sample.bytes.len() as u64,
        };
        assert_eq!(inspect(&sample.bytes, LIMITS), Ok(expected), "{name}");

        let mut inspector = Inspector::new(LIMITS);
        assert_eq!(inspector.format(), None);
        for byte in &sample.bytes {
            inspector.push(&[*byte]).unwrap();
        }
        assert_eq!(inspector.format(), Some(sample.format));
        assert_eq!(inspector.finish(), Ok(expected), "{name} by bytes");

        let longer = [&sample.bytes, &b"\xff\xd9 and more"[..]].concat();
        let longer = inspect(&longer, LIMITS).unwrap();
        assert_eq!(longer.bytes, expected.bytes + 11, "{name} and more");
    }
}

/// How far the first frame of a GIF extends, if another decoder reads it.
fn first_frame(gif: &[u8]) -> Option<(u32, u32)> {
    let mut decoder = ::gif::Decoder::new(gif).ok()?;
    let frame = decoder.next_frame_info().ok()??;
    let right = u32::from(frame.left) + u32::from(frame.width);
    Some((right, u32::from(frame.top) + u32::from(frame.height)))
}

/// Only the mark of the end may be missing.
#[test]
fn an_image_that_ends_early_is_cut_short() {
    for sample in all() {
        let name = sample.name;
        let mark = match (sample.format, sample.name) {
            (Format::Gif, _) => 1,
            (_, "JPEG") => 2,
            _ => 0,
        };
        let needed = sample.bytes.len() - mark;
        let without = inspect(&sample.bytes[..needed], LIMITS);
        assert!(without.is_ok(), "{name} without its end");
        let first = (1..).find(|end| inspect(&sample.bytes[..*end], LIMITS).is_ok());
        let is_animated = sample.name == "animated GIF";
        for end in 1..if is_animated { first.unwrap() } else { needed } {
            let cut = inspect(&sample.bytes[..end], LIMITS);
            assert_eq!(cut, Err(Problem::CutShort), "{name} cut at {end}");
        }
    }
    assert_eq!(inspect(b"", LIMITS), Err(Problem::Empty));
}

#[test]
fn what_begins_otherwise_is_no_image() {
    for (name, bytes) in [
        ("text", &b"Hello"[..]),
        ("a page", b"<!doctype html>"),
        (
            "a page with a drawing",
            b"<!doctype html><p><svg></svg></p>",
        ),
        ("a feed", b"<?xml version=\"1.0\"?><rss><svg/></rss>"),
        ("a text about a tag", b"a <svg> is a drawing"),
        ("a PDF", b"%PDF-1.7"),
        ("a bitmap", b"BM\0\0"),
        ("a film", b"\0\0\0\x18ftypisom\0\0\0\0"),
        ("a box that ends too early", b"\0\0\0\x1cftyp"),
        ("sound in RIFF", b"RIFF\x24\0\0\0WAVEfmt "),
        ("GIF of no year", b"GIF88a"),
        ("a PNG through a text filter", b"\x89PNG\n\x1a\n"),
        ("nearly JPEG", b"\xff\xd8\x00"),
        ("a zero byte", b"\0"),
    ] {
        assert_eq!(inspect(bytes, LIMITS), Err(Problem::NotAnImage), "{name}");
    }
}

#[test]
fn images_of_other_formats_are_named() {
    let comment = [b"<!-- ", &[b'-'; 900][..], b" --><svg>"].concat();
    for (name, bytes) in [
        ("SVG", &b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..]),
        (
            "SVG",
            b"\xef\xbb\xbf\n <?xml version=\"1.0\"?>\n<!DOCTYPE svg><svg>",
        ),
        ("SVG", b"<svg:svg xmlns:svg=\"http://www.w3.org/2000/svg\">"),
        ("SVG", &comment),
        ("AVIF", b"\0\0\0\x1cftypavif"),
        ("AVIF", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("HEIC", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
        ("TIFF", b"II*\0\x08\0\0\0"),
        ("TIFF", b"MM\0*\0\0\0\x08"),
        ("BMP", b"BM\x36\0\x0c\0\0\0\0\0\x36"),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("JPEG XL", b"\xff\x0a\xfa"),
    ] {
        let expected = Err(Problem::Unsupported(name));
        assert_eq!(inspect(bytes, LIMITS), expected, "{name}");
        let mut inspector = Inspector::new(LIMITS);
        let by_byte = bytes.chunks(1).try_for_each(|byte| inspector.push(byte));
        assert_eq!(by_byte.err(), expected.err(), "{name}, byte by byte");
    }
    let sentence = Problem::Unsupported("AVIF").to_string();
    let expected = "AVIF images are not supported; use PNG, JPEG, WebP or GIF";
    assert_eq!(sentence, expected);
}

#[test]
fn the_limits_are_exact() {
    for sample in all() {
        let name = sample.name;
        let exact = Limits {
            max_bytes: sample.bytes.len() as u64,
            max_pixels: u64::from(sample.size.0) * u64::from(sample.size.1),
        };
        assert!(inspect(&sample.bytes, exact).is_ok(), "{name}");
        let max_bytes = exact.max_bytes - 1;
        assert_eq!(
            inspect(&sample.bytes, Limits { max_bytes, ..exact }),
            Err(Problem::TooLarge { max_bytes }),
            "{name}"
        );
        let max_pixels = exact.max_pixels - 1;
        let fewer = Limits {
            max_bytes: exact.max_bytes,
            max_pixels,
        };
        assert_eq!(
            inspect(&sample.bytes, fewer),
            Err(Problem::TooManyPixels { max_pixels }),
            "{name}"
        );
    }
}

#[test]
fn too_many_pixels_are_told_at_once() {
    let huge = u32::from(u16::MAX);
    let many = Err(Problem::TooManyPixels {
        max_pixels: LIMITS.max_pixels,
    });
    for (name, bytes, header) in [
        ("PNG", png(i32::MAX as u32, i32::MAX as u32), 29),
        ("JPEG", jpeg(u16::MAX, u16::MAX), 130),
        ("GIF", gif(u16::MAX, u16::MAX, (0, 0, 1, 1)), 13),
        ("GIF frame", gif(1, 1, (65_000, 1, 65_000, 1)), 60),
        ("lossy WebP", riff(&lossy(16_383, 16_383)), 30),
        ("lossless WebP", riff(&lossless(16_384, 16_384)), 25),
        ("WebP canvas", riff(&canvas(huge + 1, huge)), 30),
    ] {
        let start = &bytes[..header.min(bytes.len())];
        assert_eq!(Inspector::new(LIMITS).push(start), many, "{name}");
    }
}

#[test]
fn the_room_that_a_decoder_needs_is_known_before_the_end() {
    for sample in all() {
        let name = sample.name;
        let expected = u64::from(sample.size.0) * u64::from(sample.size.1);
        let mut inspector = Inspector::new(LIMITS);
        let mut before_its_end = false;
        for byte in &sample.bytes {
            let known = inspector.pixels();
            assert!(known.is_none_or(|pixels| pixels == expected), "{name}");
            before_its_end |= known.is_some();
            inspector.push(&[*byte]).unwrap();
        }
        assert!(before_its_end, "{name}");
        assert_eq!(inspector.pixels(), Some(expected), "{name}");
    }

    // A frame beyond the screen counts with its full extent.
    let mut inspector = Inspector::new(LIMITS);
    inspector.push(&gif(1, 1, (10, 0, 90, 100))).unwrap();
    assert_eq!(inspector.pixels(), Some(10_000));

    for bytes in [
        &b""[..],
        b"GIF89a\x01\0\x01\0\0\0\0",
        b"\xff\xd8\xff",
        b"text",
    ] {
        let mut inspector = Inspector::new(LIMITS);
        let _ = inspector.push(bytes);
        assert_eq!(inspector.pixels(), None, "{bytes:?}");
    }
}

#[test]
fn a_problem_is_for_good() {
    let mut inspector = Inspector::new(LIMITS);
    assert_eq!(inspector.push(b"Hello"), Err(Problem::NotAnImage));
    assert_eq!(inspector.push(&png(1, 1)), Err(Problem::NotAnImage));
    assert_eq!(inspector.finish(), Err(Problem::NotAnImage));
}

#[test]
fn what_is_packed_beside_a_picture_has_a_limit() {
    let most = MAX_UNPACKED as usize;
    let (all, more) = (packed(most), packed(most + 1));
    let profile = |packed: &[u8]| png_chunk(b"iCCP", &[b"name\0\0", packed].concat());
    let text = |packed: &[u8]| png_chunk(b"zTXt", &[b"Title\0\0", packed].concat());
    let unicode = |flag: u8, packed: &[u8]| {
        let head = [&b"Title\0"[..], &[flag], b"\0en\0T\0"].concat();
        png_chunk(b"iTXt", &[&head, packed].concat())
    };
    let (few, one) = (packed(9), packed(1));
    let endless = png_chunk(b"zTXt", b"name");
    let damaged = [&more[..100], &[0xff; 50], &more[100..]].concat();
    for (name, chunks, fits) in [
        ("a profile", vec![profile(&all)], true),
        ("a profile with a byte more", vec![profile(&more)], false),
        ("a text", vec![text(&all)], true),
        ("a text with a byte more", vec![text(&more)], false),
        ("a text of many languages", vec![unicode(1, &all)], true),
        ("with a byte more", vec![unicode(1, &more)], false),
        ("one that is not packed", vec![unicode(0, &more)], true),
        ("one each", vec![profile(&few), text(&few)], true),
        ("too much together", vec![text(&all), text(&one)], false),
        ("damaged before that", vec![profile(&damaged)], true),
        ("nothing", vec![profile(b""), unicode(1, b"")], true),
        ("a name without an end", vec![endless], true),
    ] {
        let image = png_with(&chunks);
        let expected = (!fits).then_some(Problem::Packed);
        assert_eq!(inspect(&image, LIMITS).err(), expected, "{name}");
    }
    let sentence = "the profile and the texts beside the picture are larger than 16 MiB when they \
                    are unpacked";
    assert_eq!(Problem::Packed.to_string(), sentence);
}

#[test]
fn a_damaged_png_is_malformed() {
    let header = png_header(1, 1);
    let (data, end) = (png_chunk(b"IDAT", b"a"), png_chunk(b"IEND", b""));
    let with = |index: usize, value: u8| {
        let mut header = header.clone();
        header[index] = value;
        header
    };
    let empty = png_chunk(b"IDAT", b"");
    let full_end = png_chunk(b"IEND", b"a");
    let short = png_chunk(b"IHDR", &[1; 12]);
    let odd = png_chunk(b"ID T", b"a");
    let huge = b"\x80\0\0\0IDAT".to_vec();
    for (name, chunks) in [
        ("no header", vec![&data, &end]),
        ("two headers", vec![&header, &header, &data, &end]),
        ("no data", vec![&header, &end]),
        ("empty data", vec![&header, &empty, &end]),
        ("contents in the end", vec![&header, &data, &full_end]),
        ("a short header", vec![&short, &data, &end]),
        ("a type of no letters", vec![&header, &odd, &end]),
        ("a chunk of 2 GiB", vec![&header, &huge]),
        ("no width", vec![&png_header(0, 1), &data, &end]),
        ("no height", vec![&png_header(1, 0), &data, &end]),
        (
            "a negative width",
            vec![&png_header(1 << 31, 1), &data, &end],
        ),
        ("an odd depth", vec![&with(16, 3), &data, &end]),
        ("an odd colour", vec![&with(17, 1), &data, &end]),
        ("an odd compression", vec![&with(18, 1), &data, &end]),
        ("an odd filter", vec![&with(19, 1), &data, &end]),
        ("an odd interlacing", vec![&with(20, 2), &data, &end]),
    ] {
        let chunks: Vec<u8> = chunks.into_iter().flatten().copied().collect();
        let bytes = [PNG_SIGNATURE, &chunks].concat();
        assert_eq!(inspect(&bytes, LIMITS), Err(Problem::Malformed), "{name}");
    }
}

#[test]
fn a_damaged_jpeg_is_malformed() {
    let (start, end) = (b"\xff\xd8".to_vec(), b"\xff\xd9".to_vec());
    let (frame, scan) = (jpeg_frame(1, 1), jpeg_scan(b"a"));
    let later = [jpeg_frame(1, 0), scan.clone(), jpeg_segment(0xdc, &[0, 1])].concat();
    let narrow = jpeg_frame(0, 1);
    let of_components = |count| jpeg_segment(0xc0, &[8, 0, 1, 0, 1, count]);
    let (none, short) = (of_components(0), of_components(3));
    let no_length = b"\xff\xe0\0\x01".to_vec();
    let reserved = jpeg_scan(b"a\xff\x02");
    for (name, segments) in [
        ("nothing", vec![&start, &end]),
        ("no scan", vec![&start, &frame, &end]),
        ("no frame", vec![&start, &scan, &end]),
        ("a frame too late", vec![&start, &scan, &frame, &end]),
        ("two frames", vec![&start, &frame, &frame, &scan, &end]),
        ("two starts", vec![&start, &start, &frame, &scan, &end]),
        ("a height to follow", vec![&start, &later, &end]),
        ("no width", vec![&start, &narrow, &scan, &end]),
        ("no components", vec![&start, &none, &scan, &end]),
        ("a frame too short", vec![&start, &short, &scan, &end]),
        ("no length", vec![&start, &no_length, &frame, &scan, &end]),
        ("reserved", vec![&start, &frame, &reserved, &end]),
    ] {
        let bytes: Vec<u8> = segments.into_iter().flatten().copied().collect();
        assert_eq!(inspect(&bytes, LIMITS), Err(Problem::Malformed), "{name}");
    }
}

#[test]
fn a_damaged_gif_is_malformed() {
    let whole = gif(4, 3, (0, 0, 4, 3));
    let no_frame = [&whole[..13], &[0; 12], b";"].concat();
    let odd_block = [&whole[..13], &[0; 12], b"\0;"].concat();
    for (name, bytes) in [
        ("a frame without width", gif(4, 3, (0, 0, 0, 3))),
        ("a frame without height", gif(4, 3, (0, 0, 4, 0))),
        ("no frame", no_frame),
        ("an unknown block", odd_block),
    ] {
        assert_eq!(inspect(&bytes, LIMITS), Err(Problem::Malformed), "{name}");
    }
}

#[test]
fn a_damaged_webp_is_malformed() {
    let small = canvas(4, 4);
    let picture = lossy(4, 4);
    let with = |index: usize, value: u8| {
        let mut picture = picture.clone();
        picture[index] = value;
        picture
    };
    let mut beyond = riff(&picture);
    beyond[4] -= 4;
    let no_size = [b"RIFF\0\0\0\0WEBP", &picture[..]].concat();
    let pair = |first: &[u8], second: &[u8]| riff(&[first, second].concat());
    let behind = |second: Vec<u8>| pair(&small, &second);
    let framed = |left, picture: &[u8]| behind(webp_frame(left, 0, 4, 4, picture));
    let alone = |kind, contents: &[u8]| riff(&webp_chunk(kind, contents));
    let (unknown, large) = (webp_chunk(b"EXIF", b"ab"), lossy(400, 400));
    for (name, bytes) in [
        ("nothing", b"RIFF\x04\0\0\0WEBP".to_vec()),
        ("a size of zero", no_size),
        ("a chunk beyond the file", beyond),
        ("an unknown first chunk", pair(&unknown, &picture)),
        ("no picture", riff(&small)),
        ("no first frame", behind(webp_chunk(b"ANIM", &[0; 6]))),
        ("larger than its canvas", behind(large.clone())),
        ("another than its canvas", behind(lossless(4, 3))),
        ("a second, larger picture", pair(&picture, &large)),
        ("larger than its frame", framed(0, &large)),
        ("a frame beyond its canvas", framed(2, &picture)),
        ("a chunk beyond its frame", framed(0, &picture[..14])),
        ("no width", riff(&lossy(0, 4))),
        ("no height", riff(&lossy(4, 0))),
        ("no key frame", riff(&with(8, 0x51))),
        ("no start code", riff(&with(11, 0))),
        ("a partition beyond its chunk", riff(&with(9, 0x10))),
        ("lossless of no kind", alone(b"VP8L", b"\x2e\0\0\0\0")),
        ("of later times", alone(b"VP8L", b"\x2f\0\0\0\x20")),
        ("a short lossy header", alone(b"VP8 ", &[0; 9])),
        ("a short lossless header", alone(b"VP8L", b"\x2f\0\0\0")),
        ("a short extended header", alone(b"VP8X", &[0; 9])),
    ] {
        assert_eq!(inspect(&bytes, LIMITS), Err(Problem::Malformed), "{name}");
    }
}

#[test]
fn webp_padding_may_be_missing_at_the_end() {
    let mut chunk = lossy(4, 4);
    assert_eq!(chunk.pop(), Some(0));
    assert!(inspect(&riff(&chunk), LIMITS).is_ok());
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(Format::from_media_type(format.media_type()), Some(format));
    }
    for (media_type, format) in [
        ("IMAGE/PNG", Some(Format::Png)),
        (" image/jpeg ; q=1", Some(Format::Jpeg)),
        ("image/svg+xml", None),
        ("image/*", None),
        ("png", None),
        ("", None),
    ] {
        assert_eq!(Format::from_media_type(media_type), format, "{media_type}");
    }
}

#[test]
fn problems_are_sentences() {
    let (max_bytes, max_pixels) = (20 << 20, 50_000_000);
    let large = Problem::TooLarge { max_bytes };
    let many_pixels = Problem::TooManyPixels { max_pixels };
    for (problem, sentence) in [
        (Problem::Empty, "the file is empty"),
        (large, "the file is larger than 20 MiB"),
        (many_pixels, "the image has more than 50 million pixels"),
    ] {
        assert_eq!(problem.to_string(), sentence);
    }
    for (pixels, words) in [
        (1000, "1000 pixels"),
        (1_000_000, "1 million pixels"),
        (1_500_000, "1500000 pixels"),
    ] {
        assert_eq!(pixels_in_words(pixels), words);
    }
}

fn sample_bytes() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<Vec<u8>> = all().into_iter().map(|sample| sample.bytes).collect();
    proptest::sample::select(samples)
}

/// A sample with some bytes changed, or made-up bytes behind a signature.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let changed = (sample_bytes(), changes).prop_map(|(mut bytes, changes)| {
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        bytes
    });
    let common = prop_oneof![
        any::<u8>(),
        proptest::sample::select(&b"\0\xff\xd8\xd9\xda\xc0\x2c\x21\x3b\x01\x02\x08"[..])
    ];
    let signature = proptest::sample::select(vec![
        &b""[..],
        PNG_SIGNATURE,
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\x80\0\0\0WEBP",
        b"RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x01\0\0\x01\0\0",
    ]);
    let made_up = (signature, proptest::collection::vec(common, 0..200))
        .prop_map(|(signature, rest)| [signature, &rest].concat());
    prop_oneof![changed, made_up]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn chunks_do_not_matter(
        bytes in any_bytes(),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
        max_bytes in prop_oneof![Just(1 << 20), 0u64..400],
    ) {
        let limits = Limits { max_bytes, ..LIMITS };
        prop_assert_eq!(inspect_in_chunks(&bytes, &cuts, limits), inspect(&bytes, limits));
    }

    #[test]
    fn what_passes_fails_when_it_is_cut(bytes in any_bytes(), end in any::<prop::sample::Index>()) {
        // Trailing bytes do not count, so this cuts within the shortest valid
        // prefix.
        let whole = (0..=bytes.len()).find(|end| inspect(&bytes[..*end], LIMITS).is_ok());
        if let Some(length) = whole {
            let end = end.index(length);
            let expected = if end == 0 { Problem::Empty } else { Problem::CutShort };
            prop_assert_eq!(inspect(&bytes[..end], LIMITS), Err(expected));
        }
    }

    #[test]
    fn a_decoder_finds_the_same_size(bytes in any_bytes()) {
        let decoder = image::ImageReader::new(std::io::Cursor::new(&bytes))
            .with_guessed_format()
            .unwrap();
        if let (Ok(ours), Ok(theirs)) = (inspect(&bytes, LIMITS), decoder.into_dimensions()) {
            // The decoder reads a lossless WebP's 16384 as 0.
            let known = |side| if side == 16_384 { 0 } else { side };
            let either = [(ours.width, ours.height), (known(ours.width), known(ours.height))];
            // The decoder leaves a GIF's screen as it is.
            let frame = match ours.format {
                Format::Gif => first_frame(&bytes),
                _ => Some((0, 0)),
            };
            if let Some((right, bottom)) = frame {
                let theirs = (theirs.0.max(right), theirs.1.max(bottom));
                prop_assert!(either.contains(&theirs), "{:?} {:?}", ours, theirs);
            }
        }
    }

    #[test]
    fn what_passes_is_within_the_limits(bytes in any_bytes(), max_pixels in 0u64..200) {
        let limits = Limits { max_pixels, ..LIMITS };
        if let Ok(image) = inspect(&bytes, limits) {
            let pixels = u64::from(image.width) * u64::from(image.height);
            prop_assert!((1..=max_pixels).contains(&pixels));
            prop_assert_eq!(image.bytes, bytes.len() as u64);
        }
    }
}
