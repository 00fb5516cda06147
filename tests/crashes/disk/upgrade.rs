//! An upgrade on a disk with little room: it is refused with a sentence, or done.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::disk::PAGE;
use concept_refinement_tests::reaper::scratch;
use rusqlite::Connection;

use crate::disk::shared::launch;

/// Room for an upgrade of what is stored here, in bytes.
const DISK: u64 = 24 << 20;

const OF_0_1: &str = include_str!("../../../host/embedded/src/tasks/schema/020.sql");

/// As 0.1.0 left it, with so many tasks and characters in their prompts. SQLite opens no file on
/// the small disk from outside.
fn fill(file: &Path, tasks: usize, characters: usize) {
    let place = scratch("upgrade").join("tasks.sqlite");
    let store = Connection::open(&place).unwrap();
    store.execute_batch(OF_0_1).unwrap();
    let rows = format!(
        "PRAGMA application_id = 0x43526566;
         PRAGMA user_version = 20;
         INSERT INTO task (id, user_id, is_anonymous, status, original_image_url,
             refinement_prompt, created_at, completed_at, steps)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tasks})
         SELECT printf('0190c0de-0000-7000-8000-%012x', i), 'ada', 0, 'failed', 'a',
             printf('%.{characters}c', 'x'), i, i, '' FROM n"
    );
    store.execute_batch(&rows).unwrap();
    drop(store);
    fs::copy(place, file).unwrap();
}

/// The `user_version` in the file's header (sqlite.org/fileformat2.html, 1.3).
fn version(file: &Path) -> u32 {
    let file = fs::read(file).unwrap();
    u32::from_be_bytes(file[60..64].try_into().unwrap())
}

#[test]
fn an_upgrade_looks_for_room_first() {
    let launch = launch().on_small_disk(DISK);
    let file = launch.data().join("tasks.sqlite");
    fill(&file, 2000, 1500);
    let taken = fs::metadata(&file).unwrap().len();
    assert!((DISK / 8..DISK / 4).contains(&taken), "{taken}");
    // Two times its size is too little.
    let free = launch.disk().available();
    launch.disk().fill_but((2 * taken).min(free) / 4096);
    let why = "there is no room for its upgrade: it needs";
    for ended in [launch.check(), launch.run()] {
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.log.contains(why), "{ended:?}");
        assert_eq!(version(&file), 20);
    }
    launch.disk().free();
    let checked = launch.check();
    assert!(checked.status.success(), "{checked:?}");
    assert!(
        checked.log.contains("the next start upgrades it"),
        "{checked:?}"
    );
    let service = launch.start();
    assert!(service.stop().status.success());
    assert!(version(&file) > 20);
}

fn run(command: &str, mut program: Command, data: &Path, backup: &Path) -> Output {
    program.args([command, "--data-dir"]).args([data, backup]);
    program.output().unwrap()
}

/// Beside its copy a backup needs what the upgrade of a start needs. Where anybody may mount a
/// disk, its folders belong to somebody else for a restore.
#[test]
fn a_restore_upgrades_in_the_room_of_a_start() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can restore to the small disk");
        return;
    }
    let place = scratch("restored");
    let [data, old, upgraded, new] = ["data", "old", "upgraded", "new"].map(|it| place.join(it));
    fs::create_dir(&data).unwrap();
    fill(&data.join("tasks.sqlite"), 3500, 900);
    let here = || Command::new(artifacts::binary());
    for (command, data, backup) in [
        ("backup", &data, &old),
        ("restore", &upgraded, &old),
        ("backup", &upgraded, &new),
    ] {
        let done = run(command, here(), data, backup);
        assert!(done.status.success(), "{command}: {done:?}");
    }
    let launch = launch().on_small_disk(DISK);
    let to = launch.disk().place().join("restored");
    let upgrade = "there is no room for its upgrade: it needs";
    let copy = "it cannot be restored to this disk: there is no room for a copy of tasks.sqlite";
    for (backup, tenths, refused) in [
        (&old, 25, Some(upgrade)),
        (&new, 15, Some(copy)),
        (&old, 42, None),
    ] {
        let taken = fs::metadata(backup.join("tasks.sqlite")).unwrap().len();
        assert!(taken * tenths / 10 < DISK, "{taken}");
        launch.disk().fill_but(taken * tenths / 10 / PAGE);
        let there = launch.disk().command(&place, artifacts::binary());
        let done = run("restore", there, &to, backup);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.success(), refused.is_none(), "{tenths}: {said}");
        assert!(
            said.contains(refused.unwrap_or_default()),
            "{tenths}: {said}"
        );
    }
}
