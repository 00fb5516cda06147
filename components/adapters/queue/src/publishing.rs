//! Takes a message, which is delivered while its publisher goes on.

use std::sync::{Arc, LazyLock};

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_guest::{Imports, log};

use crate::delivery::{Attempt, deliver};
use crate::slots;

/// Limit of messages in an instance. Each belongs to a task in progress, or one that
/// waits for a retry.
const MAX_MESSAGES: usize = 256;

/// The error beyond that limit.
const TOO_MANY: &str = "Too many tasks are being processed at the moment.";

static SLOTS: LazyLock<Arc<()>> = LazyLock::new(Arc::default);

/// Delivers a message by these attempts. An error: the instance has too many already.
pub fn publish(attempt: impl AsyncFn() -> Attempt + 'static) -> Result<(), CapabilityError> {
    let Some(slot) = slots::take(&SLOTS, MAX_MESSAGES) else {
        return Err(CapabilityError::unavailable(TOO_MANY));
    };
    // Continues after this function has returned.
    wit_bindgen::spawn(async move {
        if let Err(sentence) = deliver(&Imports, attempt).await {
            log::warn(format_args!("{sentence}"));
        }
        drop(slot);
    });
    Ok(())
}
