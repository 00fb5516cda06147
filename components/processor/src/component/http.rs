//! Outbound HTTP.

use std::time::Duration;

use concept_refinement_outbound::{self as outbound, Failure, Timeouts};
use wasip3::http::types::Method;

use super::Imports;
use crate::ports;
use crate::ports::{ByteStream, FetchError, Purpose};

/// Tells our host the purpose of a request; the host removes the header. Other
/// platforms pass it on, where it means nothing. Without it a request is for an
/// original.
const PURPOSE: (&str, &str) = ("concept-refinement-purpose", "model-answer");

const IMAGES: (&str, &str) = ("accept", "image/png, image/jpeg, image/webp, image/gif");

const TIMEOUTS: Timeouts = Timeouts {
    // Contract, section 2.
    connect: Some(Duration::from_secs(10)),
    first_byte: None,
    between_bytes: None,
};

impl ports::Http for Imports {
    type Stream = outbound::Response;

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
    ) -> Result<ports::Response<Self::Stream>, FetchError> {
        let purpose = (purpose == Purpose::ModelAnswer).then_some(PURPOSE);
        let fields = [IMAGES].into_iter().chain(purpose);
        let request = outbound::request(&Method::Get, url, fields, None, TIMEOUTS)
            .ok_or(FetchError::Broken)?;
        let response = outbound::send(request).await?;
        Ok(ports::Response {
            status: response.status,
            location: response.header("location"),
            content_length: response.content_length(),
            content_encoding: response.header("content-encoding"),
            body: response,
        })
    }
}

/// The inspection of the contents shows whether it is complete.
impl ByteStream for outbound::Response {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.chunk().await.ok().flatten()
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Forbidden => Self::Forbidden,
            Failure::Unresolvable => Self::Unresolvable,
            Failure::Unreachable => Self::Unreachable,
            Failure::TimedOut => Self::TimedOut,
            Failure::Tls => Self::Tls,
            Failure::Broken => Self::Broken,
        }
    }
}
