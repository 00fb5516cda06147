//! What is beneath a service, looked at while no process changes it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::{files, sqlite};

/// The stores of all processes of a world, whichever engines they are.
pub trait Stores: Send + Sync {
    /// The names of the refined images that are stored.
    fn refined(&self) -> BTreeSet<String>;

    /// As if the leases of the processes that led were over.
    fn free_duties(&self);

    /// What is wrong with them once all tasks are final and all processes have
    /// stopped.
    fn violations(&self) -> Vec<String>;
}

/// A data directory.
pub struct Embedded(pub PathBuf);

impl Stores for Embedded {
    fn refined(&self) -> BTreeSet<String> {
        files::refined(&self.0)
    }

    /// There are none: the directory belongs to one process at a time.
    fn free_duties(&self) {}

    fn violations(&self) -> Vec<String> {
        let mut found = files::leftovers(&self.0);
        found.extend(sqlite::violations(&self.0));
        found
    }
}

/// The name of the refined image of this URL: its owner's and its own. The format
/// is part of the URL alone.
pub fn name_of(image_url: &Value) -> String {
    let url = image_url.as_str().unwrap_or_default();
    let (_, path) = url.split_once("/api/images/refined/").unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (name, _format) = path.rsplit_once('.').unwrap_or((path, ""));
    name.to_owned()
}
