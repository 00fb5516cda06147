//! OpenAI's images API, and servers that speak its language.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::Shop;
use super::{
    BadAnswer, Body, Edit, KeyRule, Mask, OtherModel, Refinement, StandIn, Usage, bad_addresses,
    in_lines,
};
use crate::pictures::Picture;
use crate::provider::{Asked, Part, Provider};
use crate::server::Reply;

pub struct OpenAi;

/// As it answers this picture.
pub fn answer(picture: &Picture) -> Reply {
    in_base64(&STANDARD.encode(&picture.bytes))
}

/// The same with this text in place of an image.
pub fn in_base64(text: &str) -> Reply {
    let json = json!({
        "created": 1_713_833_628,
        "data": [{"b64_json": text}],
        "usage": {"total_tokens": 110, "input_tokens": 50, "output_tokens": 60},
    });
    Reply::json(200, &json)
}

impl StandIn for OpenAi {
    fn label(&self) -> &'static str {
        "openai"
    }

    fn key(&self) -> &'static str {
        "sk-hush-1234"
    }

    fn key_rule(&self) -> KeyRule {
        KeyRule::AtItsOwnUrl
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/v1/images/edits".to_owned())
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        answer(picture)
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let base64 = STANDARD.encode(&picture.bytes);
        let url = provider.serve(Reply::picture(picture));
        let relative = url.trim_start_matches(&provider.url());
        let data = |item| Reply::json(200, &json!({"data": [item]}));
        let second = json!([{"b64_json": null, "url": null}, {"b64_json": base64}]);
        vec![
            ("b64_json", in_base64(&base64)),
            ("url", data(json!({"url": url}))),
            (
                "url beside an empty b64_json",
                data(json!({"b64_json": "", "url": url, "revised_prompt": ""})),
            ),
            (
                "b64_json beside an empty url",
                data(json!({"b64_json": base64, "url": ""})),
            ),
            ("a relative url", data(json!({"url": relative}))),
            ("b64_json in lines", in_base64(&in_lines(&base64))),
            (
                "an empty item before it",
                Reply::json(200, &json!({"data": second})),
            ),
        ]
    }

    fn bad_answers(&self, provider: &Provider, elsewhere: &str) -> Vec<BadAnswer> {
        bad_addresses(provider, elsewhere, |url| {
            Reply::json(200, &json!({"data": [{"url": url}]}))
        })
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        asked.part("image").unwrap()
    }

    fn body(&self, refinement: &Refinement) -> Body {
        Body::Form(vec![
            Part::field("model", "gpt-image-2.6-sunburst"),
            Part::field("n", "1"),
            Part::field("prompt", refinement.prompt),
            Part::file("image", refinement.original),
        ])
    }

    /// Transparent where the image is to change.
    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let mask = Mask {
            image: asked.part("mask").unwrap(),
            channel: 3,
            value: 0,
        };
        Edit {
            mask: Some(mask),
            ..Edit::default()
        }
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "gpt-image-2",
            check: |asked| {
                assert_eq!(asked.part("model").unwrap(), b"gpt-image-2");
            },
        }]
    }

    fn usage(&self) -> Usage {
        Usage {
            cost: None,
            tokens: Some((50, 60)),
        }
    }

    /// It names no work.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        shop.unnamed(asked, answer(&shop.picture))
    }
}
