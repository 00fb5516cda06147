//! Whole refinements by a provider in memory, which answers as the API's reference says.

use concept_refinement_domain::payment::Usage;
use concept_refinement_model_provider::script::{Script, settings};
use concept_refinement_model_provider::{Answer, Error, Settings};
use serde_json::Value;

use crate::{Fal, PROFILE};

const SUBMITTED: &str = include_str!("../samples/submitted.json");
const IN_QUEUE: &str = include_str!("../samples/in-queue.json");
const IN_PROGRESS: &str = include_str!("../samples/in-progress.json");
const COMPLETED: &str = include_str!("../samples/completed.json");
const FAILED: &str = include_str!("../samples/failed.json");
const IMAGES: &str = include_str!("../samples/images.json");
const CONTENT_POLICY: &str = include_str!("../samples/content-policy.json");
const INTERNAL_ERROR: &str = include_str!("../samples/internal-error.json");
const NO_RUNNER: &str = include_str!("../samples/no-runner.json");
const RATE_LIMIT: &str = include_str!("../samples/rate-limit.json");
const NO_BALANCE: &str = include_str!("../samples/no-balance.json");
const NO_KEY: &str = include_str!("../samples/no-key.json");
const NOT_FOUND: &str = include_str!("../samples/not-found.json");

const POST: &str = "post https://queue.fal.run/openai/gpt-image-2.5/sunburst/edit";
const STATUS: &str = "get https://queue.fal.run/openai/gpt-image-2.5/requests/764cabcf-b745-4b3e-ae38-1200304cf45b/status";
const RESULT: &str =
    "get https://queue.fal.run/openai/gpt-image-2.5/requests/764cabcf-b745-4b3e-ae38-1200304cf45b";
const IMAGE: &str = "https://v3b.fal.media/files/b/0a8f/kQ7xGIFxuPX2_sunburst.png";

fn own() -> Settings {
    settings(PROFILE.url, &[]).unwrap()
}

