//! Shared by the builds of the host and the components.

#[allow(dead_code, reason = "each build reads some of it")]
#[path = "domain/src/provider.rs"]
mod provider;

use provider::Provider;

/// Components that are embedded in the executable: their names in the host, and of their
/// files `NAME.wasm`.
pub fn shipped() -> impl Iterator<Item = &'static str> {
    let providers = Provider::ALL.iter();
    ["api", "processor", "masked", "notifier", "model-local"]
        .into_iter()
        .chain(providers.map(|provider| provider.profile().component))
        .chain(["model-fallback", "model-cache"])
}

/// Whether it is the model of a provider: most hosts use none of these.
#[allow(dead_code, reason = "only a release packs code")]
pub fn is_of_provider(name: &str) -> bool {
    let mut all = Provider::ALL.iter();
    all.any(|provider| provider.profile().component == name)
}

/// The target of all components.
pub const TARGET: &str = "wasm32-wasip2";

/// The profile of all components. Its directory has the same name.
pub const COMPONENT: &str = "component";

/// Initial memory of an instance, in bytes: enough for most tasks and requests. Growing
/// it later costs more than memory that is never touched.
const MEMORY: u32 = 6 << 20;

/// The package of a component.
pub fn package(name: &str) -> String {
    let name = name.strip_prefix("adapter-").unwrap_or(name);
    format!("concept-refinement-{name}")
}

/// The file that cargo makes for a component.
pub fn file(name: &str) -> String {
    format!("{}.wasm", package(name).replace('-', "_"))
}

/// The arguments of `cargo rustc` for one component. It builds only the `cdylib`: if a
/// crate is also built as a library for tests, there is no link-time optimisation.
pub fn arguments(name: &str) -> Vec<String> {
    let package = package(name);
    let memory = format!("link-arg=--initial-memory={MEMORY}");
    [
        "--profile",
        COMPONENT,
        "--target",
        TARGET,
        "--package",
        &package,
        "--lib",
        "--crate-type",
        "cdylib",
        "--",
        "-C",
        &memory,
    ]
    .map(str::to_owned)
    .to_vec()
}
