use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;
use crate::tests::run;

const KEY: &str = "user/0f";

fn read(store: &Filesystem) -> (Option<Vec<u8>>, Held) {
    run(store.read(KEY)).unwrap()
}

fn value(store: &Filesystem) -> Option<String> {
    let (value, _) = read(store);
    value.map(|value| String::from_utf8(value).unwrap())
}

/// Reads and swaps until it wins. False: the writer is in doubt.
fn try_increment(store: &Filesystem) -> bool {
    loop {
        let (value, held) = read(store);
        let count: u64 = value.map_or(0, |value| {
            String::from_utf8(value).unwrap().parse().unwrap()
        });
        let next = (count + 1).to_string().into_bytes();
        match run(store.swap(held, next)) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(Fault::Unavailable(_)) => return false,
            Err(fault) => panic!("{fault}"),
        }
    }
}

fn increment(store: &Filesystem) {
    assert!(try_increment(store), "the writer cannot know");
}

fn age(path: &Path, by: Duration) {
    let then = SystemTime::now() - by;
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(then)
        .unwrap();
}

fn age_all(directory: &Path) {
    for version in versions(directory).unwrap() {
        age(
            &directory.join(file_name(version)),
            MIN_AGE + Duration::from_secs(1),
        );
    }
}

fn directory(root: &TempDir) -> PathBuf {
    Filesystem::at(root.path()).record(KEY).unwrap()
}

fn drafts(root: &TempDir) -> usize {
    fs::read_dir(root.path().join("drafts")).unwrap().count()
}

#[test]
fn a_record_is_what_was_swapped_in() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path().join("made/when/needed"));
    let (none, held) = read(&store);
    assert_eq!(none, None);
    assert_eq!(run(store.swap(held, b"one".into())), Ok(true));
    assert_eq!(value(&store).as_deref(), Some("one"));
    let (_, held) = read(&store);
    assert_eq!(run(store.swap(held, Vec::new())), Ok(true));
    assert_eq!(value(&store).as_deref(), Some(""));
    assert_eq!(run(store.peek("another")), Ok(None));
}

#[test]
fn of_two_who_read_the_same_one_wins() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path());
    for (name, before) in [("create", None), ("change", Some("first"))] {
        assert_eq!(value(&store).as_deref(), before, "{name}");
        let (_, held) = read(&store);
        let (_, slower) = read(&store);
        assert_eq!(run(store.swap(held, b"first".into())), Ok(true), "{name}");
        assert_eq!(
            run(store.swap(slower, b"second".into())),
            Ok(false),
            "{name}"
        );
        assert_eq!(value(&store).as_deref(), Some("first"), "{name}");
    }
    assert_eq!(drafts(&root), 0, "a draft was left behind");
}

#[test]
fn of_all_creators_one_wins() {
    let root = TempDir::new().unwrap();
    let all = Barrier::new(16);
    let won = thread::scope(|scope| {
        let creators: Vec<_> = (0..16)
            .map(|number: u32| {
                let (root, all) = (root.path(), &all);
                scope.spawn(move || {
                    let store = Filesystem::at(root);
                    let (none, held) = read(&store);
                    assert_eq!(none, None);
                    all.wait();
                    let value = number.to_string().into_bytes();
                    run(store.swap(held, value)).unwrap().then_some(number)
                })
            })
            .collect();
        let won = creators.into_iter().filter_map(|one| one.join().unwrap());
        won.collect::<Vec<_>>()
    });
    let store = Filesystem::at(root.path());
    let [winner] = *won.as_slice() else {
        panic!("{won:?} won");
    };
    assert_eq!(value(&store), Some(winner.to_string()));
}

const THREADS: u64 = 16;
const EACH: u64 = 12;

/// How many increments won, and how many were left in doubt, while `meanwhile`
/// runs repeatedly.
fn incremented_by_many(root: &TempDir, meanwhile: impl Fn()) -> (u64, u64) {
    thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|_| {
                let root = root.path();
                scope.spawn(move || {
                    let store = Filesystem::at(root);
                    (0..EACH).filter(|_| try_increment(&store)).count() as u64
                })
            })
            .collect();
        // Readers never see an older value, or none.
        let mut last = 0;
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            meanwhile();
            let now = value(&Filesystem::at(root.path())).map_or(0, |value| value.parse().unwrap());
            assert!(now >= last, "{last} became {now}");
            last = now;
        }
        let won = writers.into_iter().map(|writer| writer.join().unwrap());
        let won = won.sum();
        (won, THREADS * EACH - won)
    })
}

#[test]
fn nothing_is_lost_between_many_threads() {
    let root = TempDir::new().unwrap();
    let (won, unknown) = incremented_by_many(&root, || {});
    assert_eq!((won, unknown), (THREADS * EACH, 0));
    assert_eq!(value(&Filesystem::at(root.path())), Some(won.to_string()));
    assert_eq!(drafts(&root), 0, "a draft was left behind");
}

