//! A server that Cog built, asked by the model `replicate`: a prediction has the name that
//! it is told, and is waited for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::shop::{Shop, Work, unsure};
use super::{
    BadAnswer, Body, Edit, KeyRule, Refinement, StandIn, bad_addresses, data_url, decoded,
};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Cog;

fn succeeded(output: &Value) -> Reply {
    let json = json!({
        "status": "succeeded",
        "output": output,
        "metrics": {"predict_time": 4.52},
    });
    Reply::json(200, &json)
}

impl StandIn for Cog {
    fn label(&self) -> &'static str {
        "cog"
    }

    fn model(&self) -> &'static str {
        "replicate"
    }

    fn key(&self) -> &'static str {
        "r8-hush-1234"
    }

    fn key_rule(&self) -> KeyRule {
        KeyRule::AtItsOwnUrl
    }

    fn request_line(&self, task: &str) -> (&'static str, String) {
        ("PUT", format!("/predictions/{task}"))
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        succeeded(&data_url(picture).into())
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let url = provider.serve(Reply::picture(picture));
        let relative = url.trim_start_matches(&provider.url());
        let forms = [
            ("a data URL", json!(data_url(picture))),
            ("an address", json!(url)),
            ("a list", json!([url, "https://x.example"])),
            ("after a caption", json!(["a cat", "", url])),
            ("in an object", json!({"caption": "a cat", "png": url})),
            ("a relative address", json!(relative)),
        ];
        forms
            .map(|(name, output)| (name, succeeded(&output)))
            .into()
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        let addresses = bad_addresses(provider, elsewhere, |url| succeeded(&url.into()));
        let flagged = "NSFW content detected.\nTraceback";
        let predictions = [
            (
                "a prediction that failed",
                200,
                json!({"status": "failed", "error": flagged}),
                1,
                "the provider could not refine the image: NSFW content detected",
            ),
            (
                "a prediction that was stopped",
                200,
                json!({"status": "canceled", "output": null}),
                1,
                "the provider stopped the refinement",
            ),
            (
                "a prediction that goes on",
                202,
                json!({"status": "processing"}),
                3,
                "the provider is still at work on the image",
            ),
            (
                "no place",
                409,
                json!({"detail": "Already running a prediction"}),
                3,
                "the provider answered 409",
            ),
        ];
        let predictions = predictions.map(|(name, status, json, times, sentence)| {
            BadAnswer::of(name, Reply::json(status, &json), times, sentence)
        });
        addresses.into_iter().chain(predictions).collect()
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["input"]["image"])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let image = data_url(refinement.original);
        Body::Json(json!({"input": {"prompt": refinement.prompt, "image": image}}))
    }

    /// It has no inputs but those that an operator names.
    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let input = asked.json()["input"].clone();
        let names = input.as_object().unwrap().keys();
        assert!(names.eq(["image", "prompt"]), "{input}");
        Edit::default()
    }

    /// It forgets what has ended.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        let id = asked.path.strip_prefix("/predictions/").unwrap();
        let dice = shop.dice();
        match dice {
            0..5 => return Reply::status(503),
            // All its places are taken.
            5..10 => return Reply::status(409),
            _ => {}
        }
        let now = Instant::now();
        let mut works = shop.works();
        works.retain(|_, work| work.end > now);
        let work = works.entry(id.to_owned()).or_insert_with(|| {
            let prompt = asked.key();
            shop.make(&prompt);
            Work {
                end: now + Duration::from_millis(u64::from(dice) * 20),
                ..Work::of(&prompt)
            }
        });
        let image = succeeded(&data_url(&shop.picture).into());
        let answer = unsure(dice, image);
        match dice {
            // It breaks off while the work goes on.
            20..25 => answer,
            _ => answer.after(work.end - now),
        }
    }
}
