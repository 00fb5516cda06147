//! One refinement: one request, one answer.

use crate::answer::{self, Answer, Found};
use crate::message::message;
use crate::original::{Contents, Original};
use crate::outcome::Error;
use crate::ports::{ByteStream, Ports, Post};
use crate::question::{Question, Request};
use crate::settings::Settings;

/// What differs between providers.
pub trait Provider: 'static {
    /// One sentence about this model, for operators.
    const DESCRIPTION: &'static str;

    /// Longest JSON answer, in bytes.
    const MAX_JSON: u64 = answer::MAX_JSON_WITH_IMAGE;

    /// Builds the request.
    fn post(
        question: &Question,
        original: &Original,
        key: Option<&str>,
    ) -> serde_json::Result<Post>;

    /// Finds the image in its JSON. An error: not JSON, or not of this
    /// provider's form.
    fn find(json: &[u8]) -> serde_json::Result<Found<'_>>;
}

/// Makes one refinement.
pub async fn refine<P: Provider>(
    ports: &impl Ports,
    settings: &Settings,
    request: Request,
    original: impl ByteStream + 'static,
) -> Result<Answer, Error> {
    let original = Contents::open(original, request.length).await?;
    let request = Request {
        source_url: request.source_url.filter(|_| settings.original_by_url),
        ..request
    };
    let question = Question::new(request, ports.random());
    let key = settings.key.as_deref();
    let post = P::post(&question, original.original(), key)
        .map_err(|_| Error::refused("the request to the provider cannot be written"))?;
    let mut response = ports.post(&settings.base, post, original).await?;
    match response.status {
        200..=299 => answer::answer(response, key, P::MAX_JSON, P::find).await,
        status => {
            let message = match status {
                // This sentence has no text of the provider.
                401 | 403 | 429 => None,
                400..=499 => message(&answer::beginning(&mut response.body).await, key),
                _ => None,
            };
            let retry_after = response.retry_after.as_deref();
            let has_key = key.is_some();
            Err(Error::of_status(
                status,
                has_key,
                message,
                retry_after,
                ports.now(),
            ))
        }
    }
}
