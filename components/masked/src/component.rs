//! Exports the interface `partial-edits`. Contains no logic.

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::partial_edit::MAX_COMPOSITE_BYTES;
use concept_refinement_domain::records;

use crate::{File, Pieces, compose, prepare};

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "masked",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::model_types::{Image, Mask};
use bindings::exports::concept::refinement::partial_edits::{
    self as wit, Composite, Guest, Original, Part, Region, View,
};
use bindings::wit_stream;
use wit_bindgen::{StreamReader, StreamResult};

records! { wit Region { x, y, width, height } }

struct Component;

impl Guest for Component {
    async fn prepare(original: Original, part: Part, part_only: bool) -> Result<View, String> {
        let original = original_file(original).await?;
        let part = match part {
            Part::Region(region) => crate::Part::Region(region.convert()),
            Part::Mask(mask) => crate::Part::Mask(mask_file(mask).await?),
        };
        let view = prepare(original, part, part_only).map_err(|problem| problem.to_string())?;
        let length = view.mask.len() as u64;
        Ok(View {
            image: view.image.map(|pieces| image("image/png", pieces)),
            mask: Mask {
                media_type: "image/png".to_owned(),
                length,
                contents: stream(std::iter::once(view.mask)),
            },
            area: view.area.convert(),
            result_length: view.result_length,
        })
    }

    async fn compose(
        original: Original,
        mask: Mask,
        area: Region,
        feather: u32,
        answer: Image,
    ) -> Result<Composite, String> {
        let original = original_file(original).await?;
        let answer = crate::Answer {
            mask: mask_file(mask).await?.bytes,
            area: area.convert(),
            feather,
            image: read(answer.media_type, answer.contents, answer.length).await?,
        };
        let composite = compose(original, answer).map_err(|problem| problem.to_string())?;
        Ok(Composite {
            image: image(composite.media_type, composite.contents),
            notes: composite.notes,
        })
    }
}

async fn original_file(original: Original) -> Result<File, String> {
    let length = Some(original.length);
    read(original.media_type, original.contents, length).await
}

async fn mask_file(mask: Mask) -> Result<File, String> {
    read(mask.media_type, mask.contents, Some(mask.length)).await
}

/// Reads the declared number of bytes, or all of them where none is declared.
async fn read(
    media_type: String,
    mut stream: StreamReader<u8>,
    length: Option<u64>,
) -> Result<File, String> {
    const MAX_FILE: usize = MAX_COMPOSITE_BYTES as usize;
    let too_large = || "the image is too large".to_owned();
    let declared = length.map(usize::try_from).transpose();
    let declared = declared.map_err(|_| too_large())?;
    let most = declared.unwrap_or(MAX_FILE);
    let mut bytes = Vec::new();
    if most > MAX_FILE || bytes.try_reserve_exact(declared.unwrap_or(0)).is_err() {
        return Err(too_large());
    }
    // Reads into the room that the buffer has.
    while bytes.len() < most || declared.is_none() {
        if bytes.len() > MAX_FILE || bytes.try_reserve(1).is_err() {
            return Err(too_large());
        }
        let (result, read) = stream.read(bytes).await;
        bytes = read;
        if let StreamResult::Dropped = result {
            break;
        }
    }
    bytes.truncate(most);
    match declared.is_some_and(|length| bytes.len() < length) {
        true => Err("the image is shorter than announced".to_owned()),
        false => Ok(File { media_type, bytes }),
    }
}

fn image(media_type: &str, pieces: Pieces) -> Image {
    Image {
        media_type: media_type.to_owned(),
        length: None,
        // An image that cannot be encoded ends early, and is found incomplete.
        contents: stream(pieces.map_while(Result::ok)),
    }
}

/// Writes pieces as they are made.
fn stream(pieces: impl Iterator<Item = Vec<u8>> + 'static) -> StreamReader<u8> {
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        for piece in pieces {
            // The reader may stop early.
            if !writer.write_all(piece).await.is_empty() {
                return;
            }
        }
    });
    contents
}
