//! What a model is to see.

use concept_refinement_raster::Orientation;

use crate::encode::{Pieces, png};
use crate::mask::Mask;
use crate::original::{File, Original};
use crate::{Problem, Region};

/// What is to change.
pub enum Part {
    /// What reaches beyond the original is cut off.
    Region(Region),
    /// An image of the upright original's size.
    Mask(File),
}

pub struct View {
    /// A PNG. None: the original as it is.
    pub image: Option<Pieces>,
    /// Of that image's size: a PNG with one bit for each pixel, white where it is to change.
    pub mask: Vec<u8>,
    /// Where the image is in the upright original.
    pub area: Region,
    /// How long the result can be, in bytes.
    pub result_length: u64,
}

/// Decodes both images, so that what cannot be edited is known before a model is asked. With
/// `part_only` the model sees a box around what is to change, and nothing else.
pub fn prepare(original: File, part: Part, part_only: bool) -> Result<View, Problem> {
    let (original, mask) = match part {
        Part::Region(region) => {
            let original = Original::decode(original)?;
            let size = original.raw.upright_size();
            let region = region.within(size).ok_or(Problem::RegionOutside(size))?;
            (original, Mask::of_region(size, region))
        }
        Part::Mask(file) => {
            // Before the original is: the two are never in memory together.
            let mask = Mask::of_image(&file.decode().map_err(Problem::Mask)?);
            let original = Original::decode(original)?;
            let size = original.raw.upright_size();
            if mask.size() != size {
                return Err(Problem::MaskSize(size));
            }
            (original, mask)
        }
    };
    let size = original.raw.upright_size();
    let bounds = mask.bounds().ok_or(Problem::NothingMarked)?;
    let area = match part_only {
        true => bounds.with_margin(size),
        false => Region::whole(size),
    };
    let result_length = original.form().longest_with_alpha();
    let is_upright = original.raw.orientation == Orientation::NoTransforms;
    let image = match is_upright && !original.raw.is_ambiguous && !part_only {
        true => None,
        false => {
            let (form, rows) = original.crop(area);
            Some(png::pieces(form, rows)?)
        }
    };
    let mask = match area == Region::whole(size) {
        true => mask,
        false => mask.cropped(area),
    };
    Ok(View {
        image,
        mask: mask.to_png()?,
        area,
        result_length,
    })
}
