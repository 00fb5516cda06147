//! The directory for compiled code when there is no data directory: the user's
//! cache.
//!
//! Its contents are run, so a directory that others may write to is not used.
//! Without one, code is compiled each time.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::capability::create_directory;
use crate::capability::directory::is_private;

const NAME: &str = "concept-refinement";

/// The user's cache (XDG Base Directory Specification), created if needed.
/// None: there is none that can be trusted.
pub fn of_user() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let directory = absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))?
        .join(NAME);
    let metadata = create_directory(&directory).and_then(|()| fs::metadata(&directory));
    match metadata.map(|metadata| is_private(&metadata)) {
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
