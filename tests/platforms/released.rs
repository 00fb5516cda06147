//! What a released version has stored on a stock platform is read, and goes on, and so do
//! models that were built with its interfaces.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, brightness, decode};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::SECRET;
use serde_json::{Map, Value, json};

/// Of each user the tasks and concepts, and how long their images are.
async fn seen(service: &Service) -> Value {
    let mut users = Map::new();
    for user in ["ada", "bob"] {
        let client = Client::user(service.url(), user);
        let (mut stored, mut images) = (Vec::new(), Map::new());
        for what in ["tasks", "concepts"] {
            let mut page = client.get(&format!("/api/{what}?limit=100")).await.json();
            for found in page[what].as_array_mut().unwrap() {
                if let Some(url) = found["image_url"].take().as_str() {
                    let path = url.split_once("/api/images/").unwrap().1;
                    let path = path.split('?').next().unwrap();
                    let image = client.get(&format!("/api/images/{path}")).await;
                    assert_eq!(image.status, 200, "{image:?}");
                    images.insert(path.to_owned(), image.body.len().into());
                }
                stored.push(found.clone());
            }
        }
        let images: Vec<_> = images.into_iter().map(|(_, length)| length).collect();
        users.insert(
            user.to_owned(),
            json!({ "stored": stored, "images": images }),
        );
    }
    users.into()
}

/// A task or a concept without what 0.1 does not tell: that is null here.
fn as_in_0_1(stored: &mut Value) {
    // Notes of 0.1 are with the concept only.
    if let Some(metadata) = stored.get_mut("metadata") {
        metadata.as_object_mut().unwrap().remove("notes");
        return;
    }
    let concept = stored.as_object_mut().unwrap();
    for field in ["original_concept_id", "provenance"] {
        assert_eq!(concept.remove(field), Some(Value::Null), "{field}");
    }
}

/// Lets the keys of all requests be as of now, since they are remembered for a day.
fn keys_of_now(records: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_micros()).unwrap();
    let mut keys = 0;
    for directory in fs::read_dir(records).unwrap() {
        for record in fs::read_dir(directory.unwrap().path()).unwrap() {
            for version in fs::read_dir(record.unwrap().path()).unwrap() {
                let path = version.unwrap().path();
                let Ok(mut record) = serde_json::from_slice::<Value>(&fs::read(&path).unwrap())
                else {
                    continue; // the secret
                };
                for key in record["keys"].as_array_mut().into_iter().flatten() {
                    key["created_at"] = now.into();
                    keys += 1;
                }
                fs::write(&path, record.to_string()).unwrap();
            }
        }
    }
    assert!(keys > 0, "there is no key");
}

/// A middleware of 0.1.0 asks a model of 0.1.0, and then one of now: the former knows only
/// PNG.
#[tokio::test(flavor = "multi_thread")]
async fn models_of_0_1_0_refine() {
    let service = Launch::new()
        .on_wasmtime(artifacts::test_composed("released/standalone"))
        .set("listen", "127.0.0.1:0")
        .start();
    let client = Client::session(service.url()).await;
    for (picture, expected) in [
        (
            pictures::png(32, 24),
            &["A model of 0.1.0 inverted the colours."][..],
        ),
        (pictures::jpeg(32, 24), &[]),
    ] {
        let original = client.uploaded(&picture).await;
        let task = client.refined(&original, "invert the colors").await;
        assert_eq!(task["status"], "completed", "{task}");
        let notes = task["metadata"]["notes"].as_array().unwrap();
        let passed_on = "A middleware of 0.1.0 passed this on.";
        for note in expected.iter().chain([&passed_on]) {
            assert!(notes.iter().any(|found| found == note), "{task}");
        }
        let refined = client.get(task["image_url"].as_str().unwrap()).await;
        let means = [&picture.bytes[..], &refined.body].map(|bytes| brightness(&decode(bytes)));
        assert!((means[0] + means[1] - 255.0).abs() < 2.0, "{means:?}");
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_0_1_0_has_stored_is_read_and_goes_on() {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("released/0.1.0");
    let directory = scratch("released");
    let data = directory.join("data");
    fs::create_dir(&data).unwrap();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(release.join("filesystem.tar.gz"))
        .arg("-C")
        .arg(&data)
        .status();
    assert!(unpacked.unwrap().success());
    keys_of_now(&data.join("records"));
    let service = Launch::of(directory)
        .on_wasmtime(artifacts::composed("standalone"))
        .set("listen", "127.0.0.1:0")
        .variable("REFINEMENT_AUTH", "secret")
        .variable("REFINEMENT_JWT_SECRET", SECRET)
        .variable("REFINEMENT_RATE_LIMIT", "5/month")
        .variable("REFINEMENT_PUBLIC_URL", "https://refine.example")
        .start();

    let expected = fs::read_to_string(release.join("filesystem.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let mut found = seen(&service).await;
    for user in ["ada", "bob"] {
        for stored in found[user]["stored"].as_array_mut().unwrap() {
            as_in_0_1(stored);
        }
    }
    assert_eq!(found, expected);
    let ada = Client::user(service.url(), "ada");
    let first = &expected["ada"]["stored"][1];
    let body = json!({
        "original_image_url": first["metadata"]["original_image_url"],
        "refinement_prompt": "Make it a little lighter",
        "webhook_url": "https://receiver.invalid/hook",
    });
    let again = ada.with("idempotency-key", "a-key");
    let repeated = again.post("/api/concepts/refine", &body).await;
    assert_eq!(repeated.json()["task_id"], first["task_id"], "{repeated:?}");
    let upload = ada.uploaded(&pictures::png(8, 8)).await;
    let task = ada.refined(&upload, "Make it lighter").await;
    assert_eq!(task["status"], "completed", "{task}");
    let deleted = first["task_id"].as_str().unwrap();
    assert_eq!(
        ada.delete(&format!("/api/tasks/{deleted}")).await.status,
        204
    );
    let concept = expected["ada"]["stored"][2]["id"].as_str().unwrap();
    assert_eq!(
        ada.delete(&format!("/api/concepts/{concept}")).await.status,
        204
    );
    let mut left = seen(&service).await;
    for stored in left["bob"]["stored"].as_array_mut().unwrap() {
        as_in_0_1(stored);
    }
    let all = &left["ada"]["stored"];
    assert_eq!(all.as_array().map(Vec::len), Some(4), "{all}");
    assert_eq!(left["bob"], expected["bob"]);
    service.stop();
}
