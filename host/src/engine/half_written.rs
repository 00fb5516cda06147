//! What the cache for compiled code leaves behind where it had no room, or was
//! interrupted: a file that takes the last of the room, and keeps the code from
//! being cached ever after.

use std::fs;
use std::io;
use std::path::Path;

/// Files end so while code is written to them.
const ENDING: &str = "wip-atomic-write-mod";

/// To be called while nothing is compiled. The cache belongs to one process at
/// a time, as the directory does that it is in.
pub(super) fn remove(cache: &Path) {
    if let Err(error) = try_remove(cache) {
        tracing::warn!(%error, "half-written code could not be removed");
    }
}

/// The code of each version is in a folder of its own.
fn try_remove(cache: &Path) -> io::Result<()> {
    let versions = match fs::read_dir(cache.join("modules")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        versions => versions?,
    };
    for version in versions {
        for file in fs::read_dir(version?.path())? {
            let file = file?.path();
            if file.extension().is_none_or(|ending| ending != ENDING) {
                continue;
            }
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_and_half_of_it_goes() {
        let cache = tempfile::tempdir().unwrap();
        try_remove(cache.path()).unwrap();
        let version = cache.path().join("modules").join("wasmtime-1");
        fs::create_dir_all(&version).unwrap();
        for name in ["a", "a.stats", "b.wip-atomic-write-mod"] {
            fs::write(version.join(name), "code").unwrap();
        }
        try_remove(cache.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&version)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["a", "a.stats"]);
    }
}
