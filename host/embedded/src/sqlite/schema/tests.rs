use concept_refinement_capability::migration::Step;
use concept_refinement_capability::moving::Table;
use concept_refinement_capability::upgrade::Rewrite;

use super::*;

static NUMBERS: Table = Table {
    name: "number",
    known_as: "numbers",
    key: "id",
    columns: "id, doubled",
};

static REWRITES: [Rewrite; 1] = [Rewrite {
    from: Table {
        name: "number_of_3",
        known_as: "numbers",
        key: "id",
        columns: "id",
    },
    to: &NUMBERS,
    add: |row| {
        let number: i64 = row.number("id");
        row.set("doubled", number * 2);
    },
}];

static SCHEMA: [Migration; 3] = [
    Migration {
        version: 3,
        steps: &[Step::Sql(
            "CREATE TABLE number (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE other (it) ",
        )],
    },
    Migration {
        version: 4,
        steps: &[
            Step::Sql(
                "ALTER TABLE number RENAME TO number_of_3; \
                 CREATE TABLE number (id INTEGER PRIMARY KEY, doubled INTEGER) STRICT",
            ),
            Step::Rewrite(&REWRITES),
            Step::Sql("DROP TABLE number_of_3; CREATE INDEX number_doubled ON number (doubled)"),
        ],
    },
    Migration {
        version: 5,
        steps: &[Step::Sql("DROP TABLE other")],
    },
];

fn at(version: i64, connection: &mut Connection) {
    prepare_to(connection, &SCHEMA, version, None).unwrap();
}

fn sum(connection: &Connection) -> i64 {
    let sum = "SELECT sum(doubled) FROM number";
    connection.query_row(sum, [], |row| row.get(0)).unwrap()
}

#[test]
fn each_version_becomes_the_latest_and_a_later_one_is_left_alone() {
    for from in [0, 3, 4, 5] {
        let mut connection = Connection::open_in_memory().unwrap();
        if from > 0 {
            at(from, &mut connection);
        }
        if from == 3 {
            let numbers = "INSERT INTO number (id) VALUES (1), (2), (5)";
            connection.execute_batch(numbers).unwrap();
        }
        prepare(&mut connection, &SCHEMA, None).unwrap();
        assert_eq!(version(&connection).unwrap(), 5, "{from}");
        if from == 3 {
            assert_eq!(sum(&connection), 16);
        }
        for other in [2, 6, -1] {
            connection
                .pragma_update(None, "user_version", other)
                .unwrap();
            let error = prepare(&mut connection, &SCHEMA, None).unwrap_err();
            let is_expected = match other {
                6 => matches!(error, SchemaError::Version(VersionError::Later)),
                _ => matches!(error, SchemaError::Version(VersionError::Other)),
            };
            assert!(is_expected, "{other}: {error}");
            assert_eq!(version(&connection).unwrap(), other);
        }
    }
}

/// As a process that is killed leaves it: its transaction is not committed.
#[test]
fn an_upgrade_that_is_cut_off_begins_again() {
    const NUMBERS: i64 = 50;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("numbers.sqlite");
    let mut connection = connection::writer(&file).unwrap();
    at(3, &mut connection);
    for number in 1..=NUMBERS {
        let insert = "INSERT INTO number (id) VALUES (?)";
        connection.execute(insert, [number]).unwrap();
    }
    drop(connection);
    let mut steps = 1;
    loop {
        let mut connection = connection::writer(&file).unwrap();
        let mut left = steps;
        connection
            .progress_handler(
                1,
                Some(move || {
                    left -= 1;
                    left == 0
                }),
            )
            .unwrap();
        let prepared = prepare(&mut connection, &SCHEMA, Some(directory.path()));
        drop(connection);
        if prepared.is_ok() {
            break;
        }
        let connection = connection::writer(&file).unwrap();
        assert_eq!(version(&connection).unwrap(), 3, "{steps}");
        let count: i64 = connection
            .query_row("SELECT count(*) FROM number", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, NUMBERS, "{steps}");
        // Each fifth or so is enough.
        steps += 1 + steps / 5;
        drop(connection);
    }
    assert!(steps > 100, "{steps}");
    let connection = connection::writer(&file).unwrap();
    assert_eq!(version(&connection).unwrap(), 5);
    assert_eq!(sum(&connection), NUMBERS * (NUMBERS + 1));
}

#[test]
fn the_tables_of_each_version_are_known() {
    let directory = tempfile::tempdir().unwrap();
    for version in [3, 4, 5] {
        let file = directory.path().join(version.to_string());
        let mut connection = connection::writer(&file).unwrap();
        at(version, &mut connection);
        drop(connection);
        verify(&file, &SCHEMA).unwrap();
        let connection = connection::writer(&file).unwrap();
        connection.execute_batch("CREATE TABLE odd (it)").unwrap();
        drop(connection);
        let refused = verify(&file, &SCHEMA).unwrap_err().to_string();
        assert!(refused.contains("it has other tables"), "{refused}");
    }
}
