//! A worker on one side, `task-queue` on the other.

use concept_refinement_adapter_queue::{publish, work};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_guest::Imports;
use concept_refinement_guest::bindings::types::Error;

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

struct Component;

impl Guest for Component {
    async fn publish(message: Vec<u8>) -> Result<(), Error> {
        publish(async move || work(&Imports, &message).await).convert()
    }

    /// Each message has a worker of its own at once: there is no order.
    async fn position(_: String) -> Result<Option<u32>, Error> {
        Ok(None)
    }
}
