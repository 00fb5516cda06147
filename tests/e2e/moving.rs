//! `concept-refinement move`: what a service held is there on other engines, and
//! the source is as it was.

mod killed;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::s3::{Kind, Place, shared};
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stored_images::{self, LARGE};
use concept_refinement_tests::tokens::token;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::backup::all_of;
use crate::shared::{origin, picture_url};

/// A user's name, tasks, and images by their paths.
type Owned = (String, Vec<Value>, BTreeMap<String, Vec<u8>>);

/// What users had, and what they are answered once more.
struct Before {
    launch: Launch,
    files: BTreeMap<PathBuf, Vec<u8>>,
    users: Vec<Owned>,
    repeated: (Value, Value),
}

fn launch() -> Launch {
    Launch::new()
        .embedded()
        .scripted()
        .with_tokens()
        .set("allow-sources", &origin().authority())
        .set("rate-limit", "3/month")
        .set("uploads", "2")
}

/// A service that was used, and has stopped.
async fn before() -> Before {
    let launch = launch();
    let service = launch.start();
    let mut users = Vec::new();
    for (number, user) in ["ada", "bob \"/ ☕️", "eve"].into_iter().enumerate() {
        let client = Client::user(service.url(), user);
        let side = 16 + 8 * u32::try_from(number).unwrap();
        let picture = pictures::png(side, side);
        let upload = client.uploaded(&picture).await;
        client.completed(&upload, "echo it").await;
        let failed = client.refined(&upload, "refuse: no logos").await;
        assert_eq!(failed["status"], "failed", "{failed}");
        users.push(user);
    }
    // Long texts are kept apart from their image in S3.
    let eve = Client::user(service.url(), "eve").with("idempotency-key", "once");
    let body = json!({
        "original_image_url": origin().picture(&pictures::png(64, 64)),
        "refinement_prompt": "echo it",
        "logo_description": "é".repeat(2_000),
        // Postgres has no U+0000.
        "theme_description": "a\u{0}b\u{1a}0\"\\",
        "webhook_url": "https://receiver.example/hook",
    });
    let first = eve.post("/api/concepts/refine", &body).await;
    assert_eq!(first.status, 202, "{first:?}");
    eve.finished(&first.task_id()).await;
    let mut seen = Vec::new();
    for user in users {
        let client = Client::user(service.url(), user);
        let (all, images) = all_of(&client).await;
        seen.push((user.to_owned(), all, images));
    }
    service.stop();
    Before {
        files: files(&launch.data()),
        launch,
        users: seen,
        repeated: (body, first.json()),
    }
}

/// Whole, by their names.
pub fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // Compiled code is elsewhere.
        if path.is_symlink() {
            continue;
        }
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

pub fn move_to(
    from: &Path,
    data: &Path,
    engines: [&str; 2],
    place: &Place,
    server: SocketAddr,
) -> Output {
    let mut moving = moving(from, data, engines, place, server);
    moving.output().unwrap()
}

/// The command of such a move.
pub fn moving(
    from: &Path,
    data: &Path,
    engines: [&str; 2],
    place: &Place,
    server: SocketAddr,
) -> Command {
    let mut command = Command::new(artifacts::binary());
    command
        .arg("move")
        .args([Path::new("--from"), from, Path::new("--data-dir"), data])
        .arg("--to")
        .args(engines)
        .envs(place.variables_at(server))
        .current_dir(data.parent().unwrap())
        .stdin(Stdio::null());
    command
}

