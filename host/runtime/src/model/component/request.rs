//! Converts a request for a model component to the types of `wit/model-types.wit`.

use std::time::Instant;

use concept_refinement_capability::model::{Mask, ModelRequest};
use wasmtime::component::StreamReader;

use crate::model::paid_call::PaidCall;
use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::stream::ByteStream;

pub fn to_wit(
    request: ModelRequest,
    call: &PaidCall,
    mut store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<wit::Request> {
    let ModelRequest {
        task_id,
        prompt,
        strength,
        seed,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        options,
        mask,
        image,
        reopen,
        retry_later: _,
        deadline,
        payments: _,
    } = request;
    let time_left = deadline.saturating_duration_since(Instant::now());
    let mask = match mask {
        Some(Mask {
            media_type,
            length,
            contents,
            reopen,
        }) => Some(wit::Mask {
            media_type,
            length,
            contents: StreamReader::new(&mut store, ByteStream::of(contents, reopen))?,
        }),
        None => None,
    };
    Ok(wit::Request {
        task_id,
        prompt,
        strength,
        seed,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        receipt: call.receipt.clone(),
        time_left: u64::try_from(time_left.as_millis()).unwrap_or(u64::MAX),
        receipt_key: call.key.clone(),
        options,
        image: StreamReader::new(store, ByteStream::of(image, reopen))?,
        mask,
    })
}
