use std::time::Duration;

use concept_refinement_domain::capability::{ImageKind, ImageLength, NewImage};
use concept_refinement_domain::concept::{Concept, id_for};
use concept_refinement_domain::task::{Stage, Status};

use super::world::{GIF, ID, ORIGINAL, Page, SHA256, Script, World};
use crate::ports::Failure;
use crate::process::Outcome;

/// The prefix of every error message.
pub const PREFIX: &str = "Error in refinement task processing: ";

#[test]
fn a_task_is_processed_in_six_steps() {
    let world = World::new();
    assert_eq!(world.process(), Outcome::Done);

    let task = world.task().unwrap();
    assert_eq!(task.status, Status::Completed);
    assert_eq!(task.result_id, Some(id_for(ID)));
    assert_eq!(
        *world.stages.borrow(),
        [
            Stage::Downloading,
            Stage::Refining,
            Stage::StoringImage,
            Stage::StoringConcept
        ]
    );

    let asked = world.asked.borrow();
    let [(request, image)] = asked.as_slice() else {
        panic!("the model was asked {} times", asked.len());
    };
    assert_eq!(request.prompt, "more minimalist");
    assert_eq!(request.strength, 0.7);
    assert_eq!(request.logo_description.as_deref(), Some("a cup"));
    assert_eq!(request.theme_description, None);
    assert_eq!(request.media_type, "image/gif");
    assert_eq!(request.source_url.as_deref(), Some(ORIGINAL));
    assert_eq!(image, GIF);

    let images = world.images.borrow();
    let (path, (image, bytes)) = images.iter().next().unwrap();
    // Marked: see `provenance`.
    assert!(bytes.starts_with(b"GIF89a") && bytes.ends_with(&GIF[19..]));
    assert_eq!(image.length.longest(), bytes.len() as u64);
    assert_eq!(image.owner, "ada");
    let metadata: Vec<_> = image
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        metadata,
        [
            ("logo_description", "a cup"),
            ("theme_description", ""),
            ("refinement_prompt", "  more minimalist "),
            ("task_id", task.id.as_str()),
            ("is_refinement", "true"),
        ]
    );

    let concepts = world.concepts();
    let [
        Concept {
            content: concept, ..
        },
    ] = concepts.as_slice()
    else {
        panic!("{} concepts", concepts.len());
    };
    assert_eq!(concept.image_path, *path);
    assert_eq!(concept.image_url, format!("/api/images/{path}"));
    assert_eq!(concept.image_sha256.as_deref(), Some(SHA256));
    assert_eq!(concept.original_image_url, ORIGINAL);
    assert_eq!(concept.user_id, "ada");
    assert_eq!(concept.task_id, task.id);
    assert!(concept.is_anonymous);
    assert!(concept.color_palettes.is_empty());
    assert_eq!(concept.notes, ["One thing was left as it was."]);
}

#[test]
fn a_bad_original_fails_its_task() {
    let half = &GIF[..20];
    let short = Page::Declare(half, GIF.len() as u64);
    let large = Page::Declare(GIF, 21 << 20);
    let forbidden = Page::Refuse(Failure::Forbidden);
    let redirect = Page::Redirect;
    let compressed = "the answer is compressed in a way that was not asked for";
    let late = "the download took longer than 30 seconds";
    let no_name = "the name of the address cannot be resolved";
    let endless = "the address redirects more than 3 times";
    let must = "the address must";
    for (name, page, reason) in [
        ("404", Page::Status(404), "the address answered 404"),
        ("204", Page::Status(204), "the address answered 204"),
        ("304", Page::Status(304), "the address answered 304"),
        ("empty", Page::Body(b""), "the file is empty"),
        ("HTML", Page::Body(b"<html>"), "the file is not an image"),
        ("truncated", Page::Body(half), "the file is cut short"),
        ("short", short, "the file ended before its declared length"),
        ("declared too large", large, "the file is larger than"),
        ("compressed", Page::Encoded(GIF), compressed),
        ("silence", Page::Silence, late),
        ("refused", forbidden, "the address is not public"),
        ("no such name", Page::Refuse(Failure::Unresolvable), no_name),
        ("redirect without end", redirect(ORIGINAL), endless),
        ("to loopback", redirect("http://127.0.0.1/"), must),
        ("to another scheme", redirect("file:///etc/passwd"), must),
    ] {
        let world = World::new().page(ORIGINAL, page);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        let message = world.error_message().unwrap_or_default();
        let expected = format!("{PREFIX}Failed to download original image: {reason}");
        assert!(message.starts_with(&expected), "{name}: {message}");
        assert!(world.is_refused(), "{name}");
        assert!(world.asked.borrow().is_empty(), "{name}");
        assert!(world.elapsed() <= Duration::from_secs(30), "{name}");
    }
}

