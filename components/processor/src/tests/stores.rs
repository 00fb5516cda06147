//! Failing stores, and what survives crashes.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image_path::{ImagePath, tag_of};
use concept_refinement_domain::task::Status;
use concept_refinement_domain::task_image::{TaskImage, name_for_task};

use super::pipeline::PREFIX;
use super::world::{GIF, ID, ORIGINAL, Page, SHA256, Script, World, refined_image};
use crate::process::Outcome;

/// The task fails with its step.
#[track_caller]
fn failed(world: &World, expected: &str) {
    assert_eq!(world.process(), Outcome::Done);
    let told = world.error_message().unwrap_or_default();
    assert_eq!(told, format!("{PREFIX}{expected}"));
}

#[test]
fn stores_that_fail_fail_the_task_with_their_step() {
    let world = World::new();
    *world.image_store_error.borrow_mut() = Some(CapabilityError::invalid("it cannot be kept"));
    failed(&world, "Storing refined image failed: it cannot be kept");
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

/// Whichever attempt stored it, whatever happened since.
#[test]
fn a_stored_image_is_not_asked_for_again() {
    for attempts in [1, 2, 9] {
        let world = World::new();
        let away = CapabilityError::unavailable("the task store is away");
        *world.finish_error.borrow_mut() = Some(away.clone());
        assert_eq!(world.process(), Outcome::RetryLater(away.message));
        assert_eq!(world.status(), Some(Status::Pending), "it is given back");
        let first = world.images.borrow().keys().next().cloned();

        *world.finish_error.borrow_mut() = None;
        let world = world.attempts(attempts);
        assert_eq!(world.process(), Outcome::Done);
        assert_eq!(world.status(), Some(Status::Completed));
        assert_eq!(world.asked.borrow().len(), 1, "the model was asked again");
        assert_eq!(world.images.borrow().len(), 1);
        assert_eq!(world.task().and_then(|task| task.image_path), first);
        let concepts = world.concepts();
        let [concept] = &concepts[..] else {
            panic!("there is one concept");
        };
        assert_eq!(concept.content.image_sha256.as_deref(), Some(SHA256));
        let url = first.map(|path| format!("/api/images/{path}"));
        assert_eq!(Some(&concept.content.image_url), url.as_ref());
    }
}

/// Another task's, or a later attempt's, which may still be written.
#[test]
fn an_image_of_no_earlier_attempt_is_not_taken() {
    let world = World::new().attempts(2);
    for path in [
        ImagePath::of(&refined_image(ID, 3)),
        ImagePath::of(&refined_image("6f1c2a34-0000-4000-8000-000000000002", 1)),
    ] {
        let image = (refined_image(ID, 1), GIF.to_vec());
        world
            .images
            .borrow_mut()
            .insert(path.unwrap().to_string(), image);
    }
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn a_store_that_cannot_tell_is_asked_again_before_the_model_is() {
    let world = World::new().attempts(1);
    *world.image_store_error.borrow_mut() = Some(CapabilityError::unavailable("it is away"));
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Failed), "at its deadline");
    assert!(world.asked.borrow().is_empty(), "the model was asked");
}

/// It keeps what the model answered meanwhile, which is asked once.
#[test]
fn a_task_waits_for_an_image_store_that_is_away_or_full() {
    let away = || CapabilityError::unavailable("it is away");
    let full = || CapabilityError::full("the disk is full");
    let uploaded = || {
        let path = ImagePath::of(&refined_image(ID, 9)).unwrap().to_string();
        let world = World::new().change(|task| task.original_path = Some(path.clone()));
        let image = (refined_image(ID, 9), GIF.to_vec());
        world.images.borrow_mut().insert(path, image);
        world
    };
    for (name, world, error) in [
        ("to be stored", World::new(), away()),
        ("to be stored on a full disk", World::new(), full()),
        ("of an earlier attempt", World::new().attempts(1), away()),
        ("uploaded", uploaded(), away()),
    ] {
        *world.image_outage.borrow_mut() = vec![error; 20];
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.status(), Some(Status::Completed), "{name}");
        assert_eq!(world.asked.borrow().len(), 1, "{name}");
    }

    for error in [away(), full()] {
        let world = World::new();
        *world.image_store_error.borrow_mut() = Some(error);
        failed(
            &world,
            "Storing refined image failed: the task took longer than 300 seconds",
        );
        assert_eq!(world.asked.borrow().len(), 1);
    }
}

/// A retry would be refused for ever.
#[test]
fn what_a_store_can_never_do_fails_the_task_with_the_step_under_way() {
    let invalid = CapabilityError::invalid("It cannot be done.");

    let world = World::new();
    *world.finish_error.borrow_mut() = Some(invalid.clone());
    failed(
        &world,
        "Storing refined concept data failed: It cannot be done.",
    );
    assert_eq!(world.status(), Some(Status::Failed));
    assert!(world.images.borrow().is_empty(), "nobody needs it");
}

