//! What says how it was made.

use std::slice::from_ref;

use super::super::container::MAX_PACKET;
use super::super::{packet, xmp};
use super::files::*;
use super::*;
use crate::image::Format;

const SOURCE: SourceType = SourceType::CompositeWithTrainedAlgorithmicMedia;

/// The segment that is inserted, or replaces another.
fn minimal(format: Format) -> Vec<u8> {
    packet::minimal(format, SOURCE)
}

/// The segment with this packet.
fn with_packet(format: Format, packet: &[u8]) -> Vec<u8> {
    match format {
        Format::Png => png_xmp(packet),
        Format::Jpeg => jpeg_xmp(packet),
        Format::Webp => webp_chunk(b"XMP ", packet),
        Format::Gif => gif_xmp(packet),
    }
}

/// A file with these segments, and one of metadata on each side of them.
fn file(format: Format, segments: &[Vec<u8>]) -> Vec<u8> {
    let around = |other: Vec<u8>| [from_ref(&other), segments, from_ref(&other)].concat();
    match format {
        Format::Png => png_with(&around(png_chunk(b"tEXt", b"other"))),
        Format::Jpeg => jpeg_with(&around(jpeg_segment(0xfe, b"other"))),
        Format::Webp => webp_with(0x04, &around(webp_chunk(b"IPTC", b"other"))),
        Format::Gif => gif_with(b"GIF89a", &around(gif_extension(0xfe, &[b"other"]))),
    }
}

/// What is added to a packet.
fn addition() -> String {
    let start = "<rdf:Description rdf:about=\"it\" ";
    let minimal = xmp::minimal(SOURCE);
    let (_, added) = minimal
        .split_once("<rdf:Description rdf:about=\"\" ")
        .unwrap();
    let (added, _) = added.split_once("</rdf:RDF>").unwrap();
    format!("{start}{added}")
}

fn extended(packet: &[u8]) -> Vec<u8> {
    let packet = std::str::from_utf8(packet).unwrap();
    packet
        .replace("</rdf:RDF>", &format!("{}</rdf:RDF>", addition()))
        .into_bytes()
}

#[test]
fn segments_are_those_of_the_format() {
    for format in Format::ALL {
        let expected = with_packet(format, xmp::minimal(SOURCE).as_bytes());
        assert!(minimal(format) == expected, "{format:?}");
    }
}

#[test]
fn a_packet_is_inserted_where_the_format_wants_it() {
    let packet = |format| vec![minimal(format)];
    let exif = jpeg_segment(0xe1, b"Exif\0\0MM");
    let jfif = jpeg_segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    let comment = jpeg_segment(0xfe, b"other");
    let text = png_chunk(b"tEXt", b"other");
    let control = gif_extension(0xf9, &[b"\x05\x0a\0\x01"]);
    let loops = gif_extension(0xff, &[b"NETSCAPE2.0", b"\x01,;"]);
    let iptc = webp_chunk(b"IPTC", b"other");
    let extended = |flags: u8, content: &[Vec<u8>]| webp_with(flags, content);
    for (name, before, after) in [
        (
            "PNG",
            png_with(from_ref(&text)),
            png_with(&[minimal(Format::Png), text]),
        ),
        (
            "JPEG",
            jpeg_with(&[jfif.clone(), exif.clone(), comment.clone()]),
            jpeg_with(&[jfif, exif.clone(), minimal(Format::Jpeg), comment.clone()]),
        ),
        (
            "JPEG without JFIF",
            jpeg_with(from_ref(&exif)),
            jpeg_with(&[exif.clone(), minimal(Format::Jpeg)]),
        ),
        (
            "JPEG with EXIF later",
            jpeg_with(&[comment.clone(), exif.clone()]),
            jpeg_with(&[minimal(Format::Jpeg), comment, exif]),
        ),
        (
            "WebP",
            extended(0x30, from_ref(&iptc)),
            extended(0x34, &[iptc, minimal(Format::Webp)]),
        ),
        (
            "GIF",
            gif_with(b"GIF89a", &[loops.clone(), control.clone()]),
            gif_with(b"GIF89a", &[loops, minimal(Format::Gif), control]),
        ),
        (
            "GIF of 1987",
            gif_with(b"GIF87a", &[]),
            gif_with(b"GIF89a", &packet(Format::Gif)),
        ),
    ] {
        assert!(marked(&before, SOURCE) == after, "{name}");
        let with_more = |file: &[u8]| [file, b"\0more behind the end"].concat();
        let longer = marked(&with_more(&before), SOURCE);
        assert!(longer == with_more(&after), "{name} and more");
    }
}

