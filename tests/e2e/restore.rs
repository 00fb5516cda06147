//! What `backup` made becomes a data directory again: all of it, or nothing.

mod archives;
mod hostile;
mod killed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::{fed, scratch};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stored_images::{self, LARGE};
use futures::future::join_all;

use crate::backup::{self, all_of, back_up, backed_up, ended, obstacles, on_backup, streaming};
use crate::shared::{new_user, refused, scripted_launch};

fn command(from: &Path, data: &Path) -> Command {
    let mut command = Command::new(artifacts::binary());
    command
        .args(["restore", "--data-dir"])
        .args([data, from])
        .stdin(Stdio::null());
    command
}

fn restore(from: &Path, data: &Path) -> Output {
    command(from, data).output().unwrap()
}

/// From an archive on standard input.
pub fn restore_archive(archive: &[u8], data: &Path) -> Output {
    // It may refuse the archive before it has read all of it.
    fed(&mut command(Path::new("-"), data), archive)
}

/// What it printed.
#[track_caller]
pub fn restored(done: Output) -> String {
    let said = String::from_utf8(done.stdout).unwrap();
    let complaints = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{complaints}");
    assert!(said.starts_with("restored "), "{said}");
    assert_eq!((said.lines().count(), &*complaints), (1, ""));
    said
}

