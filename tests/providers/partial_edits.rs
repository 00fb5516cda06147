//! What a provider gets of a seed, a strength and a mask, and what its user is told of what
//! it does not take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::service::Launch;
use futures::future::join_all;
use image::RgbaImage;
use serde_json::{Value, json};

use crate::chains::launch;
use crate::kinds::{Kind, image};

/// In an original of 40 by 30 pixels.
fn edit() -> Value {
    json!({
        "strength": 0.4,
        "seed": 4_294_967_295_u32,
        "region": {"x": 10, "y": 0, "width": 20, "height": 8},
        "mask_feather": 2,
    })
}

/// What the provider was asked, and the notes of the task.
async fn asked(kind: Kind, launch: Launch, provider: &Provider, edit: &Value) -> (Asked, String) {
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(40, 30);
    let original = client.uploaded(&picture).await;
    let prompt = provider.prompt([kind.success(&white(40, 30))]);
    let task = client.edited(&original, &prompt, edit).await;
    let bytes = image(&client, &task).await;
    let result = image::load_from_memory(&bytes).unwrap().to_rgba8();
    let before = image::load_from_memory(&picture.bytes).unwrap().to_rgba8();
    for (x, y, pixel) in before.enumerate_pixels() {
        let is_inside = (10..30).contains(&x) && y < 8;
        assert!(
            is_inside || pixel == result.get_pixel(x, y),
            "{kind:?}: {x}, {y}"
        );
    }
    assert_eq!(result.get_pixel(20, 2).0, [255; 4], "{kind:?}");
    let asked = provider.asked(&prompt).remove(0);
    (asked, task["metadata"]["notes"].to_string())
}

