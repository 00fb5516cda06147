//! Files with given segments, as far as filters look.

pub use crate::image::tests::samples::*;

/// A chunk with its checksum.
pub fn png_chunk_with_checksum(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = png_chunk(kind, content);
    let end = chunk.len() - 4;
    let checksum = crc32fast::hash(&chunk[4..end]);
    chunk[end..].copy_from_slice(&checksum.to_be_bytes());
    chunk
}

/// With these segments before the picture, of one component and one block.
pub fn jpeg_with(segments: &[Vec<u8>]) -> Vec<u8> {
    [
        b"\xff\xd8",
        &segments.concat()[..],
        &jpeg_picture(),
        b"\xff\xd9",
    ]
    .concat()
}

/// A baseline picture of 8 by 8 pixels, whose data the inspector can count.
pub fn jpeg_picture() -> Vec<u8> {
    let table = |class: u8| {
        let mut lengths = [0; 16];
        lengths[0] = 1;
        jpeg_segment(0xc4, &[&[class], &lengths[..], &[0]].concat())
    };
    [
        jpeg_segment(0xdb, &[0; 65]),
        jpeg_segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
        table(0x00),
        table(0x10),
        jpeg_segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![0x3f],
    ]
    .concat()
}

/// An extended one of 7 by 3 pixels, with these flags, and these chunks behind the picture.
pub fn webp_with(flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut canvas = canvas(7, 3);
    canvas[8] = flags;
    riff(&[canvas, lossy(7, 3), chunks.concat()].concat())
}

/// With these blocks before the picture.
pub fn gif_with(version: &[u8; 6], blocks: &[Vec<u8>]) -> Vec<u8> {
    [
        &version[..],
        &[4, 0, 3, 0, 0x80, 0, 0],
        &[7; 6],
        &blocks.concat(),
        &gif_picture(),
        b";",
    ]
    .concat()
}

/// A frame with a colour table of its own.
pub fn gif_picture() -> Vec<u8> {
    let frame = [0, 0, 0, 0, 4, 0, 3, 0, 0x80];
    [b",", &frame[..], &[9; 6], b"\x02\x02\x4c\x01\0"].concat()
}

/// An extension with this content in its sub-blocks.
pub fn gif_extension(label: u8, blocks: &[&[u8]]) -> Vec<u8> {
    let blocks: Vec<u8> = blocks
        .iter()
        .flat_map(|block| [&[block.len() as u8], *block].concat())
        .collect();
    [b"!", &[label][..], &blocks, &[0]].concat()
}

/// The end of a packet in a GIF.
pub fn magic_trailer() -> Vec<u8> {
    [&[1][..], &(0..=255).rev().collect::<Vec<u8>>(), &[0]].concat()
}

/// TIFF in one of the byte orders, with the directory at this place, and these entries: tag,
/// type, count, value.
pub fn tiff(is_big: bool, place: u32, entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let short = |value: u16| match is_big {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let long = |value: u32| match is_big {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let order: &[u8] = if is_big { b"MM" } else { b"II" };
    let mut tiff = [order, &short(42), &long(place)].concat();
    tiff.resize(place as usize, b'x');
    tiff.extend(short(entries.len() as u16));
    for (tag, kind, count, value) in entries {
        tiff.extend([&short(*tag)[..], &short(*kind), &long(*count)].concat());
        match kind {
            3 => tiff.extend([&short(*value as u16)[..], b"zz"].concat()),
            _ => tiff.extend(long(*value)),
        }
    }
    tiff.extend(long(0));
    tiff
}

/// As filters write it: with this orientation and nothing else.
pub fn minimal_tiff(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// A packet with something in it, and these attributes in its description.
pub fn packet(attributes: &str) -> Vec<u8> {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"it\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" {attributes}>\n\
         <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>\n\
         </rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n   \n<?xpacket end=\"w\"?>"
    )
    .into_bytes()
}

/// The segment with this packet.
pub fn png_xmp(packet: &[u8]) -> Vec<u8> {
    png_chunk_with_checksum(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet].concat())
}

pub fn jpeg_xmp(packet: &[u8]) -> Vec<u8> {
    jpeg_segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", packet].concat())
}

pub fn gif_xmp(packet: &[u8]) -> Vec<u8> {
    [b"!\xff\x0bXMP DataXMP", packet, &magic_trailer()].concat()
}
