//! What stands in the way of a start is named, in one sentence; and while it
//! does, a signal is heard.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;

use crate::disk::shared::launch;
use crate::disk::starting::assert_refused;

type Obstacle = fn(&Path);

const OBSTACLES: [(&str, Obstacle, &str); 7] = [
    ("tasks.sqlite", directory, "Is a directory (os error 21)"),
    ("tasks.lock", directory, "Is a directory (os error 21)"),
    ("images", file, "File exists (os error 17)"),
    (
        "images/images.lock",
        directory,
        "Is a directory (os error 21)",
    ),
    ("images/refined", file, "File exists (os error 17)"),
    ("images/drafts", file, "File exists (os error 17)"),
    ("images/drafts/7", directory, "Is a directory (os error 21)"),
];

fn directory(path: &Path) {
    fs::create_dir_all(path).unwrap();
}

fn file(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

#[test]
fn an_obstacle_is_named_in_one_sentence() {
    for (name, put, why) in OBSTACLES {
        let launch = launch();
        let path = launch.data().join(name);
        put(&path);
        let ended = launch.run();
        assert_refused(&ended, why);
        let expected = format!("concept-refinement: ./data/{name} cannot be used: {why}");
        assert_eq!(ended.log.lines().last(), Some(expected.as_str()), "{name}");
        assert!(path.exists(), "{name}");
    }
    let launch = launch();
    file(&launch.data().join("tasks.sqlite"));
    fs::write(
        launch.data().join("tasks.sqlite"),
        "no database".repeat(1000),
    )
    .unwrap();
    assert_refused(
        &launch.run(),
        "nothing in it was changed or deleted: restore a backup",
    );
}

/// Another program holds the file, and the store waits for it.
#[test]
fn a_stop_while_it_opens_ends_it_at_once() {
    let launch = launch();
    let held = Connection::open(launch.data().join("tasks.sqlite")).unwrap();
    held.execute_batch("CREATE TABLE held (id INTEGER); BEGIN EXCLUSIVE")
        .unwrap();
    let lock = launch.data().join("tasks.lock");
    let begin = Instant::now();
    let ended = launch.run_until_signalled(Signal::TERM, || lock.exists());
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    assert!(!ended.log.contains("ready at"), "{}", ended.log);
}
