//! The host's identity for Google: a file, the metadata server or workload identity,
//! found in the same way as Google's tools do.

use google_cloud_auth::credentials::{Builder, CacheableResource, Credentials};
use http::{Extensions, HeaderMap};

use super::fault::Fault;

const SCOPE: &str = "https://www.googleapis.com/auth/pubsub";

pub(super) enum Identity {
    /// For an endpoint without TLS, which must not get a token.
    Nobody,
    Google(Credentials),
}

impl Identity {
    /// The credentials of this machine and user.
    pub(super) fn find() -> Result<Self, Fault> {
        // Google's library uses the process-wide TLS provider. An error means that one is
        // already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let found = Builder::default().with_scopes([SCOPE]).build();
        found.map(Self::Google).map_err(|error| Fault::Credentials {
            reason: error.to_string(),
            is_transient: false,
        })
    }

    /// Headers that authenticate a request. The library caches tokens, and fetches new
    /// ones before they expire.
    pub(super) async fn headers(&self) -> Result<HeaderMap, Fault> {
        let Self::Google(credentials) = self else {
            return Ok(HeaderMap::new());
        };
        match credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // Not possible, since the request names no cached version.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(Fault::Credentials {
                is_transient: error.is_transient(),
                reason: error.to_string(),
            }),
        }
    }
}
