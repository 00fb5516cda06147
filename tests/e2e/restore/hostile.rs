//! Archives that are not what `backup` made.

use std::fs;

use concept_refinement_tests::reaper::scratch;
use rusqlite::Connection;
use tar::EntryType;

use super::archives::{LIST, Part, list, listed, packed, parts};
use super::{an_archive, files, restore_archive, restored};
use crate::shared::refused;

const TAG: &str = "0123456789abcdef0123456789abcdef";

const FOREIGN: &str = "is not a file of a backup";

/// The whole sentence.
const NO_ARCHIVE: &str =
    "concept-refinement: this is no tar archive, or a compressed or damaged one\n";

/// The same database after this statement.
fn altered(database: &[u8], sql: &str) -> Vec<u8> {
    let file = scratch("altered").join("it.sqlite");
    fs::write(&file, database).unwrap();
    let opened = Connection::open(&file).unwrap();
    opened.execute_batch(sql).unwrap();
    opened.close().unwrap();
    fs::read(file).unwrap()
}

#[tokio::test]
async fn what_no_backup_has_is_refused_and_nothing_is_written() {
    let archive = an_archive().await;
    let files_of_it = parts(&archive);
    let place = scratch("hostile");
    let data = place.join("in/data");
    // The tests take an archive apart and put it together as it was.
    restored(restore_archive(&listed(&files_of_it), &place.join("whole")));
    fs::create_dir(place.join("in")).unwrap();
    let before = files(&place);
    let check = |case: &str, archive: &[u8], why: &str| {
        refused(restore_archive(archive, &data), why, case);
        assert_eq!(files(&place), before, "{case}");
    };
    // With a part of which the list knows.
    let with = |part: Part| listed(&[&[part], files_of_it.as_slice()].concat());

    let outside = place.join("outside").display().to_string();
    for name in [
        &outside,
        "/tasks.sqlite",
        "../outside",
        "../data/tasks.sqlite",
        "..",
        ".",
        "",
        "/",
        "./tasks.sqlite",
        "images/../tasks.sqlite",
        "images/../../outside",
        &format!("images/uploads/{TAG}/../../../../outside"),
        &format!("images/uploads/{TAG}/.."),
        &format!("images/uploads/{TAG}/a.png"),
        &format!("images/uploads/{TAG}/A"),
        &format!("images/uploads/{TAG}/a/b"),
        &format!("images/uploads/{TAG}/a\\b"),
        &format!("images/uploads/{TAG}/a\nb"),
        &format!("images/uploads/{TAG}/"),
        &format!("images/drafts/{TAG}/a"),
        &format!("images//uploads/{TAG}/../a"),
        "images/uploads/short/a",
        "images",
        "tasks.sqlite-wal",
        "tasks.sqlite-journal",
        "tasks.lock",
        "images/small.sqlite-wal",
        "images/images.lock",
        "compiled/code",
        "control",
        "secret.new",
        "refinement.toml",
        "UNFINISHED",
    ] {
        check(name, &with(Part::file(name, b"hostile")), FOREIGN);
    }
    for kind in [
        EntryType::Link,
        EntryType::Symlink,
        EntryType::Directory,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Continuous,
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::GNUSparse,
        EntryType::XGlobalHeader,
        EntryType::XHeader,
    ] {
        for name in ["images", "images/small.sqlite", "tasks.sqlite"] {
            let mut part = Part::of(kind, name, b"");
            part.header.set_link_name("/tmp").unwrap();
            part.header.set_cksum();
            check(&format!("{kind:?} {name}"), &with(part), FOREIGN);
        }
    }
    for part in &files_of_it {
        let twice = [files_of_it.as_slice(), std::slice::from_ref(part)].concat();
        let why = format!("writing {}: File exists", part.name());
        check("a name that comes twice", &listed(&twice), &why);
    }
    let image = format!("images/uploads/{TAG}/a");
    for (size, why) in [
        (u64::MAX >> 1, "and the disk has"),
        (1 << 50, "and the disk has"),
        (archive.len() as u64 + (1 << 20), "is not whole"),
    ] {
        let mut part = Part::file(&image, b"");
        part.header.set_size(size);
        part.header.set_cksum();
        check(&format!("{size} bytes"), &with(part), why);
    }
    // A file where others have a folder.
    let folder = Part::file("images/small.sqlite", b"");
    let mut below = Part::file("images/small.sqlite/a", b"");
    check("below a file", &listed(&[folder, below.clone()]), FOREIGN);
    below.header.as_old_mut().cksum = *b"0000000\0";
    check("a header's sum", &with(below), NO_ARCHIVE);

    let replaced = |name: &str, contents: &[u8]| {
        let mut changed = files_of_it.clone();
        let part = changed.iter_mut().find(|part| part.name() == name);
        *part.unwrap() = Part::file(name, contents);
        changed
    };
    let of = |name: &str| {
        let part = files_of_it.iter().find(|part| part.name() == name);
        part.unwrap().contents.clone()
    };
    let of_tasks = of("tasks.sqlite");
    let mut torn = of_tasks.clone();
    torn[4096..8192].fill(0xff);
    let small_before = of("images/small.sqlite");
    let version = "PRAGMA journal_mode = delete; PRAGMA user_version = 1000";
    let small_file = "images/small.sqlite";
    let small = altered(&small_before, version);
    let newer = altered(&of_tasks, version);
    let other = "was changed by a later version of this program";
    let more = "it has other tables, indexes, views or triggers than this program makes";
    let view = "CREATE VIEW v AS SELECT * FROM task";
    let trigger = "CREATE TRIGGER t AFTER INSERT ON task BEGIN DELETE FROM concept; END";
    let of_small = "CREATE TRIGGER t AFTER INSERT ON image BEGIN DELETE FROM image; END";
    for (name, before, sql) in [
        ("tasks.sqlite", &of_tasks, trigger),
        ("tasks.sqlite", &of_tasks, view),
        ("tasks.sqlite", &of_tasks, "CREATE TABLE t (it TEXT)"),
        ("tasks.sqlite", &of_tasks, "DROP INDEX task_age"),
        ("tasks.sqlite", &of_tasks, "DROP TRIGGER task_added"),
        (small_file, &small_before, of_small),
    ] {
        check(sql, &listed(&replaced(name, &altered(before, sql))), more);
    }
    let junk = b"junk".as_slice();
    for (name, contents, why) in [
        ("tasks.sqlite", junk, "tasks.sqlite is damaged"),
        ("tasks.sqlite", &torn, "tasks.sqlite is damaged"),
        ("tasks.sqlite", &newer, other),
        ("tasks.sqlite", b"", "it has no tables"),
        (small_file, &small, other),
        (small_file, junk, "images/small.sqlite is damaged"),
        (small_file, b"", "it has no tables"),
        ("secret", b"short", "its secret is damaged"),
    ] {
        check(name, &listed(&replaced(name, contents)), why);
    }
    let known = list(&files_of_it);
    let without = |name: &str| -> Vec<Part> {
        let others = files_of_it.iter().filter(|part| part.name() != name);
        others.cloned().collect()
    };
    let no_list = "it has no SHA256SUMS";
    let no_tasks = "there are no tasks in it";
    let other_list = "its files are not those of its list";
    let last = Part::file(&image, b"late");
    let reversed: Vec<Part> = files_of_it.iter().rev().cloned().collect();
    let without_tasks = without("tasks.sqlite");
    let its_list = list(&without_tasks);
    let late = "comes after the list of all files";
    let twice = "SHA256SUMS comes after the list";
    let of_it = files_of_it.as_slice();
    let ends = |parts: &[Part], end: &[&Part]| {
        let end = end.iter().map(|part| (*part).clone());
        parts.iter().cloned().chain(end).collect::<Vec<_>>()
    };
    let unlisted = [std::slice::from_ref(&last), of_it].concat();
    let another = replaced("secret", &[7; 32]);
    for (case, parts, why) in [
        ("no list", files_of_it.clone(), no_list),
        ("nothing", vec![], no_list),
        ("a list alone", vec![list(&[])], no_tasks),
        ("no tasks", ends(&without_tasks, &[&its_list]), no_tasks),
        ("no secret", ends(&without("secret"), &[&known]), other_list),
        ("another file", ends(&another, &[&known]), other_list),
        ("another order", ends(&reversed, &[&known]), other_list),
        ("a file more", ends(&unlisted, &[&known]), other_list),
        ("a late file", ends(of_it, &[&known, &last]), late),
        ("the list twice", ends(of_it, &[&known, &known]), twice),
    ] {
        check(case, &packed(&parts), why);
    }
    let after = [archive.as_slice(), &archive].concat();
    check("two archives", &after, "something after the end");
    let compressed = [b"\x1f\x8b\x08\0".as_slice(), &[0xff; 2044]].concat();
    for (case, archive, why) in [
        ("no archive", &[b'x'; 2048][..], NO_ARCHIVE),
        ("a compressed one", &compressed, NO_ARCHIVE),
        ("a short one", &compressed[..4], "the archive is cut off"),
    ] {
        check(case, archive, why);
    }
    assert_eq!(known.name(), LIST);
}

#[tokio::test]
async fn an_archive_that_is_cut_is_refused_wherever_it_is_cut() {
    let archive = an_archive().await;
    let place = scratch("cut");
    let data = place.join("data");
    // Before, in and after each header, and after each file.
    let mut ends = vec![0, 1, 511];
    let mut start = 0;
    for part in parts(&archive) {
        let contents = start + 512;
        let end = contents + part.contents.len();
        start = end.next_multiple_of(512);
        ends.extend([
            contents,
            contents + part.contents.len() / 2,
            end,
            start,
            start + 100,
        ]);
    }
    let all = archive.len();
    ends.extend([all - 1025, all - 1024, all - 1023, all - 512, all - 1]);
    for end in ends {
        let case = format!("{end} of {all}");
        let done = restore_archive(&archive[..end], &data);
        refused(done, "", &case);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "{case}");
    }
    // Other programs fill their last record.
    let filled = [archive, vec![0; 9 * 1024]].concat();
    restored(restore_archive(&filled, &data));
}
