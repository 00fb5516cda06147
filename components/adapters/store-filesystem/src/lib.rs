//! A platform that offers a directory: records and documents as files below it,
//! settings from the environment.
//!
//! Several instances, of one process or of several, use the directory at once,
//! and each may end at any moment: so there is no lock and no state in memory,
//! and each file is whole before it gets the name by which it is found. It must
//! never write outside its directory.
//!
//! The directory's file system has to know hard links, as those of Linux and of
//! macOS do.

mod documents;
mod draft;
mod fault;
mod layout;
mod records;
mod settings;
#[cfg(test)]
mod testing;

use std::path::PathBuf;

use layout::Layout;
pub use records::Held;

/// Where the platform shows the component its directory.
const ROOT: &str = "/data";

/// All that is kept in one directory.
pub struct Filesystem {
    layout: Layout,
}

impl Filesystem {
    /// Creates nothing: what is missing is made when it is first written.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            layout: Layout::new(root.into()),
        }
    }
}

impl Default for Filesystem {
    fn default() -> Self {
        Self::at(ROOT)
    }
}

#[cfg(target_arch = "wasm32")]
concept_refinement_adapter_store::export_store!(Filesystem);