impl Before {
    async fn is_on(&self, launch: &Launch) {
        let service = launch.start();
        for (user, tasks, images) in &self.users {
            let client = Client::user(service.url(), user);
            let (all, found) = all_of(&client).await;
            assert_eq!(&all, tasks, "{user}");
            assert!(found == *images, "{user}");
            // What failed for nothing was given back.
            let url = picture_url();
            let used = tasks
                .iter()
                .filter(|found| found["type"].is_string() && found["status"] != "failed");
            let status = client.refine(&url, "echo it").await.status;
            let expected = match used.count() {
                3 => 429,
                _ => 202,
            };
            assert_eq!(status, expected, "{user}");
        }
        let (body, first) = &self.repeated;
        let eve = Client::user(service.url(), "eve").with("idempotency-key", "once");
        let again = eve.post("/api/concepts/refine", body).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.json(), *first);
        let task = first["task_id"].as_str().unwrap();
        let webhook = eve.get(&format!("/api/tasks/{task}/webhook")).await;
        assert_eq!(webhook.json()["url"], body["webhook_url"]);
        // Uploads that were moved count.
        let bob = Client::user(service.url(), "ada");
        let picture = pictures::png(8, 8);
        bob.uploaded(&picture).await;
        let third = bob.upload(picture.media_type, &picture.bytes).await;
        assert_eq!(third.status, 429, "{third:?}");
        service.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_held_is_moved_whole_and_the_source_stays() {
    let before = before().await;
    let from = before.launch.data();
    for images in ["s3", "file", "postgres and s3"] {
        let place = shared(Kind::S3sFs).place();
        let target = launch();
        let url = place.url();
        let database = postgres().url(&new_schema());
        let engines = match images {
            "s3" => ["sqlite", url.as_str()],
            "file" => ["sqlite", "file"],
            _ => [database.as_str(), url.as_str()],
        };
        let target = match images {
            "file" => target,
            _ => target.images_in(&place).set("tasks", engines[0]),
        };
        let moved = move_to(&from, &target.data(), engines, &place, place.server());
        assert!(moved.status.success(), "{images}: {moved:?}");
        let said = String::from_utf8(moved.stdout).unwrap();
        assert!(said.contains("7 images"), "{images}: {said}");
        assert!(said.contains("7 tasks"), "{images}: {said}");
        assert!(
            files(&from) == before.files,
            "{images}: the source was changed"
        );
        // Once more, where nothing is left to do.
        let again = move_to(&from, &target.data(), engines, &place, place.server());
        assert!(again.status.success(), "{images}: {again:?}");
        before.is_on(&target).await;

        // What was used since is not what it was.
        let used = move_to(&from, &target.data(), engines, &place, place.server());
        assert!(!used.status.success(), "{images}: {used:?}");
        let said = String::from_utf8(used.stderr).unwrap();
        let why = "the target was used before, or the source since the move began";
        assert!(said.contains(why), "{images}: {said}");
        assert!(
            files(&from) == before.files,
            "{images}: the source was changed"
        );
    }
}

/// A repeat of a move that has ended brings nothing back, whether a service runs on the target
/// or has stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_users_erased_on_the_target_stays_gone() {
    let unlimited = || launch().set("rate-limit", "unlimited");
    let source = unlimited();
    let service = source.start();
    let ada = Client::user(service.url(), "ada");
    let upload = ada.uploaded(&pictures::png(16, 16)).await;
    ada.completed(&upload, "echo it").await;
    let (_, images) = all_of(&ada).await;
    assert_eq!(images.len(), 1);
    service.stop();

    let place = shared(Kind::S3sFs).place();
    let database = postgres().url(&new_schema());
    for tasks in ["sqlite", database.as_str()] {
        let target = unlimited().set("tasks", tasks);
        let (from, data) = (source.data(), target.data());
        let engines = [tasks, "file"];
        let moved = move_to(&from, &data, engines, &place, place.server());
        assert!(moved.status.success(), "{tasks}: {moved:?}");
        let service = target.start();
        let ada = Client::user(service.url(), "ada");
        let (_, found) = all_of(&ada).await;
        assert!(found == images, "{tasks}");
        let erased = ada.delete("/api/me").await;
        assert_eq!(erased.status, 204, "{tasks}: {erased:?}");

        let refused = |data: &Path| {
            let again = move_to(&from, data, engines, &place, place.server());
            assert_eq!(again.status.code(), Some(1), "{tasks}: {again:?}");
            let said = String::from_utf8(again.stderr).unwrap();
            let why = "the target was used before";
            assert!(said.contains(why), "{tasks}: {said}");
        };
        if tasks != "sqlite" {
            // From another machine, which does not see that the service runs.
            refused(&scratch("beside").join("data"));
            assert_eq!(all_of(&ada).await, (vec![], BTreeMap::new()), "{tasks}");
        }
        service.stop();
        refused(&data);
        let service = target.start();
        let ada = Client::user(service.url(), "ada");
        assert_eq!(all_of(&ada).await, (vec![], BTreeMap::new()), "{tasks}");
        for path in images.keys() {
            let image = ada.get(&format!("/api/images/{path}")).await;
            assert_eq!(image.status, 404, "{tasks}: {path}");
        }
        service.stop();
    }
}

