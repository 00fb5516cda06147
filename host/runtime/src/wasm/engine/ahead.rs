//! Code that was compiled when the executable was built, so that the first start need not
//! compile anything.
//!
//! It targets processors from some years ago. If it does not fit this processor or this
//! build, it is ignored, and the component is compiled.

use std::borrow::Cow;

use anyhow::{Context as _, anyhow};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::constant::unmap;
use super::{config, in_place};

/// How code is embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// Compressed (DEFLATE), for components of which most hosts use none: loading takes
    /// some 10 ms longer.
    Deflate,
}

/// Embedded code: the result of [`compile`] for each component, each a [`Page`] so that it
/// can run in place.
pub type Ahead = &'static [&'static [u8]];

/// Something that begins at a page of memory.
#[repr(C, align(4096))]
pub struct Page<T>(pub T);

/// Of the compression: the best that is still quick.
const LEVEL: u8 = 9;

/// The system that this executable is for.
const TARGET: &str = env!("TARGET");

/// Processor features that the compiled code may use (`x86-64-v3` of the System V ABI:
/// since 2013). Loading checks them.
#[cfg(target_arch = "x86_64")]
const FEATURES: &[&str] = &[
    "has_sse3",
    "has_ssse3",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
    "has_avx",
    "has_avx2",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
    "has_fma",
];
#[cfg(not(target_arch = "x86_64"))]
const FEATURES: &[&str] = &[];

/// Compiles a component for any machine of this kind: returns the engine's code, a byte that
/// says how it is packed, and the component's hash. The result is reproducible.
///
/// # Errors
///
/// It is not a component, or compilation for this system is not supported.
#[allow(
    unsafe_code,
    reason = "the engine cannot know which processor it is for"
)]
pub fn compile(component: &[u8], packing: Packing) -> anyhow::Result<Vec<u8>> {
    let mut config = config();
    config.target(TARGET).map_err(anyhow::Error::from)?;
    for feature in FEATURES {
        // SAFETY: loading the code checks that the processor has these features.
        unsafe { config.cranelift_flag_enable(feature) };
    }
    let engine = wasmtime::Engine::new(&config).map_err(anyhow::Error::from)?;
    let code = engine
        .precompile_component(component)
        .map_err(anyhow::Error::from)?;
    let code = match packing {
        Packing::Plain => code,
        Packing::Deflate => compress_to_vec(&code, LEVEL),
    };
    Ok([&code, &[packing.byte()][..], &Sha256::digest(component)].concat())
}

impl Packing {
    fn byte(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Deflate => 1,
        }
    }
}

/// None: there is no code for this component, or it does not fit. `sum`: hash of the
/// component.
pub(super) fn component(
    engine: &wasmtime::Engine,
    ahead: Ahead,
    sum: &[u8; 32],
) -> Option<Component> {
    let code = ahead
        .iter()
        .find_map(|entry| entry.strip_suffix(&sum[..]))?;
    let loaded = unpacked(code).and_then(|code| load(engine, code));
    // Loading has read all of it; what runs is mapped again.
    unmap(code);
    match loaded {
        Ok(component) => Some(component),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(error, "code compiled ahead does not fit: compiled anew");
            None
        }
    }
}

/// The engine's code, before the byte that says how it is packed.
fn unpacked(code: &'static [u8]) -> anyhow::Result<Cow<'static, [u8]>> {
    match code.split_last() {
        Some((&byte, code)) if byte == Packing::Plain.byte() => Ok(Cow::Borrowed(code)),
        Some((&byte, code)) if byte == Packing::Deflate.byte() => {
            let code = decompress_to_vec(code).map_err(|error| anyhow!("unpacking it: {error}"))?;
            Ok(Cow::Owned(code))
        }
        Some(_) | None => Err(anyhow!("it is packed in an unknown way")),
    }
}

/// In place where that is possible, and the first time in this process, else as a copy.
#[allow(unsafe_code, reason = "compiled code is run as it was built")]
pub(super) fn load(
    engine: &wasmtime::Engine,
    code: Cow<'static, [u8]>,
) -> anyhow::Result<Component> {
    if let Cow::Borrowed(code) = code
        // SAFETY: the code is part of this executable, and was made by it.
        && let Some(Ok(component)) = unsafe { in_place::component(engine, code) }
    {
        return Ok(component);
    }
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, &code) }
        .map_err(anyhow::Error::from)
        .context("loading it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::engine::{Engine, Pool};

    /// The smallest component.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    const POOL: Pool = Pool {
        instances: 1,
        calls: 1,
        max_memory: 1 << 20,
    };

    #[test]
    fn what_is_compiled_ahead_fits_the_engine() {
        let engine = Engine::new(POOL, None, &[]).unwrap();
        let load = |code| load(engine.wasmtime(), unpacked(code).unwrap());
        let mut lengths = Vec::new();
        for packing in [Packing::Plain, Packing::Deflate] {
            let code = compile(COMPONENT, packing).unwrap();
            let again = compile(COMPONENT, packing).unwrap();
            assert_eq!(code, again, "{packing:?}: the same each time");
            let code = code.leak().strip_suffix(&Sha256::digest(COMPONENT)[..]);
            let code = code.unwrap();
            assert!(load(code).is_ok(), "{packing:?}");
            lengths.push(code.len());
        }
        assert!(lengths[1] < lengths[0] / 2, "{lengths:?}");
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_no_crash() {
        let engine = Engine::new(POOL, None, &[]).unwrap();
        let other = wasmtime::Engine::default();
        let other = other.precompile_component(COMPONENT).unwrap();
        for code in [&b""[..], b"no code", &other[..other.len() / 2], &other] {
            assert!(load(engine.wasmtime(), code.to_owned().into()).is_err());
        }
        for odd in [&b""[..], b"code\x02", b"no deflate\x01"] {
            assert!(unpacked(odd).is_err(), "{odd:?}");
        }
        assert!(compile(b"no component", Packing::Plain).is_err());
    }
}
