//! The plans, as data.

use crate::platform::{Platform, SPIN, WASMTIME_SERVE};

/// A composed component, which exports what its front exports.
pub struct Plan {
    /// `name.wasm` is its file.
    pub name: &'static str,
    pub instances: &'static [Instance],
    /// The instance that answers requests.
    pub front: &'static str,
    pub platform: &'static Platform,
}

/// A component within a composed one.
pub struct Instance {
    pub name: &'static str,
    pub part: Part,
    /// Our interfaces that it imports, each with the instance that fills it.
    /// `types` is filled implicitly.
    pub filled: &'static [(&'static str, &'static str)],
}

/// Which component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Shipped(&'static str),
    /// The chosen image model. It need not use all wires.
    Model,
    /// The types of the interfaces.
    Types,
}

const API: Instance = Instance {
    name: "api",
    part: Part::Shipped("api"),
    filled: &[
        ("settings", "store"),
        ("health", "store"),
        ("task-store", "store"),
        ("task-queue", "queue"),
        ("image-store", "store"),
        ("concept-store", "store"),
    ],
};

const PROCESSOR: Instance = Instance {
    name: "processor",
    part: Part::Shipped("processor"),
    filled: &[
        ("settings", "store"),
        ("task-store", "store"),
        ("image-store", "store"),
        ("progress", "store"),
        ("blobs", "store"),
        ("image-model", "model"),
    ],
};

const MODEL: Instance = Instance {
    name: "model",
    part: Part::Model,
    filled: &[("settings", "model-settings")],
};

/// Lets a model see its own settings only.
const MODEL_SETTINGS: Instance = Instance {
    name: "model-settings",
    part: Part::Shipped("adapter-model-settings"),
    filled: &[("settings", "store")],
};

const STORE_KEYVALUE: Instance = Instance {
    name: "store",
    part: Part::Shipped("adapter-store-keyvalue"),
    filled: &[],
};

const STORE_FILESYSTEM: Instance = Instance {
    name: "store",
    part: Part::Shipped("adapter-store-filesystem"),
    filled: &[],
};

const QUEUE_HTTP: Instance = Instance {
    name: "queue",
    part: Part::Shipped("adapter-queue-http"),
    filled: &[],
};

const QUEUE_DIRECT: Instance = Instance {
    name: "queue",
    part: Part::Shipped("adapter-queue-direct"),
    filled: &[("processor", "processor")],
};

const ENTRY_HTTP: Instance = Instance {
    name: "entry",
    part: Part::Shipped("adapter-entry-http"),
    filled: &[("processor", "processor")],
};

pub const PLANS: [Plan; 3] = [
    Plan {
        name: "spin-api",
        instances: &[STORE_KEYVALUE, QUEUE_HTTP, API],
        front: "api",
        platform: &SPIN,
    },
    Plan {
        name: "spin-processor",
        instances: &[STORE_KEYVALUE, MODEL_SETTINGS, MODEL, PROCESSOR, ENTRY_HTTP],
        front: "entry",
        platform: &SPIN,
    },
    Plan {
        name: "standalone",
        instances: &[
            STORE_FILESYSTEM,
            MODEL_SETTINGS,
            MODEL,
            PROCESSOR,
            QUEUE_DIRECT,
            API,
        ],
        front: "api",
        platform: &WASMTIME_SERVE,
    },
];
