//! Requests to the API component of this process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::clock::Clock;
use concept_refinement_domain::image::Format;
use concept_refinement_runtime::ingress::InProcess;
use concept_refinement_tokens::{Issued, Key, Rules};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::Client;
use super::error::ClientError;
use crate::service::Body;

/// How long a token is valid. Each request has a new one.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// What all clients of a host share.
#[derive(Clone)]
pub struct Connection {
    pub api: Arc<InProcess>,
    /// Signs tokens that only this process can make, and only its own API accepts.
    pub key: Arc<Key>,
    pub clock: Arc<dyn Clock>,
    /// What the URLs of images begin with.
    pub origin: Arc<str>,
}

/// A body with its type.
pub type Content = (&'static str, Bytes);

impl Client {
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, None).await
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content: Option<Content>,
    ) -> Result<T, ClientError> {
        let answer = self.answer(method, path, content).await?;
        parsed(&whole(answer).await?)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.answer(Method::DELETE, path, None).await.map(drop)
    }

    /// A stored image, by a URL of this service.
    pub(super) async fn stored_image(&self, url: &str) -> Result<(Format, Bytes), ClientError> {
        let malformed = || ClientError::Malformed(format!("{url} names no image"));
        let path = url.parse::<http::Uri>().ok();
        // Without the signature: the user owns the image.
        let path = path.as_ref().map(http::Uri::path).ok_or_else(malformed)?;
        let answer = self.answer(Method::GET, path, None).await?;
        let media_type = answer.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let format = media_type.and_then(Format::from_media_type);
        Ok((format.ok_or_else(malformed)?, whole(answer).await?))
    }

    /// An answer of success.
    pub(super) async fn answer(
        &self,
        method: Method,
        path: &str,
        content: Option<Content>,
    ) -> Result<Response<Body>, ClientError> {
        let connection = &self.connection;
        let now = connection.clock.now();
        let issued = Issued {
            user: &self.user,
            is_anonymous: false,
            for_users: false,
            plan: None,
            now,
            expires: now.plus(TOKEN_LIFE),
        };
        let token = issued.sign(&connection.key, &Rules::default());
        let token = token.unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", connection.origin))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some((media_type, bytes)) = &content {
            request = request
                .header(header::CONTENT_TYPE, *media_type)
                .header(header::CONTENT_LENGTH, bytes.len());
        }
        let bytes = content.map(|(_, bytes)| bytes).unwrap_or_default();
        let request = request.body(bytes);
        let request = request.map_err(|error| ClientError::Unavailable(error.to_string()))?;
        let answer = connection.api.answer(request).await;
        let answer = answer.map_err(|failure| ClientError::Unavailable(failure.to_string()))?;
        let answer = answer.map(Body);
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(refusal(answer).await?),
        }
    }
}

async fn refusal(answer: Response<Body>) -> Result<ClientError, ClientError> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        detail: String,
        error_code: String,
        field_errors: Option<std::collections::BTreeMap<String, Vec<String>>>,
    }
    let status = answer.status();
    let retry_after = answer.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = whole(answer).await?;
    if status == StatusCode::CONFLICT
        && let Ok(task) = parsed(&bytes)
    {
        return Ok(ClientError::Conflict(Box::new(task)));
    }
    let refusal: Refusal = parsed(&bytes)?;
    Ok(ClientError::Api {
        status: status.as_u16(),
        code: refusal.error_code,
        detail: refusal.detail,
        field_errors: refusal.field_errors.unwrap_or_default(),
        retry_after: retry_after.map(Duration::from_secs),
    })
}

async fn whole(answer: Response<Body>) -> Result<Bytes, ClientError> {
    let body = answer.into_body().collect().await;
    body.map(|body| body.to_bytes())
        .map_err(|_| ClientError::Interrupted)
}

pub(super) fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| ClientError::Malformed(error.to_string()))
}
