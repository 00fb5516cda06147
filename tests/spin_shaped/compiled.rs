//! Components, compiled, or read where a run before has compiled them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

/// The directory is as trusted as this executable. Whatever is wrong with what is
/// in it costs a compilation.
#[allow(unsafe_code, reason = "compiled code is run as it was kept")]
pub fn component(
    engine: &wasmtime::Engine,
    bytes: &[u8],
    directory: &Path,
) -> anyhow::Result<Component> {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    let key = Sha256::digest(bytes);
    let path = directory.join(format!("{key:x}-{:x}", settings.finish()));
    if path.exists() {
        // SAFETY: only this function writes there, whole files, and names them
        // by what they were compiled from and for.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => return Ok(component),
            Err(error) => eprintln!("{} is compiled anew: {error}", path.display()),
        }
    }
    let component = Component::new(engine, bytes).map_err(anyhow::Error::from)?;
    let code = component.serialize().map_err(anyhow::Error::from)?;
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&partial, code))
        .and_then(|()| std::fs::rename(&partial, &path))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(component)
}
