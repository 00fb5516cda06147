//! Failing stores, and what survives crashes.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::task::Status;

use super::pipeline::PREFIX;
use super::world::{ORIGINAL, Page, Script, World};
use crate::process::Outcome;

#[test]
fn stores_that_fail_fail_the_task_with_their_step() {
    let world = World::new();
    *world.image_store_error.borrow_mut() = Some(CapabilityError::full("the disk is full"));
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(
        world.error_message().unwrap_or_default(),
        format!("{PREFIX}Storing refined image failed: the disk is full")
    );

    let world = World::new();
    *world.concept_store_error.borrow_mut() = Some(CapabilityError::full("the disk is full"));
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(
        world.error_message().unwrap_or_default(),
        format!("{PREFIX}Storing refined concept data failed: the disk is full")
    );
    assert!(world.images.borrow().is_empty(), "its image is left behind");
}

#[test]
fn a_task_store_that_is_away_is_tried_later() {
    let world = World::new();
    world.task_store_down.set(true);
    assert_eq!(
        world.process(),
        Outcome::RetryLater("the task store is away".to_owned())
    );
    world.task_store_down.set(false);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
}

#[test]
fn a_stored_image_is_not_asked_for_again() {
    let world = World::new();
    world.lose_at.set(Some("concept"));
    assert_eq!(world.process(), Outcome::Skipped);
    assert_eq!(world.asked.borrow().len(), 1);
    let first = world.images.borrow().keys().next().cloned();

    world.lose_at.set(None);
    let world = world.change(|task| task.status = Status::Pending);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    assert_eq!(world.asked.borrow().len(), 1, "the model was asked again");
    assert_eq!(world.task().and_then(|task| task.image_path), first);
}

/// The image is unreferenced, unless the store wrote the checkpoint despite its
/// error.
#[test]
fn an_image_whose_checkpoint_has_no_room_is_removed() {
    for (error, images) in [
        (CapabilityError::full("the disk is full"), 0),
        (CapabilityError::unavailable("the task store is away"), 1),
    ] {
        let world = World::new();
        let reason = error.message.clone();
        *world.checkpoint_error.borrow_mut() = Some(error);
        assert_eq!(world.process(), Outcome::RetryLater(reason));
        assert_eq!(world.status(), Some(Status::Pending), "it is given back");
        assert_eq!(world.images.borrow().len(), images);
    }
}

/// A retry would be refused for ever.
#[test]
fn what_a_store_can_never_do_fails_the_task_with_the_step_under_way() {
    let invalid = CapabilityError::invalid("It cannot be done.");

    let world = World::new();
    *world.checkpoint_error.borrow_mut() = Some(invalid.clone());
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Failed));
    assert_eq!(
        world.error_message().unwrap_or_default(),
        format!("{PREFIX}Storing refined image failed: It cannot be done.")
    );
    assert_eq!(world.released.get(), 0);
    assert!(world.images.borrow().is_empty(), "nothing points to it");

    let world = World::new();
    *world.complete_error.borrow_mut() = Some(invalid.clone());
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(
        world.error_message().unwrap_or_default(),
        format!("{PREFIX}Storing refined concept data failed: It cannot be done.")
    );

    let world = World::new();
    *world.claim_error.borrow_mut() = Some(invalid.clone());
    assert_eq!(world.process(), Outcome::Rejected(invalid.message));
}

#[test]
fn a_checkpoint_whose_image_is_gone_starts_again() {
    let world = World::new().checkpoint("refined/gone");
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn a_checkpoint_whose_image_went_with_its_task_is_left_alone() {
    let world = World::new().checkpoint("refined/gone");
    world.lose_lease_after.set(Some(1));
    assert_eq!(world.process(), Outcome::Skipped);
    assert!(world.asked.borrow().is_empty(), "the model was asked");
}

#[test]
fn a_worker_that_lost_its_lease_leaves_nothing_behind() {
    for at in ["checkpoint", "concept", "complete", "fail"] {
        let world = match at {
            "fail" => World::new().page(ORIGINAL, Page::Status(404)),
            _ => World::new(),
        };
        world.lose_at.set(Some(at));
        assert_eq!(world.process(), Outcome::Skipped, "{at}");
        assert_eq!(world.status(), Some(Status::Processing), "{at}");
        if at == "checkpoint" {
            assert!(world.images.borrow().is_empty(), "{at}: a late image");
        }
    }
}

#[test]
fn the_lease_is_renewed_while_a_task_is_worked_on() {
    let world = World::new().model([Script::Hang]);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.renewals.get(), 5, "every 10 of 60 seconds");

    let world = World::new().model([Script::Hang]);
    world.lose_lease_after.set(Some(2));
    assert_eq!(world.process(), Outcome::Skipped);
    assert_eq!(world.elapsed(), Duration::from_secs(20), "dropped at once");
    assert_eq!(world.status(), Some(Status::Processing));
}
