//! What released versions have stored, this one opens: each directory of `tests/released`
//! has the data of one version, as it was written then, and what its users saw.
//!
//! A new one is made by `REFINEMENT_RELEASE=VERSION`, with the version that is released.

use std::fs;
use std::path::Path;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::released::{
    USERS, assert_has, assert_repeated, keyed, keyed_task, new_release, pack, read_seen,
    refine_part, releases, unpack, write_seen,
};
use concept_refinement_tests::service::{Launch, Service};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::backup::{all_of, ended, on_backup, streaming, unpacked};
use crate::restore::{restore_archive, restored};
use crate::shared::{picture_url, scripted_launch};

/// The schema of the database that is stored.
pub const SCHEMA: &str = "schema_of_a_release";

#[derive(Clone, Copy, Debug)]
pub enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub fn launch(self, tasks: &str) -> Launch {
        let launch = scripted_launch()
            .embedded()
            .set("rate-limit", "5/month")
            .set("model-price", "0.02")
            .set("public-url", "https://refine.example");
        match self {
            Self::Sqlite => launch,
            Self::Postgres => launch.set("tasks", tasks),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What the users see, and how much of the quota they have.
pub async fn seen(service: &Service) -> Value {
    let mut seen = serde_json::Map::new();
    for user in USERS {
        let client = Client::user(service.url(), user);
        let (stored, images) = all_of(&client).await;
        let images: Vec<_> = images.into_values().map(|bytes| bytes.len()).collect();
        seen.insert(
            user.to_owned(),
            json!({ "stored": stored, "images": images }),
        );
    }
    seen.into()
}

/// Tasks in each status, an image in a file and one in a table, a key, a webhook, a refinement
/// of a part of a concept, and a queue that an operator has paused.
async fn history(service: &Service, data: &Path) {
    let [ada, bob] = USERS.map(|user| Client::user(service.url(), user));
    let small = ada.uploaded(&pictures::png(40, 30)).await;
    ada.finished(&keyed(&ada, &small, "echo it").await).await;
    let large = ada.uploaded(&pictures::png_with_profile(100_000)).await;
    let task = ada.refined(&large, "echo it").await;
    refine_part(&ada, &task, "echo it").await;
    let refused = bob.uploaded(&pictures::png(20, 20)).await;
    let task = bob
        .finished(&bob.accepted(&refused, "refuse: no").await)
        .await;
    assert_eq!(task["status"], "failed", "{task}");
    let operator = Client::on_socket(data);
    let reason = json!({ "reason": "a release" });
    let paused = operator.post("/admin/v1/queue/pause", &reason).await;
    assert_eq!(paused.status, 200, "{paused:?}");
    let waiting = bob.uploaded(&pictures::png(20, 21)).await;
    bob.accepted(&waiting, "echo it").await;
}

async fn make(release: &Path, store: Store) {
    let tasks = postgres().url(SCHEMA);
    let launch = store.launch(&tasks);
    let service = launch.start();
    history(&service, &launch.data()).await;
    let expected = seen(&service).await;
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    assert!(service.stop().status.success());
    let file = |kind| release.join(format!("{}{kind}", store.name()));
    pack(&file(".tar"), &archive);
    if let Store::Postgres = store {
        pack(&file(".sql"), &postgres().dump(SCHEMA));
    }
    write_seen(release, store.name(), &expected);
}

async fn opens(release: &Path, store: Store) {
    let file = |kind| release.join(format!("{}{kind}", store.name()));
    let schema = new_schema();
    let data = scratch("released").join("data");
    let archive = unpack(&file(".tar.gz"));
    match store {
        Store::Sqlite => {
            drop(restored(restore_archive(&archive, &data)));
            let database = Connection::open(data.join("tasks.sqlite")).unwrap();
            // A key is remembered for a day: as if the release had run just now.
            let now = "UPDATE idempotency_key SET created_at = unixepoch() * 1000000";
            assert_eq!(database.execute(now, []), Ok(1));
        }
        Store::Postgres => {
            fs::create_dir(&data).unwrap();
            unpacked(&archive, &data);
            let sql = String::from_utf8(unpack(&file(".sql.gz"))).unwrap();
            let now = format!("UPDATE {schema}.idempotency_key SET created_at = now();");
            postgres().load(&format!("{}\n{now}\n", sql.replace(SCHEMA, &schema)));
        }
    }
    let launch = store.launch(&postgres().url(&schema));
    let service = on_backup(launch, &data);

    let expected = read_seen(release, store.name());
    assert_has(&seen(&service).await, &expected, store.name());
    let [ada, bob] = USERS.map(|user| Client::user(service.url(), user));
    assert_repeated(&ada, &expected, "echo it").await;

    let operator = Client::on_socket(&data);
    let audit = operator.get("/admin/v1/audit").await.json();
    assert_eq!(audit["entries"][0]["action"], "pause", "{audit}");
    let waiting = expected["bob"]["stored"][0]["task_id"].as_str().unwrap();
    assert_eq!(bob.task(waiting).await["status"], "pending");
    let reason = json!({ "reason": "opened" });
    let resumed = operator.post("/admin/v1/queue/resume", &reason).await;
    assert_eq!(resumed.status, 200, "{resumed:?}");
    let task = bob.finished(waiting).await;
    assert_eq!(task["status"], "completed", "{task}");
    ada.refined(&picture_url(), "echo it").await;
    eventually("the webhook is still tried", SOON, async || {
        let id = keyed_task(&expected)["task_id"].as_str().unwrap();
        let path = format!("/api/tasks/{id}/webhook");
        (ada.get(&path).await.status == 200).then_some(())
    })
    .await;
    assert!(service.stop().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_release_has_stored_is_opened() {
    for release in releases() {
        for store in Store::ALL {
            opens(&release, store).await;
        }
    }
}

/// Does nothing unless it is asked to.
#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_release_is_made() {
    let Some(release) = new_release() else {
        return;
    };
    for store in Store::ALL {
        make(&release, store).await;
    }
}
