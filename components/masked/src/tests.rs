//! A model that inverts every pixel, whatever part was asked for: outside of the part nothing
//! changes, inside is what it has painted.

mod answers;
mod files;
mod kinds;
mod parts;
mod pictures;
mod refusals;

use concept_refinement_raster::{self as raster, Format, Raw};

use super::*;
use crate::encode::Pixel;
use pictures::Picture;

fn file(format: Format, bytes: Vec<u8>) -> File {
    File {
        media_type: format.media_type().to_owned(),
        bytes,
    }
}

fn decoded(format: Format, bytes: &[u8]) -> Raw {
    raster::decode(bytes.to_vec(), format).unwrap()
}

/// All pixels of an image, upright.
fn pixels(raw: &Raw) -> Vec<Vec<Pixel>> {
    let (width, height) = raw.upright_size();
    (0..height)
        .map(|y| {
            let mut row = Vec::new();
            raw.read_row(0, y, width, &mut row);
            row
        })
        .collect()
}

fn whole(pieces: Pieces) -> Vec<u8> {
    pieces.map(Result::unwrap).collect::<Vec<_>>().concat()
}

fn format_of(media_type: &str) -> Format {
    Format::from_media_type(media_type).unwrap()
}

fn region(x: u32, y: u32, width: u32, height: u32) -> Region {
    Region {
        x,
        y,
        width,
        height,
    }
}

/// What came of an edit.
struct Edited {
    area: Region,
    format: Format,
    file: Vec<u8>,
    notes: Vec<String>,
}

/// The service's way: a view, the model's answer to it, and the result.
fn edit(
    (format, original): (Format, &[u8]),
    part: Part,
    part_only: bool,
    feather: u32,
    model: impl FnOnce(Region, Vec<u8>) -> (Format, Vec<u8>),
) -> Edited {
    let view = prepare(file(format, original.to_vec()), part, part_only).unwrap();
    let seen = view.image.map_or_else(|| original.to_vec(), whole);
    let (answer_format, answer) = model(view.area, seen);
    let answer = Answer {
        mask: view.mask,
        area: view.area,
        feather,
        image: file(answer_format, answer),
    };
    let composite = compose(file(format, original.to_vec()), answer).unwrap();
    Edited {
        area: view.area,
        format: format_of(composite.media_type),
        file: whole(composite.contents),
        notes: composite.notes,
    }
}

/// What the model is shown, inverted: in the values of the file, whatever they mean.
fn inverted(format: Format, seen: Vec<u8>) -> Picture {
    let raw = file(format, seen).decode().unwrap();
    Picture::of_raw(&raw).inverted()
}
