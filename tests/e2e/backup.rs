//! Backups of a service at work, and what starts on them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stored_images;
use futures::future::join_all;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::shared::{new_user, origin, refused, scripted_launch};

pub fn command(data: &Path, to: &Path) -> Command {
    let mut command = Command::new(artifacts::binary());
    command
        .args(["backup", "--data-dir"])
        .args([data, to])
        .stdin(Stdio::null());
    command
}

pub fn back_up(data: &Path, to: &Path) -> Output {
    command(data, to).output().unwrap()
}

#[track_caller]
pub fn backed_up(data: &Path, to: &Path) {
    let done = back_up(data, to);
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.starts_with("backed up "), "{said}");
    assert_eq!((said.lines().count(), done.stderr), (1, vec![]));
}

/// The same to standard output, which nobody has read yet.
pub fn streaming(data: &Path) -> Reaped {
    let mut command = command(data, Path::new("-"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Reaped::spawn(&mut command)
}

/// What came to standard output and standard error until it ended.
pub fn ended(mut backup: Reaped) -> (Option<i32>, Vec<u8>, String) {
    let mut archive = Vec::new();
    let mut said = String::new();
    let child = backup.child();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    stdout.read_to_end(&mut archive).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), archive, said)
}

/// By the program that everybody has.
pub fn unpacked(archive: &[u8], to: &Path) {
    let mut tar = Command::new("tar")
        .args(["-x", "-C"])
        .arg(to)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(archive).unwrap();
    assert!(tar.wait().unwrap().success());
}

/// The same service on a backup of its data.
pub fn on_backup(launch: Launch, backup: &Path) -> Service {
    symlink(artifacts::compiled(), backup.join("compiled")).unwrap();
    launch.set("data-dir", backup.to_str().unwrap()).start()
}

