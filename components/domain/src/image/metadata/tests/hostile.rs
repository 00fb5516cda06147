//! Files that are made to take memory, time, or a wrong turn.

use super::super::container::MAX_BODY;
use super::super::packet::Collector;
use super::files::*;
use super::*;
use crate::image::Format;

const MANY: usize = 100_000;

/// Each of these is read.
const MANY_PACKETS: usize = 10_000;

/// So many of these segments.
fn repeated(format: Format, segment: &[u8], count: usize) -> Vec<u8> {
    let segments = [segment.repeat(count)];
    match format {
        Format::Png => png_with(&segments),
        Format::Jpeg => jpeg_with(&segments),
        Format::Webp => webp_with(0, &segments),
        Format::Gif => gif_with(b"GIF89a", &segments),
    }
}

/// The content of a text chunk with a compressed packet of zeros.
fn packed_zeros() -> Vec<u8> {
    [b"XML:com.adobe.xmp\0\x01\0\0\0", &packed(1 << 10)[..]].concat()
}

#[test]
fn many_segments_are_no_burden() {
    let description = "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'></r:RDF>";
    for (format, segment) in [
        (Format::Png, png_chunk(b"tEXt", SECRET)),
        (Format::Png, png_xmp(description.as_bytes())),
        (Format::Png, png_chunk(b"iTXt", &packed_zeros())),
        (Format::Png, png_chunk(b"eXIf", &minimal_tiff(1))),
        (Format::Jpeg, jpeg_segment(0xfe, SECRET)),
        (Format::Jpeg, jpeg_xmp(description.as_bytes())),
        (Format::Jpeg, SECRET.to_vec()),
        (Format::Webp, webp_chunk(b"XMP ", SECRET)),
        (Format::Webp, webp_chunk(b"C2PA", SECRET)),
        (Format::Gif, gif_extension(0xfe, &[SECRET])),
        (Format::Gif, gif_xmp(SECRET)),
    ] {
        let is_packet = has(&segment, b"XM") || has(&segment, b"xap");
        let count = if is_packet { MANY_PACKETS } else { MANY };
        let file = repeated(format, &segment, count);
        let empty = repeated(format, &segment, 0);
        assert!(stripped(&file) == empty, "{format:?}");
        let marked = marked(&file, SourceType::AlgorithmicallyEnhanced);
        assert!(
            marked.len() > file.len() || has(&segment, b"XMP"),
            "{format:?}"
        );
    }
}

#[test]
fn many_scans_are_no_burden() {
    let scan = jpeg_scan(b"\x12\x34");
    let scans = [&jpeg_frame(16, 8)[..], &scan.repeat(MANY)].concat();
    let file = [b"\xff\xd8", &scans[..], b"\xff\xd9"].concat();
    for end in [0, 1, 100, file.len() as u64 / 2, file.len() as u64] {
        let metadata = read_in(&[&file], end);
        if let Some(rewrite) = metadata.stripped() {
            rewritten_in(&rewrite, &[&file]);
        }
    }
    assert_eq!(read_in(&[&file], file.len() as u64).stripped(), None);
    // The first scans are those of pictures.
    let third = file.len() - scans.len() + jpeg_frame(16, 8).len() - 2 + 3 * scan.len();
    let rewrite = read_in(&[&file], third as u64).stripped().unwrap();
    let expected = [&file[..third], b"\xff\xd9"].concat();
    assert!(rewritten_in(&rewrite, &[&file]) == expected);
}

#[test]
fn a_packet_beyond_the_limit_is_not_held() {
    let mut collector = Collector::default();
    for size in [MAX_BODY - 1, 1, 1, MAX_BODY, 10] {
        collector.push(&vec![b' '; size]);
    }
    assert_eq!(collector.packet(Format::Webp), None);
    let held = format!("{collector:?}");
    assert!(held.len() < 100, "{held}");
}

#[test]
fn a_packet_is_not_in_what_was_found() {
    let mut text = packet("Iptc4xmpExt:DigitalSourceType=\"a/b\"");
    text.resize(1 << 20, b' ');
    let metadata = read(&webp_with(0, &[webp_chunk(b"XMP ", &text)]));
    assert_eq!(metadata.source_type(), Some("b"));
    assert!(format!("{metadata:?}").len() < 1000);
}