#[test]
fn a_whole_file_is_taken_whatever_it_is_called() {
    // As long as the file is.
    assert_eq!(GIF.len(), 42);
    for (name, status, range, is_whole) in [
        ("as a proxy changed it", 203, None, true),
        ("as a part of itself", 206, None, true),
        ("as the part that it is", 206, Some("bytes 0-41/42"), true),
        ("but not its beginning", 206, Some("bytes 0-41/99"), false),
        ("nor its end", 206, Some("bytes 57-98/99"), false),
        ("nor what nobody can tell", 206, Some("lines"), false),
    ] {
        let page = Page::Part(status, range, GIF);
        let world = World::new().page(ORIGINAL, page);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        let reason = "Failed to download original image: the address answered 206";
        let expected = (!is_whole).then(|| format!("{PREFIX}{reason}"));
        assert_eq!(world.error_message(), expected, "{name}");
    }
}

#[test]
fn a_download_says_who_asks() {
    let version = env!("CARGO_PKG_VERSION");
    for (settings, expected) in [
        (&[][..], format!("concept-refinement/{version}")),
        (
            &[("contact", "https://refine.example/contact")],
            format!("concept-refinement/{version} (+https://refine.example/contact)"),
        ),
    ] {
        let world = World::new();
        let outcome = world.process_with(settings);
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(*world.user_agents.borrow(), [expected].into());
    }
}

#[test]
fn redirects_are_followed_three_times() {
    let world = World::new()
        .page(ORIGINAL, Page::Redirect("/1"))
        .page(
            "https://images.example.com/1",
            Page::Redirect("http://other.example.com/2"),
        )
        .page("http://other.example.com/2", Page::Redirect("/3?x=y"))
        .page("http://other.example.com/3?x=y", Page::Body(GIF));
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
}

#[test]
fn the_model_is_asked_again_where_that_can_help() {
    let unavailable = || Script::Unavailable(None);
    let refused = || Script::Refuse("the prompt is not allowed");
    let second = Duration::from_secs(1);
    let answer = || Script::Answer(GIF);
    let twice = vec![unavailable(), unavailable(), answer()];
    let thrice = vec![unavailable(), unavailable(), unavailable()];
    let maybe = vec![Script::Unknown, refused()];
    let unknown = vec![Script::Unknown, Script::Unknown, Script::Unknown];
    let patient = |seconds: u32| Script::Unavailable(Some(seconds * second));
    let overloaded = "the provider is overloaded";
    let later = "the provider is overloaded, and asks to be tried again later";
    let not_allowed = "the prompt is not allowed";
    let failed = "the provider answered 502";
    let hangs = "the model did not answer within 60 seconds";
    for (name, script, asked, waited, reason) in [
        ("one failure", vec![unavailable(), answer()], 2, 1, None),
        ("two failures", twice, 3, 5, None),
        ("three failures", thrice, 3, 5, Some(overloaded)),
        ("perhaps, and then refused", maybe, 2, 1, Some(not_allowed)),
        ("perhaps accepted each time", unknown, 3, 5, Some(failed)),
        ("asked to wait", vec![patient(20), answer()], 2, 20, None),
        ("too long", vec![patient(600)], 1, 0, Some(later)),
        ("refused", vec![refused()], 1, 0, Some(not_allowed)),
        ("hangs", vec![Script::Hang], 1, 60, Some(hangs)),
    ] {
        let world = World::new().model(script);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.asked.borrow().len(), asked, "{name}");
        let off = world.elapsed().abs_diff(waited * second);
        assert!(off < second, "{name}: {:?}", world.elapsed());
        match reason {
            None => assert_eq!(world.status(), Some(Status::Completed), "{name}"),
            Some(reason) => {
                let message = world.error_message().unwrap_or_default();
                let expected = format!("{PREFIX}Image refinement failed: {reason}");
                assert!(message.starts_with(&expected), "{name}: {message}");
                assert_eq!(world.is_refused(), reason == not_allowed, "{name}");
            }
        }
    }
}

