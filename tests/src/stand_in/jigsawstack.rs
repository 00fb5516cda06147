//! JigsawStack: answers bytes, or where the image is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::Shop;
use super::{BadAnswer, Body, Edit, Refinement, StandIn, bad_addresses, data_url, decoded};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct JigsawStack;

impl StandIn for JigsawStack {
    fn label(&self) -> &'static str {
        "jigsawstack"
    }

    fn key(&self) -> &'static str {
        "js-hush-1234"
    }

    fn credentials(&self) -> (&'static str, String) {
        ("x-api-key", self.key().to_owned())
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/v1/ai/image_variation".to_owned())
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        Reply::picture(picture)
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let base64 = STANDARD.encode(&picture.bytes);
        let url = provider.serve(Reply::picture(picture));
        let relative = url.trim_start_matches(&provider.url());
        let text = json!({"url": url}).to_string();
        let forms = [
            ("output.image_url", json!({"output": {"image_url": url}})),
            ("url", json!({"success": true, "url": url})),
            ("a relative address", json!({"url": relative})),
            ("base64", json!({"url": "", "image": base64})),
            ("data.url", json!({"data": {"url": url}})),
        ];
        let as_text = Reply::ok("text/html", text.as_bytes());
        let forms = forms.map(|(name, json)| (name, Reply::json(200, &json)));
        let as_text = ("an address, declared as text", as_text);
        forms.into_iter().chain([as_text]).collect()
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        bad_addresses(provider, elsewhere, |url| {
            Reply::json(200, &json!({"output": {"image_url": url}}))
        })
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["image_url"])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        Body::Json(json!({
            "prompt": refinement.prompt,
            "image_url": data_url(refinement.original),
            "strength": 0.7,
            "steps": 30,
            "advance_config": {
                "negative_prompt": "blurry, low quality",
                "guidance": 7.5,
            },
        }))
    }

    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        Edit {
            strength: Some(asked.json()["strength"].as_f64().unwrap()),
            ..Edit::default()
        }
    }

    /// It names no work, but where its output is.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        let answer = || json!({"success": true, "url": shop.output_url(asked)});
        let output = shop.output(asked);
        output.unwrap_or_else(|| shop.unnamed(asked, Reply::json(200, &answer())))
    }
}
