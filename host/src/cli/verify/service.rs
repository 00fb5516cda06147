//! The service that is asked whether it made an image.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::timeout;

use crate::cli::connection::{Broken, Server, exchange};

/// Timeout for sending an image and its answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest answer, in bytes.
const ANSWER: usize = 64 * 1024;

/// Whether a concept with these bytes exists there.
pub async fn made_here(server: &Server, image: Bytes) -> anyhow::Result<bool> {
    let asked = timeout(TIMEOUT, ask(server, image)).await;
    let url = &server.url;
    let answer = asked.with_context(|| format!("{url} did not answer in time"))??;
    let made_here = answer.get("made_here").and_then(Value::as_bool);
    made_here.with_context(|| format!("{url} does not answer as this service does"))
}

async fn ask(server: &Server, image: Bytes) -> anyhow::Result<Value> {
    let url = &server.url;
    let stream = server.connect().await;
    let stream = stream.map_err(|why| anyhow::anyhow!("{url} cannot be reached: {why}"))?;
    let request = Request::post(format!("{}/api/verify", url.path().trim_end_matches('/')))
        .header(header::HOST, url.authority())
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::ACCEPT, "application/json")
        .body(Full::new(image))?;
    let answer = exchange(stream, request, ANSWER).await;
    let answer = answer.map_err(|broken| match broken {
        Broken::Connection(error) => {
            anyhow::Error::from(error).context(format!("{url} broke the connection off"))
        }
        Broken::Answer(error) => anyhow::anyhow!(error),
    })?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match body.get("detail").and_then(Value::as_str) {
        _ if status.is_success() => Ok(body),
        Some(detail) => bail!("{url} answers {}: {detail}", status.as_u16()),
        None => bail!("{url} answers {}", status.as_u16()),
    }
}
