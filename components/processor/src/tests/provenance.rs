//! What models see of an original, and what images say of their origin.

use concept_refinement_domain::capability::ImageLength;
use concept_refinement_domain::image::metadata::Reader;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::provenance::{Mark, ORIGINAL_HAD_CREDENTIALS, Provenance};
use concept_refinement_domain::task::Status;

use super::world::{GIF, ID, ORIGINAL, Page, Script, World, refined_image};
use crate::process::Outcome;

/// The GIF with a comment.
const TALKATIVE: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xfe\x06secret\
    \x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

/// The GIF with content credentials.
const CREDENTIALED: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xff\x0bC2PA_GIF\
    \x01\x00\x00\x04jumb\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

const GENERATED: &str = "compositeWithTrainedAlgorithmicMedia";

fn stored(world: &World) -> Vec<u8> {
    let images = world.images.borrow();
    assert_eq!(images.len(), 1);
    let (_, bytes) = images.values().next().unwrap();
    bytes.clone()
}

fn provenance(world: &World) -> Provenance {
    let concepts = world.concepts();
    concepts[0].content.provenance.clone().unwrap()
}

fn source(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::new();
    reader.push(bytes);
    let metadata = reader.finish(bytes.len() as u64);
    metadata.source_type().map(str::to_owned)
}

#[test]
fn an_answer_that_says_nothing_is_marked() {
    let world = World::new();
    assert_eq!(world.process(), Outcome::Done);
    let bytes = stored(&world);
    assert_eq!(source(&bytes).as_deref(), Some(GENERATED));
    let expected = Provenance {
        source: Some(GENERATED.to_owned()),
        mark: Mark::Xmp,
        original_had_credentials: false,
    };
    assert_eq!(provenance(&world), expected);

    // What says so already stays as it came.
    let marked: &'static [u8] = bytes.clone().leak();
    let world = World::new().model([Script::Answer(marked)]);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(stored(&world), bytes);
    assert_eq!(provenance(&world), expected);
}

#[test]
fn credentials_of_an_answer_are_kept() {
    let world = World::new().model([Script::Answer(CREDENTIALED)]);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(stored(&world), CREDENTIALED);
    let expected = Provenance {
        source: None,
        mark: Mark::C2pa,
        original_had_credentials: false,
    };
    assert_eq!(provenance(&world), expected);
}

#[test]
fn nothing_is_marked_where_answers_are_kept() {
    let world = World::new();
    assert_eq!(world.process_with(&[("provenance", "keep")]), Outcome::Done);
    assert_eq!(stored(&world), GIF);
    assert_eq!(provenance(&world).mark, Mark::None);
}

#[test]
fn a_model_sees_no_metadata_of_an_original() {
    for (name, original, settings, seen, url, had_credentials) in [
        ("nothing to strip", GIF, &[][..], GIF, Some(ORIGINAL), false),
        ("a comment", TALKATIVE, &[], GIF, None, false),
        ("credentials", CREDENTIALED, &[], GIF, None, true),
        (
            "a comment that is kept",
            TALKATIVE,
            &[("original-metadata", "keep")],
            TALKATIVE,
            Some(ORIGINAL),
            false,
        ),
        (
            "credentials that are kept",
            CREDENTIALED,
            &[("original-metadata", "keep")],
            CREDENTIALED,
            Some(ORIGINAL),
            true,
        ),
    ] {
        let world = World::new().page(ORIGINAL, Page::Body(original));
        assert_eq!(world.process_with(settings), Outcome::Done, "{name}");
        let asked = world.asked.borrow();
        let (request, image) = asked.first().unwrap();
        assert_eq!(image, seen, "{name}");
        assert_eq!(request.source_url.as_deref(), url, "{name}");
        let provenance = provenance(&world);
        assert_eq!(
            provenance.original_had_credentials, had_credentials,
            "{name}"
        );
    }
}

#[test]
fn what_an_earlier_attempt_has_stored_is_read_again() {
    for (name, bytes, had_credentials, mark) in [
        ("credentials", CREDENTIALED, false, Mark::C2pa),
        ("nothing", GIF, true, Mark::None),
    ] {
        let world = World::new().attempts(1);
        let mut image = refined_image(ID, 1);
        image.length = ImageLength::Exactly(bytes.len() as u64);
        if had_credentials {
            let entry = (ORIGINAL_HAD_CREDENTIALS.to_owned(), "true".to_owned());
            image.metadata.push(entry);
        }
        let path = ImagePath::of(&image).unwrap().to_string();
        let stored = (image, bytes.to_vec());
        world.images.borrow_mut().insert(path, stored);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.status(), Some(Status::Completed), "{name}");
        assert!(world.asked.borrow().is_empty(), "{name}");
        let expected = Provenance {
            source: None,
            mark,
            original_had_credentials: had_credentials,
        };
        assert_eq!(provenance(&world), expected, "{name}");
    }
}