/// All versions count as old, so that names become free again all the time.
#[test]
fn nothing_is_won_twice_however_fast_old_versions_go() {
    let root = TempDir::new().unwrap();
    let directory = directory(&root);
    let (won, unknown) = incremented_by_many(&root, || {
        for version in versions(&directory).unwrap() {
            let path = directory.join(file_name(version));
            if let Ok(file) = File::options().write(true).open(path) {
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }
        }
    });
    let store = Filesystem::at(root.path());
    let count: u64 = value(&store).unwrap().parse().unwrap();
    let possible = won..=won + unknown;
    assert!(possible.contains(&count), "{count} of {possible:?}");
    assert!(
        versions(&directory).unwrap().len() < (THREADS * EACH) as usize / 2,
        "the test removed hardly any"
    );
}

#[test]
fn old_versions_are_removed_and_young_ones_stay() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path());
    let directory = directory(&root);
    (0..40).for_each(|_| increment(&store));
    assert_eq!(versions(&directory).unwrap().len(), 40);

    age_all(&directory);
    increment(&store);
    let expected: Vec<u64> = (41 - MIN_VERSIONS as u64..=41).collect();
    assert_eq!(versions(&directory).unwrap(), expected);

    // A recent version also keeps all later ones.
    age_all(&directory);
    let oldest = *expected.first().unwrap();
    age(&directory.join(file_name(oldest + 1)), Duration::ZERO);
    (0..3).for_each(|_| increment(&store));
    let expected: Vec<u64> = (oldest + 1..=44).collect();
    assert_eq!(versions(&directory).unwrap(), expected);
    assert_eq!(value(&store).as_deref(), Some("44"));
}

#[test]
fn who_took_too_long_has_lost() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path());
    increment(&store);
    let (_, mut held) = read(&store);
    held.since -= SWAP_TIMEOUT + Duration::from_secs(1);
    assert_eq!(run(store.swap(held, b"late".into())), Ok(false));
    assert_eq!(value(&store).as_deref(), Some("1"));
}

/// The version that it read was removed meanwhile, and so was the name that it
/// links.
#[test]
fn who_was_held_never_thinks_that_it_won() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path());
    let directory = directory(&root);
    let (_, creator) = read(&store);
    increment(&store);
    let (_, writer) = read(&store);
    (0..39).for_each(|_| increment(&store));
    age_all(&directory);
    increment(&store);
    let kept = versions(&directory).unwrap();
    assert_eq!(kept.len(), MIN_VERSIONS + 1);

    for held in [writer, creator] {
        let swapped = run(store.swap(held, b"held".into()));
        assert!(matches!(swapped, Err(Fault::Unavailable(_))), "{swapped:?}");
        assert_eq!(value(&store).as_deref(), Some("41"));
    }
    age_all(&directory);
    increment(&store);
    let left: BTreeSet<_> = versions(&directory).unwrap().into_iter().collect();
    assert_eq!(left, (42 - MIN_VERSIONS as u64..=42).collect());
}

#[test]
fn what_a_crash_leaves_is_no_version_and_does_not_stay() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path());
    increment(&store);
    let left = root.path().join("drafts").join("left-behind");
    let fresh = root.path().join("drafts").join("under-way");
    for draft in [&left, &fresh] {
        fs::write(draft, b"half a rec").unwrap();
    }
    // Such names are never written, but a listing may contain anything.
    for name in ["1", "draft", &"9".repeat(21), &format!("{:>20}", "+7")] {
        fs::write(directory(&root).join(name), b"no version").unwrap();
    }
    assert_eq!(value(&store).as_deref(), Some("1"));

    age(&left, Duration::from_secs(2 * 60 * 60));
    let mut writes = 0;
    while left.exists() {
        increment(&store);
        writes += 1;
        assert!(writes < 5_000, "it stays for ever");
    }
    assert!(fresh.exists(), "somebody was still writing it");
    assert_eq!(value(&store), Some((writes + 1).to_string()));
}

#[test]
fn what_cannot_be_used_is_a_fault() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    let store = Filesystem::at(&file);
    assert!(matches!(
        run(store.read(KEY)).map(|_| ()),
        Err(Fault::Unavailable(_))
    ));
    let held = Held {
        directory: root.path().join("elsewhere"),
        version: 0,
        since: Instant::now(),
    };
    assert!(matches!(
        run(store.swap(held, Vec::new())),
        Err(Fault::Unavailable(_))
    ));
    assert!(matches!(
        run(store.read("../a")).map(|_| ()),
        Err(Fault::Invalid(_))
    ));
}