/// A disk lost them, or bits of them.
#[tokio::test]
async fn images_that_are_missing_or_damaged_are_told_and_the_others_moved() {
    // What follows the end of an image makes it a large one, and is metadata.
    let source = launch()
        .set("rate-limit", "unlimited")
        .set("original-metadata", "keep");
    let service = source.start();
    let client = Client::user(service.url(), "ada");
    let upload = client.upload("image/png", &pictures::padded(LARGE)).await;
    let upload = upload.json()["image_url"].as_str().unwrap().to_owned();
    let mut concepts = Vec::new();
    for _ in 0..4 {
        let task = client.completed(&upload, "echo it").await;
        concepts.push(task["result_id"].as_str().unwrap().to_owned());
    }
    service.stop();
    let mut names = stored_images::files(&source.data(), "refined").into_iter();
    let [missing, cut, altered] = [(); 3].map(|()| names.next().unwrap());
    let images = source.data().join("images");
    fs::remove_file(images.join(missing)).unwrap();
    let cut = images.join(cut);
    fs::write(&cut, &fs::read(&cut).unwrap()[..LARGE]).unwrap();
    let mut bytes = fs::read(images.join(&altered)).unwrap();
    bytes[LARGE / 2] ^= 1;
    fs::write(images.join(&altered), &bytes).unwrap();

    let (target, place) = (launch(), shared(Kind::S3sFs).place());
    for attempt in ["first", "once more"] {
        let engines = ["sqlite", "file"];
        let data = target.data();
        let moved = move_to(&source.data(), &data, engines, &place, place.server());
        assert!(moved.status.success(), "{attempt}: {moved:?}");
        let said = String::from_utf8(moved.stderr).unwrap();
        let sentence = "3 images that concepts name are missing or damaged: those of ";
        let told = said.split_once(sentence).map(|(_, told)| told);
        let told = told.unwrap_or_else(|| panic!("{attempt}: {said}"));
        let told = concepts.iter().filter(|id| told.contains(*id));
        assert_eq!(told.count(), 3, "{attempt}: {said}");
        let said = String::from_utf8(moved.stdout).unwrap();
        let count = "3 images are moved and compared";
        assert!(said.contains(count), "{attempt}: {said}");
        let moved = fs::read(data.join("images").join(&altered)).unwrap();
        assert!(moved[..LARGE] == bytes[..LARGE], "{attempt}");
    }
}

/// Wherever it broke off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_broke_off_goes_on() {
    let before = before().await;
    let from = before.launch.data();
    let server = shared(Kind::S3sFs);
    let (place, proxy) = (server.place(), Proxy::to(server.address()));
    let target = launch();
    let data = target.data();
    let url = place.url();
    let attempt = || {
        move_to(
            &from,
            &data,
            ["sqlite", url.as_str()],
            &place,
            proxy.address(),
        )
    };
    proxy.set(Mode::Refuse);
    let failed = attempt();
    assert!(!failed.status.success(), "{failed:?}");
    let target = target.images_in(&place);
    let refused = target.run();
    assert_eq!(refused.status.code(), Some(1), "{}", refused.log);
    assert!(refused.log.contains("make it once more"), "{}", refused.log);
    for broken in 1..4 {
        // So slow that hardly an attempt ends before it is broken off.
        proxy.set(Mode::Delay(Duration::from_millis(200)));
        let moving = std::thread::scope(|scope| {
            let moving = scope.spawn(attempt);
            let begun = place.objects();
            while place.objects() == begun && !moving.is_finished() {
                std::thread::yield_now();
            }
            proxy.set(Mode::Reset);
            moving.join().unwrap()
        });
        let said = format!("{broken}: {moving:?}");
        assert!(!said.contains("secret"), "{said}");
        assert!(files(&from) == before.files, "{said}");
        if moving.status.success() {
            // It came to its end first.
            break;
        }
    }
    proxy.set(Mode::Pass);
    let moved = attempt();
    assert!(moved.status.success(), "{moved:?}");
    before.is_on(&target).await;
}

