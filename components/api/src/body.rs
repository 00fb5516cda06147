//! Reads JSON bodies within a limit.

use crate::problem::Problem;
use crate::request::{Body, Headers};

/// Largest JSON body, in bytes.
const MAX_JSON: usize = 64 * 1024;

/// Reads a JSON body. A body that is too long is refused with 413, even if it is not
/// declared as JSON.
pub async fn json(headers: &Headers, body: &mut impl Body) -> Result<Vec<u8>, Problem> {
    let bytes = bounded(headers, body).await?;
    check_declared(headers)?;
    Ok(bytes)
}

/// Whether the body is declared as JSON.
pub fn check_declared(headers: &Headers) -> Result<(), Problem> {
    match is_declared(headers, "application/json") {
        true => Ok(()),
        false => Err(Problem::UnsupportedMediaType(
            "The body must be declared as application/json.".into(),
        )),
    }
}

async fn bounded(headers: &Headers, body: &mut impl Body) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::TooLarge("The body is longer than 64 KiB.".into());
    if headers
        .content_length()
        .is_some_and(|length| length > MAX_JSON as u64)
    {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > MAX_JSON => {
                return Err(too_large());
            }
            Ok(Some(chunk)) if bytes.is_empty() => bytes = chunk,
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(interrupted) => return Err(interrupted.into()),
        }
    }
}

/// Whether the body is declared to be of this media type, whatever its parameters.
pub fn is_declared(headers: &Headers, media_type: &str) -> bool {
    headers
        .text("content-type")
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}
