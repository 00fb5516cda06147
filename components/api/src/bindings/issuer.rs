//! Fetches an issuer's keys over HTTP.

use concept_refinement_domain::issuer_keys::{FETCH_TIMEOUT, KNOWN_HEADER, MAX_BYTES};
use concept_refinement_guest::outbound::{self, Failure, Timeouts};
use wasip3::clocks::monotonic_clock;
use wasip3::http::types::Method;

use crate::ports::KeyDocument;

const TIMEOUTS: Timeouts = Timeouts {
    connect: Some(FETCH_TIMEOUT),
    first_byte: Some(FETCH_TIMEOUT),
    between_bytes: Some(FETCH_TIMEOUT),
};

const ACCEPTED: (&str, &str) = ("accept", "application/jwk-set+json, application/json");

/// Redirects are errors, like any status but 200, since they could lead to other
/// keys.
pub async fn key_set(url: &str) -> Result<KeyDocument, String> {
    let begin = monotonic_clock::now();
    let request = outbound::request(&Method::Get, url, [ACCEPTED], None, TIMEOUTS)
        .ok_or("its URL cannot be used")?;
    let mut response = outbound::send(request).await.map_err(sentence)?;
    if response.status != 200 {
        return Err(format!("it answered {}", response.status));
    }
    let is_known = response.header(KNOWN_HEADER).is_some();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(sentence)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BYTES {
            return Err("its answer is too large".to_owned());
        }
        if u128::from(monotonic_clock::now().saturating_sub(begin)) > FETCH_TIMEOUT.as_nanos() {
            return Err("it answered too slowly".to_owned());
        }
    }
    Ok(KeyDocument { bytes, is_known })
}

/// The failure as a sentence for the log.
fn sentence(failure: Failure) -> String {
    let sentence = match failure {
        Failure::Forbidden => "it may not be reached",
        Failure::Unresolvable => "its name cannot be resolved",
        Failure::Unreachable => "it accepts no connection",
        Failure::TimedOut | Failure::ConnectTimedOut => "it does not answer in time",
        Failure::Tls => "it does not prove who it is",
        Failure::Broken => "it does not answer properly",
    };
    sentence.to_owned()
}
