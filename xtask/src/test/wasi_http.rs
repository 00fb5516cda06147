//! The components with an api that has no door of its own, so that the host
//! serves it by `wasi:http/handler` as it serves a composed one.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::components::{SHIPPED, write_if_changed};
use crate::workspace::Workspace;

const DOOR: &[u8] = b"concept:refinement/handler@0.1.0";
/// As long, so that no length within the component changes.
const NO_DOOR: &[u8] = b"concept:refinement/unnamed@0.1.0";

/// Writes them to a directory of their own.
pub fn components(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let directory = workspace.test_components().join("wasi-http");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    for component in SHIPPED {
        let file = format!("{}.wasm", component.name);
        let from = workspace.components().join(&file);
        let mut bytes = fs::read(&from).with_context(|| from.display().to_string())?;
        if component.name == "api" {
            ensure!(rename_door(&mut bytes), "the api has no door of its own");
        }
        let to = directory.join(&file);
        write_if_changed(&to, &bytes).with_context(|| to.display().to_string())?;
    }
    Ok(directory)
}

/// Whether there was one.
fn rename_door(bytes: &mut [u8]) -> bool {
    let mut is_found = false;
    let mut at = 0;
    while let Some(window) = bytes.get_mut(at..at + DOOR.len()) {
        if window == DOOR {
            window.copy_from_slice(NO_DOOR);
            is_found = true;
        }
        at += 1;
    }
    is_found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_the_door_is_replaced() {
        let mut bytes = [b"\0asm", DOOR, b"#handle", DOOR].concat();
        assert!(rename_door(&mut bytes));
        assert_eq!(bytes, [b"\0asm", NO_DOOR, b"#handle", NO_DOOR].concat());
        assert!(!rename_door(&mut bytes));
    }
}
