//! What is in files.

use concept_refinement_raster::Format;

/// The names of the chunks of a PNG or a WebP, in order.
pub fn chunk_names(format: Format, file: &[u8]) -> Vec<[u8; 4]> {
    let is_png = format == Format::Png;
    let mut rest = &file[if is_png { 8 } else { 12 }..];
    let mut names = Vec::new();
    while rest.len() >= 8 {
        let (one, other) = (
            *rest[..4].as_array().unwrap(),
            *rest[4..8].as_array().unwrap(),
        );
        let (name, length) = match is_png {
            true => (other, u32::from_be_bytes(one) as usize + 12),
            false => (
                one,
                (u32::from_le_bytes(other) as usize).next_multiple_of(2) + 8,
            ),
        };
        names.push(name);
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    names
}
