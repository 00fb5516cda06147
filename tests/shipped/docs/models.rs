//! A model component of one's own, made as `docs/models.md` says.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::png;
use concept_refinement_tests::service::Launch;

use crate::docs::shell::lines;
use crate::read;

#[tokio::test]
async fn the_template_becomes_a_model_of_ones_own() {
    let place = tempfile::tempdir().unwrap();
    let page = read("docs/models.md");
    let commands = lines("docs/models.md", "<!-- the tests run these lines");
    let program = artifacts::binary();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let shell = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &commands])
        .current_dir(place.path())
        .env("PATH", path)
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(shell.status.success(), "{shell:?}");

    let (_, model) = page
        .split_once("concept-refinement serve --model target/")
        .unwrap();
    let model = format!("target/{}", model.lines().next().unwrap());
    let model = place.path().join("mine").join(model);
    let service = Launch::new().set("model", model.to_str().unwrap()).start();
    let client = Client::session(service.url()).await;
    let original = png(64, 48);
    let image = client.uploaded(&original).await;
    let task = client.completed(&image, "older").await;
    let refined = client.get(task["image_url"].as_str().unwrap()).await;
    let [before, after] = [&original.bytes[..], &refined.body[..]]
        .map(|bytes| image::load_from_memory(bytes).unwrap().into_rgba8());
    assert_eq!(before.dimensions(), after.dimensions());
    assert!(before != after, "nobody sees a change");

    let task = client.refined(&image, "do the impossible").await;
    assert_eq!(
        task["error_message"],
        "Error in refinement task processing: Image refinement failed: that is impossible"
    );
}