#[test]
fn an_unusable_answer_is_not_asked_for_again() {
    let short = "the file ended before its declared length";
    let long = "the file goes on after its declared length";
    for (script, reason) in [
        (Script::Answer(b"sorry"), "the file is not an image"),
        (Script::Answer(b""), "the file is empty"),
        (Script::Declare(GIF, 1000), short),
        (Script::Declare(GIF, 20), long),
        (Script::Declare(GIF, 51 << 20), "the file is larger than"),
    ] {
        let world = World::new().model([script]);
        assert_eq!(world.process(), Outcome::Done, "{reason}");
        assert_eq!(world.asked.borrow().len(), 1, "{reason}");
        assert!(world.elapsed() < Duration::from_secs(1), "{reason}");
        let message = world.error_message().unwrap_or_default();
        let expected =
            format!("{PREFIX}Image refinement failed: the model's answer is unusable: {reason}");
        assert!(message.starts_with(&expected), "{reason}: {message}");
        assert!(!world.is_refused(), "{reason}");
    }
}

#[test]
fn an_answer_may_be_an_address() {
    let there = "https://cdn.example.com/refined.gif";
    let world = World::new()
        .page(there, Page::Body(GIF))
        .model([Script::Location(there)]);
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));

    let must = "the address must";
    for (name, location, reason) in [
        ("loopback", "http://localhost/x", must),
        ("another scheme", "data:image/gif;base64,x", must),
        (
            "gone",
            "https://cdn.example.com/gone",
            "the address answered 404",
        ),
    ] {
        let world = World::new().model([Script::Location(location)]);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        let message = world.error_message().unwrap_or_default();
        let expected =
            format!("{PREFIX}Image refinement failed: the model's answer is unusable: {reason}");
        assert!(message.starts_with(&expected), "{name}: {message}");
    }
}

/// An original is tried again as an answer is, but where nothing answers at all.
#[test]
fn an_original_is_downloaded_again_where_that_can_help() {
    for (name, page, tries) in [
        ("refused", Page::Status(503), 3),
        ("refused for good", Page::Status(403), 1),
        ("broken off", Page::Cut(GIF, "W/\"1\"", 20), 3),
        ("broken off, and continued", Page::Cut(GIF, "\"1\"", 20), 2),
        ("asked to wait too long", Page::Busy(503, "60"), 1),
        ("cannot be reached", Page::Refuse(Failure::Unreachable), 1),
    ] {
        let world = World::new().page(ORIGINAL, page);
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.fetched.borrow().len(), tries, "{name}");
        let is_whole = world.status() == Some(Status::Completed);
        assert_eq!(is_whole, name == "broken off, and continued", "{name}");
    }
}

/// That others have the room is no fault of the model: its time goes on afterwards.
#[test]
fn an_answer_waits_for_room_longer_than_the_model_may_take() {
    let there = "https://cdn.example.com/refined.gif";
    for (name, script) in [
        ("bytes", Script::Answer(GIF)),
        ("an address", Script::Location(there)),
    ] {
        let world = World::new().page(there, Page::Body(GIF)).model([script]);
        world.wait_for_room.set(Duration::from_secs(200));
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.status(), Some(Status::Completed), "{name}");
        assert_eq!(world.elapsed(), Duration::from_secs(200), "{name}");
    }
    let world = World::new();
    world.wait_for_room.set(Duration::from_secs(1_000));
    assert_eq!(world.process(), Outcome::Done);
    let message = world.error_message().unwrap_or_default();
    let reason = "Image refinement failed: the task took longer than 300 seconds";
    assert_eq!(message, format!("{PREFIX}{reason}"));
}

