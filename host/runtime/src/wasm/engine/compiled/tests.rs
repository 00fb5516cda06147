#![expect(
    clippy::disallowed_methods,
    reason = "the times of files are the system's"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::Store;
use wasmtime::component::Linker;

use super::*;
use crate::wasm::engine::{Engine, Pool};

/// A component that runs a function as it is instantiated.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x1b\
    \0asm\x01\0\0\0\
    \x01\x04\x01\x60\0\0\
    \x03\x02\x01\0\
    \x08\x01\0\
    \x0a\x04\x01\x02\0\x0b\
    \x02\x04\x01\0\0\0";

/// The same, but what it runs traps.
const FOREIGN: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x1c\
    \0asm\x01\0\0\0\
    \x01\x04\x01\x60\0\0\
    \x03\x02\x01\0\
    \x08\x01\0\
    \x0a\x05\x01\x03\0\0\x0b\
    \x02\x04\x01\0\0\0";

const POOL: Pool = Pool {
    instances: 1,
    calls: 1,
    max_memory: 1 << 20,
};

/// A directory, and the one file in it that is for [`COMPONENT`].
struct Place {
    directory: tempfile::TempDir,
    entry: PathBuf,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        compile(directory.path()).await;
        let names = names(directory.path());
        let [name] = &names[..] else {
            panic!("{names:?}");
        };
        Self {
            entry: directory.path().join(name),
            directory,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn inode(&self) -> u64 {
        fs::symlink_metadata(&self.entry).unwrap().ino()
    }
}

/// As a start does, and runs what it got.
async fn compile(directory: &Path) {
    assert!(runs_ours(directory).await);
}

/// Whether what was run is [`COMPONENT`], not [`FOREIGN`].
async fn runs_ours(directory: &Path) -> bool {
    let engine = Engine::new(POOL, Some(directory), &[]).unwrap();
    let component = engine.component("it", COMPONENT).unwrap();
    let mut store = Store::new(engine.wasmtime(), ());
    store.set_epoch_deadline(1_000_000);
    let linker = Linker::new(engine.wasmtime());
    let run = linker.instantiate_async(&mut store, &component).await;
    run.is_ok()
}

/// The file of another component with the hash of [`COMPONENT`], as anyone can make it.
fn foreign() -> Vec<u8> {
    let engine = Engine::new(POOL, None, &[]).unwrap();
    let code = Component::new(engine.wasmtime(), FOREIGN).unwrap();
    let code = code.serialize().unwrap();
    let sum = Key::of(engine.wasmtime(), &sum()).sum(&code);
    [&sum[..], &code].concat()
}

/// Of [`COMPONENT`].
fn sum() -> [u8; 32] {
    Sha256::digest(COMPONENT).into()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn what_is_whole_is_used_again() {
    let place = Place::new().await;
    let before = place.inode();
    let long_ago = SystemTime::now() - files::MAX_AGE / 2;
    let file = fs::File::options().write(true).open(&place.entry).unwrap();
    file.set_modified(long_ago).unwrap();
    compile(place.path()).await;
    assert_eq!(place.inode(), before);
    let used = fs::metadata(&place.entry).unwrap().modified().unwrap();
    assert!(used > long_ago, "a use is noted");
    assert_eq!(fs::metadata(&place.entry).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn whatever_is_in_its_place_is_replaced() {
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 15] = [
        ("missing", |path| fs::remove_file(path).unwrap()),
        ("a byte of the hash, the first", |path| flip(path, 0)),
        ("a byte of the hash, the last", |path| flip(path, 31)),
        ("a byte of the code, the first", |path| flip(path, 32)),
        ("a byte in the middle", |path| {
            flip(path, fs::read(path).unwrap().len() / 2);
        }),
        ("the last byte", |path| {
            flip(path, fs::read(path).unwrap().len() - 1);
        }),
        ("cut short", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("half a hash", |path| fs::write(path, [0; 16]).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("longer", |path| {
            fs::write(path, [fs::read(path).unwrap(), vec![0]].concat()).unwrap();
        }),
        ("too large to be read", |path| {
            let file = fs::File::create(path).unwrap();
            file.set_len(1 << 40).unwrap();
        }),
        ("a directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir_all(path.join("with").join("more")).unwrap();
        }),
        ("a link", |path| {
            let elsewhere = path.with_extension("elsewhere");
            fs::rename(path, &elsewhere).unwrap();
            std::os::unix::fs::symlink(elsewhere, path).unwrap();
        }),
        ("open to others", |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }),
        ("code for an engine of other settings", |path| {
            let ours = Engine::new(POOL, None, &[]).unwrap();
            let other = wasmtime::Engine::default();
            assert_ne!(
                Key::of(&other, &sum()).name(),
                Key::of(ours.wasmtime(), &sum()).name()
            );
            let code = Component::new(&other, COMPONENT).unwrap();
            let code = code.serialize().unwrap();
            let sum = Key::of(ours.wasmtime(), &sum()).sum(&code);
            fs::write(path, [&sum[..], &code].concat()).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let place = Place::new().await;
        let whole = fs::read(&place.entry).unwrap();
        damage(&place.entry);
        compile(place.path()).await;
        let kept = fs::symlink_metadata(&place.entry).unwrap();
        assert!(kept.is_file(), "{name}");
        assert_eq!(kept.mode() & 0o777, 0o600, "{name}");
        assert!(fs::read(&place.entry).unwrap() == whole, "{name}");
        let before = place.inode();
        compile(place.path()).await;
        assert_eq!(place.inode(), before, "{name}: it is used again");
    }
}

#[tokio::test]
async fn what_others_may_have_written_is_not_run() {
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
    type Case<'a> = (&'a str, bool, &'a dyn Fn(&Place));
    let cases: &[Case<'_>] = &[
        // It could not be told from ours.
        ("written by this user", false, &|_| {}),
        ("a directory of all", true, &|it| mode(it.path(), 0o777)),
        ("of a group", true, &|it| mode(it.path(), 0o770)),
        ("of all, but their files are theirs", true, &|it| {
            mode(it.path(), 0o1777);
        }),
        ("a file of all", true, &|it| mode(&it.entry, 0o666)),
        ("another user's file", true, &|it| give(&it.entry)),
        ("another user's directory", true, &|it| give(it.path())),
    ];
    let is_root = rustix::process::geteuid().is_root();
    for (name, expected, open_to_others) in cases {
        if name.starts_with("another user's") && !is_root {
            continue;
        }
        let place = Place::new().await;
        fs::write(&place.entry, foreign()).unwrap();
        open_to_others(&place);
        assert_eq!(runs_ours(place.path()).await, *expected, "{name}");
    }
}

/// Whoever may rename in a directory above can exchange what a name stands for at any
/// time.
#[tokio::test]
async fn what_is_judged_is_what_is_read() {
    const TIMES: usize = 2_000;
    let place = Place::new().await;
    let name = place.entry.file_name().unwrap().to_str().unwrap();
    let [ours, theirs, link] = ["ours", "theirs", "link"].map(|name| place.path().join(name));
    fs::rename(&place.entry, &ours).unwrap();
    fs::write(&theirs, "theirs").unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o666)).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                fs::hard_link(&ours, &link).unwrap();
                fs::rename(&link, &place.entry).unwrap();
                std::os::unix::fs::symlink(&theirs, &link).unwrap();
                fs::rename(&link, &place.entry).unwrap();
            }
        });
        let read = (0..TIMES).filter_map(|_| files::read(place.path(), name).ok().flatten());
        let of_theirs = read.filter(|bytes| bytes == b"theirs").count();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(of_theirs, 0);
    });
}

