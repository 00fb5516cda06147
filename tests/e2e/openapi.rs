//! The description of the API, and the service measured by it.
//!
//! All other tests measure it too: their client judges every answer.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::{Client, DOCUMENT};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::service::Launch;
use reqwest::Method;

use crate::shared::{new_user, scripted};

/// Drawn once. Another one can be given by `REFINEMENT_SCHEMATHESIS_SEED`.
const SEED: &str = "20261120";

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/openapi/schemathesis.toml");

#[tokio::test]
async fn the_service_serves_the_description() {
    let anyone = Client::new(scripted().url());
    let answer = anyone.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(&answer.json(), DOCUMENT.json());
    let etag = answer.header("etag").unwrap();
    let holder = anyone.with("if-none-match", etag);
    assert_eq!(holder.get("/openapi.json").await.status, 304);
}

/// By the schema of OpenAPI 3.1 and the rules that no schema can say.
#[tokio::test]
async fn the_description_is_valid() {
    let answer = Client::new(scripted().url()).get("/openapi.json").await;
    let directory = scratch("openapi");
    let file = directory.join("openapi.json");
    std::fs::write(&file, &answer.body).unwrap();
    let mut validator = Command::new(artifacts::python_tool("openapi-spec-validator"));
    validator.args(["--schema", "3.1"]).arg(&file);
    succeeds(&mut validator, &directory);
}

/// As a client made from the description does.
#[tokio::test]
async fn the_slashes_of_an_images_path_may_be_escaped() {
    let user = new_user(scripted());
    let picture = pictures::png(9, 9);
    let answer = user.upload(picture.media_type, &picture.bytes).await;
    let path = answer.json()["path"].as_str().unwrap().to_owned();
    for slash in ["%2F", "%2f"] {
        let escaped = format!("/api/images/{}", path.replace('/', slash));
        assert_eq!(user.get(&escaped).await.body, picture.bytes);
        let another = new_user(scripted());
        assert_eq!(another.get(&escaped).await.status, 404);
    }
}

/// Requests good and bad that are drawn from the description: none is answered
/// otherwise than it says.
#[tokio::test]
async fn schemathesis_finds_nothing() {
    let service = Launch::new()
        .set("rate-limit", "unlimited")
        .set("uploads", "10000")
        .start();
    let anyone = Client::new(service.url());
    let session = anyone.send(Method::POST, "/api/auth/session", "").await;
    let session = session.json();
    let seed = std::env::var("REFINEMENT_SCHEMATHESIS_SEED").unwrap_or_else(|_| SEED.into());
    println!("the seed of schemathesis: {seed}");
    let directory = scratch("schemathesis");
    let mut schemathesis = Command::new(artifacts::python_tool("schemathesis"));
    schemathesis
        .args(["--config-file", CONFIGURATION, "run"])
        .arg(format!("{}/openapi.json", service.url()))
        .args(["--seed", &seed])
        .env("TOKEN", session["access_token"].as_str().unwrap());
    let report = succeeds(&mut schemathesis, &directory);
    let cases: u32 = report
        .lines()
        .find_map(|line| line.trim().split_once(" generated, ")?.0.parse().ok())
        .unwrap();
    assert!(cases > 500, "{report}");
    println!("{cases} requests were drawn");
}

/// What it wrote; it must not fail.
fn succeeds(command: &mut Command, directory: &Path) -> String {
    let log = directory.join("log");
    let file = File::create(&log).unwrap();
    command
        .current_dir(directory)
        .env("HOME", directory)
        .env("NO_COLOR", "1")
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    let status = Reaped::spawn(command).child().wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(status.success(), "{status}: {text}");
    text
}
