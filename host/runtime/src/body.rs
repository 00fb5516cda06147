//! HTTP bodies.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

/// A body whose bytes are all known.
pub fn whole(bytes: impl Into<Bytes>) -> WasiBody {
    let body = Full::new(bytes.into());
    body.map_err(|never| match never {}).boxed_unsync()
}

/// Drops `guard` together with the body. The length of the body is no longer known.
pub fn guarded<G: Send + 'static>(body: WasiBody, guard: G) -> WasiBody {
    let guarded = body.map_frame(move |frame| {
        let _ = &guard;
        frame
    });
    guarded.boxed_unsync()
}
