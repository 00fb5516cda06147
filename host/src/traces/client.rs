//! Sends the exporter's requests with the host's own HTTP client, which has the same
//! resolver and trusted certificates as all other requests.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use concept_refinement_capability::log_throttled;
use concept_refinement_runtime::egress::{Bounds, Egress, Grant, Network, Origin};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use super::settings::Settings;

/// Most bytes that are read of a collector's answer.
const MAX_ANSWER: u64 = 64 * 1024;

/// Connects to nothing but the collector.
pub struct Client {
    egress: Egress,
    timeout: Duration,
    runtime: Handle,
}

impl Client {
    /// None: the endpoint has no host.
    pub fn new(settings: &Settings, network: &Network, runtime: Handle) -> Option<Self> {
        let origin = Origin::of_url(&settings.endpoint)?;
        let bounds = Bounds {
            bytes: MAX_ANSWER,
            time: settings.timeout,
        };
        Some(Self {
            egress: Egress::new(Grant::Origin(origin), network).within(bounds),
            timeout: settings.timeout,
            runtime,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    /// The exporter waits on a thread without a runtime.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (egress, timeout) = (self.egress.clone(), self.timeout);
        let (head, body) = request.into_parts();
        let sent = self.runtime.spawn(async move {
            let url = head.uri.to_string();
            egress.post(&url, head.headers, body, timeout).await
        });
        let sent = sent.await?;
        if let Err(error) = &sent {
            // The exporter reports only that it failed.
            log_throttled!(warn every minute, "no spans can be sent", %error);
        }
        Ok(sent?)
    }
}
