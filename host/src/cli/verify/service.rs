//! The service that is asked whether it made an image.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use concept_refinement_capability::tls;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::cli::connection::{client_config, connect};
use crate::config::Config;

/// Timeout for sending an image and its answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest answer, in bytes.
const ANSWER: usize = 64 * 1024;

pub struct Service {
    url: Url,
    /// None: by HTTP without TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Service {
    /// Nothing is asked yet.
    pub fn new(url: Url, config: &Config) -> anyhow::Result<Self> {
        let tls = client_config(&url, config)?;
        Ok(Self { url, tls })
    }

    /// Whether a concept with these bytes exists there.
    pub async fn made_here(&self, image: Bytes) -> anyhow::Result<bool> {
        let asked = timeout(TIMEOUT, self.ask(image)).await;
        let url = &self.url;
        let answer = asked.with_context(|| format!("{url} did not answer in time"))??;
        let made_here = answer.get("made_here").and_then(Value::as_bool);
        made_here.with_context(|| format!("{url} does not answer as this service does"))
    }

    async fn ask(&self, image: Bytes) -> anyhow::Result<Value> {
        let url = &self.url;
        let stream = connect(url, self.tls.as_ref()).await.map_err(|error| {
            let reason = tls::refusal(&error).unwrap_or_else(|| error.to_string());
            anyhow::anyhow!("{url} cannot be reached: {reason}")
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let request = Request::post(format!("{}/api/verify", url.path().trim_end_matches('/')))
            .header(header::HOST, url.authority())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(image))?;
        let answer = sender.send_request(request).await;
        let answer = answer.with_context(|| format!("{url} broke the connection off"))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match body.get("detail").and_then(Value::as_str) {
            _ if status.is_success() => Ok(body),
            Some(detail) => bail!("{url} answers {}: {detail}", status.as_u16()),
            None => bail!("{url} answers {}", status.as_u16()),
        }
    }
}
