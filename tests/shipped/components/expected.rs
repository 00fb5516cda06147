//! What each component may import, and what it exports.

use std::collections::BTreeSet;

use concept_refinement_domain::provider::Provider;

/// What Rust's standard library imports, without the version: its base. There
/// are no files and no sockets in it, and the host fills it with nothing.
pub const STD: [&str; 16] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    // Hash maps are seeded.
    "wasi:random/insecure-seed",
];

pub struct Expected {
    pub name: &'static str,
    pub imports: BTreeSet<String>,
    pub exports: BTreeSet<String>,
}

impl Expected {
    fn new<const I: usize, const E: usize>(
        name: &'static str,
        imports: [Vec<String>; I],
        exports: [Vec<String>; E],
    ) -> Self {
        Self {
            name,
            imports: imports.into_iter().flatten().collect(),
            exports: exports.into_iter().flatten().collect(),
        }
    }
}

/// Interfaces of a package, of this version.
fn of(package: &str, interfaces: &str, version: &str) -> Vec<String> {
    let interfaces = interfaces.split_whitespace();
    interfaces
        .map(|interface| format!("{package}/{interface}{version}"))
        .collect()
}

fn own(interfaces: &str) -> Vec<String> {
    of("concept:refinement", interfaces, "@0.2.0")
}

fn own_0_1(interfaces: &str) -> Vec<String> {
    of("concept:refinement", interfaces, "@0.1.0")
}

fn wasi(package: &str, interfaces: &str) -> Vec<String> {
    of(&format!("wasi:{package}"), interfaces, "@0.3.0")
}

fn http() -> Vec<String> {
    wasi("http", "client types")
}

fn clocks() -> Vec<String> {
    wasi("clocks", "types monotonic-clock system-clock")
}

fn random() -> Vec<String> {
    [wasi("random", "random"), of("wasi:random", "random", "")].concat()
}

fn filesystem() -> Vec<String> {
    of("wasi:filesystem", "types preopens", "")
}

/// Where Spin keeps what lasts, and what is set.
fn spin() -> Vec<String> {
    let keyvalue = of("wasi:keyvalue", "store atomics batch", "@0.2.0-draft2");
    [keyvalue, of("spin:variables", "variables", "@3.0.0")].concat()
}

fn link_name() -> Vec<String> {
    of("concept:composing", "link-name", "")
}

/// Those that ship: our own, and one of each provider.
pub fn components() -> Vec<Expected> {
    let mut components = vec![
        Expected::new(
            "api",
            [
                own("types settings health task-store task-queue"),
                own("image-store concept-store webhook-store"),
                http(),
                clocks(),
                random(),
            ],
            [own("handler"), wasi("http", "handler")],
        ),
        Expected::new(
            "processor",
            [
                own("types settings task-store image-store progress blobs"),
                own("model-types partial-edits image-model"),
                http(),
                clocks(),
                random(),
            ],
            [own("processor")],
        ),
        // It computes, and reaches nothing.
        Expected::new("masked", [own("types model-types")], [own("partial-edits")]),
        Expected::new(
            "notifier",
            [own("types"), http(), clocks()],
            [own("notifier")],
        ),
        Expected::new(
            "model-local",
            [own("model-types settings")],
            [own("image-model")],
        ),
        Expected::new(
            "model-fallback",
            [
                own("types model-types blobs next-models model-state"),
                wasi("clocks", "types system-clock"),
            ],
            [own("image-model")],
        ),
        Expected::new(
            "model-cache",
            [own("types model-types blobs next-models model-state")],
            [own("image-model")],
        ),
    ];
    components.extend(Provider::ALL.iter().map(|provider| {
        let profile = provider.profile();
        Expected::new(
            profile.component,
            [
                own("types model-types settings usage receipts"),
                http(),
                // The wait for the reason of an error is short.
                clocks(),
                random(),
            ],
            [own("image-model")],
        )
    }));
    components
}

/// What stands between these and a platform: each knows its own, and no other.
pub fn adapters() -> [Expected; 12] {
    let store = || {
        [
            own("settings health task-store image-store concept-store webhook-store"),
            own("progress blobs receipts usage payments"),
        ]
    };
    [
        Expected::new(
            "adapter-store-keyvalue",
            [own("types notifier"), spin(), clocks(), random()],
            store(),
        ),
        Expected::new(
            "adapter-store-filesystem",
            [own("types notifier"), filesystem(), clocks(), random()],
            store(),
        ),
        Expected::new(
            "adapter-queue-direct",
            [
                own("types task-store processor"),
                wasi("clocks", "types monotonic-clock"),
                wasi("random", "random"),
            ],
            [own("task-queue")],
        ),
        Expected::new(
            "adapter-queue-http",
            [
                own("types"),
                http(),
                wasi("clocks", "types monotonic-clock"),
                wasi("random", "random"),
            ],
            [own("task-queue")],
        ),
        Expected::new(
            "adapter-entry-http",
            [
                own("types task-store processor"),
                wasi("http", "types"),
                wasi("clocks", "types monotonic-clock"),
            ],
            [wasi("http", "handler")],
        ),
        Expected::new(
            "adapter-model-settings",
            [own("settings")],
            [own("settings")],
        ),
        Expected::new(
            "adapter-link-settings",
            [link_name(), own("settings")],
            [own("settings")],
        ),
        Expected::new(
            "adapter-next-model",
            [own("model-types image-model next-models")],
            [own("next-models")],
        ),
        Expected::new(
            "adapter-paid-model",
            [
                link_name(),
                own("types settings payments model-types image-model"),
            ],
            [own("image-model")],
        ),
        Expected::new(
            "adapter-chain-end",
            [own("model-types")],
            [own("next-models model-state")],
        ),
        Expected::new(
            "adapter-model-0-1",
            [own_0_1("model-types image-model"), own("model-types")],
            [own("image-model")],
        ),
        Expected::new(
            "adapter-next-models-0-1",
            [own_0_1("model-types"), own("model-types next-models")],
            [own_0_1("next-models")],
        ),
    ]
}

/// All of ours is wired in them: what is left is the platform's.
pub fn composed() -> [Expected; 3] {
    let composed = |name, platform| {
        let imports = [platform, http(), clocks(), random()];
        Expected::new(name, imports, [wasi("http", "handler")])
    };
    [
        composed("spin-api", spin()),
        composed("spin-processor", spin()),
        composed("standalone", filesystem()),
    ]
}
