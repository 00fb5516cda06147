//! Files, as the configuration chooses them.

use std::path::PathBuf;
use std::sync::Arc;

use super::FileImages;
use crate::capability::engine::{Engine, EngineConfig, ImageEngine, on_a_thread};

/// `file`: a folder of the data directory.
pub const ENGINE: ImageEngine = Engine {
    name: "file",
    exists: |config| folder(config).try_exists(),
    open: |config, signing| {
        on_a_thread(config, move |config| {
            let images = FileImages::open(&folder(&config), signing, config.room, config.clock)?;
            Ok(Arc::new(images) as _)
        })
    },
};

fn folder(config: &EngineConfig) -> PathBuf {
    config.directory.join("images")
}
