use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::strength::Strength;
use concept_refinement_domain::task::{Refinement, Status};

use super::pipeline::PREFIX;
use super::world::{GIF, ORIGINAL, Page, Script, World};
use crate::process::Outcome;

const MASK_URL: &str = "https://images.example.com/mask.gif";

/// 50 MiB for the answer, and the result.
const RESERVED: &str = "reserve 52429800";

fn edit(world: World, change: impl FnOnce(&mut Refinement)) -> World {
    world.change(|task| change(&mut task.refinement))
}

fn region(refinement: &mut Refinement) {
    refinement.region = Some(Region {
        x: 3,
        y: 0,
        width: 4,
        height: 1,
    });
}

#[test]
fn a_part_is_prepared_before_the_model_is_asked_and_composed_afterwards() {
    let world = edit(World::new().page(MASK_URL, Page::Body(GIF)), |refinement| {
        refinement.mask_url = Some(MASK_URL.to_owned());
        refinement.region_only = Some(true);
        refinement.seed = Some(7);
        refinement.strength = Strength::new(0.25);
    });
    world.view.set(Some(GIF));
    assert_eq!(world.process(), Outcome::Done);
    let expected = [
        "prepare only a mask of 42 bytes of 42 bytes",
        RESERVED,
        "refine",
        "compose at 7 with 8",
    ];
    assert_eq!(*world.log.borrow(), expected);
    let asked = world.asked.borrow();
    let (request, _) = asked.first().unwrap();
    assert_eq!((request.seed, request.strength), (Some(7), 0.25));
    assert_eq!(request.options, [("mask-feather".into(), "8".into())]);
    // There the whole original could be seen.
    assert_eq!(request.source_url, None);
    let notes = world.task().unwrap().notes;
    assert_eq!(
        notes.first().map(String::as_str),
        Some("It was put together.")
    );
    assert_eq!(notes.len(), 2);
}

#[test]
fn a_region_needs_no_download() {
    let world = edit(World::new(), |refinement| {
        region(refinement);
        refinement.mask_feather = Some(0);
    });
    assert_eq!(world.process(), Outcome::Done);
    let expected = [
        "prepare 3+4 of 42 bytes",
        RESERVED,
        "refine",
        "compose at 7 with 0",
    ];
    assert_eq!(*world.log.borrow(), expected);
    assert_eq!(world.fetched.borrow().len(), 1);
    let asked = world.asked.borrow();
    let (request, _) = asked.first().unwrap();
    assert_eq!(request.source_url.as_deref(), Some(ORIGINAL));
}

#[test]
fn the_answer_may_be_an_address() {
    const URL: &str = "https://answers.example.com/a.gif";
    let world = World::new()
        .page(URL, Page::Body(GIF))
        .model([Script::Location(URL)]);
    let world = edit(world, region);
    assert_eq!(world.process(), Outcome::Done);
    // The space is that which was reserved before.
    let expected = [
        "prepare 3+4 of 42 bytes",
        RESERVED,
        "refine",
        "compose at 7 with 8",
    ];
    assert_eq!(*world.log.borrow(), expected);
}

#[test]
fn what_cannot_be_edited_is_asked_of_no_model() {
    let refused = |world: &World, message: &str| {
        assert_eq!(world.process(), Outcome::Done);
        let expected = format!("{PREFIX}{message}");
        assert_eq!(world.error_message(), Some(expected));
        assert!(world.asked.borrow().is_empty());
    };
    let world = edit(World::new(), region);
    world.refusal.set(Some("the mask marks nothing"));
    refused(&world, "Image refinement failed: the mask marks nothing");

    let world = edit(
        World::new().page(MASK_URL, Page::Status(404)),
        |refinement| {
            refinement.mask_url = Some(MASK_URL.to_owned());
        },
    );
    refused(
        &world,
        "Failed to download original image: the mask: the address answered 404",
    );

    let world = World::new().change(|task| {
        task.refinement.mask_url = Some(MASK_URL.to_owned());
        task.mask_path = Some("uploads/ada/gone.gif".to_owned());
    });
    refused(
        &world,
        "Failed to download original image: the mask: the image is no longer stored here",
    );
}

#[test]
fn a_view_for_which_there_is_no_space_is_tried_again() {
    let world = edit(World::new(), region);
    world.view.set(Some(GIF));
    world.room.set(GIF.len() - 1);
    assert!(matches!(world.process(), Outcome::RetryLater(_)));
    assert_eq!(world.status(), Some(Status::Pending));
}
