//! Where compiled code is kept when there is no data directory: the user's own
//! cache.
//!
//! What is in it is run, so one that others may write to is not used. Where
//! there is none, code is compiled each time.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::capability::create_directory;
use crate::engine::{Engine, Pool};

const NAME: &str = "concept-refinement";

/// The user's cache (XDG Base Directory Specification), made where it is
/// missing. None: there is none that can be trusted.
pub fn of_user() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let directory = absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))?
        .join(NAME);
    match create_directory(&directory).and_then(|()| is_private(&directory)) {
        Ok(true) => Some(directory),
        Ok(false) => {
            tracing::warn!(?directory, "the cache for compiled code is not private");
            None
        }
        Err(error) => {
            tracing::debug!(?directory, %error, "no cache for compiled code");
            None
        }
    }
}

/// An engine that keeps compiled code there if it can.
pub fn engine(pool: Pool, cache: Option<&Path>) -> anyhow::Result<Engine> {
    match Engine::new(pool, cache) {
        Err(error) if cache.is_some() => {
            tracing::debug!(error = format!("{error:#}"), "no cache for compiled code");
            Engine::new(pool, None)
        }
        made => made,
    }
}

#[cfg(unix)]
fn is_private(directory: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let metadata = fs::metadata(directory)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    Ok(is_ours && metadata.mode() & OTHERS_MAY_WRITE == 0)
}

#[cfg(not(unix))]
fn is_private(directory: &Path) -> io::Result<bool> {
    fs::metadata(directory).map(|metadata| metadata.is_dir())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_may_write_to_is_not_private() {
        let place = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o700, true), (0o755, true), (0o775, false), (0o777, false)] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(place.path(), permissions).unwrap();
            assert_eq!(is_private(place.path()).unwrap(), expected, "{mode:o}");
        }
    }
}
