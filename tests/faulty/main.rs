//! `concept-refinement-faulty`: the product, started in the same way from the
//! same settings, with faults around its capabilities. It is for tests only.
//!
//! What goes wrong is told by variables, which `concept_refinement_tests::faults`
//! describes:
//!
//! - `REFINEMENT_TEST_KILL_AT=POINT[:N]`: it kills itself at the n-th passing of
//!   a point, as in `after claim:3`
//! - `REFINEMENT_TEST_HANG_AT=POINT[:N]`: the call that passes there never ends
//! - `REFINEMENT_TEST_JOURNAL=PATH`: each call of the model is noted there
//! - `REFINEMENT_TEST_DELIVER_TWICE=1`: each message is delivered twice
//! - `REFINEMENT_TEST_CLOCK=PATH`: the stores' clock is off by so many seconds as
//!   this file says
//! - `REFINEMENT_TEST_FLAW=FLAW`: the store breaks a promise
//! - `REFINEMENT_TEST_MODEL_DOWN=PATH`: as long as this file exists, the model
//!   answers that it is unavailable
//! - `REFINEMENT_TEST_QUEUE_DOWN=PATH`: as long as this file exists, nothing can
//!   be published, for a reason of the kind that it names
//!
//! Without any of them it does what the product does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod amid;
mod clock;
mod faults;
mod images;
mod model;
mod queue;
mod tasks;

use std::process::ExitCode;
use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::intercept::Intercepted;
use concept_refinement_host::cli;
use concept_refinement_tests::flaws::{Flaw, Flawed};

use crate::clock::FaultyClock;
use crate::faults::Faults;
use crate::images::FaultyImages;
use crate::model::FaultyModel;
use crate::queue::FaultyQueue;
use crate::tasks::FaultyTasks;

fn main() -> ExitCode {
    let faults = Arc::new(Faults::of_environment());
    cli::main(|host| {
        host.clock(Arc::new(FaultyClock::new(Arc::clone(&faults))))
            .map_capabilities(move |capabilities| faulty(capabilities, &faults))
    })
}

fn faulty(mut sound: Capabilities, faults: &Arc<Faults>) -> Capabilities {
    if let Some(flaw) = faults.flaw() {
        sound.store = Flawed::store(flaw, sound.store);
        sound.images = Flawed::images(flaw, sound.images);
        if flaw == Flaw::OwnClock {
            sound.clock = Arc::new(FaultyClock::new(Arc::clone(faults)));
        }
    }
    let tasks = FaultyTasks::new(Arc::clone(faults));
    let images = FaultyImages(Arc::clone(faults));
    let queue = FaultyQueue::new(Arc::clone(faults));
    let model = FaultyModel {
        faults: Arc::clone(faults),
        model: sound.model,
    };
    Capabilities {
        store: Arc::new(Intercepted::new(sound.store, Arc::new(tasks))),
        images: Arc::new(Intercepted::new(sound.images, Arc::new(images))),
        queue: Arc::new(Intercepted::new(sound.queue, Arc::new(queue))),
        model: Arc::new(model),
        ..sound
    }
}
