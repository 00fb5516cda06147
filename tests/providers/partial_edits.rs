//! What a provider gets of a seed, a strength and a mask, and what its user is told of what
//! it does not take.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::cog::Cog;
use concept_refinement_tests::stand_in::jigsawstack::JigsawStack;
use concept_refinement_tests::stand_in::{ALL, Edit, Mask, StandIn, automatic1111, decoded};
use futures::future::join_all;
use image::RgbaImage;
use serde_json::{Value, json};

use crate::chains::launch;
use crate::pairs::image;

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
async fn asked(stand_in: &dyn StandIn, launch: Launch, provider: &Provider) -> (Asked, String) {
    let label = stand_in.label();
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(40, 30);
    let original = client.uploaded(&picture).await;
    let prompt = provider.prompt([stand_in.success(provider, &white(40, 30))]);
    let task = client.edited(&original, &prompt, &edit()).await;
    let bytes = image(&client, &task).await;
    let result = image::load_from_memory(&bytes).unwrap().to_rgba8();
    let before = image::load_from_memory(&picture.bytes).unwrap().to_rgba8();
    for (x, y, pixel) in before.enumerate_pixels() {
        let is_inside = (10..30).contains(&x) && y < 8;
        assert!(
            is_inside || pixel == result.get_pixel(x, y),
            "{label}: {x}, {y}"
        );
    }
    assert_eq!(result.get_pixel(20, 2).0, [255; 4], "{label}");
    let asked = provider.asked(&prompt).remove(0);
    (asked, task["metadata"]["notes"].to_string())
}

fn white(width: u32, height: u32) -> Picture {
    let image = RgbaImage::from_pixel(width, height, image::Rgba([255; 4]));
    pictures::png_of(&image.into())
}

/// Asserts that a mask shows the region.
fn shows_region(mask: &Mask) {
    let image = image::load_from_memory(&mask.image).unwrap().to_rgba8();
    assert_eq!(image.dimensions(), (40, 30));
    for (x, y, pixel) in image.enumerate_pixels() {
        let is_inside = (10..30).contains(&x) && y < 8;
        let is_shown = pixel.0[mask.channel] == mask.value;
        assert_eq!(is_shown, is_inside, "{x}, {y}: {pixel:?}");
    }
}

#[tokio::test]
async fn each_provider_gets_what_it_takes_and_notes_tell_the_rest() {
    join_all(ALL.iter().map(async |stand_in| {
        let label = stand_in.label();
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url());
        let (asked, notes) = asked(*stand_in, launch, &provider).await;
        let Edit {
            strength,
            seed,
            mask,
        } = stand_in.edit(&provider, &asked);
        assert!(strength.is_none_or(|strength| strength == 0.4), "{label}");
        let expected = u64::from(stand_in.max_seed());
        assert!(seed.is_none_or(|seed| seed == expected), "{label}");
        if let Some(mask) = &mask {
            shows_region(mask);
        }
        for (note, is_taken) in [
            ("takes no strength", strength.is_some()),
            ("takes no seed", seed.is_some()),
            ("did not get the mask", mask.is_some()),
        ] {
            assert_eq!(notes.contains(note), !is_taken, "{label}: {notes}");
        }
    }))
    .await;
}

#[tokio::test]
async fn an_operator_names_the_inputs_of_a_model_at_replicate() {
    let provider = Provider::start();
    let launch = Cog
        .launch(&provider.url())
        .set("model-mask", "mask_image")
        .set("model-seed", "random_seed");
    let (asked, notes) = asked(&Cog, launch, &provider).await;
    let input = asked.json()["input"].clone();
    assert_eq!(input["random_seed"], 4_294_967_295_u32);
    shows_region(&Mask::white(decoded(&input["mask_image"])));
    assert!(
        !notes.contains("seed") && !notes.contains("mask"),
        "{notes}"
    );
}

/// And of what it sees, its address: there all of it could be fetched.
#[tokio::test]
async fn a_model_sees_no_more_than_it_may() {
    let provider = Provider::start();
    let launch = JigsawStack
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
    let prompt = provider.prompt([JigsawStack.success(&provider, &white(30, 30))]);
    let task = client.edited(&original, &prompt, &edit).await;
    assert_eq!(task["status"], "completed", "{task}");
    let asked = provider.asked(&prompt).remove(0);
    let seen = JigsawStack.original(&provider, &asked);
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
    let provider = Provider::start();
    let other = Provider::start();
    let chain = "fallback(cache(automatic1111), openai)";
    let service = launch(chain, &other.url(), &provider.url()).start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let answers = std::iter::repeat_n(automatic1111::answer(&white(40, 30)), 8);
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
