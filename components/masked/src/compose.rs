//! The model's answer in the original.

use concept_refinement_raster::Format;

use crate::answer::Painted;
use crate::blend;
use crate::encode::{Pieces, png, webp};
use crate::mask::Mask;
use crate::original::{File, Original};
use crate::{Problem, Region};

/// What was asked, and what came back.
pub struct Answer {
    /// That of the view.
    pub mask: Vec<u8>,
    /// Where the view is in the upright original.
    pub area: Region,
    /// How many pixels of the edge blend.
    pub feather: u32,
    pub image: File,
}

/// Upright, of the original's size, without loss.
pub struct Composite {
    pub media_type: &'static str,
    pub contents: Pieces,
    /// For users, in sentences.
    pub notes: Vec<String>,
}

/// Puts the answer into the original, where the mask of the view is white.
pub fn compose(original: File, answer: Answer) -> Result<Composite, Problem> {
    let Answer {
        mask,
        area,
        feather,
        image,
    } = answer;
    let mask = Mask::from_png(&mask)?;
    let (original, raw) = if image.format() == Some(Format::Jpeg) {
        // A JPEG takes much more memory while it is decoded than afterwards.
        let raw = image.decode().map_err(Problem::Answer)?;
        (Original::decode(original)?, raw)
    } else {
        let original = Original::decode(original)?;
        (original, image.decode().map_err(Problem::Answer)?)
    };
    let size = original.raw.upright_size();
    if area.within(size) != Some(area) || mask.size() != (area.width, area.height) {
        return Err(Problem::OtherView);
    }
    let (mut painted, mut notes) = Painted::new(raw, &original, mask.size());
    if !blend::changes(&original, &mut painted, area, &mask, feather) {
        notes.push("Nothing changed in the part that was to change.".to_owned());
    }
    let mut form = original.form();
    form.alpha |= painted.alpha;
    let format = match original.format {
        Some(Format::Webp) if webp::fits(&form) => Format::Webp,
        _ => Format::Png,
    };
    if original.format != Some(format) {
        notes.push("The result is a PNG, so that nothing outside of the edit changes.".to_owned());
    }
    let rows = blend::rows(original, painted, area, mask, feather);
    let contents = match format {
        Format::Webp => webp::pieces(form, rows)?,
        _ => png::pieces(form, rows)?,
    };
    Ok(Composite {
        media_type: format.media_type(),
        contents,
        notes,
    })
}
