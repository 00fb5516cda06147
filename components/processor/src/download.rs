//! Downloads an image by URL, under the rules for originals.
//!
//! Each URL, including redirects, is checked without resolving its name; our
//! host checks the addresses.

use concept_refinement_domain::image::Limits;
use concept_refinement_domain::original::check_url;
use thiserror::Error;
use url::Url;

use crate::config::Config;
use crate::contents::{Contents, Rejected};
use crate::ports::{Blobs, ByteStream, FetchError, Http, Purpose, Response};

/// Contract, section 2.
const MAX_REDIRECTS: usize = 3;

/// Why an image could not be downloaded, in sentences that the user may read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DownloadError {
    #[error("the address {0}")]
    Address(String),
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("the address answered {0}")]
    Status(u16),
    #[error("the address redirects more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    #[error("the address redirects to nowhere")]
    RedirectToNowhere,
    #[error("the answer is compressed in a way that was not asked for")]
    Encoded,
    #[error("{0}")]
    Contents(#[from] Rejected),
}

/// Downloads one image, following a few redirects.
pub async fn download<P: Http + Blobs>(
    ports: &P,
    url: &str,
    purpose: Purpose,
    config: &Config,
) -> Result<Contents<P::Blob>, DownloadError> {
    let limits = match purpose {
        Purpose::Original => config.original_limits(),
        Purpose::ModelAnswer => config.answer_limits(),
    };
    let mut url = permitted(url, purpose, config)?;
    for _ in 0..=MAX_REDIRECTS {
        let response = ports.get(url.as_str(), purpose).await?;
        match response.status {
            200 => return contents(ports, purpose, response, limits).await,
            301 | 302 | 303 | 307 | 308 => url = redirected(&url, &response, purpose, config)?,
            status => return Err(DownloadError::Status(status)),
        }
    }
    Err(DownloadError::TooManyRedirects)
}

fn redirected<S>(
    from: &Url,
    response: &Response<S>,
    purpose: Purpose,
    config: &Config,
) -> Result<Url, DownloadError> {
    let next = response
        .location
        .as_deref()
        .and_then(|location| from.join(location).ok())
        .ok_or(DownloadError::RedirectToNowhere)?;
    permitted(next.as_str(), purpose, config)
}

async fn contents<B: Blobs>(
    blobs: &B,
    purpose: Purpose,
    mut response: Response<impl ByteStream>,
    limits: Limits,
) -> Result<Contents<B::Blob>, DownloadError> {
    let encoding = response.content_encoding.as_deref().unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(DownloadError::Encoded);
    }
    let (body, declared) = (&mut response.body, response.content_length);
    Ok(Contents::collect(blobs, purpose, body, declared, limits).await?)
}

/// A model may answer with a URL of its provider, even at a private address. A
/// user may not.
fn permitted(url: &str, purpose: Purpose, config: &Config) -> Result<Url, DownloadError> {
    if let (Ok(parsed), Some(provider)) = (Url::parse(url), &config.model_url)
        && purpose == Purpose::ModelAnswer
        && parsed.origin() == provider.origin()
        && parsed.username().is_empty()
        && parsed.password().is_none()
    {
        return Ok(parsed);
    }
    check_url(url, &config.allowed_sources).map_err(DownloadError::Address)
}
