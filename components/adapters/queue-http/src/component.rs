//! The interface `task-queue` on one side, the processor's address on the
//! other.

use std::time::Duration;

use concept_refinement_adapter_queue::{Attempt, publish};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_guest::bindings::types::Error;
use concept_refinement_guest::outbound::{self, Failure, Timeouts};
use wasip3::http::types::Method;

use crate::answer::judge;

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "queue-adapter",
        with: {
            "concept:refinement/types@0.2.0": concept_refinement_guest::bindings::types,
        },
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::concept::refinement::task_queue::Guest;

/// The component `processor` of the same application; the platform calls it without using
/// the network.
const PROCESSOR: &str = "http://processor.spin.internal/process";

/// The processor answers when the work is done. The timeouts are longer than any task
/// takes; if an answer is lost, posting the message again is harmless.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(10)),
    first_byte: Some(Duration::from_secs(10 * 60)),
    between_bytes: Some(Duration::from_secs(10)),
};

struct Component;

impl Guest for Component {
    async fn publish(message: Vec<u8>) -> Result<(), Error> {
        let attempt = async move || match post(message.clone()).await {
            Ok(status) => judge(status),
            Err(failure) => Attempt::Again(sentence(failure).to_owned()),
        };
        publish(attempt).convert()
    }

    /// Each message has a worker of its own at once: there is no order.
    async fn position(_: String) -> Result<Option<u32>, Error> {
        Ok(None)
    }
}

/// Returns the status and ignores the body.
async fn post(message: Vec<u8>) -> Result<u16, Failure> {
    let length = message.len().to_string();
    let fields = [
        ("content-type", "application/json"),
        ("content-length", &length),
    ];
    let (mut writer, body) = wasip3::wit_stream::new();
    let request = outbound::request(&Method::Post, PROCESSOR, fields, Some(body), TIMEOUTS)
        .ok_or(Failure::Broken)?;
    wit_bindgen::spawn(async move {
        // The processor may stop reading early.
        drop(writer.write_all(message).await);
    });
    Ok(outbound::send(request).await?.status)
}

/// The failure as a sentence for the log.
fn sentence(failure: Failure) -> &'static str {
    match failure {
        Failure::Forbidden => "the platform does not let the processor be reached",
        Failure::Unresolvable => "the platform knows no processor",
        Failure::Unreachable => "the processor accepts no connection",
        Failure::TimedOut | Failure::ConnectTimedOut => "the processor does not answer in time",
        Failure::Tls | Failure::Broken => "the processor does not answer properly",
    }
}