/// All tasks and concepts of a user, and all images that they name.
pub async fn all_of(client: &Client) -> (Vec<Value>, BTreeMap<String, Vec<u8>>) {
    let mut all = Vec::new();
    let mut images = BTreeMap::new();
    for what in ["tasks", "concepts"] {
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/api/{what}?limit=100{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            let page = page.json();
            for found in page[what].as_array().unwrap() {
                let mut found = found.clone();
                let url = found["image_url"].take();
                if let Some(path) = url.as_str().and_then(|url| url.split_once("/api/images/")) {
                    let path = path.1.split('?').next().unwrap().to_owned();
                    let image = client.get(&format!("/api/images/{path}")).await;
                    assert_eq!(image.status, 200, "{what}: {path}");
                    images.insert(path, image.body.to_vec());
                }
                all.push(found);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    (all, images)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_all_that_there_is_and_disturbs_nobody() {
    // Longer than the system lets the address of a socket be.
    let deep = scratch("deep").join("x".repeat(150));
    fs::create_dir(&deep).unwrap();
    let allowed = origin().authority();
    let launch = Launch::of(deep).set("allow-sources", &allowed);
    let service = launch.start();
    let mut users = Vec::new();
    for side in [8, 16, 32] {
        let client = Client::session(service.url()).await;
        let upload = client.uploaded(&pictures::png(side, side)).await;
        client.completed(&upload, "make it lighter").await;
        let before = all_of(&client).await;
        assert_eq!(before.1.len(), 1);
        let original = client.get(&upload).await.body;
        users.push((client, upload, original, before));
    }
    let socket = fs::metadata(launch.data().join("control")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let place = scratch("backups");
    let backup = place.join("backup");
    fs::create_dir(&backup).unwrap();
    backed_up(&launch.data(), &backup);
    let names: BTreeSet<_> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [backup.file_name().unwrap().to_owned()].into());
    for private in [
        &backup,
        &backup.join("secret"),
        &backup.join("tasks.sqlite"),
    ] {
        let mode = fs::metadata(private).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private:?}");
    }
    assert!(!backup.join("compiled").exists());

    // What comes later is not in it, and what goes later is.
    for (client, ..) in &users {
        let concept = client.get("/api/concepts").await.json()["concepts"][0]["id"].take();
        let path = format!("/api/concepts/{}", concept.as_str().unwrap());
        assert_eq!(client.delete(&path).await.status, 204);
    }
    let launch = launch.at(&service);
    assert!(service.stop().status.success());
    let restored = on_backup(launch, &backup);
    for (client, upload, original, before) in users {
        let client = client.reconnected();
        assert_eq!(all_of(&client).await, before);
        assert_eq!(client.get(&upload).await.body, original);
        client.completed(&upload, "make it darker").await;
    }
    assert!(restored.stop().status.success());
}

/// The images of a backup by their paths, without the ending.
fn images_in(backup: &Path) -> BTreeSet<String> {
    let kinds = ["uploads", "refined"].map(|kind| stored_images::of_kind(backup, kind));
    kinds.into_iter().flatten().collect()
}

/// Every image that the database names is there. Returns how many it names.
fn assert_consistent(backup: &Path) -> usize {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let store = Connection::open_with_flags(backup.join("tasks.sqlite"), flags).unwrap();
    let check: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut named = store
        .prepare(
            "SELECT image_path FROM concept \
             UNION SELECT original_path FROM task \
             WHERE original_path IS NOT NULL AND status IN ('pending', 'processing')",
        )
        .unwrap();
    let named: Vec<String> = named
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let images = images_in(backup);
    for path in &named {
        let (stem, _) = path.rsplit_once('.').unwrap();
        assert!(images.contains(stem), "{path} is missing");
    }
    named.len()
}

/// Refines, and deletes what it made, as fast as it can.
async fn churn(client: Client, done: &AtomicBool) {
    let picture = pictures::png(300, 300);
    while !done.load(Ordering::Relaxed) {
        let upload = client.uploaded(&picture).await;
        let task = client.completed(&upload, "echo it").await;
        let deleted = client.delete(&upload).await;
        assert!([204, 404].contains(&deleted.status), "{deleted:?}");
        let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
        let deleted = client.delete(&concept).await;
        assert!([204, 404].contains(&deleted.status), "{deleted:?}");
    }
}

/// With garbage collection and retention at work too.
#[tokio::test(flavor = "multi_thread")]
async fn under_load_every_backup_is_whole() {
    let launch = scripted_launch()
        .set("retention", "2s")
        .set("rate-limit", "unlimited");
    let service = launch.start();
    let settled = new_user(&service);
    let upload = settled.uploaded(&pictures::png(64, 48)).await;
    for _ in 0..5 {
        settled.refined(&upload, "echo it").await;
    }
    let done = AtomicBool::new(false);
    let users = join_all((0..8).map(|_| churn(new_user(&service), &done)));
    let place = scratch("backups");
    let backups = async {
        let mut named = 0;
        for number in 0..30 {
            let (data, to) = (launch.data(), place.join(number.to_string()));
            let made = tokio::task::spawn_blocking(move || {
                backed_up(&data, &to);
                assert_consistent(&to)
            });
            named += made.await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        named
    };
    let (named, _) = futures::join!(backups, users);
    assert!(named > 60, "{named}");
    // Nothing that was removed meanwhile stays.
    assert!(!launch.data().join("images/removed").exists());
    let launch = launch.unset("retention").at(&service);
    assert!(service.stop().status.success());
    let restored = on_backup(launch, &place.join("0"));
    let settled = settled.reconnected();
    // Those that were not too old by then, each with its image.
    let (_, images) = all_of(&settled).await;
    assert!(images.len() <= 5, "{images:?}");
    assert!(restored.stop().status.success());
}

/// What stands below a place in the way of a backup or what is restored, and why, for as long
/// as a lock is kept.
pub fn obstacles(place: &Path) -> ([(PathBuf, &'static str); 5], fs::File) {
    for folder in ["full", "foreign.partial", "busy.partial"] {
        fs::create_dir(place.join(folder)).unwrap();
    }
    for file in ["file", "full/file", "foreign.partial/file"] {
        fs::write(place.join(file), "mine").unwrap();
    }
    symlink("gone", place.join("dangling")).unwrap();
    // Another command is at work on it.
    let lock = fs::File::create(place.join("busy.partial/UNFINISHED")).unwrap();
    lock.lock().unwrap();
    let taken = "is not an empty directory: nothing is replaced";
    let obstacles = [
        ("file", taken),
        ("dangling", taken),
        ("full", taken),
        ("foreign", "foreign.partial cannot be created"),
        ("busy", "another command is at work in"),
    ];
    (obstacles.map(|(name, why)| (place.join(name), why)), lock)
}

#[tokio::test]
async fn what_is_there_is_never_replaced() {
    let launch = scripted_launch();
    let service = launch.start();
    let place = scratch("backups");
    let (obstacles, _lock) = obstacles(&place);
    let into_data = place.join("data");
    symlink(launch.data(), &into_data).unwrap();
    let all = |to: &Path| -> BTreeSet<PathBuf> {
        fs::read_dir(to)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    let before = (all(&place), all(&launch.data()));
    let itself = "/data itself";
    let others = [
        ("/proc/backup".into(), "cannot be created"),
        ("/proc/no/backup".into(), "cannot be created"),
        (launch.data(), "is not an empty directory"),
        (launch.data().join("backup"), itself),
        (launch.data().join("some/where"), itself),
        (into_data.join("backup"), itself),
    ];
    for (to, why) in obstacles.into_iter().chain(others) {
        refused(back_up(&launch.data(), &to), why, &to.to_string_lossy());
    }
    assert_eq!((all(&place), all(&launch.data())), before);
    assert_eq!(all(&place.join("full")).len(), 1);

    // What is not there is made, for its owner alone.
    let deep = place.join("no/place/yet");
    backed_up(&launch.data(), &deep);
    assert_consistent(&deep);
    let mode = fs::metadata(place.join("no")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    assert!(service.stop().status.success());
}

#[tokio::test]
async fn a_backup_goes_through_a_pipe_and_says_what_is_in_it() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = new_user(&service);
    for side in [16, 300] {
        let upload = client.uploaded(&pictures::png(side, side)).await;
        client.refined(&upload, "echo it").await;
    }
    let before = all_of(&client).await;
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    // An upload and what came of it, twice.
    let expected = "backed up 2 tasks, 2 concepts, 4 images (";
    assert!(said.contains(expected), "{said}");
    let backup = scratch("unpacked");
    unpacked(&archive, &backup);
    assert_eq!(assert_consistent(&backup), 2);
    assert!(!launch.data().join("backup.scratch").exists());
    let launch = launch.at(&service);
    assert!(service.stop().status.success());
    // Where no service runs, too.
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(expected), "{said}");
    let other = scratch("unpacked");
    unpacked(&archive, &other);
    assert_eq!(images_in(&other), images_in(&backup));
    let restored = on_backup(launch, &backup);
    assert_eq!(all_of(&client.reconnected()).await, before);
    assert!(restored.stop().status.success());
}

/// The service as much as the command that asks it.
#[tokio::test]
async fn a_backup_that_was_killed_is_not_taken_for_a_whole_one() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = new_user(&service);
    // More than pipes and sockets hold.
    let bytes = pictures::padded(1 << 20);
    let picture = pictures::Picture {
        bytes,
        ..pictures::png(8, 8)
    };
    let uploads = 5;
    for _ in 0..uploads {
        client.uploaded(&picture).await;
    }
    let scratch_of_service = launch.data().join("backup.scratch");
    let begun = || async {
        let mut asking = streaming(&launch.data());
        let mut first = [0; 512];
        let stdout = asking.child().stdout.as_mut().unwrap();
        stdout.read_exact(&mut first).unwrap();
        asking
    };

    // The service ends: the archive has no end.
    let asking = begun().await;
    drop(service.kill());
    let (status, archive, said) = ended(asking);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("ended before the backup did"), "{said}");
    assert!(archive.len() < uploads << 20, "{}", archive.len());

    // The command ends: so does the copying.
    let service = launch.start();
    assert!(!scratch_of_service.exists());
    drop(begun().await);
    eventually("the service stops copying", SOON, async || {
        let log = service.log();
        log.contains("a backup was not finished").then_some(())
    })
    .await;
    assert!(!scratch_of_service.exists());

    // What it leaves has another name, and does not stand in the way.
    let place = scratch("backups");
    let (to, partial) = (place.join("backup"), place.join("backup.partial"));
    let mut asking = Reaped::spawn(command(&launch.data(), &to).stdout(Stdio::null()));
    eventually("it begins", SOON, async || {
        (to.exists() || partial.join("UNFINISHED").exists()).then_some(())
    })
    .await;
    asking.kill();
    asking.child().wait().unwrap();
    if to.exists() {
        // It was quicker.
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("UNFINISHED"), "").unwrap();
        fs::rename(&to, partial.join("contents")).unwrap();
    }
    backed_up(&launch.data(), &to);
    assert!(!partial.exists());
    assert_eq!(images_in(&to).len(), uploads);
    assert_consistent(&to);
    assert!(service.stop().status.success());
}

/// On a disk of its own, which only root can make.
#[tokio::test]
async fn a_backup_that_would_take_the_room_of_tasks_is_refused_before_it_begins() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let archive = scratch("room").join("archive");
    fs::write(&archive, crate::restore::an_archive().await).unwrap();
    let place = scratch("room");
    let script = r#"
        set -e
        mount -t tmpfs -o size=8m none "$1"
        "$2" restore - --data-dir "$1/data" < "$3" > "$1/log"
        left=$(df --output=avail -k "$1" | tail -1)
        head -c "$(((left - 900) * 1024))" /dev/zero > "$1/filler"
        if "$2" backup --data-dir "$1/data" "$1/backup" 2> "$1/log"; then exit 3; fi
        cat "$1/log"
        ls "$1"
        rm "$1/filler"
        "$2" backup --data-dir "$1/data" "$1/backup"
    "#;
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .args([&place, &artifacts::binary(), &archive])
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let complaints = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}{complaints}");
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].contains("a backup takes up to"), "{said}");
    assert!(lines[0].contains("beside what the service needs"), "{said}");
    assert_eq!(lines[1..4], ["data", "filler", "log"]);
    assert!(lines[4].starts_with("backed up "), "{said}");
}