#[test]
fn the_whole_task_has_a_limit() {
    for (name, settings, world, step) in [
        (
            "downloading",
            [("task-timeout", "20s"), ("download-timeout", "30s")],
            World::new().page(ORIGINAL, Page::Silence),
            "Failed to download original image",
        ),
        (
            "refining",
            [("task-timeout", "20s"), ("model-timeout", "60s")],
            World::new().model([Script::Hang]),
            "Image refinement failed",
        ),
    ] {
        let outcome = world.process_with(&settings);
        assert_eq!(outcome, Outcome::Done, "{name}");
        assert_eq!(
            world.error_message().unwrap_or_default(),
            format!("{PREFIX}{step}: the task took longer than 20 seconds"),
            "{name}"
        );
        assert_eq!(world.elapsed(), Duration::from_secs(20), "{name}");
    }
}

/// It was submitted a second ago.
#[test]
fn a_deadline_ends_what_was_begun() {
    for (name, deadline_seconds, elapsed, said) in [
        ("it is sooner than the limit", 30, 29, 30),
        ("the limit is sooner", 200, 100, 100),
        ("the limit is as soon", 101, 100, 100),
    ] {
        let world = World::new()
            .model([Script::Hang])
            .change(|task| task.refinement.deadline_seconds = Some(deadline_seconds));
        let outcome = world.process_with(&[("task-timeout", "100s"), ("model-timeout", "200s")]);
        assert_eq!(outcome, Outcome::Done, "{name}");
        let reason = format!("Image refinement failed: the task took longer than {said} seconds");
        let message = world.error_message().unwrap_or_default();
        assert_eq!(message, format!("{PREFIX}{reason}"), "{name}");
        let elapsed = Duration::from_secs(elapsed);
        assert_eq!(world.elapsed(), elapsed, "{name}");
        assert_eq!(world.asked.borrow()[0].0.time_left, elapsed, "{name}");
    }
}

fn with_upload() -> World {
    let path = "uploads/1";
    let world = World::new().change(|task| task.original_path = Some(path.to_owned()));
    world.pages.borrow_mut().clear();
    let image = NewImage {
        kind: ImageKind::Upload,
        name: "1".to_owned(),
        owner: "ada".to_owned(),
        media_type: "image/gif".to_owned(),
        length: ImageLength::Exactly(GIF.len() as u64),
        metadata: Vec::new(),
        limits: None,
    };
    let stored = (image, GIF.to_vec());
    world.images.borrow_mut().insert(path.to_owned(), stored);
    world
}

#[test]
fn an_upload_is_read_from_the_store() {
    let world = with_upload();
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    assert_eq!(world.asked.borrow()[0].0.source_url, None);

    let world = with_upload();
    let settings = [("public-url", "https://refine.example.com")];
    assert_eq!(world.process_with(&settings), Outcome::Done);
    assert_eq!(
        world.asked.borrow()[0].0.source_url.as_deref(),
        Some("https://refine.example.com/api/images/uploads/1?signature=x")
    );

    let world = with_upload();
    world.images.borrow_mut().clear();
    assert_eq!(world.process(), Outcome::Done);
    assert_eq!(
        world.error_message().unwrap_or_default(),
        format!("{PREFIX}Failed to download original image: the image is no longer stored here")
    );
}

/// It was judged when it was stored. A refined image may be longer than an original.
#[test]
fn only_originals_from_elsewhere_are_held_to_their_limit() {
    let too_large = "Failed to download original image: the file is larger than 41 bytes";
    let too_large = format!("{PREFIX}{too_large}");
    for (name, world, message) in [
        ("stored here", with_upload(), None),
        ("from elsewhere", World::new(), Some(too_large)),
    ] {
        let settings = [("max-image-bytes", "41")];
        assert_eq!(world.process_with(&settings), Outcome::Done, "{name}");
        assert_eq!(world.error_message(), message, "{name}");
    }
}

/// Others may compute in the same instance while it is read.
#[test]
fn only_the_tasks_deadline_ends_the_reading_of_an_upload() {
    let failed = "Failed to download original image: the task took longer than 300 seconds";
    let failed = format!("{PREFIX}{failed}");
    for (pace, status, message) in [
        (20, Status::Completed, None),
        (100, Status::Failed, Some(failed)),
    ] {
        let world = with_upload();
        world.image_pace.set(Duration::from_secs(pace));
        assert_eq!(world.process(), Outcome::Done, "{pace}");
        assert_eq!(world.status(), Some(status), "{pace}");
        assert_eq!(world.error_message(), message, "{pace}");
    }
}