/// All files below a directory, and links, with what is in them.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()));
            found.insert(path, b"a directory".to_vec());
        } else if kind.is_symlink() {
            found.insert(path, b"a link".to_vec());
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// An archive of a service that has an image in a file, one in the table, and tasks.
pub async fn an_archive() -> Vec<u8> {
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let client = new_user(&service);
    let upload = client.uploaded(&pictures::png(300, 300)).await;
    client.refined(&upload, "echo it").await;
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    assert!(service.stop().status.success());
    archive
}

/// How many refinements a user has.
const QUOTA: usize = 3;

/// A user who has nothing left of the quota, what was answered, and under which keys.
struct Spent {
    client: Client,
    upload: String,
    answers: Vec<(String, Answer)>,
}

/// One after the other, as each user may. The last is under way during the backup.
const PROMPTS: [&str; QUOTA] = ["echo it", "wait 500ms", "wait 3000ms"];

async fn spend(service: &Service) -> Spent {
    let client = new_user(service);
    let upload = client.uploaded(&pictures::png(64, 48)).await;
    let mut answers = Vec::new();
    for (number, prompt) in PROMPTS.into_iter().enumerate() {
        let key = format!("key-{number}");
        let answer = client.with("idempotency-key", &key);
        let answer = answer.refine(&upload, prompt).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        if number + 1 < QUOTA {
            let done = client.finished(&answer.task_id()).await;
            assert_eq!(done["status"], "completed", "{done}");
        }
        answers.push((key, answer));
    }
    Spent {
        client,
        upload,
        answers,
    }
}

/// Work for others, for as long as it takes.
async fn load(service: &Service, done: &AtomicBool) {
    let picture = pictures::png(300, 300);
    while !done.load(Ordering::Relaxed) {
        let client = new_user(service);
        let upload = client.uploaded(&picture).await;
        client.completed(&upload, "echo it").await;
        assert_eq!(client.delete(&upload).await.status, 204);
    }
}

async fn misses_nothing(launch: Launch, data: &Path, spent: &[Spent]) {
    let service = on_backup(launch, data);
    for Spent {
        client,
        upload,
        answers,
    } in spent
    {
        let client = client.reconnected();
        for ((key, before), prompt) in answers.iter().zip(PROMPTS) {
            let task = client.finished(&before.task_id()).await;
            assert_eq!(task["status"], "completed", "{task}");
            let repeat = client.with("idempotency-key", key);
            let repeat = repeat.refine(upload, prompt).await;
            assert_eq!(repeat.header("idempotency-replayed"), Some("true"));
            assert_eq!(repeat.json(), before.json());
        }
        // Each image is loaded.
        let (all, images) = all_of(&client).await;
        assert_eq!((all.len(), images.len()), (2 * QUOTA, QUOTA));
        assert_eq!(client.get(upload).await.status, 200);
        let one_more = client.refine(upload, "echo it").await;
        assert_eq!(one_more.status, 429, "{one_more:?}");
    }
    assert!(service.stop().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_to_a_service_that_misses_nothing() {
    let launch = scripted_launch()
        .embedded()
        .set("rate-limit", &format!("{QUOTA}/month"));
    let service = launch.start();
    let place = scratch("restore");
    let (directory, done) = (place.join("backup"), AtomicBool::new(false));
    let backups = async {
        let spent = join_all((0..3).map(|_| spend(&service))).await;
        let (data, to) = (launch.data(), directory.clone());
        let archive = tokio::task::spawn_blocking(move || {
            backed_up(&data, &to);
            let (status, archive, said) = ended(streaming(&data));
            assert_eq!(status, Some(0), "{said}");
            archive
        });
        let archive = archive.await.unwrap();
        done.store(true, Ordering::Relaxed);
        (spent, archive)
    };
    let others = join_all((0..4).map(|_| load(&service, &done)));
    let ((spent, archive), _) = futures::join!(backups, others);
    let launch = launch.at(&service);
    drop(service.kill());

    let from_directory = place.join("from/directory");
    restored(restore(&directory, &from_directory));
    let from_archive = place.join("from-archive");
    restored(restore_archive(&archive, &from_archive));
    for data in [from_directory, from_archive] {
        misses_nothing(launch.clone(), &data, &spent).await;
    }
}

#[tokio::test]
async fn it_says_what_was_restored_and_leaves_nothing_else() {
    let archive = an_archive().await;
    let place = scratch("restore");
    let (data, backup) = (place.join("data"), place.join("backup"));
    let said = restored(restore_archive(&archive, &data));
    let expected = "restored 1 tasks, 1 concepts, 2 images (";
    assert!(said.starts_with(expected), "{said}");
    assert!(!data.join("SHA256SUMS").exists());

    // The directory that was made for it keeps its owner and its mode.
    backed_up(&data, &backup);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let theirs = place.join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o750)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let nobody = 65534;
    if is_root {
        chown(&theirs, Some(nobody), Some(nobody)).unwrap();
    }
    // As systemd leads to the directory of a user that is not always there.
    let link = place.join("link");
    symlink("theirs", &link).unwrap();
    let said = restored(restore(&backup, &link));
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(mode(&theirs), 0o750);
    for (path, _) in files(&theirs) {
        let found = fs::metadata(&path).unwrap();
        assert!(!is_root || found.uid() == nobody, "{path:?}");
        assert!(path == theirs || mode(&path) & 0o077 == 0, "{path:?}");
    }
    let mut names: Vec<_> = fs::read_dir(&place).unwrap().map(Result::unwrap).collect();
    names.sort_by_key(fs::DirEntry::file_name);
    let names: Vec<_> = names.iter().map(fs::DirEntry::file_name).collect();
    assert_eq!(names, ["backup", "data", "link", "theirs"]);

    // Whoever has no part of the program can compare it, too.
    let compared = Command::new("sha256sum")
        .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(&backup)
        .output()
        .unwrap();
    assert!(compared.status.success(), "{compared:?}");
}

/// What is in a backup, as a command says, and how many bytes it has.
fn numbers(said: &str) -> &str {
    let said = said
        .split_once("backed up ")
        .or(said.split_once("restored "));
    let (numbers, _) = said.unwrap().1.split_once(" in ").unwrap();
    numbers
}

/// From and to a directory and an archive.
#[tokio::test]
async fn all_of_them_print_the_same_numbers() {
    let place = scratch("restore");
    let (data, backup) = (place.join("data"), place.join("backup"));
    restored(restore_archive(&an_archive().await, &data));
    let (status, archive, streamed) = ended(streaming(&data));
    assert_eq!(status, Some(0), "{streamed}");
    let said = [
        streamed,
        String::from_utf8(back_up(&data, &backup).stdout).unwrap(),
        restored(restore_archive(&archive, &place.join("from-archive"))),
        restored(restore(&backup, &place.join("from-directory"))),
    ];
    let numbers: BTreeSet<_> = said.iter().map(|said| numbers(said)).collect();
    assert_eq!(numbers.len(), 1, "{said:?}");
}

#[tokio::test]
async fn nothing_is_replaced() {
    let archive = an_archive().await;
    let place = scratch("restore");
    let backup = place.join("backup");
    archives::unpack(&archive, &backup);
    let (obstacles, _lock) = obstacles(&place);
    symlink("full", place.join("link")).unwrap();
    // A service at work.
    let launch = scripted_launch().embedded();
    let service = launch.start();

    let before = files(&place);
    let taken = "is not an empty directory: nothing is replaced";
    let others = [
        (place.join("link"), taken),
        (launch.data(), taken),
        (backup.clone(), taken),
        (backup.join("data"), "backup itself"),
        ("/proc/data".into(), "cannot be created"),
        ("/proc".into(), taken),
    ];
    for (data, why) in obstacles.into_iter().chain(others) {
        let case = data.display().to_string();
        refused(restore(&backup, &data), why, &case);
        if data != backup.join("data") {
            refused(restore_archive(&archive, &data), why, &case);
        }
        assert_eq!(files(&place), before, "{case}");
    }
    assert!(service.stop().status.success());
}

#[tokio::test]
async fn a_directory_that_is_not_as_backup_made_it_is_refused() {
    let archive = an_archive().await;
    let place = scratch("restore");
    let (backup, data) = (place.join("backup"), place.join("data"));
    archives::unpack(&archive, &backup);
    // What somebody put there is left there.
    fs::write(backup.join("README"), "mine").unwrap();
    fs::create_dir(backup.join("compiled")).unwrap();
    let all = files(&backup);
    let ours = all.iter().filter(|(path, _)| {
        path.is_file() && !path.ends_with("README") && !path.ends_with("SHA256SUMS")
    });
    let mut damaged = 0;
    for (path, contents) in ours {
        let case = path.display().to_string();
        let mut changed = contents.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(path, changed).unwrap();
        refused(restore(&backup, &data), "is not as it was", &case);
        fs::write(path, &contents[..middle]).unwrap();
        refused(restore(&backup, &data), "is not as it was", &case);
        fs::remove_file(path).unwrap();
        refused(restore(&backup, &data), "No such file", &case);
        symlink("/dev/zero", path).unwrap();
        refused(restore(&backup, &data), "symbolic link", &case);
        fs::remove_file(path).unwrap();
        fs::write(path, contents).unwrap();
        damaged += 1;
    }
    assert!(damaged >= 4, "{damaged}");

    let list = backup.join("SHA256SUMS");
    let lines = fs::read(&list).unwrap();
    let outside = format!("{}  ../outside\n", "0".repeat(64));
    for (text, why) in [
        ("no list\n", "SHA256SUMS is damaged"),
        (&*outside, "../outside is not a file of a backup"),
        ("", "there are no tasks in it"),
    ] {
        fs::write(&list, text).unwrap();
        refused(restore(&backup, &data), why, text);
    }
    fs::remove_file(&list).unwrap();
    refused(
        restore(&backup, &data),
        "is no backup: SHA256SUMS",
        "no list",
    );
    fs::write(&list, lines).unwrap();

    let file = place.join("file.tar");
    fs::write(&file, &archive).unwrap();
    refused(restore(&file, &data), "from standard input, as -", "a file");
    let nothing = place.join("nothing");
    refused(restore(&nothing, &data), "cannot be read", "nothing");
    assert!(!data.exists() && !place.join("data.partial").exists());
    restored(restore(&backup, &data));
    assert!(!data.join("README").exists());
}

#[test]
fn engines_that_have_tools_of_their_own_are_left_to_them() {
    let (from, to) = (scratch("engines"), scratch("elsewhere").join("data"));
    for (case, mut command) in [
        ("restored", command(&from, &to)),
        ("backed up", backup::command(&from, &to)),
    ] {
        let done = command
            .args([
                "--tasks",
                "postgres://somebody:hidden@db.example.com/refine",
            ])
            .args(["--images", "s3://bucket/prefix"])
            .output()
            .unwrap();
        assert!(!String::from_utf8_lossy(&done.stderr).contains("hidden"));
        refused(done, "are backed up and restored by its tools", case);
        assert!(!to.exists(), "{case}");
    }
}

#[tokio::test]
async fn images_that_are_missing_or_damaged_are_told() {
    // What follows the end of an image makes it a large one, and is metadata.
    let launch = scripted_launch()
        .embedded()
        .set("original-metadata", "keep");
    let service = launch.start();
    let client = new_user(&service);
    let upload = client.upload("image/png", &pictures::padded(LARGE)).await;
    let upload = upload.json()["image_url"].as_str().unwrap().to_owned();
    let mut concepts = Vec::new();
    for _ in 0..3 {
        let task = client.completed(&upload, "echo it").await;
        concepts.push(task["result_id"].as_str().unwrap().to_owned());
    }
    let images = launch.data().join("images");
    let mut files = stored_images::files(&launch.data(), "refined").into_iter();
    fs::remove_file(images.join(files.next().unwrap())).unwrap();
    let cut = images.join(files.next().unwrap());
    fs::write(&cut, &fs::read(&cut).unwrap()[..LARGE]).unwrap();

    let is_told = |what: &str, said: &str| {
        let sentence = "2 images that concepts name are missing or damaged: those of ";
        let line = said.lines().find_map(|line| line.split_once(sentence));
        let (_, told) = line.unwrap_or_else(|| panic!("{what}: {said}"));
        let told = concepts.iter().filter(|id| told.contains(*id));
        assert_eq!(told.count(), 2, "{what}: {said}");
    };
    let place = scratch("missing");
    let [running, at_rest] = ["running", "at-rest"].map(|name| place.join(name));
    let said = |what: &str, done: Output| {
        assert!(done.status.success(), "{what}: {done:?}");
        is_told(what, &String::from_utf8(done.stderr).unwrap());
    };
    said("a service at work", back_up(&launch.data(), &running));
    is_told("its log", &service.stop().log);
    said("at rest", back_up(&launch.data(), &at_rest));
    said("restored", restore(&running, &place.join("restored")));
    fs::remove_dir_all(&images).unwrap();
    let done = back_up(&launch.data(), &place.join("none"));
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(
        said.contains("3 images that concepts name are missing"),
        "{said}"
    );
}
