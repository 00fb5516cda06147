//! Whole refinements by a provider in memory, which answers as the API's reference says.

use concept_refinement_domain::payment::Usage;
use concept_refinement_model_provider::script::{KEY, Script, picture, settings};
use concept_refinement_model_provider::{Answer, Error, Settings};
use serde_json::Value;

use crate::{Bfl, PROFILE, usage};

const ACCEPTED: &str = include_str!("../samples/accepted.json");
const PENDING: &str = include_str!("../samples/pending.json");
const READY: &str = include_str!("../samples/ready.json");
const REQUEST_MODERATED: &str = include_str!("../samples/request-moderated.json");
const CONTENT_MODERATED: &str = include_str!("../samples/content-moderated.json");
const FAILED: &str = include_str!("../samples/failed.json");
const NOT_FOUND: &str = include_str!("../samples/not-found.json");
const RATE_LIMIT: &str = include_str!("../samples/rate-limit.json");
const NO_CREDITS: &str = include_str!("../samples/no-credits.json");
const NO_KEY: &str = include_str!("../samples/no-key.json");
const INVALID: &str = include_str!("../samples/invalid.json");

const POST: &str = "post https://api.bfl.ai/v1/flux-2-pro";
const POLL: &str =
    "get https://api.us2.bfl.ai/v1/get_result?id=1f8c1f1e-3a52-4a8c-9d5e-6f1d2f0c7b11";
const RECEIPT: &str = r#"{"polling_url":"https://api.us2.bfl.ai/v1/get_result?id=1f8c1f1e-3a52-4a8c-9d5e-6f1d2f0c7b11","task":"5e1f"}"#;

fn own() -> Settings {
    settings(PROFILE.url, &[]).unwrap()
}

fn is_image(answer: &Result<Answer, Error>) -> bool {
    matches!(answer, Ok(Answer::Image { .. }))
}

#[test]
fn an_image_is_polled_for_and_downloaded() {
    let script = Script::of([
        (200, ACCEPTED.into()),
        (200, PENDING.into()),
        (503, Vec::new()),
        (200, READY.into()),
        (200, picture(0)),
    ]);
    let answer = script.refine::<Bfl>(&own(), None);
    assert!(is_image(&answer), "{answer:?}");
    let urls = script.urls();
    let (download, others) = urls.split_last().unwrap();
    assert_eq!(others, [POST, POLL, POLL, POLL]);
    assert!(
        download.starts_with("get https://delivery-us1.bfl.ai/results/7b/1f8c1f1e/sample.png?se=")
    );
    assert_eq!(script.kept.take(), [RECEIPT]);
    let cost = Usage {
        cost: Some(45_000),
        ..Usage::default()
    };
    assert_eq!(script.usages.take(), [cost]);

    let asked = script.asked.take();
    let (download, others) = asked.split_last().unwrap();
    assert!(others.iter().all(|asked| asked.field("x-key") == Some(KEY)));
    assert!(!download.has_key(), "the key was sent for a download");
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body["prompt"], "lighter");
    assert_eq!(body["seed"], 7);
    assert_eq!(body["output_format"], "png");
    assert!(body["input_image"].as_str().unwrap().starts_with("R0lG"));
    assert_eq!(body.as_object().unwrap().len(), 4);
}

#[test]
fn a_credit_is_a_cent() {
    for (credits, expected) in [
        (0.0, Some(0)),
        (3.0, Some(30_000)),
        (4.5, Some(45_000)),
        (0.00004, Some(0)),
        (0.00006, Some(1)),
        (-1.0, None),
        (1e300, None),
        (f64::NAN, None),
    ] {
        let cost = usage(credits).map(|usage| usage.cost.unwrap());
        assert_eq!(cost, expected, "{credits}");
    }
}

#[test]
fn work_that_fails_is_told() {
    for (sample, expected) in [
        (
            REQUEST_MODERATED,
            "the provider refused the image or the prompt (Derivative Works Filter)",
        ),
        (
            CONTENT_MODERATED,
            "the provider withheld the image, since it is against its rules (Safety Filter)",
        ),
        (
            FAILED,
            "the provider could not refine the image: Generation failed",
        ),
        (NOT_FOUND, "the provider no longer knows the refinement"),
    ] {
        let script = Script::of([(200, ACCEPTED), (200, sample)]);
        let answer = script.refine::<Bfl>(&own(), None);
        let expected = match sample {
            FAILED => Error::broken(expected),
            _ => Error::refused(expected),
        };
        assert_eq!(answer, Err(expected));
        assert_eq!(script.given_up.get(), 0);
    }
}

