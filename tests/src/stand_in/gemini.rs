//! Google's Gemini API: an image among the parts of what a model says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::shop::Shop;
use super::{BadAnswer, Body, Edit, OtherModel, Refinement, StandIn, Usage, decoded, in_lines};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Gemini;

fn path(model: &str) -> String {
    format!("/v1beta/models/{model}:generateContent")
}

/// A model says this.
fn said(parts: &Value) -> Reply {
    let json = json!({
        "candidates": [
            {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0},
        ],
        "usageMetadata": {"promptTokenCount": 267, "candidatesTokenCount": 1120, "totalTokenCount": 1387},
        "modelVersion": "gemini-nano-banana-2.1",
    });
    Reply::json(200, &json)
}

fn part(media_type: &str, base64: &str) -> Value {
    json!({"inlineData": {"mimeType": media_type, "data": base64}})
}

fn answer(picture: &Picture) -> Reply {
    let base64 = STANDARD.encode(&picture.bytes);
    said(&json!([part(picture.media_type, &base64)]))
}

impl StandIn for Gemini {
    fn label(&self) -> &'static str {
        "gemini"
    }

    fn key(&self) -> &'static str {
        "AI-hush-1234"
    }

    fn credentials(&self) -> (&'static str, String) {
        ("x-goog-api-key", self.key().to_owned())
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", path("gemini-nano-banana-2.1"))
    }

    fn accept(&self) -> &'static str {
        "application/json"
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        answer(picture)
    }

    fn forms(&self, _: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let (base64, media_type) = (STANDARD.encode(&picture.bytes), picture.media_type);
        let image = part(media_type, &base64);
        let mut draft = part(media_type, "/9j/4AAQSkZJRgABAQAAAQABAAD");
        draft["thought"] = true.into();
        let words = json!({"text": "Here it is."});
        let lines = part(media_type, &in_lines(&base64));
        vec![
            ("an image", said(&json!([image]))),
            ("an image in lines", said(&json!([lines]))),
            ("after words", said(&json!([words, image]))),
            ("among drafts", said(&json!([draft, image, draft]))),
        ]
    }

    fn bad_answers(&self, _: &Provider, _: &str) -> Vec<BadAnswer> {
        let cases = [
            (
                "an image that is withheld",
                json!({"candidates": [{"content": {}, "finishReason": "IMAGE_SAFETY"}]}),
                "the provider withheld the image, since it is against its rules (IMAGE_SAFETY)",
            ),
            (
                "a prompt that is blocked",
                json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
                "the provider refused the image or the prompt (PROHIBITED_CONTENT)",
            ),
            (
                "words alone",
                json!({"candidates": [
                    {"content": {"parts": [{"text": "No logos.\nSorry."}]}, "finishReason": "STOP"},
                ]}),
                "the provider answered no image: No logos",
            ),
        ];
        let cases = cases.map(|(name, json, sentence)| {
            BadAnswer::of(name, Reply::json(200, &json), 1, sentence)
        });
        cases.into()
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["contents"][0]["parts"][1]["inlineData"]["data"])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let original = refinement.original;
        let image = part(original.media_type, &STANDARD.encode(&original.bytes));
        Body::Json(json!({
            "contents": [{"parts": [{"text": refinement.prompt}, image]}],
            "generationConfig": {"responseModalities": ["IMAGE"]},
        }))
    }

    /// It takes none of it.
    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let json = asked.json();
        let names = json.as_object().unwrap().keys();
        assert!(names.eq(["contents", "generationConfig"]), "{json}");
        assert_eq!(json["generationConfig"].as_object().unwrap().len(), 1);
        assert_eq!(json["contents"][0]["parts"].as_array().unwrap().len(), 2);
        Edit::default()
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "gemini-3-pro-image",
            check: |asked| assert_eq!(asked.path, path("gemini-3-pro-image")),
        }]
    }

    fn usage(&self) -> Usage {
        Usage {
            cost: None,
            tokens: Some((267, 1120)),
        }
    }

    /// It names no work.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        shop.unnamed(asked, answer(&shop.picture))
    }
}
