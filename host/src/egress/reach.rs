//! Whether an origin is there, as far as that costs nothing.

use std::time::Duration;

use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::{Egress, Origin, send};

impl Egress {
    /// Asks for the head of a path, and for nothing else. Whatever status it
    /// answers with, it is there.
    pub async fn reach(&self, origin: &Origin, path: &str, limit: Duration) -> Result<(), Error> {
        let Origin { scheme, host, port } = origin;
        let authority = format!("{host}:{port}");
        let request = http::Request::head(format!("{scheme}://{authority}{path}"))
            .header(http::header::HOST, authority)
            .body(WasiBody::default())
            .map_err(|_| Error::HttpRequestUriInvalid)?;
        let options = RequestOptions {
            connect_timeout: Some(limit),
            first_byte_timeout: Some(limit),
            between_bytes_timeout: Some(limit),
        };
        send(self, request, Some(options)).await.map(drop)
    }
}
