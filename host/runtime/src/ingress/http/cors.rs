//! CORS headers for answers by the host itself. The component sets them on its own
//! answers.

use http::header::{self, HeaderValue};
use http::{HeaderMap, Response};

pub struct Origins(Vec<HeaderValue>);

impl Origins {
    pub fn new(origins: &[String]) -> Self {
        let values = origins.iter().filter_map(|origin| origin.parse().ok());
        Self(values.collect())
    }

    /// The request's origin, if the operator allows it.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let asks = headers.get(header::ORIGIN)?;
        self.0.iter().find(|named| *named == asks).cloned()
    }
}

pub fn allow<B>(origin: Option<HeaderValue>, response: &mut Response<B>) {
    let Some(origin) = origin else { return };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Retry-After"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
}
