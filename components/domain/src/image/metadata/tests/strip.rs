//! What a model sees.

use super::files::*;
use super::*;

/// What becomes of a segment.
enum Fate {
    Kept,
    Gone,
    Becomes(Vec<u8>),
}

use Fate::{Becomes, Gone, Kept};

fn check(file: impl Fn(&[Vec<u8>]) -> Vec<u8>, cases: Vec<(&str, Vec<u8>, Fate)>) {
    for (name, segment, fate) in cases {
        let expected = match fate {
            Kept => vec![segment.clone()],
            Gone => vec![],
            Becomes(other) => vec![other],
        };
        let (before, expected) = (file(&[segment]), file(&expected));
        let metadata = read(&before);
        assert_eq!(metadata.stripped().is_some(), before != expected, "{name}");
        assert!(stripped(&before) == expected, "{name}");
    }
}

fn secret(kind: &str) -> Vec<u8> {
    [kind.as_bytes(), SECRET].concat()
}

#[test]
fn of_a_png() {
    let picture = [b"IDAT", b"iCCP", b"fdAT"];
    let short = [
        (b"PLTE", 768),
        (b"tRNS", 256),
        (b"gAMA", 4),
        (b"cHRM", 32),
        (b"sRGB", 1),
        (b"cICP", 4),
        (b"mDCV", 24),
        (b"mDCv", 24),
        (b"cLLI", 8),
        (b"cLLi", 8),
        (b"sBIT", 4),
        (b"bKGD", 6),
        (b"pHYs", 9),
        (b"acTL", 8),
        (b"fcTL", 26),
    ];
    let others = [
        b"tEXt", b"zTXt", b"iTXt", b"tIME", b"hIST", b"sPLT", b"caBX", b"iDOT", b"prVW", b"zzzz",
    ];
    let chunk = |kind: &[u8; 4]| png_chunk(kind, SECRET);
    let name = |kind: &'static [u8; 4]| std::str::from_utf8(kind).unwrap();
    let mut cases: Vec<_> = picture.map(|kind| (name(kind), chunk(kind), Kept)).into();
    cases.extend(others.map(|kind| (name(kind), chunk(kind), Gone)));
    for (kind, longest) in short {
        let whole = vec![7; longest];
        let longer = [&whole, SECRET].concat();
        cases.push((name(kind), png_chunk(kind, &whole), Kept));
        cases.push((name(kind), png_chunk(kind, &longer), Gone));
    }
    let turned = tiff(true, 40, &[(0x10f, 2, 6, 8), (0x112, 3, 1, 6)]);
    let minimal = png_chunk_with_checksum(b"eXIf", &minimal_tiff(6));
    let exif = |content: &[u8]| png_chunk(b"eXIf", content);
    cases.extend([
        ("turned", exif(&turned), Becomes(minimal.clone())),
        ("only turned", minimal, Kept),
        ("not turned", exif(&secret("MM\0*")), Gone),
        ("no TIFF", exif(SECRET), Gone),
        ("empty", exif(b""), Gone),
        ("XMP", png_xmp(SECRET), Gone),
    ]);
    check(png_with, cases);
}

#[test]
fn of_a_jpeg() {
    let jfif = |thumbnail: &[u8]| {
        let content = [b"JFIF\0\x01\x02\x01\0\x48\0\x48", thumbnail].concat();
        jpeg_segment(0xe0, &content)
    };
    let exif = |tiff: &[u8]| jpeg_segment(0xe1, &[b"Exif\0\0", tiff].concat());
    let adobe = b"Adobe\0\x64\0\0\0\0\x01";
    let turned = tiff(false, 4000, &[(0x112, 3, 1, 8)]);
    let app = |code, name: &str| jpeg_segment(code, &secret(name));
    let bare = || Becomes(jfif(&[0, 0]));
    let long = jpeg_segment(0xee, &[&adobe[..], SECRET].concat());
    let adobe = jpeg_segment(0xee, adobe);
    let more_xmp = app(0xe1, "http://ns.adobe.com/xmp/extension/\0");
    let jumbf = app(0xeb, "JP\0\x01\0\0\0\x01\0\0\0\x40jumb");
    let cases = vec![
        ("JFIF", jfif(&[0, 0]), Kept),
        ("a thumbnail", jfif(b"\x01\x02secret"), bare()),
        ("an empty thumbnail", jfif(b"\x01\0"), bare()),
        ("JFXX", app(0xe0, "JFXX\0\x10"), Gone),
        ("a short JFIF", jpeg_segment(0xe0, b"JFIF\0\x01\x02"), Gone),
        ("turned", exif(&turned), Becomes(exif(&minimal_tiff(8)))),
        ("only turned", exif(&minimal_tiff(3)), Kept),
        ("not turned", exif(&secret("II*\0\x08\0\0\0")), Gone),
        ("upright", exif(&minimal_tiff(1)), Gone),
        ("XMP", jpeg_xmp(SECRET), Gone),
        ("more XMP", more_xmp, Gone),
        ("a profile", app(0xe2, "ICC_PROFILE\0\x01\x01"), Kept),
        ("several pictures", app(0xe2, "MPF\0"), Gone),
        ("JUMBF", jumbf, Gone),
        ("IPTC", app(0xed, "Photoshop 3.0\0"), Gone),
        ("Adobe", adobe.clone(), Kept),
        ("a long Adobe", long, Becomes(adobe)),
        ("a comment", app(0xfe, ""), Gone),
        ("an extension", app(0xf3, ""), Gone),
        ("reserved", app(0xc8, ""), Gone),
        ("something between", SECRET.to_vec(), Gone),
        ("fill bytes", b"\xff\xff\xff".to_vec(), Gone),
        ("quantization", jpeg_segment(0xdb, &[1; 65]), Kept),
        ("arithmetic coding", jpeg_segment(0xcc, &[0; 2]), Kept),
        ("restarts", jpeg_segment(0xdd, &[0; 2]), Kept),
    ];
    check(jpeg_with, cases);
}

