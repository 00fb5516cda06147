//! What a released version has stored on a stock platform is read, and goes on, and so do
//! models that were built with its interfaces.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, brightness, decode};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::released::{
    USERS, assert_has, assert_repeated, keyed, keyed_task, new_release, read_seen, refine_part,
    releases, write_seen,
};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::SECRET;
use serde_json::{Map, Value, json};

/// As the files of this store are named.
const STORE: &str = "filesystem";

/// Of the first request of all.
const PROMPT: &str = "Make it a little lighter";

/// Of each user the tasks and concepts, and how long their images are.
async fn seen(service: &Service) -> Value {
    let mut users = Map::new();
    for user in USERS {
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
        let task = client.completed(&original, "invert the colors").await;
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

/// A service that keeps all in files, in this directory.
fn launch(directory: PathBuf) -> Launch {
    Launch::of(directory)
        .on_wasmtime(artifacts::composed("standalone"))
        .set("listen", "127.0.0.1:0")
        .variable("REFINEMENT_AUTH", "secret")
        .variable("REFINEMENT_JWT_SECRET", SECRET)
        .variable("REFINEMENT_RATE_LIMIT", "5/month")
        .set("public-url", "https://refine.example")
}

fn tar(arguments: &[&OsStr]) {
    let status = Command::new("tar").args(arguments).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

async fn opens(release: &Path) {
    let directory = scratch("released");
    let data = directory.join("data");
    fs::create_dir(&data).unwrap();
    let archive = release.join("filesystem.tar.gz");
    tar(&[
        "-xzf".as_ref(),
        archive.as_ref(),
        "-C".as_ref(),
        data.as_ref(),
    ]);
    keys_of_now(&data.join("records"));
    let service = launch(directory).start();

    let expected = read_seen(release, STORE);
    assert_has(&seen(&service).await, &expected, STORE);
    let ada = Client::user(service.url(), "ada");
    let first = keyed_task(&expected);
    assert_repeated(&ada, &expected, PROMPT).await;
    let upload = ada.uploaded(&pictures::png(8, 8)).await;
    ada.completed(&upload, "Make it lighter").await;
    for (what, id) in [
        ("tasks", &first["task_id"]),
        ("concepts", &first["result_id"]),
    ] {
        let path = format!("/api/{what}/{}", id.as_str().unwrap());
        assert_eq!(ada.delete(&path).await.status, 204, "{path}");
    }
    let left = seen(&service).await;
    let number = |seen: &Value| seen["ada"]["stored"].as_array().unwrap().len();
    assert_eq!(number(&left), number(&expected), "{left}");
    assert_has(&left["bob"], &expected["bob"], "bob");
    service.stop();
}

/// Tasks that are completed and that failed, a refinement of a part of a concept, a key and a
/// webhook.
async fn make(release: &Path) {
    let directory = scratch("release");
    let service = launch(directory.clone()).start();
    let [ada, bob] = USERS.map(|user| Client::user(service.url(), user));
    let upload = ada.uploaded(&pictures::png(40, 30)).await;
    let task = ada.finished(&keyed(&ada, &upload, PROMPT).await).await;
    refine_part(&ada, &task, "Make it lighter").await;
    let upload = bob.uploaded(&pictures::png(20, 20)).await;
    let refused = bob.accepted(&upload, "Sing me a song").await;
    assert_eq!(bob.finished(&refused).await["status"], "failed");
    let expected = seen(&service).await;
    service.stop();
    let (data, archive) = (directory.join("data"), release.join("filesystem.tar.gz"));
    tar(&[
        "-czf".as_ref(),
        archive.as_ref(),
        "-C".as_ref(),
        data.as_ref(),
        ".".as_ref(),
    ]);
    write_seen(release, STORE, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_release_has_stored_is_read_and_goes_on() {
    for release in releases() {
        opens(&release).await;
    }
}

/// Does nothing unless it is asked to.
#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_release_is_made() {
    if let Some(release) = new_release() {
        make(&release).await;
    }
}
