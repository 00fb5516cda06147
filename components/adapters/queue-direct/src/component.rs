//! A worker on one side, `task-queue` on the other.

use concept_refinement_adapter_queue::{MAX_MESSAGES, Slots, TOO_MANY, deliver, work};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_guest::bindings::types::Error;
use concept_refinement_guest::{Imports, log};

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

static SLOTS: Slots = Slots::new(MAX_MESSAGES);

struct Component;

impl Guest for Component {
    async fn publish(message: Vec<u8>) -> Result<(), Error> {
        let Some(place) = SLOTS.take() else {
            return Err(CapabilityError::unavailable(TOO_MANY).convert());
        };
        // Continues after this function has returned.
        wit_bindgen::spawn(async move {
            let attempt = async || work(&Imports, &message).await;
            if let Err(sentence) = deliver(&Imports, attempt).await {
                log::warn(format_args!("{sentence}"));
            }
            drop(place);
        });
        Ok(())
    }

    /// Each message has a worker of its own at once: there is no order.
    async fn position(_: String) -> Result<Option<u32>, Error> {
        Ok(None)
    }
}
