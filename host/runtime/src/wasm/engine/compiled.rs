//! A cache of compiled components, one file each.
//!
//! Problems with the cache cost a compilation and a warning, but never prevent a start.
//! Only intact files are executed. Several processes may share a directory.

mod entry;
mod files;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::path::{Display, Path, PathBuf};
use std::sync::Once;

use wasmtime::component::Component;

use entry::Key;

pub(super) struct CompiledCode {
    directory: PathBuf,
    warned_unusable: Once,
    warned_not_saved: Once,
}

impl CompiledCode {
    /// The directory is created when the first file is written.
    pub(super) fn open(directory: &Path) -> Self {
        if let Err(error) = files::tidy(directory) {
            tracing::warn!(?directory, %error, "old compiled code could not be removed");
        }
        Self {
            directory: directory.to_owned(),
            warned_unusable: Once::new(),
            warned_not_saved: Once::new(),
        }
    }

    pub(super) fn directory(&self) -> Display<'_> {
        self.directory.display()
    }

    /// `sum`: hash of the component's bytes.
    pub(super) fn component(
        &self,
        engine: &wasmtime::Engine,
        sum: &[u8; 32],
        compile: impl FnOnce() -> anyhow::Result<Component>,
    ) -> anyhow::Result<Component> {
        let key = Key::of(engine, sum);
        let unusable = match self.load(engine, &key) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let component = compile()?;
        let directory = &self.directory;
        let saved = self.save(&key, &component);
        // An unusable file is often also the reason why saving fails, so only one is
        // reported.
        match (unusable, saved) {
            (Some(error), _) => self.warned_unusable.call_once(|| {
                let error = format!("{error:#}");
                tracing::warn!(?directory, error, "unusable compiled code: compiled anew");
            }),
            (None, Err(error)) => self.warned_not_saved.call_once(|| {
                let error = format!("{error:#}");
                tracing::warn!(?directory, error, "compiled code could not be saved");
            }),
            (None, Ok(())) => {}
        }
        Ok(component)
    }

    /// None: there is no file for this key.
    fn load(&self, engine: &wasmtime::Engine, key: &Key) -> anyhow::Result<Option<Component>> {
        let entry = files::read(&self.directory, &key.name())?;
        entry.map(|entry| key.open(engine, &entry)).transpose()
    }

    fn save(&self, key: &Key, component: &Component) -> anyhow::Result<()> {
        let code = component.serialize().map_err(anyhow::Error::from)?;
        files::replace(&self.directory, &key.name(), &[&key.sum(&code), &code])?;
        Ok(())
    }
}
