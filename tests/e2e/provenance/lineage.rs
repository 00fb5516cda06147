//! What a concept comes from, and what comes from it.

use std::path::Path;
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Service;
use reqwest::Method;
use serde_json::{Value, json};

use super::{concept, image, refined_further};
use crate::backup::{backed_up, on_backup};
use crate::shared::{new_name, new_user, origin, scripted, scripted_launch};

/// The ids of a concept's lineage, the oldest first.
async fn lineage(client: &Client, concept: &Value) -> Vec<Value> {
    let path = lineage_of(concept);
    let answer = client.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let concepts = answer.json()["concepts"].take();
    let concepts = concepts.as_array().unwrap().iter();
    concepts.map(|concept| concept["id"].clone()).collect()
}

fn lineage_of(concept: &Value) -> String {
    format!("/api/concepts/{}/lineage", concept["id"].as_str().unwrap())
}

/// One that comes from an original.
async fn root(client: &Client) -> Value {
    root_of(client, &pictures::png(20, 20)).await
}

async fn root_of(client: &Client, picture: &Picture) -> Value {
    let original = origin().picture(picture);
    let task = client.refined(&original, "echo it").await;
    concept(client, &task).await
}

async fn child(client: &Client, parent: &Value) -> Value {
    let task = refined_further(client, parent, "echo it").await;
    assert_eq!(task["metadata"]["original_concept_id"], parent["id"]);
    assert_eq!(task["metadata"]["original_image_url"], Value::Null);
    let child = concept(client, &task).await;
    assert_eq!(child["original_concept_id"], parent["id"]);
    child
}

#[tokio::test]
async fn the_address_of_an_own_concepts_image_names_it() {
    let client = new_user(scripted());
    let parent = root(&client).await;
    let url = parent["image_url"].as_str().unwrap();
    let path = url.trim_start_matches(client.base());
    let unsigned = url.split('?').next().unwrap();
    for address in [url, unsigned] {
        let task = client.refined(address, "echo it").await;
        let child = concept(&client, &task).await;
        assert_eq!(child["original_concept_id"], parent["id"], "{address}");
        assert_eq!(task["metadata"]["original_image_url"], address);
    }
    assert_eq!(lineage(&client, &parent).await.len(), 3);
    // An upload has none.
    let upload = client.uploaded(&pictures::png(20, 20)).await;
    let task = client.refined(&upload, "echo it").await;
    let of_upload = concept(&client, &task).await;
    assert_eq!(of_upload["original_concept_id"], Value::Null);
    // Nor is there one by another's signature.
    let other = new_user(scripted());
    assert_eq!(other.get(path).await.status, 200);
    assert_eq!(other.refine(url, "echo it").await.status, 404);
}

/// A chain of two, what is told of it, and the newest image.
async fn told(client: &Client) -> (Value, Vec<u8>) {
    let mut concepts = client.get("/api/concepts").await.json()["concepts"].take();
    let newest = concepts[0].clone();
    let bytes = image(client, &newest).await;
    let mut lineage = client.get(&lineage_of(&newest)).await.json();
    for concepts in [&mut concepts, &mut lineage["concepts"]] {
        for concept in concepts.as_array_mut().unwrap() {
            // Signed by another key, of another origin.
            concept["image_url"].take();
        }
    }
    let anyone = Client::new(client.base());
    let verified = anyone.send(Method::POST, "/api/verify", bytes.clone());
    let verified = verified.await.json();
    assert_eq!(verified["made_here"], true, "{verified}");
    assert_eq!(lineage["concepts"].as_array().unwrap().len(), 2);
    (json!([concepts, lineage, verified]), bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_and_moves_keep_where_an_image_comes_from() {
    let launch = scripted_launch().embedded();
    let name = new_name();
    let service = launch.start();
    let client = Client::user(service.url(), &name);
    let parent = root(&client).await;
    child(&client, &parent).await;
    let before = told(&client).await;
    let backup = scratch("provenance").join("backup");
    backed_up(&launch.data(), &backup);
    service.stop();
    let on = async |service: Service| {
        let told = told(&Client::user(service.url(), &name)).await;
        assert!(told == before, "{:#?}, not {:#?}", told.0, before.0);
    };

    let restored = scratch("provenance").join("restored");
    done(
        Command::new(artifacts::binary())
            .args(["restore", "--data-dir"])
            .args([&restored, &backup]),
    );
    on(on_backup(launch.clone(), &restored)).await;

    let moved = scratch("provenance").join("moved");
    done(
        Command::new(artifacts::binary())
            .arg("move")
            .args([Path::new("--from"), &launch.data()])
            .args([Path::new("--data-dir"), &moved])
            .args(["--to", "sqlite", "file"]),
    );
    on(on_backup(launch, &moved)).await;
}

#[track_caller]
fn done(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test]
async fn with_a_user_goes_what_was_told_of_the_images() {
    let client = new_user(scripted());
    // Of no other test, since what another one has too was made here as well.
    let parent = root_of(&client, &pictures::png(37, 23)).await;
    let child = child(&client, &parent).await;
    let bytes = image(&client, &child).await;
    let anyone = Client::new(scripted().url());
    let made_here = async || {
        let answer = anyone
            .send(Method::POST, "/api/verify", bytes.clone())
            .await;
        answer.json()["made_here"].clone()
    };
    assert_eq!(made_here().await, true);
    assert_eq!(client.delete("/api/me").await.status, 204);
    assert_eq!(made_here().await, false);
    for concept in [&parent, &child] {
        assert_eq!(client.get(&lineage_of(concept)).await.status, 404);
    }
}