/// What is stored of the request of this task, with the URL of its output.
fn receipt(task: &str, output: Option<&str>) -> String {
    let url = RESULT.trim_start_matches("get ");
    let output = output.map_or_else(String::new, |url| format!(r#","output":"{url}""#));
    format!(r#"{{"status_url":"{url}/status","response_url":"{url}","task":"{task}"{output}}}"#)
}

fn image() -> Result<Answer, Error> {
    Ok(Answer::Location(IMAGE.to_owned()))
}

#[test]
fn a_request_is_polled_until_it_has_a_result() {
    let script = Script::of([
        (200, SUBMITTED),
        (202, IN_QUEUE),
        (502, "<html>"),
        (202, IN_PROGRESS),
        (200, COMPLETED),
        (200, IMAGES),
    ]);
    assert_eq!(script.refine::<Fal>(&own(), None), image());
    assert_eq!(
        script.urls(),
        [POST, STATUS, STATUS, STATUS, STATUS, RESULT]
    );
    let kept = [receipt("5e1f", None), receipt("5e1f", Some(IMAGE))];
    assert_eq!(script.kept.take(), kept);

    let asked = script.asked.take();
    let is_authorized = asked
        .iter()
        .all(|asked| asked.field("authorization") == Some("Key sk-hush"));
    assert!(is_authorized);
    assert_eq!(asked[0].field("x-fal-no-retry"), Some("1"));
    assert_eq!(asked[0].field("x-fal-request-timeout"), Some("300"));
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body["prompt"], "lighter");
    let url = body["image_urls"][0].as_str().unwrap();
    assert!(url.starts_with("data:image/gif;base64,R0lG"), "{url}");
    assert_eq!(body.as_object().unwrap().len(), 2);
}

#[test]
fn a_model_has_its_own_inputs() {
    let inputs = [
        ("model-name", "fal-ai/flux-kontext/dev"),
        ("model-seed", "seed"),
        ("model-mask", "mask_url"),
    ];
    let script = Script::of([(429, RATE_LIMIT)]);
    let configured = settings(PROFILE.url, &inputs).unwrap();
    assert!(script.refine::<Fal>(&configured, None).is_err());
    assert_eq!(
        script.urls(),
        ["post https://queue.fal.run/fal-ai/flux-kontext/dev"]
    );
    let body: Value = serde_json::from_slice(&script.asked.take()[0].body).unwrap();
    assert!(
        body["image_url"]
            .as_str()
            .unwrap()
            .starts_with("data:image/gif;base64,")
    );
    assert_eq!(body["mask_url"], "data:image/png;base64,bWFzaw==");
    assert_eq!(body["seed"], 7);

    for name in ["flux", "a/../b", "a//b", "/a/b", "a/b?c", "a/b/"] {
        let settings = settings(PROFILE.url, &[("model-name", name)]).unwrap();
        let expected = "the setting model-name must be OWNER/NAME, maybe with more parts";
        let script = Script::of([(200, SUBMITTED)]);
        assert_eq!(
            script.refine::<Fal>(&settings, None),
            Err(Error::refused(expected))
        );
        assert!(script.urls().is_empty(), "{name}");
    }
}

#[test]
fn an_answer_that_names_no_work_is_paid_for() {
    for answer in ["{}", "not JSON"] {
        let script = Script::of([(200, answer)]);
        assert!(script.refine::<Fal>(&own(), None).is_err(), "{answer}");
        assert_eq!(script.usages.take(), [Usage::default()], "{answer}");
    }
}

#[test]
fn a_request_that_fails_is_told() {
    let not_refined = |why: &str| format!("the provider could not refine the image: {why}");
    let internal = || Error::refused(not_refined("Internal server error"));
    let policy = "the provider refused the image or the prompt: The content could not be processed \
                  because it was flagged by a content checker";
    let no_runner = not_refined("No runner could be allocated to handle the request");
    for (completed, status, sample, expected) in [
        (COMPLETED, 422, CONTENT_POLICY, Error::refused(policy)),
        (COMPLETED, 500, INTERNAL_ERROR, internal()),
        (FAILED, 500, "", internal()),
        (COMPLETED, 503, NO_RUNNER, Error::unavailable(no_runner)),
    ] {
        let script = Script::of([(200, SUBMITTED), (200, completed), (status, sample)]);
        assert_eq!(script.refine::<Fal>(&own(), None), Err(expected));
    }
}

#[test]
fn a_request_that_is_not_accepted_is_told() {
    let unauthorized = |reason: &str| Error::Unauthorized(reason.to_owned());
    for (status, sample, expected) in [
        (
            429,
            RATE_LIMIT,
            Error::Unavailable {
                reason: "the provider answered 429: Too many requests in the queue. Retry later"
                    .to_owned(),
                retry_after: None,
                is_rate_limit: true,
            },
        ),
        (
            403,
            NO_BALANCE,
            unauthorized(
                "the provider answered 403: User is locked. Reason: Exhausted balance. Top up \
                 your balance at fal.ai/dashboard/billing",
            ),
        ),
        (401, NO_KEY, unauthorized("the provider refused the key")),
    ] {
        let script = Script::of([(status, sample)]);
        assert_eq!(script.refine::<Fal>(&own(), None), Err(expected));
        assert_eq!(script.urls(), [POST]);
        assert!(script.kept.take().is_empty());
    }
}

#[test]
fn nothing_is_sent_to_an_address_that_is_not_the_queues() {
    for field in ["status_url", "response_url"] {
        for url in [
            "https://queue.fal.run.evil.example/x",
            "https://queue.fal.run@evil.example/x",
            "http://queue.fal.run/x",
            "https://queue.fal.run:8443/x",
            "/openai/gpt-image-2.5/requests/764c",
            "",
        ] {
            let mut submitted: Value = serde_json::from_str(SUBMITTED).unwrap();
            submitted[field] = url.into();
            let script = Script::of([(200, submitted.to_string().as_str()), (200, COMPLETED)]);
            let answer = script.refine::<Fal>(&own(), None);
            assert_eq!(answer, Err(Error::of_address()), "{field} {url}");
            assert_eq!(script.urls(), [POST], "{field} {url}");
        }
    }
}

#[test]
fn an_accepted_request_is_not_submitted_again() {
    let kept = receipt("5e1f", None);
    let script = Script::of([(200, COMPLETED), (200, IMAGES)]);
    assert_eq!(script.refine::<Fal>(&own(), Some(&kept)), image());
    assert_eq!(script.urls(), [STATUS, RESULT]);
    assert_eq!(script.kept.take(), [receipt("5e1f", Some(IMAGE))]);

    let script = Script::of([(200, COMPLETED), (422, CONTENT_POLICY)]);
    assert!(script.refine::<Fal>(&own(), Some(&kept)).is_err());
    assert_eq!(script.urls(), [STATUS, RESULT], "what failed stays failed");

    // Its image is there for longer than what fal knows of it, also for an operator's retry.
    for task in ["5e1f", "77aa"] {
        let script = Script::of::<&str>([]);
        let kept = receipt(task, Some(IMAGE));
        assert_eq!(script.refine::<Fal>(&own(), Some(&kept)), image(), "{task}");
    }
}

/// The gateway may fail while the work is well, and it is paid for.
#[test]
fn a_result_that_cannot_be_read_is_asked_for_again() {
    for fault in [r#"{"detail":"Service Unavailable"}"#, "<html>", ""] {
        let script = Script::of([
            (200, SUBMITTED),
            (200, COMPLETED),
            (503, fault),
            (200, COMPLETED),
            (200, IMAGES),
        ]);
        assert_eq!(script.refine::<Fal>(&own(), None), image(), "{fault}");
        assert_eq!(script.urls(), [POST, STATUS, RESULT, STATUS, RESULT]);
        assert_eq!(script.given_up.get(), 0);
    }
}

#[test]
fn a_request_that_is_gone_is_submitted_again() {
    let again = [(200, SUBMITTED), (200, COMPLETED), (200, IMAGES)];
    let own_receipt = receipt("5e1f", None);
    let others = receipt("77aa", None);
    let elsewhere = own_receipt.replace("queue.fal.run", "evil.example");
    let (gone, completed) = ((404, NOT_FOUND), (200, COMPLETED));
    let (no_runner, policy) = ((503, NO_RUNNER), (422, CONTENT_POLICY));
    for (name, before, receipt) in [
        ("forgotten", vec![gone], own_receipt.clone()),
        ("its result", vec![completed, gone], own_receipt.clone()),
        ("no runner", vec![completed, no_runner], own_receipt),
        ("another's failed", vec![completed, policy], others),
        ("at another address", vec![], elsewhere),
    ] {
        let script = Script::of(before.into_iter().chain(again));
        assert_eq!(
            script.refine::<Fal>(&own(), Some(&receipt)),
            image(),
            "{name}"
        );
        assert_eq!(script.given_up.get(), 1, "{name}");
    }
}
