//! The directory for compiled code when there is no data directory: the user's
//! cache.

use std::env;
use std::path::PathBuf;

use concept_refinement_capability::folder::{Place, Trust};

const NAME: &str = "concept-refinement";

/// The user's cache (XDG Base Directory Specification), created if needed. None: it cannot
/// be created, or another user could replace it, for example if root runs with that user's
/// `HOME`. Then code is compiled each time.
pub fn of_user() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    let below = caches.join(NAME).join("any");
    let (cache, _) = Place::of(&below, Trust::Own).ok()?.create(0o700).ok()?;
    Some(cache.path().to_owned())
}
