//! A request and its response.

use std::pin::pin;
use std::time::Duration;

use concept_refinement_domain::payment::Usage;
use futures::future::{Either, select};

use crate::message::{is_moderation, message};
use crate::outcome::Error;
use crate::ports::{HttpRequest, Ports, Response};
use crate::settings::Settings;
use crate::{answer, details};

/// How long an error waits for its message.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends the request that asks for work, as [`exchange`] does. Work that is refused costs
/// nothing.
pub async fn ask(
    ports: &impl Ports,
    settings: &Settings,
    request: HttpRequest,
) -> Result<Response, Error> {
    free_if_refused(ports, exchange(ports, settings, request).await).await
}

/// Tells that work costs nothing if its request was refused.
pub async fn free_if_refused<T>(
    ports: &impl Ports,
    answered: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(Error::Refused(_) | Error::Broken(_)) = answered {
        ports.add_usage(&Usage::NOTHING).await;
    }
    answered
}

/// Tells that work which was accepted costs what a call costs, if its answer cannot be used.
pub async fn paid_if_unusable<T>(
    ports: &impl Ports,
    answered: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(Error::Refused(_) | Error::Broken(_)) = answered {
        ports.add_usage(&Usage::default()).await;
    }
    answered
}

/// Sends a request, and returns when the head of a successful response has arrived.
pub async fn exchange(
    ports: &impl Ports,
    settings: &Settings,
    request: HttpRequest,
) -> Result<Response, Error> {
    let response = ports.send(&settings.base, request).await?;
    success(ports, settings, response).await
}

/// A successful response, or the error that corresponds to its status.
pub async fn success(
    ports: &impl Ports,
    settings: &Settings,
    mut response: Response,
) -> Result<Response, Error> {
    let status = response.status;
    if matches!(status, 200..=299) {
        return Ok(response);
    }
    let key = settings.key.as_deref();
    let beginning = match status {
        // The messages for other statuses contain no text of the provider.
        400..=499 if status != 401 => {
            let beginning = pin!(answer::beginning(&mut response.body));
            match select(beginning, pin!(ports.sleep(MESSAGE_TIMEOUT))).await {
                Either::Left((beginning, _)) => beginning,
                Either::Right(((), _)) => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let message = message(&beginning, key);
    if status == 403 && is_moderation(&beginning) {
        return Err(Error::refused(match message {
            Some(message) => format!("the provider answered 403: {message}"),
            None => "the provider refused the image or the prompt".to_owned(),
        }));
    }
    let status = match status {
        400 if details::is_key_refused(&beginning) => 401,
        status => status,
    };
    let retry_after = response
        .retry_after
        .or_else(|| details::retry_after(&beginning));
    let now = ports.now();
    Err(Error::of_status(
        status,
        key.is_some(),
        message,
        retry_after.as_deref(),
        now,
    ))
}
