//! The command is killed: nothing is there, or all, and it can be repeated.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::reaper::{Reaped, scratch};

use super::archives::{parts, unpack};
use super::{an_archive, command, files, restore, restore_archive, restored};
use crate::backup::back_up;
use crate::shared::refused;

/// Whether it is a directory that a service could start on, or none.
fn is_whole(data: &Path, archive: &[u8]) -> bool {
    if !data.exists() {
        return false;
    }
    for part in parts(archive) {
        let found = fs::metadata(data.join(part.name()));
        let name = part.name();
        assert!(found.is_ok_and(|found| found.len() > 0), "{name}");
    }
    true
}

#[tokio::test]
async fn while_it_reads() {
    let archive = an_archive().await;
    let place = scratch("killed");
    let (data, draft) = (place.join("data"), place.join("data.partial"));
    let mut start = 0;
    for part in parts(&archive) {
        let mut restoring = command(Path::new("-"), &data);
        restoring.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut restoring = Reaped::spawn(&mut restoring);
        // Up to the middle of this file.
        let middle = start + 512 + part.contents.len() / 2;
        let stdin = restoring.child().stdin.as_mut().unwrap();
        stdin.write_all(&archive[..middle]).unwrap();
        stdin.flush().unwrap();
        let file = draft.join("contents").join(part.name());
        eventually("it writes the file", SOON, async || {
            file.exists().then_some(())
        })
        .await;
        restoring.kill();
        restoring.child().wait().unwrap();
        assert!(!data.exists() && draft.exists());
        // What is left is no backup.
        let other = place.join("other");
        refused(restore(&draft, &other), "SHA256SUMS", "a draft");
        start = (start + 512 + part.contents.len()).next_multiple_of(512);
    }
    restored(restore_archive(&archive, &data));
    assert!(is_whole(&data, &archive) && !draft.exists());
}

#[tokio::test]
async fn at_any_moment() {
    let archive = an_archive().await;
    let place = scratch("killed");
    let (backup, data) = (place.join("backup"), place.join("data"));
    let draft = place.join("data.partial");
    unpack(&archive, &backup);
    let before = files(&backup);
    let start = Instant::now();
    restored(restore(&backup, &data));
    let longest = start.elapsed();
    let (mut nothing, mut all) = (0, 0);
    let steps = 40;
    for step in 0..=steps {
        if data.exists() {
            fs::remove_dir_all(&data).unwrap();
        }
        let mut restoring = command(&backup, &data);
        let mut restoring = Reaped::spawn(restoring.stdout(Stdio::null()));
        // Not to wait for anything: this is the moment.
        std::thread::sleep(longest * step / steps);
        restoring.kill();
        restoring.child().wait().unwrap();
        match is_whole(&data, &archive) {
            true => all += 1,
            false => {
                nothing += 1;
                restored(restore(&backup, &data));
                assert!(is_whole(&data, &archive) && !draft.exists());
            }
        }
    }
    assert!(nothing > 0, "{nothing} and {all}");
    assert_eq!(files(&backup), before);
}

/// Between the steps of making a draft, and of removing one.
#[tokio::test]
async fn a_draft_that_was_left_at_any_moment_is_in_nobodys_way() {
    let archive = an_archive().await;
    let place = scratch("left");
    let data = place.join("data");
    restored(restore_archive(&archive, &data));
    let leavings: [(&str, &[&str], &[&str]); 4] = [
        ("not marked yet", &[], &[]),
        ("marked, or renamed", &[], &["UNFINISHED"]),
        (
            "with contents",
            &["contents"],
            &["UNFINISHED", "contents/secret"],
        ),
        (
            "with a copy of a database",
            &["contents"],
            &["UNFINISHED", "draft.sqlite"],
        ),
    ];
    for (number, (case, folders, names)) in leavings.into_iter().enumerate() {
        for command in ["backup", "restore"] {
            let to = place.join(format!("{command}-{number}"));
            let draft = to.with_extension("partial");
            fs::create_dir(&draft).unwrap();
            for folder in folders {
                fs::create_dir(draft.join(folder)).unwrap();
            }
            for name in names {
                fs::write(draft.join(name), "").unwrap();
            }
            let done = match command {
                "backup" => back_up(&data, &to),
                _ => restore_archive(&archive, &to),
            };
            assert!(done.status.success(), "{case}: {done:?}");
            assert!(to.join("tasks.sqlite").exists(), "{case}");
            assert!(!draft.exists(), "{case}");
        }
    }
}
