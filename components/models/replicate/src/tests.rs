//! Whole refinements by Replicate in memory: what is asked, and what is stored.

use concept_refinement_domain::payment::Usage;
use concept_refinement_model_provider::script::{Script, settings};
use concept_refinement_model_provider::{Answer, Error};

use crate::{PROFILE, Replicate};

const STARTING: &str = r#"{"id":"gm3q","status":"starting","output":null}"#;
const SUCCEEDED: &str =
    r#"{"id":"gm3q","status":"succeeded","output":"https://replicate.delivery/1.png"}"#;
const FAILED: &str = r#"{"id":"gm3q","status":"failed","error":"No"}"#;
const REMOVED: &str = r#"{"id":"gm3q","status":"succeeded","output":null,"data_removed":true}"#;

const POST: &str =
    "post https://api.replicate.com/v1/models/black-forest-labs/flux-2-pro/predictions";
const POLL: &str = "get https://api.replicate.com/v1/predictions/gm3q";

const RUNNING: &str = r#"{"id":"gm3q","task":"5e1f"}"#;
const ENDED: &str = r#"{"id":"gm3q","task":"5e1f","output":"https://replicate.delivery/1.png"}"#;

fn refined(script: &Script, receipt: Option<&str>) -> Result<Answer, Error> {
    script.refine::<Replicate>(&settings(PROFILE.url, &[]).unwrap(), receipt)
}

fn image() -> Result<Answer, Error> {
    Ok(Answer::Location(
        "https://replicate.delivery/1.png".to_owned(),
    ))
}

fn failed() -> Result<Answer, Error> {
    Err(Error::refused(
        "the provider could not refine the image: No",
    ))
}

#[test]
fn a_prediction_is_polled_until_it_has_ended() {
    let script = Script::of([
        (201, STARTING),
        (502, ""),
        (200, STARTING),
        (200, SUCCEEDED),
    ]);
    assert_eq!(refined(&script, None), image());
    assert_eq!(script.urls(), [POST, POLL, POLL, POLL]);
    assert_eq!(script.kept.take(), [RUNNING, ENDED]);

    let script = Script::of([(200, SUCCEEDED)]);
    assert_eq!(refined(&script, None), image(), "ended at once");
    assert_eq!(script.kept.take(), [ENDED]);

    let script = Script::of([(201, STARTING), (200, FAILED)]);
    assert_eq!(refined(&script, None), failed());
    assert_eq!(script.kept.take(), [RUNNING]);
}

/// Of an image the caller records it.
#[test]
fn an_answer_that_is_of_no_use_is_paid_for() {
    for (name, status, answer, expected) in [
        ("an image", 201, SUCCEEDED, None),
        ("failed", 201, FAILED, Some(Usage::default())),
        ("removed", 201, REMOVED, Some(Usage::default())),
        ("not JSON", 201, "{", Some(Usage::default())),
        (
            "of no name",
            201,
            r#"{"status":"starting"}"#,
            Some(Usage::default()),
        ),
        ("refused", 422, FAILED, Some(Usage::NOTHING)),
    ] {
        for url in [PROFILE.url, "http://cog.lan:5000"] {
            let is_running = url != PROFILE.url && name == "of no name";
            let script = Script::of([(status, answer)]);
            let answer = script.refine::<Replicate>(&settings(url, &[]).unwrap(), None);
            assert_eq!(answer.is_ok(), name == "an image", "{url}, {name}");
            // A Cog server that is still at work may be asked again.
            let expected = expected.filter(|_| !is_running);
            let usages = script.usages.take();
            assert_eq!(usages, Vec::from_iter(expected), "{url}, {name}");
        }
    }
}

#[test]
fn a_prediction_is_not_made_twice() {
    for (name, answer, receipt, expected) in [
        ("it has ended", (200, SUCCEEDED), RUNNING, image()),
        ("it failed", (200, FAILED), RUNNING, failed()),
        ("its output is known", (200, SUCCEEDED), ENDED, image()),
        ("nobody answers", (500, ""), ENDED, image()),
    ] {
        let script = Script::of([answer]);
        assert_eq!(refined(&script, Some(receipt)), expected, "{name}");
        assert_eq!(script.urls(), [POLL], "{name}");
        assert_eq!(script.given_up.get(), 0, "{name}");
    }
}

/// It forgets the prediction, but not where it has put the image.
#[test]
fn what_a_cog_server_has_made_is_not_made_again() {
    let cog = settings("http://cog.lan:5000", &[]).unwrap();
    let script = Script::of([(200, SUCCEEDED)]);
    assert_eq!(script.refine::<Replicate>(&cog, None), image());
    let kept = script.kept.take();
    assert_eq!(kept, [ENDED.replace(r#""id":"gm3q","#, "")]);
    let script = Script::of::<&str>([]);
    assert_eq!(script.refine::<Replicate>(&cog, Some(&kept[0])), image());
}

#[test]
fn a_prediction_that_is_of_no_use_is_made_again() {
    for (name, answer, receipt) in [
        ("not known", (404, ""), RUNNING.to_owned()),
        ("removed", (200, REMOVED), ENDED.to_owned()),
        (
            "failed for another task",
            (200, FAILED),
            RUNNING.replace("5e1f", "77aa"),
        ),
        (
            "failed for an unknown task",
            (200, FAILED),
            r#"{"id":"gm3q"}"#.to_owned(),
        ),
    ] {
        let script = Script::of([answer, (200, SUCCEEDED)]);
        assert_eq!(refined(&script, Some(&receipt)), image(), "{name}");
        assert_eq!(script.urls(), [POLL, POST], "{name}");
        assert_eq!(script.given_up.get(), 1, "{name}");
    }
}
