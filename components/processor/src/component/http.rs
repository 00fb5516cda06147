//! Outbound HTTP.

use std::time::Duration;

use concept_refinement_guest::outbound::{self, Timeouts};
use wasip3::http::types::Method;

use super::stores::Body;
use crate::ports::{self, Failure, Purpose, Rest};

const IMAGES: (&str, &str) = ("accept", "image/png, image/jpeg, image/webp, image/gif");

const TIMEOUTS: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(10)),
    first_byte: None,
    between_bytes: None,
};

/// `rest`: None for the whole file.
pub async fn get(
    url: &str,
    purpose: Purpose,
    rest: Option<&Rest>,
    user_agent: &str,
) -> Result<ports::Response<Body>, Failure> {
    let range = rest.map(|rest| (format!("bytes={}-", rest.offset), &*rest.etag));
    let range = range
        .as_ref()
        .map(|(range, etag)| [("range", &**range), ("if-range", *etag)]);
    let every = [IMAGES, ("user-agent", user_agent)];
    let fields = every.into_iter().chain(purpose.field());
    let fields = fields.chain(range.into_iter().flatten());
    let request =
        outbound::request(&Method::Get, url, fields, None, TIMEOUTS).ok_or(Failure::Broken)?;
    let response = outbound::send(request).await?;
    Ok(ports::Response {
        status: response.status,
        location: response.location(),
        content_length: response.content_length(),
        is_compressed: response.is_compressed(),
        content_range: response.header("content-range"),
        etag: response.header("etag"),
        retry_after: response.header("retry-after"),
        body: response.into(),
    })
}
