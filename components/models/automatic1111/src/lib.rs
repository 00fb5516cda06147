//! AUTOMATIC1111's Stable Diffusion web UI (started with `--api`) as an image model, by
//! its `img2img`; also compatible servers such as Forge and Forge Neo (as of August
//! 2026).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_model_provider::{
    Body, Contents, Error, GUIDANCE, HttpRequest, NEGATIVE_PROMPT, Original, Provider, Question,
    STEPS, Settings, Taken,
};
use serde::Serialize;

pub struct Automatic1111;

concept_refinement_model_provider::export_model!(Automatic1111);

/// The longer side of the requested image, in pixels; small enough for consumer graphics
/// cards.
const LONGEST: u32 = 1024;
/// Sides must be multiples of the latent image's cells, in pixels.
const CELL: u32 = 8;
const SHORTEST: u32 = 64;

#[derive(Serialize)]
struct Fields<'a> {
    prompt: &'a str,
    negative_prompt: &'static str,
    denoising_strength: f64,
    steps: u32,
    cfg_scale: f32,
    width: u32,
    height: u32,
    /// False: the answer should not repeat the original.
    include_init_images: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(flatten)]
    inpainting: Option<Inpainting>,
    /// Applies only to this image. None: the model that the server has loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    override_settings: Option<OverrideSettings<'a>>,
}

/// Paints only where the mask is white, and begins with what is there.
#[derive(Serialize)]
struct Inpainting {
    /// In base64.
    mask: String,
    mask_blur: u32,
    inpainting_mask_invert: u8,
    inpainting_fill: u8,
    inpaint_full_res: bool,
}

#[derive(Serialize)]
struct OverrideSettings<'a> {
    sd_model_checkpoint: &'a str,
}

impl Provider for Automatic1111 {
    const DESCRIPTION: &'static str = "Images are refined by a Stable Diffusion web UI \
        (AUTOMATIC1111), which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        vec![Taken::Strength, Taken::Seed, Taken::Mask]
    }

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let Original { width, height, .. } = *original.properties();
        let (width, height) = fitted(width, height);
        let checkpoint = settings.name.as_deref();
        let fields = Fields {
            prompt: &question.prompt,
            negative_prompt: NEGATIVE_PROMPT,
            denoising_strength: question.strength,
            steps: STEPS,
            cfg_scale: GUIDANCE,
            width,
            height,
            include_init_images: false,
            seed: question.seed,
            inpainting: question.mask.as_ref().map(|mask| Inpainting {
                mask: STANDARD.encode(mask),
                mask_blur: question.mask_feather,
                inpainting_mask_invert: 0,
                inpainting_fill: 1,
                inpaint_full_res: false,
            }),
            override_settings: checkpoint.map(|sd_model_checkpoint| OverrideSettings {
                sd_model_checkpoint,
            }),
        };
        let body = Body::json_with_image(&fields, "init_images", ("[\"", "\"]"), original)?;
        let request = HttpRequest::post("/sdapi/v1/img2img", "application/json", body);
        // The key is the `user:password` of `--api-auth`.
        let credentials = settings.key.as_ref();
        let credentials = credentials.map(|key| format!("Basic {}", STANDARD.encode(key)));
        Ok(request.with("authorization", credentials))
    }
}

/// The original's aspect ratio within the limits, in whole cells. If no size were sent,
/// the server would return a square.
fn fitted(width: u32, height: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height).max(1));
    let most = longest.min(LONGEST.into());
    let side = |side: u32| {
        let scaled = u64::from(side) * most / longest;
        let scaled = u32::try_from(scaled).unwrap_or(LONGEST);
        (scaled / CELL * CELL).max(SHORTEST)
    };
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shape_is_kept_within_bounds() {
        for (name, original, expected) in [
            ("as it is", (512, 768), (512, 768)),
            ("whole cells", (515, 767), (512, 760)),
            ("a photo", (4000, 3000), (1024, 768)),
            ("a banner", (50_000, 100), (1024, 64)),
            ("tiny", (1, 1), (64, 64)),
            ("nothing", (0, 0), (64, 64)),
            ("the largest", (u32::MAX, u32::MAX), (1024, 1024)),
        ] {
            assert_eq!(fitted(original.0, original.1), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_side_is_within_bounds(width in any::<u32>(), height in any::<u32>()) {
            let (width, height) = fitted(width, height);
            for side in [width, height] {
                prop_assert!((SHORTEST..=LONGEST).contains(&side) && side % CELL == 0);
            }
        }
    }
}
