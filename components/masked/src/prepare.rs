//! What a model is to see.

use concept_refinement_raster::Orientation;

use crate::encode::Pieces;
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
    // Before the original is: the two are never in memory together.
    let part = match part {
        Part::Region(region) => Marked::Region(region),
        Part::Mask(file) => {
            let raw = file.decode().map_err(Problem::Mask)?;
            Marked::Mask(Mask::of_image(&raw))
        }
    };
    let original = Original::decode(original)?;
    let size = original.raw.upright_size();
    let mask = part.of_size(size)?;
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
            Some(Pieces::png(form, rows)?)
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

enum Marked {
    Region(Region),
    Mask(Mask),
}

impl Marked {
    /// As the mask of an original of that size.
    fn of_size(self, size: (u32, u32)) -> Result<Mask, Problem> {
        match self {
            Self::Region(region) => {
                let region = region.within(size).ok_or(Problem::RegionOutside(size))?;
                Ok(Mask::of_region(size, region))
            }
            Self::Mask(mask) if mask.size() == size => Ok(mask),
            Self::Mask(_) => Err(Problem::MaskSize(size)),
        }
    }
}
