//! The verdict sees each thing that can be wrong: here it is made wrong by
//! hand, while no process looks.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::acts::Act;
use crate::sqlite;
use crate::user::User;
use crate::verdict;
use crate::world::World;

/// What is done to a data directory.
enum Tampering {
    Sql(&'static str),
    SqlOfImages(&'static str),
    /// Notes once more what is in the journal, in another way at its end.
    Again(&'static str, &'static str),
    StrayFile,
}

use Tampering::{Again, Sql, SqlOfImages, StrayFile};

/// What is done, and what is said of it.
const CASES: [(Tampering, &str); 12] = [
    (StrayFile, "left over"),
    (
        SqlOfImages(
            "INSERT INTO image (tag, name, envelope, contents) \
             SELECT tag, 'half', envelope, contents FROM image",
        ),
        "an image that nobody has",
    ),
    (SqlOfImages("DELETE FROM image"), "no image"),
    (
        SqlOfImages(
            "UPDATE image SET contents = CAST(substr(contents, 1, 99) || x'00' || \
             substr(contents, 101) AS BLOB)",
        ),
        "its image is not what the model answered",
    ),
    (Sql("DELETE FROM task"), "it is gone"),
    (Sql("DELETE FROM concept"), "its result is not its concept"),
    (
        Sql("UPDATE task SET status = 'failed', state = json_set(state, '$.error_message', 'so')"),
        "it is not completed",
    ),
    (
        Sql(
            "UPDATE task SET status = 'failed', state = json_set(state, '$.error_message', \
             'Error in refinement task processing: The task was given up after its worker \
             died 3 times')",
        ),
        "it was given up",
    ),
    (
        Sql("UPDATE backlog SET pending = 3"),
        "the backlog's counter is off by: 3",
    ),
    (
        Sql("UPDATE account SET usage = '[]'"),
        "are left of the quota",
    ),
    (Again(" asked ", ""), "although its answer was kept"),
    (Again(" claimed ", "0"), "was lost for no reason"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_is_seen() {
    for (tampering, said) in CASES {
        let mut world = World::embedded();
        let service = world.start(|launch| launch);
        let mut user = User::new("ada", &world);
        user.act(&Act::refine("echo it")).await;
        world.stop(service);
        assert_eq!(sqlite::violations(&world.launch.data()), [""; 0], "{said}");
        tamper(&world.launch.data(), &tampering);
        let service = world.start(|launch| launch);
        user.act(&Act::refine("echo it")).await;
        // What is wrong does not mend itself.
        world.patience = Duration::from_secs(1);
        let violations = verdict::violations(&mut world, &[user], service).await;
        let is_seen = violations.iter().any(|what| what.contains(said));
        assert!(is_seen, "{said}: {violations:#?}");
    }
}

fn tamper(data: &Path, tampering: &Tampering) {
    match tampering {
        Sql(statement) => changed(&data.join("tasks.sqlite"), statement),
        SqlOfImages(statement) => changed(&data.join("images/small.sqlite"), statement),
        Again(what, end) => again(data, what, end),
        StrayFile => fs::write(data.join("tasks.sqlite.new"), "").unwrap(),
    }
}

fn changed(database: &Path, statement: &str) {
    let connection = Connection::open(database).unwrap();
    assert!(
        connection.execute(statement, []).unwrap() > 0,
        "{statement}"
    );
}

fn again(data: &Path, what: &str, end: &str) {
    let journal = data.with_file_name("journal");
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().find(|line| line.contains(what)).unwrap();
    let mut journal = fs::File::options().append(true).open(journal).unwrap();
    writeln!(journal, "{line}{end}").unwrap();
}
