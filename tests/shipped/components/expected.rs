//! What each component may import, and what it exports.

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
    pub imports: &'static [&'static str],
    pub exports: &'static [&'static str],
}

const OWN: [Expected; 7] = [
    Expected {
        name: "api",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/settings@0.2.0",
            "concept:refinement/health@0.2.0",
            "concept:refinement/task-store@0.2.0",
            "concept:refinement/task-queue@0.2.0",
            "concept:refinement/image-store@0.2.0",
            "concept:refinement/concept-store@0.2.0",
            "concept:refinement/webhook-store@0.2.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: &[
            "concept:refinement/handler@0.2.0",
            "wasi:http/handler@0.3.0",
        ],
    },
    Expected {
        name: "processor",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/settings@0.2.0",
            "concept:refinement/task-store@0.2.0",
            "concept:refinement/image-store@0.2.0",
            "concept:refinement/progress@0.2.0",
            "concept:refinement/blobs@0.2.0",
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/partial-edits@0.2.0",
            "concept:refinement/image-model@0.2.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: &["concept:refinement/processor@0.2.0"],
    },
    // It computes, and reaches nothing.
    Expected {
        name: "masked",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/model-types@0.2.0",
        ],
        exports: &["concept:refinement/partial-edits@0.2.0"],
    },
    Expected {
        name: "notifier",
        imports: &[
            "concept:refinement/types@0.2.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
        ],
        exports: &["concept:refinement/notifier@0.2.0"],
    },
    Expected {
        name: "model-local",
        imports: &[
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/settings@0.2.0",
        ],
        exports: MODEL_EXPORTS,
    },
    Expected {
        name: "model-fallback",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/blobs@0.2.0",
            "concept:refinement/next-models@0.2.0",
            "concept:refinement/model-state@0.2.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
        ],
        exports: MODEL_EXPORTS,
    },
    Expected {
        name: "model-cache",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/blobs@0.2.0",
            "concept:refinement/next-models@0.2.0",
            "concept:refinement/model-state@0.2.0",
        ],
        exports: MODEL_EXPORTS,
    },
];

/// Those that ship: our own, and one of each provider.
pub fn components() -> impl Iterator<Item = Expected> {
    let providers = Provider::ALL.iter().map(|provider| provider.profile());
    OWN.into_iter().chain(providers.map(|provider| Expected {
        name: provider.component,
        imports: match provider.has_receipts {
            true => PATIENT_PROVIDER_IMPORTS,
            false => PROVIDER_IMPORTS,
        },
        exports: MODEL_EXPORTS,
    }))
}

const MODEL_EXPORTS: &[&str] = &["concept:refinement/image-model@0.2.0"];

/// Of a model that asks a provider: no timer, since it neither waits nor asks
/// again.
const PROVIDER_IMPORTS: &[&str] = &[
    "concept:refinement/types@0.2.0",
    "concept:refinement/model-types@0.2.0",
    "concept:refinement/settings@0.2.0",
    "concept:refinement/usage@0.2.0",
    "wasi:http/client@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:clocks/types@0.3.0",
    // The wait for the reason of an error is short.
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:random/random@0.3.0",
    "wasi:random/random",
];

/// Of one that asks again until the image is there.
const PATIENT_PROVIDER_IMPORTS: &[&str] = &[
    "concept:refinement/types@0.2.0",
    "concept:refinement/model-types@0.2.0",
    "concept:refinement/settings@0.2.0",
    "concept:refinement/usage@0.2.0",
    "concept:refinement/receipts@0.2.0",
    "wasi:http/client@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:random/random@0.3.0",
    "wasi:random/random",
];

