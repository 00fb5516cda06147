//! Black Forest Labs: work is polled at an address that it gives, until there is the address
//! of an image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::shop::Shop;
use super::{BadAnswer, Body, Edit, Memory, OtherModel, Refinement, StandIn, Usage, decoded};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Bfl;

/// Where work is polled, without its name.
const POLLED: &str = "/v1/get_result?id=";

/// Work of this name was accepted, at the provider of this URL.
fn accepted(url: &str, id: &str) -> Reply {
    let polling_url = format!("{url}{POLLED}{id}");
    Reply::json(
        200,
        &json!({"id": id, "polling_url": polling_url, "cost": 4.5}),
    )
}

/// What is polled.
fn status(id: &str, status: &str, result: &Value, details: &Value) -> Reply {
    let json = json!({
        "id": id,
        "status": status,
        "result": result,
        "progress": null,
        "details": details,
        "preview": null,
    });
    Reply::json(200, &json)
}

fn running(id: &str) -> Reply {
    status(id, "Pending", &Value::Null, &Value::Null)
}

/// The image is there.
fn ready(id: &str, url: &str) -> Reply {
    let result = json!({"prompt": "lighter", "seed": 7, "duration": 6.51, "sample": url});
    status(id, "Ready", &result, &Value::Null)
}

/// An answer that leads to these, one poll after the other.
fn polled(provider: &Provider, polls: impl Fn(&str) -> Vec<Reply>) -> Reply {
    let id = format!("w{}", provider.name());
    provider.serve_each_at(&format!("{POLLED}{id}"), polls(&id));
    accepted(&provider.url(), &id)
}

/// Accepts work that never ends.
pub fn endless(provider: &Provider) -> Reply {
    polled(provider, |id| vec![running(id)])
}

impl StandIn for Bfl {
    fn label(&self) -> &'static str {
        "bfl"
    }

    fn key(&self) -> &'static str {
        "bfl-hush-1234"
    }

    fn credentials(&self) -> (&'static str, String) {
        ("x-key", self.key().to_owned())
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/v1/flux-2-pro".to_owned())
    }

    fn answers_at_once(&self) -> bool {
        false
    }

    fn success(&self, provider: &Provider, picture: &Picture) -> Reply {
        let url = provider.serve(Reply::picture(picture));
        polled(provider, |id| vec![ready(id, &url)])
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let url = provider.serve(Reply::picture(picture));
        let relative = url.trim_start_matches(&provider.url());
        vec![
            (
                "ready at the first poll",
                polled(provider, |id| vec![ready(id, &url)]),
            ),
            (
                "ready later",
                polled(provider, |id| vec![running(id), ready(id, &url)]),
            ),
            (
                "a relative address",
                polled(provider, |id| vec![ready(id, relative)]),
            ),
        ]
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        let ended = |name: &str, details: Value| {
            polled(provider, |id| {
                vec![status(id, name, &Value::Null, &details)]
            })
        };
        let at = |url: &str| polled(provider, |id| vec![ready(id, url)]);
        let redirect = provider.serve(Reply::redirect(302, elsewhere));
        let missing = provider.serve(Reply::status(404));
        let polling_url = json!({"id": "w", "polling_url": elsewhere, "cost": 4.5});
        let cases = [
            (
                "a prompt that is refused",
                ended(
                    "Request Moderated",
                    json!({"Moderation Reasons": ["Derivative Works Filter"]}),
                ),
                "the provider refused the image or the prompt (Derivative Works Filter)",
            ),
            (
                "an image that is withheld",
                ended("Content Moderated", Value::Null),
                "the provider withheld the image, since it is against its rules",
            ),
            (
                "work that failed",
                ended("Error", json!({"error": "Out of memory.\nTraceback"})),
                "the provider could not refine the image: Out of memory",
            ),
            (
                "work that is forgotten",
                ended("Task not found", Value::Null),
                "the provider no longer knows the refinement",
            ),
            (
                "a poll elsewhere",
                Reply::json(200, &polling_url),
                "the provider named an address that is not its own, and was not asked there",
            ),
            (
                "an address elsewhere",
                at(elsewhere),
                "the model's answer is unusable: the address must point to a public address",
            ),
            (
                "an address that leads elsewhere",
                at(&redirect),
                "the provider answered with a redirect, which is not followed",
            ),
            (
                "an address of nothing",
                at(&missing),
                "the provider has removed the image",
            ),
        ];
        let cases = cases.map(|(name, reply, sentence)| BadAnswer::of(name, reply, 1, sentence));
        cases.into()
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["input_image"])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        Body::Json(json!({
            "prompt": refinement.prompt,
            "input_image": STANDARD.encode(&refinement.original.bytes),
            "output_format": "png",
        }))
    }

    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let json = asked.json();
        let names = json.as_object().unwrap().keys();
        let expected = ["input_image", "output_format", "prompt", "seed"];
        assert!(names.eq(expected), "{json}");
        Edit {
            seed: Some(json["seed"].as_u64().unwrap()),
            ..Edit::default()
        }
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "flux-kontext-max",
            check: |asked| assert_eq!(asked.path, "/v1/flux-kontext-max"),
        }]
    }

    fn memory(&self) -> Memory {
        Memory::ByItsNames
    }

    fn usage(&self) -> Usage {
        Usage {
            cost: Some("0.045"),
            tokens: None,
        }
    }

    /// Whatever it is asked for again, an image stays where it is.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        if let Some(output) = shop.output(asked) {
            return output;
        }
        let (dice, host) = (shop.dice(), asked.header("host").unwrap());
        if let Some(id) = asked.path.strip_prefix(POLLED) {
            let mut works = shop.works();
            let Some(work) = works.get_mut(id) else {
                return Reply::status(404);
            };
            work.looks += 1;
            return match (dice, work.looks) {
                (0..15, _) => Reply::status(503),
                (15..25, _) => running(id).without_end(20),
                (_, 1) => running(id),
                _ => ready(id, &format!("http://{host}/files/{id}")),
            };
        }
        shop.named(dice, asked, |id| accepted(&format!("http://{host}"), id))
    }
}