#[test]
fn a_simple_webp_becomes_an_extended_one() {
    let canvas = |flags: u8, width: u32, height: u32| {
        let mut canvas = canvas(width, height);
        canvas[8] = flags;
        canvas
    };
    let mut with_alpha = lossless(16_384, 2);
    with_alpha[12] |= 0x10;
    let other = webp_chunk(b"IPTC", b"other");
    let file = |chunks: &[Vec<u8>]| riff(&chunks.concat());
    for (name, flags, size, picture) in [
        ("lossy", 0x04, (7, 3), vec![lossy(7, 3)]),
        ("scaled", 0x04, (7, 3), vec![lossy(7 | 0x4000, 3 | 0x8000)]),
        ("lossless", 0x04, (16_384, 2), vec![lossless(16_384, 2)]),
        ("with alpha", 0x14, (16_384, 2), vec![with_alpha]),
        ("with more", 0x04, (7, 3), vec![lossy(7, 3), other.clone()]),
    ] {
        let chunks = [
            vec![canvas(flags, size.0, size.1)],
            picture.clone(),
            vec![minimal(Format::Webp)],
        ];
        assert!(
            marked(&file(&picture), SOURCE) == file(&chunks.concat()),
            "{name}"
        );
    }
    // A packet that nothing announces is announced.
    let chunk = webp_chunk(b"XMP ", &packet(""));
    let before = file(&[lossy(7, 3), chunk, other.clone()]);
    let chunk = webp_chunk(b"XMP ", &extended(&packet("")));
    let after = file(&[canvas(0x04, 7, 3), lossy(7, 3), chunk, other]);
    assert!(marked(&before, SOURCE) == after);
}

/// Some encoders omit the last padding.
#[test]
fn a_last_chunk_without_padding_gets_it() {
    let picture = lossy(7, 3);
    let flags = &[&canvas(7, 3)[..], &picture].concat();
    let mut after = riff(&[&flags[..], &minimal(Format::Webp)].concat());
    after[20] = 0x04;
    for more in [&b""[..], b"more"] {
        let before = [&riff(&flags[..flags.len() - 1])[..], more].concat();
        assert!(marked(&before, SOURCE) == [&after[..], more].concat());
    }
    // Something that is too short for a chunk must not become the start of ours.
    let before = riff(&[&flags[..], b"more"].concat());
    let mut after = riff(&[&flags[..], &minimal(Format::Webp), b"more"].concat());
    after[20] = 0x04;
    assert!(marked(&before, SOURCE) == after);
}

#[test]
fn a_packet_is_extended_where_it_stands() {
    for format in Format::ALL {
        let before = file(format, &[with_packet(format, &packet(""))]);
        let after = file(format, &[with_packet(format, &extended(&packet("")))]);
        assert!(marked(&before, SOURCE) == after, "{format:?}");
    }
}

#[test]
fn a_source_that_says_nothing_is_replaced_and_all_else_stays() {
    for format in Format::ALL {
        let of = |source: &str| {
            let source = format!("Iptc4xmpExt:DigitalSourceType=\"{source}\"");
            let attributes = format!("{source} dc:source=\"a book\"");
            file(format, &[with_packet(format, &packet(&attributes))])
        };
        for nothing in ["", "?", "http://example.com/digitalCapture/"] {
            let marked = marked(&of(nothing), SOURCE);
            assert!(marked == of(&SOURCE.address()), "{format:?}: {nothing}");
        }
    }
}

#[test]
fn the_first_of_several_packets_that_can_be_read_is_extended() {
    for format in Format::ALL {
        let segment = |packet: &[u8]| with_packet(format, packet);
        let assert_marked = |before: &[Vec<u8>], after: &[Vec<u8>]| {
            let marked = marked(&file(format, before), SOURCE);
            assert!(marked == file(format, after), "{format:?}");
        };
        let good = packet("");
        let before = [segment(b"<a>"), segment(&good), segment(&good)];
        let after = [segment(b"<a>"), segment(&extended(&good)), segment(&good)];
        assert_marked(&before, &after);
        let before = [segment(b"<a>"), segment(b"<b>")];
        let after = [minimal(format), segment(b"<b>")];
        assert_marked(&before, &after);
    }
}

#[test]
fn what_cannot_be_extended_is_replaced() {
    for format in Format::ALL {
        let max = match format {
            Format::Jpeg => 65_502,
            _ => MAX_PACKET,
        };
        let sized = |length: usize| {
            let mut packet = packet("");
            packet.resize(length, b' ');
            packet
        };
        let fits = sized(max - addition().len());
        let before = file(format, &[with_packet(format, &fits)]);
        let after = file(format, &[with_packet(format, &extended(&fits))]);
        assert!(
            marked(&before, SOURCE) == after,
            "{format:?}: as long as may be"
        );

        let without_rdf = b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>";
        let mut cases = vec![
            ("would be too long", sized(max - addition().len() + 1)),
            ("not well-formed", b"<x:xmpmeta>".to_vec()),
            ("a DTD", [&b"<!DOCTYPE a>"[..], &packet("")].concat()),
            ("empty", vec![]),
            ("without RDF", without_rdf.to_vec()),
        ];
        if format != Format::Jpeg {
            cases.push(("too long", sized(MAX_PACKET + 1)));
            cases.push(("far too long", sized(3 * MAX_PACKET)));
        }
        for (name, packet) in cases {
            let before = file(format, &[with_packet(format, &packet)]);
            let after = file(format, &[minimal(format)]);
            assert!(marked(&before, SOURCE) == after, "{format:?}: {name}");
        }
    }
}

