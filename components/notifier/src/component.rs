//! Exports the interface `notifier`, implemented with `wasi:http`.

use std::time::Duration;

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::retry;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::webhook;
use concept_refinement_guest::outbound::{self, Failure, Timeouts};
use concept_refinement_guest::{Clock as _, Imports};
use url::Url;
use wasip3::http::types::Method;

use crate::event;

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "notifier-component",
        with: {
            "concept:refinement/types@0.2.0": concept_refinement_guest::bindings::types,
        },
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::concept::refinement::notifier::{Delivery, Guest, Response};

/// Timeout of one attempt, from its start to the status.
const TIMEOUT: Duration = Duration::from_secs(15);

const TIMEOUTS: Timeouts = Timeouts {
    connect: Some(TIMEOUT),
    first_byte: Some(TIMEOUT),
    between_bytes: Some(TIMEOUT),
};

struct Component;

impl Guest for Component {
    async fn deliver(delivery: Delivery) -> Result<Response, String> {
        let sent = Imports.timeout(TIMEOUT, send(delivery)).await;
        sent.unwrap_or(Err(Failure::TimedOut))
            .map_err(|failure| sentence(failure).to_owned())
    }
}

async fn send(delivery: Delivery) -> Result<Response, Failure> {
    let Delivery {
        url,
        task,
        retry_of,
        image_url,
        keys,
    } = delivery;
    let task: Task = task.convert();
    let url = Url::parse(&url).map_err(|_| Failure::Broken)?;
    let body = event::body(&task, retry_of.as_deref(), image_url).map_err(|_| Failure::Broken)?;
    let now = Imports.now();
    let id = webhook::message_id(&task.id);
    let seconds = now.as_secs();
    let signatures = webhook::signatures(&keys, &id, seconds, &body);
    let (length, timestamp) = (body.len().to_string(), seconds.to_string());
    let fields = [
        ("content-type", "application/json"),
        ("content-length", &length),
        ("webhook-id", &id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signatures),
    ];
    let (mut writer, contents) = wasip3::wit_stream::new();
    let url = url.as_str();
    let request = outbound::request(&Method::Post, url, fields, Some(contents), TIMEOUTS)
        .ok_or(Failure::Broken)?;
    wit_bindgen::spawn(async move {
        // Fails if the receiver answers before it has read everything.
        drop(writer.write_all(body.into_bytes()).await);
    });
    // The body is not read; dropping it closes the connection.
    let response = outbound::send(request).await?;
    let retry_after = response
        .header("retry-after")
        .and_then(|value| retry::parse_retry_after(&value, now));
    Ok(Response {
        status: response.status,
        retry_after: retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()),
    })
}

/// The sentence contains no address: a receiver's name may resolve to one that only the
/// operator should know.
fn sentence(failure: Failure) -> &'static str {
    match failure {
        Failure::Forbidden => "The receiver's address may not be connected to.",
        Failure::Unresolvable => "The receiver's name cannot be resolved.",
        Failure::Unreachable => "The receiver cannot be connected to.",
        Failure::TimedOut | Failure::ConnectTimedOut => "The receiver did not answer in time.",
        Failure::Tls => "No secure connection to the receiver can be made.",
        Failure::Broken => "The receiver did not answer properly.",
    }
}
