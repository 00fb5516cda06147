//! Bodies of HTTP.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

/// A body that is there as a whole.
pub fn whole(bytes: impl Into<Bytes>) -> WasiBody {
    let body = Full::new(bytes.into());
    body.map_err(|never| match never {}).boxed_unsync()
}

/// Drops `guard` with the body, and not before. How long the body is, is not told any
/// more.
pub fn guarded<G: Send + 'static>(body: WasiBody, guard: G) -> WasiBody {
    let guarded = body.map_frame(move |frame| {
        let _ = &guard;
        frame
    });
    guarded.boxed_unsync()
}