#[test]
fn an_image_that_went_with_its_task_is_not_made_again() {
    let world = World::new().attempts(1);
    world.lose_lease_after.set(Some(1));
    assert_eq!(world.process(), Outcome::Skipped);
    assert!(world.asked.borrow().is_empty(), "the model was asked");
}

#[test]
fn a_worker_that_lost_its_lease_changes_nothing() {
    for at in ["finish", "fail"] {
        let world = match at {
            "fail" => World::new().page(ORIGINAL, Page::Status(404)),
            _ => World::new(),
        };
        world.lose_at.set(Some(at));
        assert_eq!(world.process(), Outcome::Skipped, "{at}");
        assert_eq!(world.status(), Some(Status::Processing), "{at}");
    }
}

#[test]
fn what_earlier_attempts_stored_goes_with_the_end_of_the_task() {
    for (script, images) in [(Script::Answer(GIF), 1), (Script::Refuse("No."), 0)] {
        let world = World::new().model([script]);
        world.late_image.set(Some(1));
        let world = world.attempts(1);
        assert_eq!(world.process(), Outcome::Done);
        assert_eq!(world.images.borrow().len(), images);
    }
}

/// Whether the API is still there to remove them or not.
#[test]
fn uploads_that_came_with_a_task_go_with_its_end_and_no_others() {
    use TaskImage::{Mask, Original};
    const OTHER: &str = "6f1c2a34-0000-4000-8000-000000000002";
    for (name, is_own) in [
        (name_for_task(ID, Original), true),
        (name_for_task(ID, Mask), true),
        (name_for_task(OTHER, Original), false),
        (OTHER.to_owned(), false),
    ] {
        let path = format!("uploads/{}/{name}.gif", tag_of("ada"));
        for script in [Script::Answer(GIF), Script::Refuse("No.")] {
            let world = World::new().model([script]).change(|task| {
                task.original_path = Some(path.clone());
                task.mask_path = Some(path.clone());
            });
            let image = (refined_image(ID, 9), GIF.to_vec());
            world.images.borrow_mut().insert(path.clone(), image);
            world.room.set(0);
            assert!(matches!(world.process(), Outcome::RetryLater(_)));
            assert!(world.images.borrow().contains_key(&path), "{name}");
            world.room.set(GIF.len());
            assert_eq!(world.process(), Outcome::Done);
            assert_eq!(world.images.borrow().contains_key(&path), !is_own, "{name}");
        }
    }
}

/// What was stored beside it goes: with the task all of it, and where another worker has
/// the task, only what stands beside an image that is not there.
#[test]
fn what_an_image_that_never_came_has_left_is_removed() {
    let path = ImagePath::of(&refined_image(ID, 1)).unwrap().to_string();
    let name = path.trim_end_matches(".gif").to_owned();
    let away = CapabilityError::unavailable("it is away");
    let invalid = CapabilityError::invalid("it cannot be kept");
    for (case, error, lost_at, expected) in [
        ("refused", invalid, None, [&path]),
        ("away until the deadline", away.clone(), None, [&path]),
        ("lost before the deadline", away, Some("fail"), [&name]),
    ] {
        let world = World::new();
        *world.image_store_error.borrow_mut() = Some(error);
        world.lose_at.set(lost_at);
        world.process();
        assert!(world.deleted.borrow().iter().eq(expected), "{case}");
    }
    let world = World::new().model([Script::Refuse("No.")]);
    world.process();
    assert_eq!(*world.deleted.borrow(), [""; 0], "none was to come");
}

/// Whoever claimed the task since may be about to take the image. Once the task
/// has ended nobody will.
#[test]
fn a_late_image_stays_until_its_task_has_ended() {
    for (end, images) in [("claimed", 1), ("failed", 0), ("deleted", 0)] {
        let world = World::new();
        world.lose_at.set(Some("finish"));
        world.rival.set(end);
        assert_eq!(world.process(), Outcome::Skipped, "{end}");
        assert_eq!(world.images.borrow().len(), images, "{end}");
    }
}

/// It is not the task's fault.
#[test]
fn an_original_that_cannot_be_held_is_tried_later() {
    let world = World::new();
    world.room.set(GIF.len() - 1);
    let expected = Outcome::RetryLater("there is no room".to_owned());
    assert_eq!(world.process(), expected);
    assert_eq!(world.status(), Some(Status::Pending), "it is given back");
    assert!(world.asked.borrow().is_empty());
    world.room.set(GIF.len());
    assert_eq!(world.process(), Outcome::Done);
}
