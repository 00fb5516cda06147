//! The interface `processor` on one side, `task-queue` on the other.

use std::io::Write as _;

use concept_refinement_adapter_queue::{Attempt, MAX_MESSAGES, Slots, TOO_MANY, Wasi, deliver};

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "direct-queue-adapter",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::processor::{self, Outcome};
use bindings::concept::refinement::types::{Error, ErrorKind};
use bindings::exports::concept::refinement::task_queue::Guest;

static SLOTS: Slots = Slots::new(MAX_MESSAGES);

struct Component;

impl Guest for Component {
    async fn publish(message: Vec<u8>) -> Result<(), Error> {
        let Some(place) = SLOTS.take() else {
            return Err(Error {
                kind: ErrorKind::Unavailable,
                message: TOO_MANY.to_owned(),
            });
        };
        // Continues after this function has returned.
        wit_bindgen::spawn(async move {
            let attempt = async || match processor::process(message.clone()).await {
                Outcome::Done | Outcome::Skipped => Attempt::Taken,
                Outcome::RetryLater(reason) => Attempt::Again(reason),
                Outcome::Rejected(reason) => Attempt::Refused(reason),
            };
            if let Err(sentence) = deliver(&Wasi, attempt).await {
                // A closed standard error is ignored.
                let _ = writeln!(std::io::stderr(), "{sentence}");
            }
            drop(place);
        });
        Ok(())
    }
}
