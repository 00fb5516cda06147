//! A platform that offers a directory: records and documents as files below it,
//! settings from the environment.
//!
//! Several instances, in one or more processes, use the directory at the same time, and
//! each may end at any moment. So there is neither a lock nor state in memory, and a file
//! is complete before it gets its final name. Nothing must be written outside of the
//! directory.
//!
//! The file system must support hard links, as those of Linux and macOS do.

mod documents;
mod draft;
mod fault;
mod layout;
mod records;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use records::Held;

/// The path of the directory as the component sees it.
const ROOT: &str = "/data";

/// A platform that stores everything in one directory.
pub struct Filesystem {
    root: PathBuf,
}

impl Filesystem {
    /// Creates nothing yet; directories are created at the first write.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Default for Filesystem {
    fn default() -> Self {
        Self::at(ROOT)
    }
}

#[cfg(target_arch = "wasm32")]
concept_refinement_adapter_store::export_store!(Filesystem);
