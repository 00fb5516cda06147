//! Exports the interface `image-model`, implemented by `refine`. Contains no logic.

use concept_refinement_domain::partial_edit::MAX_COMPOSITE_BYTES;

use crate::{DESCRIPTION, NO_SEED, refine};

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-component",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source,
};
use bindings::wit_stream;

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let no_seed = request.seed.map(|_| NO_SEED.to_owned());
        let image = read(request.image, request.length).await?;
        let wish = crate::Request {
            media_type: &request.media_type,
            prompt: &request.prompt,
            theme: request.theme_description.as_deref(),
            strength: request.strength,
        };
        let refined = refine(image, &wish).map_err(|error| Error::Refused(error.to_string()))?;
        let length = Some(refined.bytes.len() as u64);
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            // The reader may stop early.
            writer.write_all(refined.bytes).await;
        });
        Ok(Answer {
            image: ImageOrLocation::Image(Image {
                media_type: refined.media_type.to_owned(),
                length,
                contents,
            }),
            notes: refined.notes.into_iter().chain(no_seed).collect(),
            source: Source::Rules,
        })
    }

    async fn describe() -> String {
        DESCRIPTION.to_owned()
    }
}

/// Reads exactly the declared number of bytes.
async fn read(mut image: wit_bindgen::StreamReader<u8>, length: u64) -> Result<Vec<u8>, Error> {
    let refused = |reason: &str| Error::Refused(reason.to_owned());
    let length = usize::try_from(length.min(MAX_COMPOSITE_BYTES + 1)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    if length as u64 > MAX_COMPOSITE_BYTES || bytes.try_reserve_exact(length).is_err() {
        return Err(refused("the image is too large for this model"));
    }
    while bytes.len() < length {
        let (result, read) = image.read(bytes).await;
        bytes = read;
        if let wit_bindgen::StreamResult::Dropped = result {
            break;
        }
    }
    bytes.truncate(length);
    if bytes.len() < length {
        return Err(refused("the image is shorter than announced"));
    }
    Ok(bytes)
}
