//! Push deliveries of Google Pub/Sub: each must prove that Google sends it for the
//! configured service account. It is answered once its message is processed.
//!
//! A push without valid proof is refused before its body is read.

mod keys;
mod token;

use std::sync::Arc;

use concept_refinement_capability::clock::Clock;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::queue::pushes::Pushes;
use concept_refinement_domain::message::parse_push;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use wasmtime_wasi_http::WasiBody;

use super::refusal::{ErrorForm, Refusal};
use crate::egress::Egress;
use crate::metrics::http::ROUTE;
use keys::KeyCache;
use token::Token;

/// The path of push requests.
pub const PATH: &str = "/pubsub/push";

/// Largest push, in bytes: more than a message takes in base64.
const MAX_BODY: usize = 512 * 1024;

/// The claims that the token of a push has to prove.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The `aud` of its token.
    pub audience: String,
    /// The service account that the subscription pushes as.
    pub account: String,
}

/// Handles push requests.
pub struct PushTrigger {
    /// None: not configured, so every push is refused.
    proof: Option<Proof>,
    keys: KeyCache,
    clock: Arc<dyn Clock>,
    pushes: Arc<Pushes>,
}

impl PushTrigger {
    /// `google`: fetches Google's keys.
    pub fn new(
        proof: Option<Proof>,
        google: Egress,
        clock: Arc<dyn Clock>,
        pushes: Arc<Pushes>,
    ) -> Self {
        Self {
            proof,
            keys: KeyCache::new(google),
            clock,
            pushes,
        }
    }

    /// From now on, messages that no worker has taken are to be pushed again.
    pub fn stop(&self) {
        self.pushes.close();
    }

    /// Processes the message of a push, if its token is valid.
    pub async fn answer(&self, request: Request<WasiBody>) -> Response<WasiBody> {
        let mut response = match self.take(request).await {
            Ok(()) => {
                let mut response = Response::new(WasiBody::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(refusal) => refusal.answer(ErrorForm::Api),
        };
        let route = HeaderValue::from_static(PATH);
        response.headers_mut().insert(ROUTE, route);
        response
    }

    async fn take(&self, request: Request<WasiBody>) -> Result<(), Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::PushMethod);
        }
        self.verify(request.headers()).await?;
        let body = request.into_body();
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(Refusal::LongPush);
        }
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Refusal::LongPush,
            false => Refusal::InterruptedPush,
        })?;
        let message = match parse_push(&body.to_bytes()) {
            Ok(message) => message,
            // Not to be pushed again, since it would fail the same way.
            Err(problem) => {
                log_throttled!(warn, "a push cannot be read, and is dropped", problem);
                return Ok(());
            }
        };
        match self.pushes.deliver(message).await {
            true => Ok(()),
            false => Err(Refusal::PushAgain),
        }
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let proven = async {
            let proof = self.proof.as_ref()?;
            let token = Token::parse(bearer(headers)?)?;
            let is_signed = match self.keys.have_signed(&token.compact).await {
                Ok(is_signed) => is_signed,
                Err(error) => return Some(Err(error)),
            };
            let now = self.clock.now().as_secs();
            (is_signed && token.proves(proof, now)).then_some(Ok(()))
        };
        match proven.await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                log_throttled!(error, "Google's keys cannot be fetched", error);
                Err(Refusal::NoPushKeys)
            }
            None => {
                log_throttled!(warn, "a push does not prove who sends it");
                Err(Refusal::UnprovenPush)
            }
        }
    }
}

/// The token of the only `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim())
}