fn white(width: u32, height: u32) -> Picture {
    let image = RgbaImage::from_pixel(width, height, image::Rgba([255; 4]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Picture {
        bytes: bytes.into_inner(),
        media_type: "image/png",
        width,
        height,
    }
}

/// Asserts that a mask shows the region, by this channel and value.
fn shows_region(mask: &[u8], channel: usize, value: u8) {
    let mask = image::load_from_memory(mask).unwrap().to_rgba8();
    assert_eq!(mask.dimensions(), (40, 30));
    for (x, y, pixel) in mask.enumerate_pixels() {
        let is_inside = (10..30).contains(&x) && y < 8;
        assert_eq!(pixel.0[channel] == value, is_inside, "{x}, {y}: {pixel:?}");
    }
}

fn data_url(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    let (_, base64) = text.split_once(',').unwrap_or(("", text));
    STANDARD.decode(base64).unwrap()
}

#[tokio::test]
async fn each_provider_gets_what_it_takes_and_notes_tell_the_rest() {
    const STRENGTH: &str = "takes no strength";
    const SEED: &str = "takes no seed";
    const MASK: &str = "did not get the mask";
    join_all(Kind::ALL.map(async |kind| {
        let provider = Provider::start();
        let launch = kind.launch(&provider.url());
        let (asked, notes) = asked(kind, launch, &provider, &edit()).await;
        let part = |name: &str| {
            let name = format!("name=\"{name}\"");
            let mut parts = asked.form().into_iter();
            let part = parts.find(|part| part.disposition.contains(&name));
            part.map(|part| part.contents)
        };
        let untold = match kind {
            Kind::JigsawStack => {
                assert_eq!(asked.json()["strength"], 0.4);
                vec![SEED, MASK]
            }
            Kind::OpenAi => {
                shows_region(&part("mask").unwrap(), 3, 0);
                vec![STRENGTH, SEED]
            }
            Kind::Stability => {
                assert_eq!(asked.path, "/v2beta/stable-image/edit/inpaint");
                assert_eq!(part("seed").unwrap(), b"4294967294");
                assert_eq!(part("strength"), None);
                shows_region(&part("mask").unwrap(), 0, 255);
                vec![STRENGTH]
            }
            Kind::Cog => {
                let expected = ["image", "prompt"];
                let input = asked.json()["input"].clone();
                assert!(input.as_object().unwrap().keys().eq(expected), "{input}");
                vec![STRENGTH, SEED, MASK]
            }
            Kind::Automatic1111 => {
                let json = asked.json();
                assert_eq!(json["seed"], 4_294_967_295_u32);
                assert_eq!(json["denoising_strength"], 0.4);
                assert_eq!(json["inpainting_mask_invert"], 0);
                assert_eq!(json["mask_blur"], 2);
                shows_region(&data_url(&json["mask"]), 0, 255);
                vec![]
            }
        };
        for note in [STRENGTH, SEED, MASK] {
            assert_eq!(
                notes.contains(note),
                untold.contains(&note),
                "{kind:?}: {notes}"
            );
        }
    }))
    .await;
}

#[tokio::test]
async fn an_operator_names_the_inputs_of_a_model_at_replicate() {
    let kind = Kind::Cog;
    let provider = Provider::start();
    let launch = kind
        .launch(&provider.url())
        .set("model-mask", "mask_image")
        .set("model-seed", "random_seed");
    let (asked, notes) = asked(kind, launch, &provider, &edit()).await;
    let input = asked.json()["input"].clone();
    assert_eq!(input["random_seed"], 4_294_967_295_u32);
    shows_region(&data_url(&input["mask_image"]), 0, 255);
    assert!(
        !notes.contains("seed") && !notes.contains("mask"),
        "{notes}"
    );
}

/// And of what it sees, its address: there all of it could be fetched.
#[tokio::test]
async fn a_model_sees_no_more_than_it_may() {
    let kind = Kind::JigsawStack;
    let provider = Provider::start();
    let launch = kind
        .launch(&provider.url())
        .set("model-original", "url")
        .set("public-url", "https://images.example.com");
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::jpeg(400, 300)).await;
    let edit = json!({
        "region": {"x": 200, "y": 100, "width": 20, "height": 16}, "region_only": true,
    });
    // An answer of another size than the box.
    let prompt = provider.prompt([kind.success(&white(30, 30))]);
    let task = client.edited(&original, &prompt, &edit).await;
    assert_eq!(task["status"], "completed", "{task}");
    let asked = provider.asked(&prompt).remove(0).json();
    let seen = data_url(&asked["image_url"]);
    let seen = image::load_from_memory(&seen).unwrap();
    // A margin of 32 pixels.
    assert_eq!((seen.width(), seen.height()), (84, 80));
    let url = task["image_url"].as_str().unwrap();
    let path = url.strip_prefix("https://images.example.com").unwrap();
    let result = image::load_from_memory(&client.get(path).await.body).unwrap();
    assert_eq!((result.width(), result.height()), (400, 300));
}

/// Middleware passes it on, and a cache answers only what was asked before.
#[tokio::test]
async fn a_cache_tells_edits_apart() {
    let kind = Kind::Automatic1111;
    let provider = Provider::start();
    let other = Provider::start();
    let chain = "fallback(cache(automatic1111), openai)";
    let service = launch(chain, &other.url(), &provider.url()).start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let answers = std::iter::repeat_n(kind.success(&white(40, 30)), 8);
    let prompt = provider.prompt(answers);
    let mut edits = vec![edit()];
    for (field, value) in [
        ("strength", json!(0.5)),
        ("seed", json!(1)),
        ("region", json!({"x": 11, "y": 0, "width": 20, "height": 8})),
        ("mask_feather", json!(3)),
    ] {
        let mut other = edit();
        other[field] = value;
        edits.push(other);
    }
    for edit in edits.iter().chain(&edits) {
        let task = client.edited(&original, &prompt, edit).await;
        assert_eq!(task["status"], "completed", "{task}");
    }
    assert_eq!(provider.asked(&prompt).len(), edits.len());
}