#[test]
fn an_answer_that_names_no_work_is_paid_for() {
    for answer in ["{}", "not JSON"] {
        let script = Script::of([(200, answer)]);
        assert!(script.refine::<Bfl>(&own(), None).is_err(), "{answer}");
        assert_eq!(script.usages.take(), [Usage::default()], "{answer}");
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
                reason: "the provider answered 429: Rate limit exceeded. You have exceeded the \
                    number of active tasks"
                    .to_owned(),
                retry_after: None,
                is_rate_limit: true,
            },
        ),
        (
            402,
            NO_CREDITS,
            unauthorized(
                "the provider answered 402: Insufficient credits. Please add credits to your \
                 account",
            ),
        ),
        (403, NO_KEY, unauthorized("the provider refused the key")),
        (
            422,
            INVALID,
            Error::refused("the provider answered 422: Field required"),
        ),
    ] {
        let script = Script::of([(status, sample)]);
        assert_eq!(script.refine::<Bfl>(&own(), None), Err(expected));
        assert_eq!(script.urls(), [POST]);
        assert!(script.kept.take().is_empty());
    }
}

#[test]
fn nothing_is_sent_to_an_address_that_is_not_the_providers() {
    let refused = "the provider named an address that is not its own, and was not asked there";
    for url in ["https://evilbfl.ai/x", "http://api.bfl.ai/x", "/x", ""] {
        let accepted = serde_json::json!({"id": "1f8c", "polling_url": url}).to_string();
        let script = Script::of([(200, accepted.as_str()), (200, READY)]);
        let answer = script.refine::<Bfl>(&own(), None);
        assert_eq!(answer, Err(Error::broken(refused)));
        assert_eq!(script.urls(), [POST], "{url}");

        let receipt = serde_json::json!({"polling_url": url, "task": "5e1f"}).to_string();
        let script = Script::of([(402, NO_CREDITS)]);
        assert!(script.refine::<Bfl>(&own(), Some(&receipt)).is_err());
        assert_eq!(script.urls(), [POST], "{url}");
        assert_eq!(script.given_up.get(), 1, "{url}");
    }
}

#[test]
fn an_image_elsewhere_is_left_to_the_caller() {
    for url in ["https://cdn.example/1.png", "http://delivery.bfl.ai/1.png"] {
        let ready = serde_json::json!({"status": "Ready", "result": {"sample": url}}).to_string();
        let script = Script::of([(200, ACCEPTED), (200, &ready)]);
        let answer = script.refine::<Bfl>(&own(), None);
        assert_eq!(answer, Ok(Answer::Location(url.to_owned())));
        assert_eq!(script.urls(), [POST, POLL]);
    }
}

#[test]
fn accepted_work_is_not_requested_again() {
    let script = Script::of([(200, READY.into()), (200, picture(0))]);
    let answer = script.refine::<Bfl>(&own(), Some(RECEIPT));
    assert!(is_image(&answer), "{answer:?}");
    assert_eq!(script.urls().first().unwrap(), POLL);

    let script = Script::of([(200, FAILED)]);
    assert!(script.refine::<Bfl>(&own(), Some(RECEIPT)).is_err());
    assert_eq!(script.urls(), [POLL], "failed work stays failed");
}

#[test]
fn work_that_is_gone_is_requested_again() {
    let again = [
        (200, ACCEPTED.into()),
        (200, READY.into()),
        (200, picture(0)),
    ];
    let others = RECEIPT.replace("5e1f", "77aa");
    for (name, before, receipt) in [
        ("unknown", vec![(200, NOT_FOUND)], RECEIPT),
        ("no longer there", vec![(404, "")], RECEIPT),
        ("removed", vec![(200, READY), (404, "")], RECEIPT),
        ("expired", vec![(200, READY), (403, "<Error>")], RECEIPT),
        ("another's", vec![(200, REQUEST_MODERATED)], &others),
    ] {
        let before = before
            .into_iter()
            .map(|(status, body)| (status, body.into()));
        let script = Script::of(before.chain(again.clone()));
        let answer = script.refine::<Bfl>(&own(), Some(receipt));
        assert!(is_image(&answer), "{name}: {answer:?}");
        assert_eq!(script.given_up.get(), 1, "{name}");
        assert_eq!(script.kept.take(), [RECEIPT], "{name}");
    }
}

#[test]
fn a_name_is_the_last_part_of_a_path() {
    for (name, expected) in [("flux-kontext-max", true), ("../x", false), ("a/b", false)] {
        let settings = settings(PROFILE.url, &[("model-name", name)]).unwrap();
        let script = Script::of([(402, NO_CREDITS)]);
        assert!(script.refine::<Bfl>(&settings, None).is_err());
        let asked = expected.then(|| format!("post https://api.bfl.ai/v1/{name}"));
        assert_eq!(script.urls(), Vec::from_iter(asked), "{name}");
    }
}
