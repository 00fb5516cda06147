//! Downloads from a model's provider at a private address.

use std::time::Duration;

use concept_refinement_domain::task::Status;

use super::world::{GIF, ORIGINAL, Page, Script, World};
use crate::ports::{Failure, Purpose};
use crate::process::Outcome;

/// A setting: the model's provider, at a private address.
const PROVIDER: (&str, &str) = ("model-url", "http://127.0.0.1:7860");

const THERE: &str = "https://cdn.example.com/refined.gif";

/// A model answers an address, at which there is a page after others.
fn answering(page: Page, before: Vec<Page>) -> World {
    let world = World::new().page(THERE, page);
    world.before_pages.replace(before.into());
    world.model([Script::Location(THERE)])
}

#[test]
fn the_providers_own_host_may_be_private() {
    let there = "http://127.0.0.1:7860/refined.gif";
    let world = World::new()
        .page(there, Page::Body(GIF))
        .model([Script::Location(there)]);
    let outcome = world.process_with(&[PROVIDER]);
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

/// It is paid for: what may pass is tried again, and a transfer that broke off is
/// continued, without asking the model.
#[test]
fn an_answer_is_downloaded_again_where_that_can_help() {
    const TAG: &str = "\"1\"";
    let status = Page::Status;
    let refuse = Page::Refuse;
    let cut = |tag, length| Page::Cut(GIF, tag, length);
    let cut_off = || cut(TAG, 20);
    let unreachable = [Failure::Unresolvable, Failure::Broken].map(refuse);
    let half = Page::Body(&GIF[..20]);
    let completed = [
        ("refused once", vec![status(503)], &[0, 0][..], 1),
        ("twice", vec![status(500), status(408)], &[0, 0, 0], 5),
        ("asked to wait", vec![Page::Busy(429, "20")], &[0, 0], 20),
        ("cannot be reached", unreachable.into(), &[0, 0, 0], 5),
        ("cut off, and continued", vec![cut_off()], &[0, 20], 1),
        ("a refusal", vec![cut_off(), status(503)], &[0, 20, 20], 5),
        ("before the first byte", vec![cut(TAG, 0)], &[0, 0], 1),
        ("now another version", vec![cut("\"2\"", 20)], &[0, 20], 1),
        ("no certain version", vec![cut("W/\"1\"", 20)], &[0, 0], 1),
        (
            "no such range",
            vec![cut_off(), status(416)],
            &[0, 20, 0],
            5,
        ),
        (
            "another range",
            vec![cut_off(), status(206)],
            &[0, 20, 0],
            5,
        ),
        (
            "a rest of another version",
            vec![cut_off(), Page::Rest(GIF, 20, "\"2\"", false)],
            &[0, 20, 0],
            5,
        ),
        (
            "a compressed rest",
            vec![cut_off(), Page::Rest(GIF, 20, TAG, true)],
            &[0, 20, 0],
            5,
        ),
        ("cut off, of no length", vec![half], &[0, 0], 1),
    ];
    let completed = completed.map(|(name, before, offsets, waited)| {
        let reason: Option<String> = None;
        (name, before, offsets, waited, reason)
    });
    let busy = |status: u16| format!("could not be downloaded: the address answered {status}");
    let unusable = |problem: &str| format!("is unusable: {problem}");
    let not_public = unusable("the address is not public");
    let gone = unusable("the address answered 404");
    let no_image = unusable("the file is not an image: it must be PNG, JPEG, WebP or GIF");
    let failed_at_once = [
        ("asked to wait long", Page::Busy(503, "300"), busy(503)),
        ("not public", refuse(Failure::Forbidden), not_public),
        ("gone", status(404), gone),
        ("not an image", Page::Body(b"sorry"), no_image),
    ];
    let once: &[u64] = &[0];
    let failed_at_once =
        failed_at_once.map(|(name, before, reason)| (name, vec![before], once, 0, Some(reason)));
    let thrice = Vec::from([503, 503, 502].map(status));
    let failed = [("thrice", thrice, &[0, 0, 0][..], 5, Some(busy(502)))];
    let cases = completed.into_iter().chain(failed_at_once).chain(failed);
    for (name, before, offsets, waited, reason) in cases {
        let world = answering(Page::File(GIF, TAG), before);
        let outcome = world.process_with(&[("provenance", "keep")]);
        assert_eq!(outcome, Outcome::Done, "{name}");
        assert_eq!(world.asked.borrow().len(), 1, "{name}");
        // The first one was for the original.
        assert_eq!(world.offsets.borrow()[1..], *offsets, "{name}");
        let waited = Duration::from_secs(waited);
        assert_eq!(world.elapsed(), waited, "{name}");
        let expected = reason.map(|reason| {
            format!(
                "Error in refinement task processing: Image refinement failed: the model's answer \
                 {reason}"
            )
        });
        assert_eq!(world.error_message(), expected, "{name}");
        if expected.is_none() {
            assert_eq!(world.status(), Some(Status::Completed), "{name}");
            let images = world.images.borrow();
            let (_, (_, bytes)) = images.iter().next().unwrap();
            assert_eq!(bytes, GIF, "{name}");
        }
    }
}

/// A server that is not read for long cuts the connection: what had to wait for its room
/// is asked for again, which is no try.
#[test]
fn what_waited_for_its_room_is_asked_for_again() {
    let seconds = Duration::from_secs;
    let cut = || Page::Cut(GIF, "\"1\"", 0);
    let tries = vec![Page::Impatient(GIF), cut(), cut()];
    let grown = vec![Page::Declare(&GIF[..20], 20)];
    for (name, before, wait, offsets, elapsed) in [
        ("no wait", vec![], 0, &[0][..], 0),
        ("a wait", vec![], 5, &[0, 0], 5),
        ("a wait, and then three tries", tries, 5, &[0; 4], 10),
        ("a file that has grown since", grown, 5, &[0, 0, 0], 10),
    ] {
        let world = answering(Page::Impatient(GIF), before);
        world.wait_for_room.set(seconds(wait));
        assert_eq!(world.process(), Outcome::Done, "{name}");
        assert_eq!(world.error_message(), None, "{name}");
        assert_eq!(world.offsets.borrow()[1..], *offsets, "{name}");
        assert_eq!(world.elapsed(), seconds(elapsed), "{name}");
    }
}

/// What was received before counts, and the model is not asked again.
#[test]
fn an_answer_that_stalls_is_continued() {
    let stalled = Page::Stall(GIF, "\"1\"", 20);
    let uncertain = Page::Stall(GIF, "W/\"1\"", 20);
    let thrice = vec![stalled.clone(), Page::Silence, Page::Silence];
    let late = "the model's answer could not be downloaded within 1 seconds";
    for (name, before, offsets, reason) in [
        ("once", vec![stalled], &[0, 20][..], None),
        ("in silence", vec![Page::Silence], &[0, 0], None),
        ("of no certain version", vec![uncertain], &[0, 0], None),
        ("thrice", thrice, &[0, 20, 0], Some(late)),
    ] {
        let world = answering(Page::File(GIF, "\"1\""), before);
        let settings = [("download-timeout", "1s")];
        let outcome = world.process_with(&settings);
        assert_eq!(outcome, Outcome::Done, "{name}");
        assert_eq!(world.asked.borrow().len(), 1, "{name}");
        assert_eq!(world.offsets.borrow()[1..], *offsets, "{name}");
        let expected = reason.map(|reason| {
            format!("Error in refinement task processing: Image refinement failed: {reason}")
        });
        assert_eq!(world.error_message(), expected, "{name}");
    }
}

#[test]
fn a_redirected_answer_is_still_the_models() {
    let elsewhere = "https://cdn.example.com/refined.gif";
    let there = "http://127.0.0.1:7860/refined.gif";
    let world = World::new()
        .page(elsewhere, Page::Redirect(there))
        .page(there, Page::Body(GIF))
        .model([Script::Location(elsewhere)]);
    let outcome = world.process_with(&[PROVIDER]);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(world.status(), Some(Status::Completed));
    let fetched = world.fetched.borrow();
    let last = fetched.last().map(|(_, purpose)| *purpose);
    assert_eq!(last, Some(Purpose::ModelAnswer));
}

/// A chain has the providers of all its links: the host has judged which of them an answer may
/// name, and nobody has judged where that redirects.
#[test]
fn of_several_providers_each_may_be_named_and_redirect_to_itself() {
    const PROVIDERS: &str = "http://127.0.0.1:7860/ http://127.0.0.1:7861/sd";
    const SAME: &str = "http://localhost/ http://localhost:80/v1";
    let (first, second) = ("http://127.0.0.1:7860/1.gif", "http://127.0.0.1:7861/2.gif");
    let (again, local) = ("http://127.0.0.1:7861/3.gif", "http://localhost/4.gif");
    let refused = "the address must point to a public address";
    for (name, providers, from, there, problem) in [
        ("the first", PROVIDERS, None, first, None),
        ("another", PROVIDERS, None, second, None),
        ("from itself", PROVIDERS, Some(again), second, None),
        (
            "from another",
            PROVIDERS,
            Some(first),
            second,
            Some(refused),
        ),
        (
            "from elsewhere",
            PROVIDERS,
            Some(THERE),
            second,
            Some(refused),
        ),
        ("to the only one", SAME, Some(THERE), local, None),
        ("none of them", PROVIDERS, None, local, Some(refused)),
    ] {
        let mut world = World::new()
            .page(there, Page::Body(GIF))
            .model([Script::Location(from.unwrap_or(there))]);
        if let Some(from) = from {
            world = world.page(from, Page::Redirect(there));
        }
        let outcome = world.process_with(&[("model-url", providers)]);
        assert_eq!(outcome, Outcome::Done, "{name}");
        let expected = problem.map(|problem| {
            format!(
                "Error in refinement task processing: Image refinement failed: the model's answer \
                 is unusable: {problem}"
            )
        });
        assert_eq!(world.error_message(), expected, "{name}");
    }
}

#[test]
fn the_providers_private_host_is_no_place_for_originals() {
    let there = "http://127.0.0.1:7860/original.gif";
    let named = World::new().change(|task| {
        task.refinement.original_image_url = Some(there.to_owned());
    });
    let redirected = World::new().page(ORIGINAL, Page::Redirect(there));
    for (name, world) in [("named", named), ("redirected", redirected)] {
        let world = world.page(there, Page::Body(GIF));
        let outcome = world.process_with(&[PROVIDER]);
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
