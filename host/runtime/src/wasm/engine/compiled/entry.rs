//! The format of a file: a hash, and the code as serialized by the engine.

use std::hash::{Hash as _, Hasher};

use anyhow::Context as _;
use concept_refinement_domain::hex::hex;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

type Sum = [u8; 32];

/// Identifies the code: component and engine settings.
pub(super) struct Key(Sum);

impl Key {
    /// `component`: the hash of its bytes.
    pub(super) fn of(engine: &wasmtime::Engine, component: &Sum) -> Self {
        let mut settings = Settings(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        let of_both = Sha256::new()
            .chain_update(settings.0.finalize())
            .chain_update(component);
        Self(of_both.finalize().into())
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        hex(&self.0)
    }

    /// The hash includes the key, so that a renamed file is not accepted.
    pub(super) fn sum(&self, code: &[u8]) -> Sum {
        let sum = Sha256::new().chain_update(self.0).chain_update(code);
        sum.finalize().into()
    }

    /// Loads the component of an intact file.
    #[allow(unsafe_code, reason = "compiled code is run as it was kept")]
    pub(super) fn open(
        &self,
        engine: &wasmtime::Engine,
        entry: &[u8],
    ) -> anyhow::Result<Component> {
        let (sum, code) = entry.split_first_chunk().context("it is cut short")?;
        anyhow::ensure!(*sum == self.sum(code), "it is damaged");
        // SAFETY: according to the hash, these bytes were serialized by an engine like
        // this one. A hash does not stop an attacker; what protects the file is that only
        // this user can write to it.
        unsafe { Component::deserialize(engine, code) }.map_err(anyhow::Error::from)
    }
}

/// An engine exposes its settings only to a `Hasher`, and the standard
/// library's is too short for a file name.
struct Settings(Sha256);

impl Hasher for Settings {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let sum: Sum = self.0.clone().finalize().into();
        sum.first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
