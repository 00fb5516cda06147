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

/// What is done to the data directory, and what is said of it.
type Case = (&'static str, fn(&Path), &'static str);

const CASES: [Case; 12] = [
    (
        "a stray file",
        |data| fs::write(data.join("tasks.sqlite.new"), "").unwrap(),
        "left over",
    ),
    (
        "a stray image",
        |data| {
            let copied = "INSERT INTO image (tag, name, envelope, contents) \
                 SELECT tag, 'half', envelope, contents FROM image";
            sql_of_images(data, copied);
        },
        "an image that nobody has",
    ),
    (
        "a lost image",
        |data| sql_of_images(data, "DELETE FROM image"),
        "no image",
    ),
    (
        "another image",
        |data| {
            let altered = "UPDATE image SET contents = CAST(substr(contents, 1, 99) || x'00' || \
                 substr(contents, 101) AS BLOB)";
            sql_of_images(data, altered);
        },
        "its image is not what the model answered",
    ),
    (
        "a lost task",
        |data| sql(data, "DELETE FROM task"),
        "it is gone",
    ),
    (
        "a lost concept",
        |data| sql(data, "DELETE FROM concept"),
        "its result is not its concept",
    ),
    (
        "a task that failed",
        |data| {
            sql(
                data,
                "UPDATE task SET status = 'failed', state = json_set(state, '$.error_message', 'so')",
            )
        },
        "it is not completed",
    ),
    (
        "a task that was given up too soon",
        |data| {
            sql(
                data,
                "UPDATE task SET status = 'failed', state = json_set(state, '$.error_message', \
                 'Error in refinement task processing: The task was given up after its worker \
                 died 3 times')",
            );
        },
        "it was given up",
    ),
    (
        "a wrong counter",
        |data| sql(data, "UPDATE backlog SET pending = 3"),
        "the backlog's counter is off by: 3",
    ),
    (
        "a quota that was given back",
        |data| sql(data, "UPDATE account SET usage = '[]'"),
        "are left of the quota",
    ),
    (
        "a second call of the model",
        |data| again(data, " asked ", ""),
        "although its answer was kept",
    ),
    (
        "a second attempt",
        |data| again(data, " claimed ", "0"),
        "was lost for no reason",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_is_seen() {
    for (name, tamper, said) in CASES {
        let mut world = World::embedded();
        let service = world.start(|launch| launch);
        let mut user = User::new("ada", &world);
        user.act(&Act::refine("echo it")).await;
        world.stop(service);
        assert_eq!(sqlite::violations(&world.launch.data()), [""; 0], "{name}");
        tamper(&world.launch.data());
        let service = world.start(|launch| launch);
        user.act(&Act::refine("echo it")).await;
        // What is wrong does not mend itself.
        world.patience = Duration::from_secs(1);
        let violations = verdict::violations(&mut world, &[user], service).await;
        let is_seen = violations.iter().any(|what| what.contains(said));
        assert!(is_seen, "{name}: {violations:#?}");
    }
}

fn sql(data: &Path, statement: &str) {
    changed(&data.join("tasks.sqlite"), statement);
}

fn sql_of_images(data: &Path, statement: &str) {
    changed(&data.join("images/small.sqlite"), statement);
}

fn changed(database: &Path, statement: &str) {
    let connection = Connection::open(database).unwrap();
    assert!(
        connection.execute(statement, []).unwrap() > 0,
        "{statement}"
    );
}

/// Notes once more what is in the journal, in another way at its end.
fn again(data: &Path, what: &str, end: &str) {
    let journal = data.with_file_name("journal");
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().find(|line| line.contains(what)).unwrap();
    let mut journal = fs::File::options().append(true).open(journal).unwrap();
    writeln!(journal, "{line}{end}").unwrap();
}