/// A move to a new directory and a bucket is refused so, and stores nothing there. Returns the
/// directory.
fn refused(source: &Launch, why: &str) -> PathBuf {
    let place = shared(Kind::S3sFs).place();
    let data = scratch("target").join("data");
    let url = place.url();
    let engines = ["sqlite", url.as_str()];
    let refused = move_to(&source.data(), &data, engines, &place, place.server());
    assert!(!refused.status.success(), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains(why), "{said}");
    assert_eq!(place.objects(), 0);
    data
}

/// A service that runs holds what it has.
#[tokio::test]
async fn nothing_is_moved_while_somebody_uses_it() {
    let source = launch();
    let service = source.start();
    Client::user(service.url(), "ada")
        .uploaded(&pictures::png(8, 8))
        .await;
    let data = refused(&source, "in use by another process");
    assert!(!data.exists(), "nothing is left of it");
    let user = Client::new(service.url()).bearer(&token("ada"));
    assert_eq!(user.get("/api/tasks").await.status, 200);
}

/// Another one would end all sessions, and break the signed URLs.
#[tokio::test]
async fn a_damaged_secret_is_not_replaced() {
    let source = launch();
    source.start().stop();
    fs::write(source.data().join("secret"), "short").unwrap();
    let data = refused(&source, "the source's secret is damaged");
    assert!(!data.join("secret").exists());
    assert_eq!(fs::read(source.data().join("secret")).unwrap(), b"short");
}

/// It is named, not its copy.
#[tokio::test]
async fn a_file_that_stops_a_start_stops_a_move() {
    let source = launch();
    source.start().stop();
    let [tasks, images] = ["tasks.sqlite", "images/small.sqlite"].map(|name| {
        let file = source.data().join(name);
        assert!(file.exists(), "{name}");
        file
    });
    for file in [&tasks, &images] {
        let store = Connection::open(file).unwrap();
        let query = "SELECT user_version FROM pragma_user_version";
        let known: i64 = store.query_row(query, [], |row| row.get(0)).unwrap();
        store.pragma_update(None, "user_version", 1000).unwrap();
        drop(store);
        let later = "was changed by a later version of this program";
        refused(&source, &format!("{} {later}", file.display()));
        let store = Connection::open(file).unwrap();
        store.pragma_update(None, "user_version", known).unwrap();
    }
    let whole = fs::read(&images).unwrap();
    fs::write(&images, &whole[..whole.len() / 2]).unwrap();
    let damaged = "is damaged, and nothing in it was changed or deleted: restore a backup";
    refused(&source, &format!("{} {damaged}", images.display()));
}

#[tokio::test]
async fn a_source_is_no_place_for_its_target() {
    let source = launch();
    source.start().stop();
    let place = shared(Kind::S3sFs).place();
    let url = place.url();
    let before = files(&source.data());
    for (target, expected) in [
        (source.data(), "have the same data directory"),
        (source.data().join("a/b"), "is in the source's"),
    ] {
        let engines = ["sqlite", url.as_str()];
        let mut moving = moving(&source.data(), &target, engines, &place, place.server());
        let refused = moving.current_dir(scratch("elsewhere")).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            !refused.status.success() && said.contains(expected),
            "{said}"
        );
    }
    assert_eq!(files(&source.data()), before);
    assert!(!source.data().join("a").exists());
}

/// Version 0.1 left a folder without a source where a move was killed, and served beside it.
#[test]
fn only_a_folder_that_names_its_source_keeps_services_away() {
    let used = Launch::new().embedded();
    used.start().stop();
    let folder = used.data().join("moving");
    fs::create_dir(&folder).unwrap();
    used.start().stop();

    fs::write(folder.join("source"), "/data/before").unwrap();
    let refused = used.run();
    assert_eq!(refused.status.code(), Some(1), "{}", refused.log);
    let sentence = "move --from /data/before --to";
    assert!(refused.log.contains(sentence), "{}", refused.log);

    // Whoever removes it gives the move up.
    fs::remove_dir_all(&folder).unwrap();
    used.start().stop();
}
