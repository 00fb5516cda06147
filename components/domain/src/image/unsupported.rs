//! Recognises image formats that are not supported, so that users learn what their file
//! is.

/// How many bytes are searched for the root element of a drawing, or the brands of a
/// file. No more is buffered.
const MAX_START: usize = 1024;

/// Signatures that identify a format; `?` is any byte.
const SIGNATURES: [(&str, &[u8]); 7] = [
    ("AVIF", b"\0\0??ftypavif"),
    ("AVIF", b"\0\0??ftypavis"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("BMP", b"BM????\0\0\0\0"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("JPEG XL", b"\xff\x0a"),
];

/// Brands of images compressed with HEVC.
const HEIC_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"];

/// Brands of the container only; other brands identify the contents.
const CONTAINER_BRANDS: [&[u8]; 2] = [b"mif1", b"msf1"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    Is(&'static str),
    IsNone,
    /// It depends on further bytes.
    Undecided,
}

/// Guesses the format from the beginning of a file. Has to be called for each byte: some
/// formats are recognised only by the last one.
pub fn guess(start: &[u8]) -> Guess {
    if start.len() > MAX_START {
        return Guess::IsNone;
    }
    let guesses = [by_signature(start), by_brands(start), as_drawing(start)];
    let decided = guesses.iter().find(|guess| matches!(guess, Guess::Is(_)));
    match decided {
        Some(decided) => *decided,
        None if guesses.contains(&Guess::Undecided) => Guess::Undecided,
        None => Guess::IsNone,
    }
}

fn by_signature(start: &[u8]) -> Guess {
    let mut guess = Guess::IsNone;
    for (name, signature) in SIGNATURES {
        if super::inspector::agree(signature, start) {
            match start.len() >= signature.len() {
                true => return Guess::Is(name),
                false => guess = Guess::Undecided,
            }
        }
    }
    guess
}

/// ISO/IEC 23008-12: a box with its length, the type `ftyp`, the major brand, a version,
/// and compatible brands.
fn by_brands(start: &[u8]) -> Guess {
    if !super::inspector::agree(b"\0\0??ftyp", start) {
        return Guess::IsNone;
    }
    let (Some([_, _, high, low]), Some(major)) = (start.first_chunk(), start.get(8..12)) else {
        return Guess::Undecided;
    };
    if HEIC_BRANDS.contains(&major) {
        return Guess::Is("HEIC");
    }
    if !CONTAINER_BRANDS.contains(&major) {
        return Guess::IsNone;
    }
    let end = usize::from(u16::from_be_bytes([*high, *low]));
    let others = start.get(16..).unwrap_or_default();
    let mut others = others.chunks_exact(4);
    if others.any(|brand| brand == b"avif") {
        return Guess::Is("AVIF");
    }
    match start.len() < end.min(MAX_START) {
        true => Guess::Undecided,
        false => Guess::Is("HEIC"),
    }
}

/// SVG is text; a declaration and comments may precede the root element.
fn as_drawing(start: &[u8]) -> Guess {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    if BYTE_ORDER_MARK.starts_with(start) {
        return Guess::Undecided;
    }
    let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let text = text.trim_ascii_start();
    if text.first().is_some_and(|first| *first != b'<') {
        return Guess::IsNone;
    }
    let begins_name = |pair: &[u8]| matches!(pair, [b'<', next] if next.is_ascii_alphabetic());
    let Some(root) = text.windows(2).position(begins_name) else {
        return Guess::Undecided;
    };
    let name = text.get(root + 1..).unwrap_or_default();
    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    match name
        .iter()
        .position(ends_name)
        .and_then(|end| name.get(..end))
    {
        None => Guess::Undecided,
        Some(name) if name == b"svg" || name.ends_with(b":svg") => Guess::Is("SVG"),
        Some(_) => Guess::IsNone,
    }
}
