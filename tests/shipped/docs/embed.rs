//! The examples that embed the host, run as they stand.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use concept_refinement_domain::image::metadata::SourceType;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::png;
use concept_refinement_tests::{artifacts, metadata};

use crate::docs::shell::lines;

#[tokio::test]
async fn a_program_can_embed_the_host_with_a_model_of_its_own() {
    let note = "<!-- the tests run the last of these lines";
    let block = lines("docs/embedding.md", note);
    let line = block.lines().last().unwrap();
    // A cargo of its own would compile the host for other features.
    let run = "cargo run --package concept-refinement-host --example embed -- ";
    let place = tempfile::tempdir().unwrap();
    let arguments = line.strip_prefix(run).unwrap().split(' ');
    let program = Program::start("embed", place.path(), arguments);

    let original = png(64, 48);
    let client = Client::session(&program.url).await;
    let image = client.uploaded(&original).await;
    let task = client.refined(&image, "leave it as it is").await;
    let refined = reqwest::get(task["image_url"].as_str().unwrap()).await;
    let refined = refined.unwrap().bytes().await.unwrap();
    // Its model says that it edits by rules.
    let expected = metadata::marked_as(SourceType::AlgorithmicallyEnhanced, &original);
    assert!(refined == expected, "other bytes");

    let task = client.accepted(&image, "do the impossible").await;
    assert_eq!(
        client.finished(&task).await["error_message"],
        "Error in refinement task processing: Image refinement failed: that is impossible"
    );

    program.end();
}

#[tokio::test]
async fn a_router_of_ones_own_has_the_service_beside_its_routes() {
    let place = tempfile::tempdir().unwrap();
    let program = Program::start("axum", place.path(), ["data"]);
    let url = &program.url;

    let original = png(64, 48);
    let client = Client::session(url).await;
    let image = client.uploaded(&original).await;
    let task = client.completed(&image, "darker").await;
    let by_service = reqwest::get(task["image_url"].as_str().unwrap()).await;
    let by_service = by_service.unwrap().bytes().await.unwrap();

    let http = reqwest::Client::new();
    let darker = |bytes: Vec<u8>| http.post(format!("{url}/darker")).body(bytes).send();
    let by_route = darker(original.bytes.to_vec()).await.unwrap();
    assert_eq!(by_route.status(), 200);
    assert_eq!(by_route.headers()["content-type"], "image/png");
    assert_eq!(by_route.bytes().await.unwrap(), by_service);
    let refused = darker(b"no image".to_vec()).await.unwrap();
    assert_eq!(refused.status(), 415, "{}", refused.text().await.unwrap());

    let page = reqwest::get(url).await.unwrap();
    assert!(page.text().await.unwrap().starts_with("<!doctype html>"));
    program.end();
}

/// A running example.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(
        example: &str,
        directory: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        let mut child = Command::new(artifacts::example(example))
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut ready).unwrap();
        let url = ready.trim().strip_prefix("ready at ").unwrap().to_owned();
        Self { child, url }
    }

    /// It ends when its standard input does.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}
