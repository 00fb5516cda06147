//! What a model component is asked, as in `wit/model-types.wit`.

use wasmtime::component::{ComponentType, Lower, StreamReader};

use crate::capability::model::ModelRequest;
use crate::wasm::idle_memory::MemoryPlace;
use crate::wasm::placed::Placed;
use crate::wasm::stream::ByteStream;

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Request {
    #[component(name = "task-id")]
    task_id: String,
    prompt: Placed<String>,
    strength: f32,
    #[component(name = "logo-description")]
    logo_description: Option<String>,
    #[component(name = "theme-description")]
    theme_description: Option<String>,
    #[component(name = "media-type")]
    media_type: String,
    length: u64,
    #[component(name = "source-url")]
    source_url: Option<String>,
    image: StreamReader<u8>,
}

/// `place` is told where the model has its memory.
pub fn to_wit(
    request: ModelRequest,
    place: MemoryPlace,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Request> {
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
    Ok(Request {
        task_id,
        prompt: Placed {
            value: prompt,
            place,
        },
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        image: StreamReader::new(store, image)?,
    })
}