/// What stands between these and a platform: each knows its own, and no other.
pub const ADAPTERS: [Expected; 12] = [
    Expected {
        name: "adapter-store-keyvalue",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/notifier@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:keyvalue/atomics@0.2.0-draft2",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "spin:variables/variables@3.0.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: STORE_EXPORTS,
    },
    Expected {
        name: "adapter-store-filesystem",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/notifier@0.2.0",
            "wasi:filesystem/types",
            "wasi:filesystem/preopens",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: STORE_EXPORTS,
    },
    Expected {
        name: "adapter-queue-direct",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/task-store@0.2.0",
            "concept:refinement/processor@0.2.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:random/random@0.3.0",
        ],
        exports: QUEUE_EXPORTS,
    },
    Expected {
        name: "adapter-queue-http",
        imports: &[
            "concept:refinement/types@0.2.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:random/random@0.3.0",
        ],
        exports: QUEUE_EXPORTS,
    },
    Expected {
        name: "adapter-entry-http",
        imports: &[
            "concept:refinement/types@0.2.0",
            "concept:refinement/task-store@0.2.0",
            "concept:refinement/processor@0.2.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
        ],
        exports: &["wasi:http/handler@0.3.0"],
    },
    Expected {
        name: "adapter-model-settings",
        imports: &["concept:refinement/settings@0.2.0"],
        exports: &["concept:refinement/settings@0.2.0"],
    },
    Expected {
        name: "adapter-link-settings",
        imports: &[
            "concept:composing/link-name",
            "concept:refinement/settings@0.2.0",
        ],
        exports: &["concept:refinement/settings@0.2.0"],
    },
    Expected {
        name: "adapter-next-model",
        imports: &[
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/image-model@0.2.0",
            "concept:refinement/next-models@0.2.0",
        ],
        exports: &["concept:refinement/next-models@0.2.0"],
    },
    Expected {
        name: "adapter-paid-model",
        imports: &[
            "concept:composing/link-name",
            "concept:refinement/types@0.2.0",
            "concept:refinement/settings@0.2.0",
            "concept:refinement/payments@0.2.0",
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/image-model@0.2.0",
        ],
        exports: &["concept:refinement/image-model@0.2.0"],
    },
    Expected {
        name: "adapter-chain-end",
        imports: &["concept:refinement/model-types@0.2.0"],
        exports: &[
            "concept:refinement/next-models@0.2.0",
            "concept:refinement/model-state@0.2.0",
        ],
    },
    Expected {
        name: "adapter-model-0-1",
        imports: &[
            "concept:refinement/model-types@0.1.0",
            "concept:refinement/image-model@0.1.0",
            "concept:refinement/model-types@0.2.0",
        ],
        exports: &["concept:refinement/image-model@0.2.0"],
    },
    Expected {
        name: "adapter-next-models-0-1",
        imports: &[
            "concept:refinement/model-types@0.1.0",
            "concept:refinement/model-types@0.2.0",
            "concept:refinement/next-models@0.2.0",
        ],
        exports: &["concept:refinement/next-models@0.1.0"],
    },
];

const STORE_EXPORTS: &[&str] = &[
    "concept:refinement/settings@0.2.0",
    "concept:refinement/health@0.2.0",
    "concept:refinement/task-store@0.2.0",
    "concept:refinement/image-store@0.2.0",
    "concept:refinement/concept-store@0.2.0",
    "concept:refinement/webhook-store@0.2.0",
    "concept:refinement/progress@0.2.0",
    "concept:refinement/blobs@0.2.0",
    "concept:refinement/receipts@0.2.0",
    "concept:refinement/usage@0.2.0",
    "concept:refinement/payments@0.2.0",
];

const QUEUE_EXPORTS: &[&str] = &["concept:refinement/task-queue@0.2.0"];

/// All of ours is wired in them: what is left is the platform's.
pub const COMPOSED: [Expected; 3] = [
    Expected {
        name: "spin-api",
        imports: SPIN_IMPORTS,
        exports: &["wasi:http/handler@0.3.0"],
    },
    Expected {
        name: "spin-processor",
        imports: SPIN_IMPORTS,
        exports: &["wasi:http/handler@0.3.0"],
    },
    Expected {
        name: "standalone",
        imports: &[
            "wasi:filesystem/types",
            "wasi:filesystem/preopens",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: &["wasi:http/handler@0.3.0"],
    },
];

const SPIN_IMPORTS: &[&str] = &[
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "spin:variables/variables@3.0.0",
    "wasi:http/client@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:random/random@0.3.0",
    "wasi:random/random",
];
