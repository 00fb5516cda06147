//! Directories as they are.

use std::fs;
use std::path::Path;

/// Copies what is in a directory, which nobody changes meanwhile, to another one. Links are left
/// out.
pub fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => {
                fs::create_dir(&target).unwrap();
                copy_into(&entry.path(), &target);
            }
            kind if kind.is_file() => drop(fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}
