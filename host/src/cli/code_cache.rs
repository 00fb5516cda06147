//! The directory for compiled code when there is no data directory: the user's
//! cache.

use std::env;
use std::path::PathBuf;

const NAME: &str = "concept-refinement";

/// The user's cache (XDG Base Directory Specification). None: there is no such directory,
/// and code is compiled each time.
pub fn of_user() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join(NAME))
}
