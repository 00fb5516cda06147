//! The ports of a provider's model.

#![allow(
    async_fn_in_trait,
    reason = "an instance runs on one thread: its futures need not be Send"
)]

use concept_refinement_domain::timestamp::Timestamp;

use crate::body::Body;
use crate::original::Contents;
use crate::outcome::Error;
use crate::settings::Base;

pub trait Ports {
    type Stream: ByteStream;

    /// Sends one request with this original, which is read as it is sent, and
    /// returns at the head of the response. Redirects are not followed.
    async fn post(
        &self,
        base: &Base,
        post: Post,
        original: Contents<impl ByteStream + 'static>,
    ) -> Result<Response<Self::Stream>, Error>;

    fn now(&self) -> Timestamp;

    /// An unpredictable number.
    fn random(&self) -> u128;
}

/// A stream of bytes.
pub trait ByteStream {
    /// The next chunk, never empty; None at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure>;
}

/// One request.
pub struct Post {
    /// Below the base URL; it begins with a slash.
    pub path: &'static str,
    pub content_type: String,
    /// A header with a secret in it, where there is one.
    pub credentials: Option<(&'static str, String)>,
    pub body: Body,
}

pub struct Response<S> {
    pub status: u16,
    /// As declared by the server.
    pub content_length: Option<u64>,
    pub content_encoding: Option<String>,
    pub retry_after: Option<String>,
    pub body: S,
}

/// Why there is no complete response, in sentences for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("this model may not reach the address of its provider")]
    Forbidden,
    #[error("the name of the provider cannot be resolved")]
    Unresolvable,
    #[error("the provider cannot be connected to")]
    Unreachable,
    #[error("the provider did not answer in time")]
    TimedOut,
    #[error("no secure connection to the provider can be made")]
    Tls,
    #[error("the provider did not answer properly")]
    Broken,
    #[error("the provider's answer broke off")]
    BrokeOff,
}
