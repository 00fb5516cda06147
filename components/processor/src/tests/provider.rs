//! Downloads from a model's provider at a private address.

use concept_refinement_domain::task::Status;

use super::world::{GIF, ORIGINAL, Page, Script, World};
use crate::ports::Purpose;
use crate::process::Outcome;

/// A setting: the model's provider, at a private address.
const PROVIDER: (&str, &str) = ("model-url", "http://127.0.0.1:7860");

#[test]
fn the_providers_own_host_may_be_private() {
    let there = "http://127.0.0.1:7860/refined.gif";
    let world = World::new()
        .page(there, Page::Body(GIF))
        .model([Script::Location(there)]);
    let outcome = world.process_with(&world.message(), &[PROVIDER]);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    assert_eq!(
        *world.fetched.borrow(),
        [
            (ORIGINAL.to_owned(), Purpose::Original),
            (there.to_owned(), Purpose::ModelAnswer)
        ]
    );
}

#[test]
fn a_redirected_answer_is_still_the_models() {
    let elsewhere = "https://cdn.example.com/refined.gif";
    let there = "http://127.0.0.1:7860/refined.gif";
    let world = World::new()
        .page(elsewhere, Page::Redirect(there))
        .page(there, Page::Body(GIF))
        .model([Script::Location(elsewhere)]);
    let outcome = world.process_with(&world.message(), &[PROVIDER]);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    let fetched = world.fetched.borrow();
    let last = fetched.last().map(|(_, purpose)| *purpose);
    assert_eq!(last, Some(Purpose::ModelAnswer));
}

#[test]
fn the_providers_private_host_is_no_place_for_originals() {
    let there = "http://127.0.0.1:7860/original.gif";
    let named = World::new().change(|task| {
        task.refinement.original_image_url = there.to_owned();
    });
    let redirected = World::new().page(ORIGINAL, Page::Redirect(there));
    for (name, world) in [("named", named), ("redirected", redirected)] {
        let world = world.page(there, Page::Body(GIF));
        let outcome = world.process_with(&world.message(), &[PROVIDER]);
        assert_eq!(outcome, Outcome::Done, "{name}");
        assert_eq!(
            world.error_message().unwrap_or_default(),
            "Error in refinement task processing: Failed to download original image: the address \
             must point to a public address",
            "{name}"
        );
        let fetched = world.fetched.borrow();
        assert!(fetched.iter().all(|(url, _)| url != there), "{name}");
    }
}
