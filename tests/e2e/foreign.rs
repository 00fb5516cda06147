//! What root runs in folders of another user: that user renames what is there, and puts
//! links in its place, at the worst moment. Root then harms nobody, and reads nothing for
//! that user which is not that user's.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;

use crate::backup::{back_up, ended, streaming};
use crate::restore::{an_archive, restore_archive, restored};
use crate::shared::{new_user, refused, scripted_launch};

/// The user who is not to be trusted.
const NOBODY: u32 = 65534;

const MINE: &str = "for root alone";

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("only root has something to lose here");
    }
    is_root
}

/// A folder of root's, with a file in each place where a command might look for its own.
fn victim(place: &Path) -> PathBuf {
    let victim = place.join("victim");
    for folder in ["contents", "images"] {
        fs::create_dir_all(victim.join(folder)).unwrap();
        fs::write(victim.join(folder).join("file"), MINE).unwrap();
    }
    // A cache removes drafts that are left.
    for name in ["UNFINISHED", "secret", "file", "left.draft"] {
        fs::write(victim.join(name), MINE).unwrap();
        fs::set_permissions(victim.join(name), Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(&victim, Permissions::from_mode(0o700)).unwrap();
    victim
}

/// Everything that could have been changed of it.
fn state(path: &Path) -> Vec<String> {
    let found = path.symlink_metadata().unwrap();
    let text = match found.is_file() {
        true => String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
        false => String::new(),
    };
    let (mode, owner) = (found.mode(), found.uid());
    let mut all = vec![format!("{} {mode:o} {owner} {text}", path.display())];
    if found.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        entries.sort();
        all.extend(entries.iter().flat_map(|entry| state(entry)));
    }
    all
}

/// A folder as that user has it, or as everybody has it (`/tmp`).
fn folder(place: &Path, is_sticky: bool) -> PathBuf {
    let folder = place.join(if is_sticky { "sticky" } else { "theirs" });
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
    match is_sticky {
        true => fs::set_permissions(&folder, Permissions::from_mode(0o1777)).unwrap(),
        false => chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap(),
    }
    folder
}

/// A folder in which that user swaps names while a command runs, beside one of root's.
struct Scene {
    place: PathBuf,
    victim: PathBuf,
    folder: PathBuf,
    is_sticky: bool,
    /// What the victim was like.
    before: Vec<String>,
}

impl Scene {
    /// In that user's folder, then in everybody's. None where there is no root.
    fn each() -> impl Iterator<Item = Self> {
        let kinds = [false, true].into_iter().filter(|_| is_root());
        kinds.map(|is_sticky| {
            let place = scratch("foreign");
            let (victim, folder) = (victim(&place), folder(&place, is_sticky));
            let before = state(&victim);
            Self {
                place,
                victim,
                folder,
                is_sticky,
                before,
            }
        })
    }

    /// Starts a command of root's.
    fn start(&self, arguments: &[&str], paths: &[&Path]) -> Child {
        Command::new(artifacts::binary())
            .args(arguments)
            .args(paths)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Does it as that user, with the folder and the victim, once a draft is there or the
    /// command has ended.
    async fn swap(&self, script: &str, child: &mut Child, draft: &str) {
        let draft = self.folder.join(draft);
        eventually("a draft, or the end", SOON, async || {
            (draft.exists() || child.try_wait().unwrap().is_some()).then_some(())
        })
        .await;
        self.as_nobody(script);
    }

    fn as_nobody(&self, script: &str) {
        as_nobody(script, &self.folder, &self.victim);
    }

    fn assert_unharmed(&self, case: impl std::fmt::Debug) {
        let sticky = self.is_sticky;
        assert_eq!(
            state(&self.victim),
            self.before,
            "sticky: {sticky}, {case:?}"
        );
    }
}

/// Does it as that user, as far as that user may.
fn as_nobody(script: &str, folder: &Path, victim: &Path) {
    let done = Command::new("sh")
        .args(["-c", script, "sh"])
        .args([folder, victim])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .stderr(Stdio::null())
        .status();
    done.unwrap();
}

#[tokio::test]
async fn a_draft_that_is_replaced_by_a_link_leads_no_backup_away() {
    for scene in Scene::each() {
        // What is asked for a backup is this test, and ends once the names are others.
        let data = scene.place.join("data");
        fs::create_dir(&data).unwrap();
        let service = UnixListener::bind(data.join("control")).unwrap();
        let to = scene.folder.join("b");
        let mut backup = scene.start(&["backup", "--data-dir"], &[&data, &to]);
        let swap = r#"mv "$1/b.partial" "$1/aside"; ln -s "$2" "$1/b.partial""#;
        scene.swap(swap, &mut backup, "b.partial").await;
        drop(service);
        fs::remove_file(data.join("control")).unwrap();
        let ended = backup.wait_with_output().unwrap();
        assert!(!ended.status.success(), "{ended:?}");
        scene.assert_unharmed(&ended);
        if !scene.is_sticky {
            let said = String::from_utf8(ended.stderr).unwrap();
            assert!(said.contains("belongs to another user (65534)"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_draft_that_is_replaced_by_a_folder_with_a_link_leads_no_restore_away() {
    if !is_root() {
        return;
    }
    let archive = an_archive().await;
    for scene in Scene::each() {
        let is_sticky = scene.is_sticky;
        let data = scene.folder.join("d");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
        if !is_sticky {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut restore = scene.start(&["restore", "-", "--data-dir"], &[&data]);
        let swap = r#"mv "$1/d.partial" "$1/aside"; mkdir "$1/d.partial"; touch "$1/d.partial/UNFINISHED"; ln -s "$2" "$1/d.partial/contents""#;
        scene.swap(swap, &mut restore, "d.partial/contents").await;
        // It may have refused it all.
        let _ = restore.stdin.take().unwrap().write_all(&archive);
        let ended = restore.wait_with_output().unwrap();
        scene.assert_unharmed(&ended);
        // Where nobody else can rename what root makes, it works.
        assert_eq!(ended.status.success(), is_sticky, "{ended:?}");
        assert_eq!(data.join("secret").exists(), is_sticky);
    }
}

#[tokio::test]
async fn a_link_on_the_way_is_followed_only_if_root_made_it() {
    if !is_root() {
        return;
    }
    let archive = an_archive().await;
    let place = scratch("foreign");
    let (victim, sticky) = (victim(&place), folder(&place, true));
    let theirs = folder(&place, false);
    let before = state(&victim);
    for folder in [&sticky, &theirs] {
        as_nobody(r#"ln -s "$2" "$1/link""#, folder, &victim);
        for data in [folder.join("link/data"), folder.join("link")] {
            let done = restore_archive(&archive, &data);
            assert!(!done.status.success(), "{data:?}: {done:?}");
            assert_eq!(state(&victim), before, "{data:?}");
        }
    }
    let private = place.join("private");
    fs::create_dir(&private).unwrap();
    symlink("private", place.join("link")).unwrap();
    restored(restore_archive(&archive, &place.join("link/data")));
    assert!(private.join("data/secret").exists());
    // That user's own link, in a folder where only root writes.
    lchown(place.join("link"), Some(NOBODY), Some(NOBODY)).unwrap();
    let done = restore_archive(&archive, &place.join("link/other"));
    refused(done, "another user could replace", "a link of theirs");
}

/// A data directory of that user, whose service is not there.
async fn at_rest(place: &Path) -> PathBuf {
    fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
    let data = place.join("data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
    restored(restore_archive(&an_archive().await, &data));
    data
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|found| found == part.as_bytes())
}

#[tokio::test]
async fn no_link_in_a_data_directory_at_rest_brings_a_file_of_root_into_a_backup() {
    if !is_root() {
        return;
    }
    let place = scratch("foreign");
    let victim = victim(&place);
    let before = state(&victim);
    let data = at_rest(&place).await;
    let (status, whole, said) = ended(streaming(&data));
    assert_eq!(status, Some(0), "{said}");
    assert!(contains(&whole, "ustar"));
    // Each file and folder, by a link to one of root's.
    let image = r#"f=$(find "$1/images/uploads" -type f | head -1)"#;
    for (case, link, is_refused) in [
        ("an image", format!(r#"{image}; ln -sf "$2/secret" "$f""#), false),
        ("an owner", format!(r#"{image}; d=$(dirname "$f"); mv "$d" "$1/aside"; ln -s "$2/images" "$d""#), false),
        ("uploads", r#"mv "$1/images/uploads" "$1/a1"; ln -s "$2" "$1/images/uploads""#.into(), true),
        ("images", r#"mv "$1/images" "$1/a2"; ln -s "$2" "$1/images""#.into(), true),
        ("the secret", r#"rm -r "$1/images"; mv "$1/a2" "$1/images"; rm "$1/images/uploads"; mv "$1/a1" "$1/images/uploads"; mv "$1/secret" "$1/a3"; ln -s "$2/secret" "$1/secret""#.into(), true),
        ("the tasks", r#"rm "$1/secret"; mv "$1/a3" "$1/secret"; mv "$1/tasks.sqlite" "$1/a4"; ln -s "$2/file" "$1/tasks.sqlite""#.into(), true),
        ("a lock", r#"rm "$1/tasks.sqlite"; mv "$1/a4" "$1/tasks.sqlite"; rm -f "$1/tasks.lock"; ln -s "$2/new" "$1/tasks.lock""#.into(), true),
    ] {
        as_nobody(&link, &data, &victim);
        let (status, archive, said) = ended(streaming(&data));
        assert_eq!(status == Some(0), !is_refused, "{case}: {said}");
        assert!(!contains(&archive, MINE), "{case}");
        assert_eq!(state(&victim), before, "{case}");
    }
}

#[tokio::test]
async fn root_asks_no_other_socket_and_serves_no_directory_of_another_user() {
    if !is_root() {
        return;
    }
    let place = scratch("foreign");
    let data = at_rest(&place).await;
    let elsewhere = place.join("socket");
    let socket = UnixListener::bind(&elsewhere).unwrap();
    socket.set_nonblocking(true).unwrap();
    as_nobody(r#"ln -s "$2" "$1/control""#, &data, &elsewhere);
    let done = back_up(&data, &place.join("backup"));
    refused(done, "it is no socket", "a link");
    assert!(socket.accept().is_err(), "it was asked");

    let served = run(&["serve", "--listen", "127.0.0.1:0"], &data);
    let said = String::from_utf8(served.stderr).unwrap();
    assert!(said.contains("belongs to another user (65534)"), "{said}");
    assert_eq!(fs::metadata(data.join("tasks.lock")).unwrap().uid(), NOBODY);
}

fn run(arguments: &[&str], data: &Path) -> Output {
    Command::new(artifacts::binary())
        .args(arguments)
        .arg("--components")
        .arg(artifacts::components())
        .arg("--data-dir")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn refine(out: &str, folder: &Path, cache: &Path) -> Command {
    let mut refine = Command::new(artifacts::binary());
    refine
        .args(["refine", "-", "echo it", "-o", out, "--components"])
        .arg(artifacts::components())
        .arg("--model")
        .arg(artifacts::scripted_model())
        .env("XDG_CACHE_HOME", cache)
        .current_dir(folder)
        .stderr(Stdio::piped());
    refine
}

/// Refines an image. When it has begun to read it, and so has looked at where to write,
/// that user does something.
fn refined(out: &str, script: &str, scene: &Scene) -> Output {
    let mut refine = refine(out, &scene.folder, &artifacts::user_cache())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds. It may have refused it all.
    let image = pictures::padded(100_000);
    let mut stdin = refine.stdin.take().unwrap();
    let _ = stdin.write_all(&image[..90_000]);
    scene.as_nobody(script);
    let _ = stdin.write_all(&image[90_000..]);
    drop(stdin);
    refine.wait_with_output().unwrap()
}

#[test]
fn no_link_of_another_user_leads_an_image_away() {
    for scene in Scene::each() {
        for (out, prepared, swapped) in [
            ("file.png", r#"ln -s "$2/file" "$1/file.png""#, ""),
            ("folder", r#"ln -s "$2" "$1/folder""#, ""),
            ("folder/new/", "", ""),
            (
                "pipe",
                r#"mkfifo "$1/pipe""#,
                r#"mv "$1/pipe" "$1/p"; ln -s "$2/file" "$1/pipe""#,
            ),
            (
                "a/out.png",
                r#"mkdir "$1/a""#,
                r#"mv "$1/a" "$1/a1"; ln -s "$2" "$1/a""#,
            ),
            (
                "b/c/",
                r#"mkdir "$1/b""#,
                r#"mv "$1/b" "$1/b1"; ln -s "$2" "$1/b""#,
            ),
        ] {
            scene.as_nobody(prepared);
            let ended = refined(out, swapped, &scene);
            scene.assert_unharmed((out, &ended));
            assert!(!ended.status.success(), "{out}, {ended:?}");
            let said = String::from_utf8(ended.stderr).unwrap();
            assert!(said.contains("another user"), "{out}: {said}");
        }
        // What has the name is replaced, also if it has become a link.
        for (out, swapped, mode) in [
            ("c.png", "", 0o640),
            ("d.png", r#"ln -sf "$2/file" "$1/d.png""#, 0o644),
        ] {
            let prepared = format!(r#"touch "$1/{out}"; chmod 640 "$1/{out}""#);
            scene.as_nobody(&prepared);
            let ended = refined(out, swapped, &scene);
            assert!(ended.status.success(), "{out}, {ended:?}");
            let made = scene.folder.join(out).symlink_metadata().unwrap();
            assert!(made.is_file() && made.uid() == 0, "{made:?}");
            assert_eq!(made.mode() & 0o777, mode, "{out}, {made:?}");
        }
        scene.assert_unharmed("what was replaced");
    }
}

#[test]
fn a_draft_of_a_new_model_that_is_replaced_leads_nowhere() {
    let Some(scene) = Scene::each().next() else {
        return;
    };
    let (swapped, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Quicker than a process of that user would be.
    let swap = || {
        while !is_over.load(Ordering::Relaxed) {
            for entry in fs::read_dir(&scene.folder).unwrap().flatten() {
                let is_draft = entry
                    .file_name()
                    .as_encoded_bytes()
                    .starts_with(b".concept");
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let aside = scene
                    .folder
                    .join(format!("aside-{}", swapped.load(Ordering::Relaxed)));
                if is_draft && is_folder && fs::rename(entry.path(), aside).is_ok() {
                    // It may have made another one at once.
                    let _ = symlink(&scene.victim, entry.path());
                    swapped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(swap);
        let mut names = (0..1_000).map(|number| format!("model-{number}"));
        while swapped.load(Ordering::Relaxed) < 20 {
            let name = names.next().expect("no draft is replaced in time");
            let mut new = Command::new(artifacts::binary());
            new.args(["model", "new", &name, "--language", "rust"]);
            // It may be made, or not.
            new.current_dir(&scene.folder).output().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    scene.assert_unharmed("new models");
}

#[test]
fn compiled_code_is_not_kept_where_another_user_could_replace_it() {
    for scene in Scene::each() {
        let Scene { place, folder, .. } = &scene;
        let image = place.join("image.png");
        fs::write(&image, pictures::png(8, 8).bytes).unwrap();
        let kept = |cache: &Path| {
            let mut refine = refine("out.png", place, cache);
            let ended = refine.stdin(File::open(&image).unwrap()).output().unwrap();
            assert!(ended.status.success(), "{ended:?}");
        };
        scene.as_nobody(r#"ln -s "$2" "$1/concept-refinement""#);
        kept(folder);
        scene.assert_unharmed("a cache");
        // In a folder that is to be made, root's own is safe only in a sticky one.
        kept(&folder.join("new"));
        let is_kept = folder.join("new/concept-refinement").exists();
        assert_eq!(is_kept, scene.is_sticky);
    }
}

/// What a backup has of a person who was erased before: nothing, in no free page either.
#[tokio::test]
async fn a_backup_after_an_erasure_has_nothing_of_the_person() {
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let others = new_user(&service);
    let upload = others.uploaded(&pictures::png(32, 32)).await;
    let client = new_user(&service);
    let picture = pictures::png(61, 47);
    let upload_of_client = client.uploaded(&picture).await;
    let more = serde_json::json!({
        "logo_description": "PROMPT-OF-THE-PERSON",
        "webhook_url": "https://receiver.example/HOOK-OF-THE-PERSON",
    });
    let task = client.edited(&upload_of_client, "echo it", &more).await;
    assert_eq!(task["status"], "completed", "{task}");
    others.refined(&upload, "echo it").await;
    let middle = picture.bytes.len() / 2;
    let image = &picture.bytes[middle..middle + 48];
    let has = |archive: &[u8]| {
        let has_image = archive.windows(image.len()).any(|found| found == image);
        [
            contains(archive, "PROMPT-OF-THE-PERSON"),
            contains(archive, "HOOK-OF-THE-PERSON"),
            has_image,
        ]
    };
    let (_, archive, _) = ended(streaming(&launch.data()));
    assert_eq!(has(&archive), [true; 3]);
    assert_eq!(client.delete("/api/me").await.status, 204);
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(has(&archive), [false; 3], "while it runs");
    drop(service.kill());
    let (status, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(has(&archive), [false; 3], "at rest");
    restored(restore_archive(&archive, &scratch("erased").join("data")));
}

/// A service that hangs, or whatever has its name.
#[tokio::test]
async fn a_socket_that_says_nothing_is_not_waited_for_without_end() {
    let place = scratch("silent");
    let data = place.join("data");
    fs::create_dir(&data).unwrap();
    let silent = UnixListener::bind(data.join("control")).unwrap();
    let to = place.join("backup");
    let asked = tokio::task::spawn_blocking(move || back_up(&data, &to));
    let (mut stream, _) = silent.accept().unwrap();
    let mut request = Vec::new();
    stream.read_to_end(&mut request).unwrap();
    assert_eq!(request, b"backup");
    refused(asked.await.unwrap(), "does not answer", "silence");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
}
