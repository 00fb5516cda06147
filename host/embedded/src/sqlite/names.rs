//! Checks that the database's files still have their names. Data written to a file
//! without a name is lost with the process, so nothing may be accepted then.

use std::fs;
use std::io;
use std::path::Path;

use concept_refinement_capability::directory::{NamedFile, existing, private_file};

/// Creates the main file if needed. SQLite gives the other files the same
/// permissions.
///
/// Must be called before SQLite opens the file: closing any descriptor of a
/// file releases all POSIX locks of the process on it, including SQLite's.
pub(crate) fn create(path: &Path) -> io::Result<NamedFile> {
    private_file().create(true).truncate(false).open(path)?;
    NamedFile::of(path)
}

/// The write-ahead log, which has the latest commits. None: the file system
/// does not support one.
pub(crate) fn log_of(main: &Path) -> io::Result<Option<NamedFile>> {
    // SQLite resolves links before it names the log.
    let mut log = fs::canonicalize(main)?.into_os_string();
    log.push("-wal");
    existing(NamedFile::of(Path::new(&log)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::sync::Arc;

    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::tasks::{Maintenance as _, Tasks as _};
    use concept_refinement_domain::capability::{ErrorKind, Submission};
    use concept_refinement_kit::samples::new_task;

    use super::*;
    use crate::tasks::{Options, SqliteTasks};

    fn open(directory: &Path) -> SqliteTasks {
        let clock = Arc::new(ManualClock::default());
        SqliteTasks::open(directory, Options::default(), clock).unwrap()
    }

    async fn assert_works(store: &SqliteTasks, user: &str, case: &str) {
        assert_eq!(store.check().await, Ok(()), "{case}");
        let answer = store.submit(new_task(user)).await;
        assert!(matches!(answer, Ok(Submission::Created(_))), "{case}");
    }

    async fn assert_refuses(store: &SqliteTasks, case: &str) {
        let error = store.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{case}");
        assert!(!error.message.contains('/'), "{error}");
        let error = store.submit(new_task("refused")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{case}");
    }

    #[tokio::test]
    async fn nothing_is_accepted_into_a_file_without_its_name() {
        for name in ["data/tasks.sqlite", "data/tasks.sqlite-wal", "data"] {
            let place = tempfile::tempdir().unwrap();
            let store = open(&place.path().join("data"));
            let (path, aside) = (place.path().join(name), place.path().join("aside"));
            assert_works(&store, "ada", name).await;

            fs::rename(&path, &aside).unwrap();
            assert_refuses(&store, name).await;
            fs::rename(&aside, &path).unwrap();
            let found = store.get("refused", "refused").await;
            assert_eq!(found, Ok(None), "{name}: nothing was done");
            assert_works(&store, "bob", name).await;

            if path.is_file() {
                fs::rename(&path, &aside).unwrap();
                fs::copy(&aside, &path).unwrap();
                assert_refuses(&store, name).await;
                fs::remove_file(&path).unwrap();
                fs::remove_file(&aside).unwrap();
                assert_refuses(&store, name).await;
            }
        }
    }

    /// For each reader, at its first read.
    #[tokio::test]
    async fn reading_goes_on_without_the_names() {
        for instead in ["nothing", "an empty directory"] {
            let place = tempfile::tempdir().unwrap();
            let data = place.path().join("data");
            let store = open(&data);
            assert_works(&store, "ada", instead).await;
            fs::rename(&data, place.path().join("aside")).unwrap();
            if instead != "nothing" {
                fs::create_dir(&data).unwrap();
            }
            let reads = (0..100).map(|_| store.get("ada", "ada"));
            for found in futures::future::join_all(reads).await {
                assert!(matches!(found, Ok(Some(_))), "{instead}: {found:?}");
            }
            let made = fs::read_dir(&data).map_or(0, Iterator::count);
            assert_eq!(made, 0, "{instead}");
        }
    }

    #[tokio::test]
    async fn a_linked_file_is_looked_after_as_well() {
        let place = tempfile::tempdir().unwrap();
        let (data, elsewhere) = (place.path().join("data"), place.path().join("elsewhere"));
        fs::create_dir(&data).unwrap();
        symlink(&elsewhere, data.join("tasks.sqlite")).unwrap();
        let store = open(&data);
        assert_works(&store, "ada", "linked").await;
        fs::remove_file(place.path().join("elsewhere-wal")).unwrap();
        assert_refuses(&store, "without its log").await;
    }

    #[tokio::test]
    async fn only_its_owner_can_read_it() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let store = open(place.path());
        assert_works(&store, "ada", "open").await;
        let mut names = Vec::new();
        for entry in fs::read_dir(place.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        let expected = ["", "-wal"].map(|end| format!("tasks.sqlite{end}"));
        assert_eq!(names, [&["tasks.lock".to_owned()], &expected[..]].concat());
    }
}
