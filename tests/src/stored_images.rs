//! The images in a data directory, looked at from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use crate::reaper::scratch;

/// Longer than what the store takes for small, which is in no file of its own.
pub const LARGE: usize = 64 * 1024 + 1;

const TABLE: &str = "small.sqlite";

/// The names of those of a kind, as in their paths without the ending:
/// `refined/0123…/a-1`.
pub fn of_kind(data: &Path, kind: &str) -> BTreeSet<String> {
    let mut names = files(data, kind);
    if kind == "refined" {
        names.extend(small(data));
    }
    names
}

/// Those that are files.
pub fn files(data: &Path, kind: &str) -> BTreeSet<String> {
    let root = data.join("images").join(kind);
    let mut names = BTreeSet::new();
    for owner in entries(&root) {
        for name in entries(&root.join(&owner)) {
            names.insert(format!("{kind}/{owner}/{name}"));
        }
    }
    names
}

/// Those in the table. A process that has it open lets nobody else in, so that a
/// copy is read.
fn small(data: &Path) -> BTreeSet<String> {
    let copy = scratch("small").join(TABLE);
    for end in ["", "-wal"] {
        let from = data.join("images").join(format!("{TABLE}{end}"));
        if from.exists() {
            fs::copy(from, copy.with_file_name(format!("{TABLE}{end}"))).unwrap();
        }
    }
    if !copy.exists() {
        return BTreeSet::new();
    }
    let table = Connection::open(copy).unwrap();
    let check: String = table
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut names = table
        .prepare("SELECT tag || '/' || name FROM image WHERE NOT removed")
        .unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    names
        .map(|name| format!("refined/{}", name.unwrap()))
        .collect()
}

/// Stores one once more by another name, where no process has them open.
pub fn copy(data: &Path, name: &str, other: &str) {
    let [from, to] = [name, other].map(|name| data.join("images").join(name));
    if from.exists() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    let key = |name: &str| -> [String; 2] {
        let mut parts = name.rsplit('/').map(str::to_owned);
        [parts.next().unwrap(), parts.next().unwrap()]
    };
    let copied = "INSERT INTO image (name, tag, envelope, contents) \
         SELECT ?3, ?4, envelope, contents FROM image WHERE name = ?1 AND tag = ?2";
    let table = Connection::open(data.join("images").join(TABLE)).unwrap();
    let keys = [key(name), key(other)].concat();
    assert_eq!(table.execute(copied, params_from_iter(keys)).unwrap(), 1);
}

/// The names in a directory; none, where there is no directory.
pub fn entries(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}