/// A packet in pieces is not put together, and not one whose end is missing.
#[test]
fn packets_in_pieces_say_nothing() {
    let packet = packet("Iptc4xmpExt:DigitalSourceType=\"a/b\"");
    let (first, second) = packet.split_at(packet.len() / 2);
    let whole = webp_chunk(b"XMP ", &packet);
    for (name, file) in [
        ("JPEG", jpeg_with(&[jpeg_xmp(first), jpeg_xmp(second)])),
        ("PNG", png_with(&[png_xmp(first), png_xmp(second)])),
        ("cut", riff(&whole)[..whole.len() - 4].to_vec()),
    ] {
        let metadata = read(&file);
        assert_eq!(metadata.source_type(), None, "{name}");
        for source in SourceType::ALL {
            rewritten_in(&metadata.marked(source), &[&file]);
        }
    }
}

/// Whatever a length says, the result is as long as promised, and tells nothing.
#[test]
fn lengths_that_lie() {
    let lying = |kind: &[u8; 4], length: u32| [&length.to_be_bytes()[..], kind, SECRET].concat();
    let chunk = |kind: &[u8; 4], size: u32| [&kind[..], &size.to_le_bytes(), SECRET].concat();
    let sized =
        |size: u32, chunks: &[u8]| [b"RIFF", &size.to_le_bytes(), &b"WEBP"[..], chunks].concat();
    let animated = [canvas(7, 3), chunk(b"ANMF", 15), chunk(b"ANMF", u32::MAX)].concat();
    let mut files = vec![];
    for length in [0, 1, 15, 0x7fff_ffff, u32::MAX] {
        for kind in [b"tEXt", b"iTXt", b"eXIf", b"caBX"] {
            files.push(png_with(&[lying(kind, length)]));
        }
        for kind in [b"EXIF", b"XMP ", b"C2PA", b"ANMF", b"VP8X"] {
            files.push(riff(&[canvas(7, 3), chunk(kind, length)].concat()));
        }
        files.push(sized(length, &animated));
        files.push(sized(length, &[canvas(7, 3), chunk(b"XMP ", 14)].concat()));
    }
    for code in [0xe0, 0xe1, 0xe2, 0xeb, 0xee, 0xfe] {
        for length in [0u16, 1, 2, 3, 9, 0xffff] {
            let length = length.to_be_bytes();
            files.push(jpeg_with(&[[
                &[0xff, code],
                &length[..],
                b"JFIF\0",
                SECRET,
            ]
            .concat()]));
        }
    }
    for start in [
        &b"!\xf9"[..],
        b"!\xff",
        b"!\xfe\xff",
        b"!\xff\x0bNETSCAPE2.0\x40",
        b"!\xff\x0bXMP DataXMP",
    ] {
        files.push(gif_with(b"GIF89a", &[[start, SECRET].concat()]));
    }
    for file in files {
        let metadata = read(&file);
        assert_eq!(metadata.source_type(), None);
        if let Some(rewrite) = metadata.stripped() {
            assert!(!has(&rewritten_in(&rewrite, &[&file]), SECRET), "{file:x?}");
        }
        for source in SourceType::ALL {
            rewritten_in(&metadata.marked(source), &[&file]);
        }
    }
}

#[test]
fn a_directory_of_all_entries_is_read() {
    let mut entries = vec![(0x10f, 3, 1, 0); 65_534];
    entries.push((0x112, 3, 1, 7));
    let exif = webp_chunk(b"EXIF", &tiff(true, 1 << 20, &entries));
    let expected = webp_with(0x08, &[webp_chunk(b"EXIF", &minimal_tiff(7))]);
    assert!(stripped(&webp_with(0, &[exif])) == expected);
}

/// What is of none of the formats says nothing and stays as it is.
#[test]
fn what_is_no_image_stays_as_it_is() {
    for bytes in [
        &b""[..],
        b"text",
        b"Great",
        b"RIFFraff, and no WebP",
        b"\xff\xfe",
        b"\x89PNX\r\n\x1a\n",
    ] {
        let metadata = read(bytes);
        assert_eq!(metadata.stripped(), None);
        assert_eq!(
            (metadata.has_credentials(), metadata.source_type()),
            (false, None)
        );
        for source in SourceType::ALL {
            assert_eq!(rewritten_in(&metadata.marked(source), &[bytes]), bytes);
        }
    }
}