/// A store that was killed has commits in its log alone.
#[tokio::test]
async fn where_no_service_runs_the_command_makes_it_and_changes_nothing() {
    let launch = scripted_launch();
    let place = scratch("backups");
    let nothing = back_up(&launch.data(), &place.join("nothing"));
    refused(nothing, "has nothing to back up", "nothing");

    let service = launch.start();
    let client = new_user(&service);
    let upload = client.uploaded(&pictures::png(64, 48)).await;
    client.refined(&upload, "echo it").await;
    let before = all_of(&client).await;
    let launch = launch.at(&service);
    drop(service.kill());
    let backup = place.join("backup");
    backed_up(&launch.data(), &backup);
    assert_eq!(assert_consistent(&backup), 1);
    let restored = on_backup(launch.clone(), &backup);
    assert_eq!(all_of(&client.reconnected()).await, before);
    assert!(restored.stop().status.success());

    // Of another version, which no command changes.
    let launch = launch.set("data-dir", backup.to_str().unwrap());
    let file = backup.join("tasks.sqlite");
    let store = Connection::open(&file).unwrap();
    store.pragma_update(None, "user_version", 1000).unwrap();
    drop(store);
    let check = Command::new(artifacts::binary())
        .args(["check", "--components"])
        .arg(artifacts::components())
        .arg("--data-dir")
        .arg(&backup)
        .output()
        .unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(!check.status.success(), "{said}");
    let line = said.lines().find(|line| line.starts_with("tasks")).unwrap();
    let later = "was changed by a later version of this program";
    assert!(line.contains(later), "{line}");
    let second = place.join("second");
    backed_up(&backup, &second);
    let ended = launch.run();
    assert!(ended.log.contains(later), "{}", ended.log);
    for file in [file, second.join("tasks.sqlite")] {
        let store = Connection::open(&file).unwrap();
        let query = "SELECT user_version FROM pragma_user_version";
        let version: i64 = store.query_row(query, [], |row| row.get(0)).unwrap();
        assert_eq!(version, 1000);
    }

    let file = second.join("tasks.sqlite");
    let mut damaged = fs::read(&file).unwrap();
    damaged[4096..8192].fill(0xff);
    fs::write(&file, damaged).unwrap();
    let done = back_up(&second, &place.join("third"));
    let why = "tasks.sqlite is damaged, and nothing in it was changed or deleted: restore a backup";
    refused(done, why, "damaged");
}

#[test]
fn a_damaged_secret_is_in_no_backup() {
    const SAID: &str = "the secret is damaged: put back the one of an earlier backup";
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let secret = launch.data().join("secret");
    let whole = fs::read(&secret).unwrap();
    let place = scratch("backups");
    let is_refused = |case: &str| {
        for length in [0, 10] {
            fs::write(&secret, &whole[..length]).unwrap();
            refused(back_up(&launch.data(), &place.join("backup")), SAID, case);
            assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "{case}");
        }
    };
    is_refused("a service at work");
    assert!(service.stop().status.success());
    is_refused("at rest");
    fs::write(&secret, &whole).unwrap();
    let backup = place.join("backup");
    backed_up(&launch.data(), &backup);
    assert_eq!(fs::read(backup.join("secret")).unwrap(), whole);
}