/// One source has a longer name than the other.
#[test]
fn room_for_one_source_need_not_be_room_for_the_other() {
    let composite = addition().len();
    let enhanced =
        composite - SOURCE.as_str().len() + SourceType::AlgorithmicallyEnhanced.as_str().len();
    let mut packet = packet("");
    packet.resize(65_502 - enhanced, b' ');
    let file = jpeg_with(&[jpeg_xmp(&packet)]);
    let creator = b"<rdf:li>Ada";
    assert!(!has(&marked(&file, SOURCE), creator));
    assert!(has(
        &marked(&file, SourceType::AlgorithmicallyEnhanced),
        creator
    ));
}

#[test]
fn a_compressed_text_is_unpacked_and_keeps_its_language() {
    let chunk = |flags: &[u8], texts: &[u8], packet: &[u8]| {
        png_chunk_with_checksum(
            b"iTXt",
            &[b"XML:com.adobe.xmp\0", flags, texts, packet].concat(),
        )
    };
    let (good, texts) = (packet(""), b"de\0\xc3\x9cber\0");
    let after = png_with(&[chunk(&[0, 0], texts, &extended(&good))]);
    for before in [
        chunk(&[0, 0], texts, &good),
        chunk(&[1, 0], texts, &deflated(good.clone())),
    ] {
        assert!(marked(&png_with(&[before]), SOURCE) == after);
    }
    let mut long = good.clone();
    long.resize(MAX_PACKET - addition().len(), b' ');
    let before = png_with(&[chunk(&[1, 0], texts, &deflated(long.clone()))]);
    let after = png_with(&[chunk(&[0, 0], texts, &extended(&long))]);
    assert!(marked(&before, SOURCE) == after, "as long as may be");
    let small = deflated(good.clone());
    let bomb = deflated(vec![b' '; 2 * MAX_PACKET]);
    for (name, before) in [
        ("too long when it is unpacked", chunk(&[1, 0], texts, &bomb)),
        ("an unknown method", chunk(&[1, 1], texts, &small)),
        ("not compressed", chunk(&[1, 0], texts, &good)),
        ("cut", chunk(&[1, 0], texts, &small[..100])),
        ("no texts", chunk(&[0, 0], b"", b"")),
    ] {
        let after = png_with(&[minimal(Format::Png)]);
        assert!(marked(&png_with(&[before]), SOURCE) == after, "{name}");
    }
}

#[test]
fn credentials_and_sources_are_seen() {
    let source = "Iptc4xmpExt:DigitalSourceType=\"http://example.com/digitalCapture\"";
    for format in Format::ALL {
        assert_eq!(read(&file(format, &[])).source_type(), None);
        let packets = ["", source].map(|source| with_packet(format, &packet(source)));
        let file = file(format, &packets);
        let metadata = read(&file);
        assert_eq!(metadata.source_type(), Some("digitalCapture"), "{format:?}");
        assert!(!metadata.has_credentials());
    }
    let jumbf = |content: &[u8]| jpeg_with(&[jpeg_segment(0xeb, content)]);
    let of_gif = |label, blocks: &[&[u8]]| gif_with(b"GIF89a", &[gif_extension(label, blocks)]);
    let store = png_chunk(b"caBX", b"any");
    let behind = [png_with(&[]), store.clone()].concat();
    let whole = jumbf(b"JP\0\x01\0\0\0\x01\0\0\0\x40jumb more");
    let extended = webp_with(0, &[webp_chunk(b"C2PA", b"any")]);
    let name = b"C2PA_GIF\x01\0\0";
    for (name, file, expected) in [
        ("PNG", png_with(&[store]), true),
        ("JPEG", whole, true),
        ("of high range", jumbf(b"HDR_RI\0\x01\0\0\0\x40jumb"), false),
        ("a short segment", jumbf(b"JP\0\x01jumb"), false),
        ("WebP", extended, true),
        ("GIF", of_gif(0xff, &[name, b"any"]), true),
        ("a comment", of_gif(0xfe, &[name]), false),
        ("behind the end", behind, false),
    ] {
        assert_eq!(read(&file).has_credentials(), expected, "{name}");
    }
}

#[test]
fn a_marked_file_is_stripped_to_what_it_was() {
    for sample in all() {
        let name = sample.name;
        for source in SourceType::ALL {
            let marked = marked(&sample.bytes, source);
            let is_simple_webp = sample.format == Format::Webp && &sample.bytes[12..16] != b"VP8X";
            let is_old_gif = sample.bytes.starts_with(b"GIF87a");
            if !is_simple_webp && !is_old_gif {
                assert!(stripped(&marked) == stripped(&sample.bytes), "{name}");
            }
            assert_eq!(
                picture_end(&marked) - picture_end(&sample.bytes),
                (marked.len() - sample.bytes.len()) as u64,
                "{name}"
            );
        }
    }
}