/// The data of a scan may contain stuffed bytes, restarts and fill bytes.
#[test]
fn scans_are_kept_as_they_are() {
    let scan = jpeg_scan(b"\x12\xff\0\x34\xff\xd0\x56\xff\xff\xd1\x78\xff\x01\xff\xff\0\x9a");
    let picture = [
        b"\xff\xd8",
        &jpeg_frame(16, 8)[..],
        &scan,
        b"\xff\xff",
        &jpeg_segment(0xc4, &[0; 20]),
        &jpeg_scan(b"\xff\0"),
        b"\xff\xff\xd9",
    ]
    .concat();
    assert_eq!(read(&picture).stripped(), None);
}

#[test]
fn of_a_webp() {
    let file = |segments: &[Vec<u8>]| webp_with(0x10, segments);
    let mut cases = vec![];
    for kind in [b"XMP ", b"C2PA", b"IPTC", b"JUNK", b"secr"] {
        cases.push(("metadata", webp_chunk(kind, SECRET), Gone));
    }
    for kind in [b"ICCP", b"ALPH", b"VP8L", b"VP8 "] {
        cases.push(("the picture", webp_chunk(kind, SECRET), Kept));
    }
    let animation: &[u8] = b"\xff\xff\xff\xff\x02\0";
    for secret in [SECRET, &SECRET[1..]] {
        let longer = webp_chunk(b"ANIM", &[animation, secret].concat());
        let bare = webp_chunk(b"ANIM", animation);
        cases.push(("more than loops", longer, Becomes(bare)));
    }
    cases.push(("loops", webp_chunk(b"ANIM", animation), Kept));
    cases.push(("not turned", webp_chunk(b"EXIF", SECRET), Gone));
    cases.push(("a second canvas", webp_chunk(b"VP8X", SECRET), Gone));
    check(file, cases);
}

#[test]
fn flags_of_a_webp_say_what_is_left() {
    let exif = |tiff: &[u8]| webp_chunk(b"EXIF", tiff);
    let xmp = webp_chunk(b"XMP ", SECRET);
    let turned = tiff(false, 8, &[(0x112, 3, 1, 5)]);
    let (turned, left) = (exif(&turned), vec![exif(&minimal_tiff(5))]);
    let (both, other) = (vec![turned.clone(), xmp.clone()], vec![exif(SECRET), xmp]);
    for (name, before, after) in [
        ("turned", (0x2c, both), (0x28, left.clone())),
        ("not turned", (0x3c, other), (0x30, vec![])),
        ("and nobody was told", (0x02, vec![turned]), (0x0a, left)),
    ] {
        let [before, after] = [before, after].map(|(flags, chunks)| webp_with(flags, &chunks));
        assert!(stripped(&before) == after, "{name}");
    }
}

/// A frame's length stands before it, so that nothing in it may become shorter.
#[test]
fn within_a_frame_of_a_webp_nothing_moves() {
    let around = |inner: &[Vec<u8>]| {
        let frame = webp_frame(0, 0, 8, 4, &inner.concat());
        riff(&[canvas(20, 10), webp_chunk(b"ANIM", &[0; 6]), frame].concat())
    };
    let picture = lossless(8, 4);
    for kind in [b"EXIF", b"XMP ", b"JUNK", b"ANMF", b"secr"] {
        for secret in [SECRET, &SECRET[1..]] {
            let before = around(&[webp_chunk(kind, secret), picture.clone()]);
            let blank = webp_chunk(b"JUNK", &vec![0; secret.len()]);
            let after = around(&[blank, picture.clone()]);
            assert!(stripped(&before) == after, "{kind:?}");
        }
    }
    let before = around(&[picture.clone(), b"secret".to_vec()]);
    assert!(stripped(&before) == around(&[picture.clone(), vec![0; 6]]));
    assert_eq!(read(&around(&[picture])).stripped(), None);
}