#[tokio::test]
async fn code_of_one_component_is_none_of_another() {
    let place = Place::new().await;
    let engine = Engine::new(POOL, Some(place.path()), &[]).unwrap();
    // The same with a section that means nothing.
    let other = [COMPONENT, b"\0\x02\x01x"].concat();
    engine.component("it", &other).unwrap();
    let [one, two] = &names(place.path())[..] else {
        panic!("one file for each");
    };
    let [one, two] = [one, two].map(|name| place.path().join(name));
    let whole = [fs::read(&one).unwrap(), fs::read(&two).unwrap()];
    fs::copy(&one, &two).unwrap();
    engine.component("it", &other).unwrap();
    engine.component("it", COMPONENT).unwrap();
    assert!([fs::read(&one).unwrap(), fs::read(&two).unwrap()] == whole);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_gone_without() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for directory in [
        file.clone(),
        file.join("below"),
        "/proc/self/compiled".into(),
    ] {
        compile(&directory).await;
        compile(&directory).await;
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
    assert_eq!(names(place.path()), ["file"]);
}

#[tokio::test]
async fn a_start_tidies_up() {
    let place = Place::new().await;
    let name = place.entry.file_name().unwrap().to_str().unwrap();
    let now = SystemTime::now();
    let write = |name: &str, unused| {
        let path = place.path().join(name);
        fs::write(&path, "code").unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(now - unused).unwrap();
    };
    let other = |number: u32| format!("{number:064x}");
    let minute = std::time::Duration::from_mins(1);
    write("0b5c.draft", minute);
    write("notes", files::MAX_AGE * 2);
    write(&other(0), files::MAX_AGE + minute);
    // With the whole one, one too many.
    let others: Vec<_> = (1..=files::MAX_FILES as u32).map(other).collect();
    for (number, name) in (1..).zip(&others) {
        write(name, minute * number);
    }
    let held = files::writing(place.path()).unwrap();
    compile(place.path()).await;
    assert!(
        names(place.path()).contains(&"0b5c.draft".to_owned()),
        "somebody writes it"
    );
    drop(held);
    compile(place.path()).await;
    let mut expected = vec!["notes", name];
    expected.extend(others[..files::MAX_FILES - 1].iter().map(String::as_str));
    expected.sort_unstable();
    assert_eq!(names(place.path()), expected);
}

#[test]
fn many_may_share_a_directory() {
    let place = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let engine = Engine::new(POOL, Some(place.path()), &[]).unwrap();
                    engine.component("it", COMPONENT).unwrap();
                    for name in names(place.path()) {
                        let _ = fs::remove_file(place.path().join(name));
                    }
                }
            });
        }
    });
}
