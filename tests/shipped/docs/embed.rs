//! The example that embeds the host, run as it stands.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::png;

use crate::docs::documents::read;

#[tokio::test]
async fn a_program_can_embed_the_host_with_a_model_of_its_own() {
    let page = read("docs/embedding.md");
    let (_, block) = page
        .split_once("<!-- the tests run the last of these lines")
        .unwrap();
    let (_, block) = block.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let line = block.lines().last().unwrap();
    // A cargo of its own would compile the host for other features.
    let run = "cargo run --package concept-refinement-host --example embed -- ";
    let place = tempfile::tempdir().unwrap();
    let mut program = Command::new(artifacts::example("embed"))
        .args(line.strip_prefix(run).unwrap().split(' '))
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let mut output = BufReader::new(program.stdout.take().unwrap());
    output.read_line(&mut ready).unwrap();
    let url = ready.trim().strip_prefix("ready at ").unwrap();

    let original = png(64, 48);
    let client = Client::session(url).await;
    let image = client.uploaded(&original).await;
    let task = client.refined(&image, "leave it as it is").await;
    let refined = reqwest::get(task["image_url"].as_str().unwrap()).await;
    let refined = refined.unwrap().bytes().await.unwrap();
    assert_eq!(refined, original.bytes);

    let task = client.accepted(&image, "do the impossible").await;
    assert_eq!(
        client.finished(&task).await["error_message"],
        "Error in refinement task processing: Image refinement failed: that is impossible"
    );

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}
