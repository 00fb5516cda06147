//! What released versions have stored: each directory of `tests/released` has the data of one
//! version, as it was written then, and what its users saw. It is never made anew.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::client::Client;

/// Names the version whose data is to be written.
const RELEASE: &str = "REFINEMENT_RELEASE";

/// Who has a task of each kind.
pub const USERS: [&str; 2] = ["ada", "bob"];

/// Under which the first user sent the first request.
const KEY: (&str, &str) = ("idempotency-key", "a-key");

/// Never asked, since it has no address.
const HOOK: &str = "https://receiver.invalid/hook";

/// The directory of each version.
pub fn releases() -> Vec<PathBuf> {
    let entries = fs::read_dir(directory()).unwrap();
    let releases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!releases.is_empty(), "there is no release");
    releases
}

/// That of this version.
pub fn release(version: impl AsRef<OsStr>) -> PathBuf {
    directory().join(version.as_ref())
}

/// Where the data of a version is to be written. None: there is no new one.
pub fn new_release() -> Option<PathBuf> {
    let release = release(std::env::var_os(RELEASE)?);
    fs::create_dir_all(&release).unwrap();
    Some(release)
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("released")
}

/// The task of the first user that was created first, by a request with a key.
pub fn keyed_task(seen: &Value) -> &Value {
    let stored = seen[USERS[0]]["stored"].as_array().unwrap();
    let mut stored = stored.iter();
    stored.rfind(|stored| !stored["status"].is_null()).unwrap()
}

/// Sends the request of the keyed task, and returns the task's id.
pub async fn keyed(client: &Client, original: &str, prompt: &str) -> String {
    let request = json!({
        "original_image_url": original,
        "refinement_prompt": prompt,
        "webhook_url": HOOK,
    });
    client.with(KEY.0, KEY.1).submitted(&request).await
}

/// The keyed request that is sent again is answered with its task.
pub async fn assert_repeated(client: &Client, expected: &Value, prompt: &str) {
    let task = keyed_task(expected);
    let original = task["metadata"]["original_image_url"].as_str().unwrap();
    assert_eq!(keyed(client, original, prompt).await, task["task_id"]);
}

/// Refines a part of what this task has made.
pub async fn refine_part(client: &Client, task: &Value, prompt: &str) {
    let request = json!({
        "original_concept_id": task["result_id"],
        "refinement_prompt": prompt,
        "region": {"x": 2, "y": 2, "width": 4, "height": 4},
        "seed": 7,
    });
    let id = client.submitted(&request).await;
    client.finished(&id).await;
}

/// Writes what the users of a store saw.
pub fn write_seen(release: &Path, store: &str, seen: &Value) {
    let json = serde_json::to_string_pretty(seen).unwrap();
    fs::write(release.join(format!("{store}.json")), format!("{json}\n")).unwrap();
}

/// What they saw.
pub fn read_seen(release: &Path, store: &str) -> Value {
    let json = fs::read(release.join(format!("{store}.json"))).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// Writes a compressed file.
pub fn pack(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).unwrap();
    let packed = Command::new("gzip").args(["-9", "-n"]).arg(file).status();
    assert!(packed.unwrap().success(), "{file:?}");
}

/// What such a file contains.
pub fn unpack(file: &Path) -> Vec<u8> {
    let unpacked = Command::new("gzip").arg("-dc").arg(file).output().unwrap();
    assert!(unpacked.status.success(), "{file:?}: {unpacked:?}");
    unpacked.stdout
}

/// Everything that the expected value has is there; a later version may tell more.
pub fn assert_has(actual: &Value, expected: &Value, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, value) in expected {
                let path = format!("{path}.{name}");
                let actual = actual.get(name).unwrap_or_else(|| panic!("no {path}"));
                assert_has(actual, value, &path);
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}");
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_has(actual, expected, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{path}"),
    }
}
