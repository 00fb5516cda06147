//! AUTOMATIC1111's web UI for Stable Diffusion, by its `img2img`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::shop::Shop;
use super::{Body, Edit, KeyRule, Mask, OtherModel, Refinement, StandIn, decoded, in_lines};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Automatic1111;

/// As it answers this picture.
pub fn answer(picture: &Picture) -> Reply {
    in_base64(&STANDARD.encode(&picture.bytes))
}

fn in_base64(text: &str) -> Reply {
    let json = json!({
        "images": [text],
        "parameters": {"init_images": null, "steps": 30},
        "info": "{\"seed\": 1}",
    });
    Reply::json(200, &json)
}

/// The size that is asked for of an original of another size: whole cells of 8 pixels, 64 to
/// 1024 of them a side.
fn asked_size(original: &Picture) -> (u32, u32) {
    match (original.width, original.height) {
        (40, 30) => (64, 64),
        (640, 480) => (640, 480),
        (1500, 1000) => (1024, 680),
        (100, 200) => (96, 200),
        other => panic!("nobody has said what is asked for of {other:?}"),
    }
}

impl StandIn for Automatic1111 {
    fn label(&self) -> &'static str {
        "automatic1111"
    }

    /// Of `--api-auth`.
    fn key(&self) -> &'static str {
        "me:hush-1234"
    }

    fn key_rule(&self) -> KeyRule {
        KeyRule::Nowhere
    }

    fn credentials(&self) -> (&'static str, String) {
        let basic = STANDARD.encode(self.key());
        ("authorization", format!("Basic {basic}"))
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/sdapi/v1/img2img".to_owned())
    }

    fn success(&self, _: &Provider, picture: &Picture) -> Reply {
        answer(picture)
    }

    fn forms(&self, _: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        let base64 = STANDARD.encode(&picture.bytes);
        let second = json!({"images": ["", base64]});
        vec![
            ("images", in_base64(&base64)),
            ("images in lines", in_base64(&in_lines(&base64))),
            ("an empty text before it", Reply::json(200, &second)),
            (
                "a data URL",
                in_base64(&format!("data:image/png;base64,{base64}")),
            ),
        ]
    }

    fn original(&self, _: &Provider, asked: &Asked) -> Vec<u8> {
        decoded(&asked.json()["init_images"][0])
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let (width, height) = asked_size(refinement.original);
        Body::Json(json!({
            "prompt": refinement.prompt,
            "negative_prompt": "blurry, low quality",
            "init_images": [STANDARD.encode(&refinement.original.bytes)],
            "denoising_strength": 0.7,
            "steps": 30,
            "cfg_scale": 7.5,
            "width": width,
            "height": height,
            "include_init_images": false,
        }))
    }

    fn edit(&self, _: &Provider, asked: &Asked) -> Edit {
        let json = asked.json();
        assert_eq!(json["inpainting_mask_invert"], 0);
        assert_eq!(json["mask_blur"], 2);
        Edit {
            strength: Some(json["denoising_strength"].as_f64().unwrap()),
            seed: Some(json["seed"].as_u64().unwrap()),
            mask: Some(Mask::white(decoded(&json["mask"]))),
        }
    }

    fn other_models(&self) -> Vec<OtherModel> {
        vec![OtherModel {
            name: "flux",
            check: |asked| {
                let expected = json!({"sd_model_checkpoint": "flux"});
                assert_eq!(asked.json()["override_settings"], expected);
            },
        }]
    }

    /// It names no work.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        shop.unnamed(asked, answer(&shop.picture))
    }
}
