//! Starts and checks where a part of the data is lost, or is another program's.

use std::fs;

use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;
use rusqlite::Connection;

use crate::backup::back_up;
use crate::shared::{new_user, refused, scripted_launch};

#[test]
fn lost_tasks_are_missed_beside_the_images() {
    const SAID: &str = "has a store of images but none of tasks";
    let launch = scripted_launch();
    let first = launch.start().stop();
    assert!(!first.log.contains(SAID), "{}", first.log);
    for is_emptied in [false, true] {
        for end in ["", "-wal", "-shm"] {
            // SQLite removes the others when it closes them.
            let _ = fs::remove_file(launch.data().join(format!("tasks.sqlite{end}")));
        }
        if is_emptied {
            fs::write(launch.data().join("tasks.sqlite"), "").unwrap();
        }
        let nothing = back_up(&launch.data(), &scratch("backups").join("nothing"));
        refused(nothing, "has nothing to back up", "lost");
        let second = launch.start().stop();
        assert!(second.log.contains(SAID), "{}", second.log);
        // From then on there are tasks.
        let third = launch.start().stop();
        assert!(!third.log.contains(SAID), "{}", third.log);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    const SAID: &str = "it is a database of another program, and nothing in it was changed";
    // Of another program, the version may be any.
    for (name, version) in [
        ("tasks.sqlite", 0),
        ("tasks.sqlite", 21),
        ("images/small.sqlite", 0),
        ("images/small.sqlite", 2),
    ] {
        let launch = scripted_launch().embedded();
        assert!(launch.start().stop().status.success());
        let file = launch.data().join(name);
        fs::remove_file(&file).unwrap();
        let other = Connection::open(&file).unwrap();
        let songs = "CREATE TABLE song (title TEXT); INSERT INTO song VALUES ('Blue')";
        other.execute_batch(songs).unwrap();
        other.pragma_update(None, "user_version", version).unwrap();
        drop(other);
        let before = fs::read(&file).unwrap();
        for ended in [launch.run(), launch.check()] {
            assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.log);
            assert!(ended.log.contains(SAID), "{name}: {}", ended.log);
        }
        assert!(fs::read(&file).unwrap() == before, "{name}");
    }
}

#[tokio::test]
async fn what_is_lost_beside_the_tasks_is_missed() {
    const SAID: &str = "was lost";
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let user = new_user(&service);
    let upload = user.uploaded(&pictures::png(8, 8)).await;
    user.completed(&upload, "echo it").await;
    let first = service.stop();
    assert!(!first.log.contains(SAID), "{}", first.log);
    let is_no_table = "has no table of small ones";
    for (lost, is_emptied, said) in [
        ("secret", false, "has tasks but no secret"),
        ("images/small.sqlite", false, is_no_table),
        ("images/small.sqlite", true, is_no_table),
        // As where its disk is not mounted.
        ("images", true, "has tasks but no store of images"),
    ] {
        let path = launch.data().join(lost);
        match (path.is_dir(), is_emptied) {
            (true, _) => {
                fs::remove_dir_all(&path).unwrap();
                fs::create_dir(&path).unwrap();
            }
            (false, true) => fs::write(path, "").unwrap(),
            (false, false) => fs::remove_file(path).unwrap(),
        }
        // A check tells of it too, if it is a part of a store, and makes nothing anew.
        let checked = launch.check();
        assert!(checked.status.success(), "{lost}: {}", checked.log);
        let is_told = checked.log.contains(SAID);
        assert_eq!(is_told, said == is_no_table, "{lost}: {}", checked.log);
        let second = launch.start().stop();
        let warnings = second.log.matches(SAID).count();
        assert!(second.log.contains(said) && warnings == 1, "{}", second.log);
        let third = launch.start().stop();
        assert!(!third.log.contains(SAID), "{}", third.log);
    }
}
