//! What a model component is asked, as in `wit/model-types.wit`.

use concept_refinement_capability::model::ModelRequest;
use wasmtime::component::StreamReader;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::stream::ByteStream;

pub fn to_wit(
    request: ModelRequest,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<wit::Request> {
    let ModelRequest {
        task_id,
        prompt,
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        image,
        reopen,
        setback: _,
    } = request;
    let image = match reopen {
        Some(reopen) => ByteStream::of(image, reopen),
        None => ByteStream::new(image),
    };
    Ok(wit::Request {
        task_id,
        prompt,
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        image: StreamReader::new(store, image)?,
    })
}
