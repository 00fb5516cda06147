//! Stability AI: one path for images as a whole, one for masks, one for structure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::Shop;
use super::{Body, Edit, Mask, OtherModel, Refinement, StandIn, in_lines};
use crate::pictures::Picture;
use crate::provider::{Asked, Part, Provider};
use crate::server::Reply;

pub struct Stability;

fn in_base64(text: &str) -> Reply {
    let json = json!({"image": text, "finish_reason": "SUCCESS", "seed": 343_940_597});
    Reply::json(200, &json)
}

fn answer(picture: &Picture) -> Reply {
    in_base64(&STANDARD.encode(&picture.bytes))
}

impl StandIn for Stability {
    fn label(&self) -> &'static str {
        "stability"
    }

    fn key(&self) -> &'static str {
        "sk-hush-1234"
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/v2beta/stable-image/generate/sd3".to_owned())
    }

    fn accept(&self) -> &'static str {
        "application/json"
    }

    fn takes(&self, media_type: &str) -> bool {
        media_type != "image/gif"
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        answer(picture)
    }

    fn forms(&self, _: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let base64 = STANDARD.encode(&picture.bytes);
        vec![
            ("image", in_base64(&base64)),
            ("image in lines", in_base64(&in_lines(&base64))),
        ]
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        asked.part("image").unwrap()
    }

    fn body(&self, refinement: &Refinement) -> Body {
        Body::Form(vec![
            Part::field("prompt", refinement.prompt),
            Part::field("strength", "0.70"),
            Part::field("output_format", "png"),
            Part::field("mode", "image-to-image"),
            Part::field("model", "sd3.5-large"),
            Part::file("image", refinement.original),
        ])
    }

    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        assert_eq!(asked.path, "/v2beta/stable-image/edit/inpaint");
        assert_eq!(asked.part("strength"), None);
        let seed = String::from_utf8(asked.part("seed").unwrap());
        Edit {
            strength: None,
            seed: Some(seed.unwrap().parse().unwrap()),
            mask: Some(Mask::white(asked.part("mask").unwrap())),
        }
    }

    fn max_seed(&self) -> u32 {
        4_294_967_294
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "structure",
            check: |asked| {
                assert_eq!(asked.path, "/v2beta/stable-image/control/structure");
                assert_eq!(asked.form()[1].contents, b"0.30");
            },
        }]
    }

    /// It names no work.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        shop.unnamed(asked, answer(&shop.picture))
    }
}