#[test]
fn of_a_gif() {
    let named = |name: &[u8], blocks: &[&[u8]]| gif_extension(0xff, &[&[name], blocks].concat());
    let repeats = b"\x01\x05\0";
    let buffers = b"\x02\0\x01\0\0";
    let netscape = |blocks: &[&[u8]]| named(b"NETSCAPE2.0", blocks);
    let few: &[&[u8]] = &[repeats];
    let more = netscape(&[SECRET, repeats, b"\x01secret", b"\x01"]);
    let control = b"\x05\x0a\0\x01";
    let longer = gif_extension(0xf9, &[&[&control[..], SECRET].concat(), SECRET]);
    let control = gif_extension(0xf9, &[control]);
    let cases = vec![
        ("a comment", gif_extension(0xfe, &[SECRET, SECRET]), Gone),
        ("text", gif_extension(0x01, &[&[0; 12], SECRET]), Gone),
        ("unknown", gif_extension(0x42, &[SECRET]), Gone),
        ("empty", gif_extension(0xfe, &[]), Gone),
        ("XMP", gif_xmp(SECRET), Gone),
        ("credentials", named(b"C2PA_GIF\x01\0\0", &[SECRET]), Gone),
        ("an application", named(b"secret", &[SECRET]), Gone),
        ("a long name", named(b"NETSCAPE2.0 and more", few), Gone),
        ("a profile", named(b"ICCRGBG1012", &[SECRET, SECRET]), Kept),
        ("repetition", netscape(&[repeats, buffers]), Kept),
        ("the other", named(b"ANIMEXTS1.0", few), Kept),
        ("more than repetition", more, Becomes(netscape(few))),
        ("control", control.clone(), Kept),
        ("more than control", longer, Becomes(control)),
        ("a second frame", gif_picture(), Kept),
    ];
    check(|segments| gif_with(b"GIF89a", segments), cases);
    assert_eq!(read(&gif_with(b"GIF87a", &[])).stripped(), None);
}

#[test]
fn nothing_follows_the_end() {
    let without_padding = &lossy(7, 3)[..21];
    for (name, file) in [
        ("PNG", png_with(&[])),
        ("JPEG", jpeg_with(&[])),
        ("WebP", webp_with(0, &[])),
        ("GIF", gif_with(b"GIF89a", &[])),
        ("WebP without padding", riff(without_padding)),
        ("simple WebP", riff(&lossless(7, 3))),
    ] {
        assert_eq!(read(&file).stripped(), None, "{name}");
        let longer = [&file, SECRET].concat();
        assert!(stripped(&longer) == file, "{name}");
        let twice = [&file[..], &file].concat();
        assert!(stripped(&twice) == file, "{name} twice");
    }
}

/// A picture that is complete needs no mark of its end.
#[test]
fn a_picture_that_goes_on_is_ended() {
    let whole = jpeg_with(&[]);
    let bare = &whole[..whole.len() - 2];
    assert_eq!(read(bare).stripped(), None, "nothing follows");
    let comment = jpeg_segment(0xfe, SECRET);
    for (name, more) in [
        ("a segment", comment.clone()),
        ("a table", jpeg_segment(0xc4, SECRET)),
        ("a scan", jpeg_scan(SECRET)),
        ("a box", [b"\xff\xff", SECRET].concat()),
        ("filled", [&b"\xff\xff\xff"[..], &comment].concat()),
        ("and the mark", [&comment, &b"\xff\xd9"[..]].concat()),
    ] {
        let longer = [bare, &more].concat();
        assert!(stripped(&longer) == whole, "{name}");
    }
    // The inspector looks ahead for a marker; here it has not.
    for more in [SECRET, b"\0\0\xff\xd9", b"\0\xff\xff\xd9"] {
        let longer = [bare, more].concat();
        let metadata = read_in(&[&longer], bare.len() as u64);
        let rewrite = metadata.stripped().unwrap();
        assert!(rewritten_in(&rewrite, &[&longer]) == whole);
    }

    let whole = gif_with(b"GIF89a", &[]);
    let bare = &whole[..whole.len() - 1];
    assert_eq!(read(bare).stripped(), None, "nothing follows");
    let longer = [bare, b"\0", SECRET].concat();
    assert!(stripped(&longer) == whole);
}

#[test]
fn a_remainder_of_a_webp_is_no_chunk() {
    let chunks = [canvas(7, 3), lossy(7, 3)].concat();
    let before = riff(&[&chunks, &b"secret"[..]].concat());
    assert!(stripped(&before) == riff(&chunks));
}

#[test]
fn samples_stay_pictures() {
    for sample in all() {
        let limits = Limits {
            max_bytes: u64::MAX,
            max_pixels: u64::MAX,
        };
        let result = stripped(&sample.bytes);
        let inspected = crate::image::inspect(&result, limits).unwrap();
        assert_eq!(inspected.format, sample.format, "{}", sample.name);
        assert_eq!((inspected.width, inspected.height), sample.size);
    }
}
