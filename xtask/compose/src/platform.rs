//! The interfaces of a platform that our components may use.
//!
//! A list may contain less than the platform offers, so that, for example, a component
//! that starts to import sockets is an error.

use anyhow::{Context as _, bail};
use wac_graph::types::{Package, Types};

/// What every composed component exports, and nothing else.
pub const HANDLER: &str = "wasi:http/handler@0.3.0";

/// Interfaces with versions; `@0.2` is any 0.2.x, since those are backward
/// compatible.
pub struct Platform {
    name: &'static str,
    offers: &'static [&'static [&'static str]],
}

/// Spin 4.1, according to its world `spin:up/http-trigger`.
pub static SPIN: Platform = Platform {
    name: "Spin",
    offers: &[STD, HTTP, KEY_VALUE, &["spin:variables/variables@3.0.0"]],
};

/// `wasmtime serve -S p3,http,cli`, with access to a directory.
pub static WASMTIME_SERVE: Platform = Platform {
    name: "wasmtime serve",
    offers: &[STD, HTTP, FILES],
};

/// Imports of Rust's standard library, in every component.
const STD: &[&str] = &[
    "wasi:cli/environment@0.2",
    "wasi:cli/exit@0.2",
    "wasi:cli/stdin@0.2",
    "wasi:cli/stdout@0.2",
    "wasi:cli/stderr@0.2",
    "wasi:cli/terminal-input@0.2",
    "wasi:cli/terminal-output@0.2",
    "wasi:cli/terminal-stdin@0.2",
    "wasi:cli/terminal-stdout@0.2",
    "wasi:cli/terminal-stderr@0.2",
    "wasi:clocks/monotonic-clock@0.2",
    "wasi:clocks/wall-clock@0.2",
    "wasi:io/error@0.2",
    "wasi:io/poll@0.2",
    "wasi:io/streams@0.2",
    "wasi:random/random@0.2",
    "wasi:random/insecure-seed@0.2",
];

const HTTP: &[&str] = &[
    "wasi:http/types@0.3.0",
    "wasi:http/client@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:random/random@0.3.0",
];

const KEY_VALUE: &[&str] = &[
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
];

const FILES: &[&str] = &["wasi:filesystem/types@0.2", "wasi:filesystem/preopens@0.2"];

impl Platform {
    fn offers(&self, import: &str) -> bool {
        let offers = self.offers.iter().copied().flatten();
        offers
            .copied()
            .any(|offer| import == offer || is_release(import, offer))
    }
}

/// Whether it is `offer` in any version 0.2.x.
fn is_release(import: &str, offer: &str) -> bool {
    let rest = import.strip_prefix(offer);
    let last = rest.and_then(|rest| rest.strip_prefix('.'));
    offer.ends_with("@0.2") && last.is_some_and(|last| last.parse::<u32>().is_ok())
}

/// Rejects a component that the platform cannot run, or that exports anything
/// but the HTTP handler.
pub fn check(component: &[u8], platform: &Platform) -> anyhow::Result<()> {
    let mut types = Types::default();
    let package = Package::from_bytes("composed", None, component, &mut types)
        .context("it is no component")?;
    let world = &types[package.ty()];
    for import in world.imports.keys() {
        if !platform.offers(import) {
            let name = platform.name;
            bail!("{import} is left open, which {name} does not offer");
        }
    }
    if let Some(export) = world.exports.keys().find(|export| *export != HANDLER) {
        bail!("{export} is exported, which is not {HANDLER}");
    }
    if world.exports.is_empty() {
        bail!("{HANDLER} is not exported");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_offers_releases_of_0_2_and_nothing_close_to_it() {
        for (import, expected) in [
            ("wasi:io/streams@0.2.0", true),
            ("wasi:io/streams@0.2.12", true),
            ("wasi:io/streams@0.2", true),
            ("wasi:io/streams@0.2.0-rc-2023-11-10", false),
            ("wasi:io/streams@0.20.0", false),
            ("wasi:io/streams@0.3.0", false),
            ("wasi:io/streams", false),
            ("wasi:io/stream@0.2.0", false),
            ("wasi:http/types@0.3.0", true),
            ("wasi:http/types@0.3.1", false),
            ("wasi:http/types@0.2.6", false),
            ("wasi:sockets/tcp@0.2.6", false),
            ("wasi:filesystem/types@0.2.6", false),
            ("wasi:keyvalue/store@0.2.0-draft2", true),
            ("wasi:keyvalue/store@0.2.0-draft", false),
            ("concept:refinement/settings@0.2.0", false),
        ] {
            assert_eq!(SPIN.offers(import), expected, "{import}");
        }
        assert!(WASMTIME_SERVE.offers("wasi:filesystem/types@0.2.6"));
        assert!(!WASMTIME_SERVE.offers("wasi:keyvalue/store@0.2.0-draft2"));
    }
}
