//! The layout of the directory.
//!
//! | path | what |
//! |---|---|
//! | `records/XX/KEY/VERSION` | a record; its highest version counts |
//! | `documents/XX/KEY` | a document |
//! | `drafts/NAME` | a file that is being written |
//!
//! `KEY` is the key with `_` for `/`, and `XX` two hexadecimal digits of its
//! hash, so that no directory gets very large.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use concept_refinement_adapter_store::ports::Fault;

use crate::Filesystem;

/// Limit in bytes; file names may have 255.
const MAX_KEY: usize = 250;

impl Filesystem {
    /// The directory of a record's versions.
    pub(crate) fn record(&self, key: &str) -> Result<PathBuf, Fault> {
        self.path("records", key)
    }

    pub(crate) fn document(&self, key: &str) -> Result<PathBuf, Fault> {
        self.path("documents", key)
    }

    pub(crate) fn drafts(&self) -> PathBuf {
        self.root.join("drafts")
    }

    fn path(&self, kind: &str, key: &str) -> Result<PathBuf, Fault> {
        let name = file_name(key).ok_or(Fault::Invalid("Nothing can be called that."))?;
        let shard = format!("{:02x}", shard(key));
        Ok(self.root.join(kind).join(shard).join(name))
    }
}

/// Creates a directory and its parents, durably.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let made = match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let above = path.parent().ok_or(error)?;
            make_directory(above)?;
            fs::create_dir(path)
        }
        made => made,
    };
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        // Another instance may have created it and not yet synced its parent.
        _ => {}
    }
    path.parent().map_or(Ok(()), sync_directory)
}

/// Gives a file this path, in a directory that is made if there is none yet.
pub fn place(path: &Path, mut name: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    match (name(), path.parent()) {
        (Err(error), Some(directory)) if error.kind() == ErrorKind::NotFound => {
            make_directory(directory)?;
            name()
        }
        (named, _) => named,
    }
}

/// Syncs the names in a directory.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Accepts only keys that cannot lead out of the directory; different keys get different
/// file names.
fn file_name(key: &str) -> Option<String> {
    let is_part = |part: &str| {
        let is_character = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
        part.bytes().all(is_character) && part.bytes().any(|byte| byte != b'.')
    };
    let is_key = key.len() <= MAX_KEY && key.split('/').all(is_part);
    is_key.then(|| key.replace('/', "_"))
}

/// FNV-1a, folded. Must never change, since it is used to find files.
fn shard(key: &str) -> u8 {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash.to_le_bytes()
        .into_iter()
        .fold(0, |folded, byte| folded ^ byte)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_key_has_one_place() {
        let layout = Filesystem::at("/data");
        for (key, path) in [
            ("health", "/data/documents/91/health"),
            ("a/b", "/data/documents/00/a_b"),
            (
                "image/uploads/0f/a.png",
                "/data/documents/35/image_uploads_0f_a.png",
            ),
        ] {
            assert_eq!(layout.document(key), Ok(path.into()), "{key}");
        }
        let longest = "x".repeat(MAX_KEY);
        assert!(layout.record(&longest).is_ok());
    }

    #[test]
    fn nothing_leads_out() {
        let layout = Filesystem::at("/data");
        for key in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/...",
            "a_b",
            "A",
            "a b",
            "a\\b",
            "a\0",
            "ä",
            "c:d",
            &"x".repeat(MAX_KEY + 1),
        ] {
            assert!(layout.document(key).is_err(), "{key:?}");
            assert!(layout.record(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn no_directory_gets_very_large() {
        let mut entries = HashMap::new();
        for number in 0..10_000 {
            let key = format!("task/0190c0de-0000-7000-8000-{number:012}");
            *entries.entry(shard(&key)).or_insert(0) += 1;
        }
        assert_eq!(entries.len(), 256);
        let most = entries.values().max().unwrap();
        assert!(*most < 2 * 10_000 / 256, "{most} in one directory");
    }
}
