//! Replicate itself: a prediction has the name that it gives, and is looked at until it has
//! ended.

use std::path::Path;

use serde_json::{Value, json};

use super::shop::Shop;
use super::{
    BadAnswer, Body, Edit, KeyRule, Memory, OtherModel, Refinement, StandIn, bad_addresses,
    data_url, decoded,
};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Replicate;

/// The model that is asked for.
const MODEL: &str = "black-forest-labs/flux-2-pro";

/// Where a file is that was uploaded.
pub const FILE: &str = "https://api.replicate.com/v1/files/cneqyikzn6q5m";

/// In bytes: larger originals are files that are uploaded first.
const MAX_DATA_URL: usize = 256 << 10;

/// As Replicate describes a prediction of this name.
pub fn prediction(id: &str, status: &str, output: Value) -> Value {
    let url = format!("https://api.replicate.com/v1/predictions/{id}");
    json!({
        "id": id,
        "model": MODEL,
        "version": "hidden",
        "input": {},
        "logs": "",
        "output": output,
        "error": null,
        "status": status,
        "created_at": "2026-09-08T16:19:34.765994Z",
        "urls": {"get": url, "cancel": format!("{url}/cancel")},
    })
}

/// An answer to the request for a prediction.
pub fn created(prediction: &Value) -> Reply {
    Reply::json(201, prediction)
}

impl StandIn for Replicate {
    fn label(&self) -> &'static str {
        "replicate"
    }

    fn key(&self) -> &'static str {
        "r8-hush-1234"
    }

    fn key_rule(&self) -> KeyRule {
        KeyRule::AtItsOwnUrl
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", format!("/v1/models/{MODEL}/predictions"))
    }

    fn answers_at_once(&self) -> bool {
        false
    }

    fn settings(&self, _: &Path) -> Vec<(&'static str, String)> {
        vec![("model-name", MODEL.to_owned())]
    }

    fn prepare(&self, provider: &Provider) {
        let file = json!({"id": "cneqyikzn6q5m", "urls": {"get": FILE}});
        provider.serve_at("/v1/files", created(&file));
    }

    fn success(&self, provider: &Provider, picture: &Picture) -> Reply {
        let id = format!("p{}", provider.name());
        let url = provider.serve(Reply::picture(picture));
        let ended = prediction(&id, "succeeded", json!(url));
        provider.serve_at(&format!("/v1/predictions/{id}"), Reply::json(200, &ended));
        created(&prediction(&id, "starting", Value::Null))
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let url = provider.serve(Reply::picture(picture));
        let ended = |output| created(&prediction("p", "succeeded", output));
        vec![
            ("ended later", self.success(provider, picture)),
            ("ended at once", ended(json!(url))),
            ("a list", ended(json!([url]))),
            ("a data URL", ended(json!(data_url(picture)))),
            ("a list of data URLs", ended(json!([data_url(picture)]))),
        ]
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        let addresses = bad_addresses(provider, elsewhere, |url| {
            created(&prediction("p", "succeeded", json!(url)))
        });
        let flagged = format!("Prompt flagged, {}.", self.key());
        let predictions = [
            (
                "failed",
                json!({"id": "gm3q", "status": "failed", "error": flagged}),
                "the provider could not refine the image: Prompt flagged, ***",
            ),
            (
                "a prediction without an id",
                json!({"status": "starting"}),
                "the provider did not name the prediction",
            ),
            (
                "a prediction that is gone",
                json!({"id": "lost", "status": "starting"}),
                "the provider answered 404",
            ),
        ];
        let predictions = predictions
            .map(|(name, json, sentence)| BadAnswer::of(name, created(&json), 1, sentence));
        addresses.into_iter().chain(predictions).collect()
    }

    fn original(&self, provider: &Provider, asked: &Asked) -> Vec<u8> {
        let image = &asked.json()["input"]["input_images"][0];
        if image != FILE {
            return decoded(image);
        }
        let files = provider.asked("/v1/files");
        files.last().unwrap().part("content").unwrap()
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let original = refinement.original;
        let image = match original.bytes.len() <= MAX_DATA_URL {
            true => data_url(original),
            false => FILE.to_owned(),
        };
        Body::Json(json!({"input": {"prompt": refinement.prompt, "input_images": [image]}}))
    }

    /// It has no inputs but those that an operator names.
    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let input = asked.json()["input"].clone();
        let names = input.as_object().unwrap().keys();
        assert!(names.eq(["input_images", "prompt"]), "{input}");
        Edit::default()
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "someone/else:5c7d5dc6",
            check: |asked| {
                assert_eq!(asked.path, "/v1/predictions");
                assert_eq!(asked.json()["version"], "5c7d5dc6");
                decoded(&asked.json()["input"]["image"]);
            },
        }]
    }

    fn memory(&self) -> Memory {
        Memory::ByItsNames
    }

    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        if let Some(output) = shop.output(asked) {
            return output;
        }
        let dice = shop.dice();
        if let Some(id) = asked.path.strip_prefix("/v1/predictions/") {
            let mut works = shop.works();
            let Some(work) = works.get_mut(id) else {
                return Reply::status(404);
            };
            work.looks += 1;
            let running = Reply::json(200, &prediction(id, "processing", Value::Null));
            return match (dice, work.looks) {
                (0..15, _) => Reply::status(503),
                (15..25, _) => running.without_end(20),
                (_, 1) => running,
                _ => {
                    let output = json!(shop.output_url(asked));
                    Reply::json(200, &prediction(id, "succeeded", output))
                }
            };
        }
        shop.named(dice, asked, |id| {
            created(&prediction(id, "starting", Value::Null))
        })
    }
}
