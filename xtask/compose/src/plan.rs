//! The plans of compositions, as data.

use concept_refinement_domain::chain::{Component, Link};

use crate::platform::{Platform, SPIN, WASMTIME_SERVE};
use crate::version_0_1::adapted;

/// A composed component. It exports what its front exports.
pub struct Plan {
    /// Its file is `name.wasm`.
    pub name: &'static str,
    pub instances: Vec<Instance>,
    /// The instance that answers requests.
    pub front: &'static str,
    pub platform: &'static Platform,
}

/// A component within a composed one.
#[derive(Clone)]
pub struct Instance {
    pub name: String,
    pub part: Part,
    /// Our interfaces that it imports, each with the instance that provides it.
    /// Interfaces with only types are wired implicitly.
    pub filled: Vec<(&'static str, String)>,
}

/// The component of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Shipped(&'static str),
    /// The chosen image model, or a link of it by its index among all links. It need not
    /// use all wires.
    Model(usize),
    /// The component that returns the name of a link, by the link's index.
    LinkName(usize),
    /// The component with the types of the interfaces.
    Types,
}

/// The end of a chain, behind its last link.
const END: &str = "chain-end";

/// The model that uses no provider.
const LOCAL: &str = "local";

fn instance(name: &str, part: Part, filled: &[(&'static str, &str)]) -> Instance {
    let filled = filled
        .iter()
        .map(|(import, from)| (*import, (*from).to_owned()));
    Instance {
        name: name.to_owned(),
        part,
        filled: filled.collect(),
    }
}

pub fn shipped(name: &str, part: &'static str, filled: &[(&'static str, &str)]) -> Instance {
    instance(name, Part::Shipped(part), filled)
}

fn api() -> Instance {
    let filled = [
        ("settings", "store"),
        ("health", "store"),
        ("task-store", "store"),
        ("task-queue", "queue"),
        ("image-store", "store"),
        ("concept-store", "store"),
        ("webhook-store", "store"),
    ];
    shipped("api", "api", &filled)
}

/// Edits of a part of an image.
fn masked() -> Instance {
    shipped("masked", "masked", &[])
}

fn processor() -> Instance {
    let filled = [
        ("settings", "store"),
        ("task-store", "store"),
        ("image-store", "store"),
        ("progress", "store"),
        ("blobs", "store"),
        ("partial-edits", "masked"),
        ("image-model", "model"),
    ];
    shipped("processor", "processor", &filled)
}

/// The model, or the whole chain; it sees only its own settings.
fn model(link: &Link) -> Vec<Instance> {
    if link.behind.is_some() {
        let mut instances = vec![shipped(END, "adapter-chain-end", &[])];
        links(link, &mut 0, &mut instances);
        return instances;
    }
    let filled = [("settings", "store")];
    let settings = "model-settings";
    let mut instances = vec![shipped(settings, "adapter-model-settings", &filled)];
    let filled = [
        ("settings", settings),
        ("receipts", "store"),
        ("usage", "store"),
    ];
    if may_cost(link) {
        let (model, link_name) = ("asked-model", "link-name");
        instances.push(instance(link_name, Part::LinkName(0), &[]));
        instances.push(instance(model, Part::Model(0), &filled));
        instances.push(paid("model", model, settings, link_name));
    } else {
        instances.push(instance("model", Part::Model(0), &filled));
    }
    instances
}

/// Whether it may call a paid provider. Only for models, not for middleware.
fn may_cost(link: &Link) -> bool {
    match &link.component {
        Component::Shipped(name) => name != LOCAL,
        Component::File(_) => true,
    }
}

/// The adapter that counts the calls of a model.
fn paid(name: &str, model: &str, settings: &str, link_name: &str) -> Instance {
    let filled = [
        ("image-model", model),
        ("settings", settings),
        ("link-name", link_name),
        ("payments", "store"),
    ];
    shipped(name, "adapter-paid-model", &filled)
}

/// A link with all links behind it. Its index among all links is `next`; the first link
/// behind it has the following one.
fn links(link: &Link, next: &mut usize, instances: &mut Vec<Instance>) -> String {
    let place = *next;
    *next += 1;
    let name = match place {
        0 => "model".to_owned(),
        place => format!("link-{place}"),
    };
    let (settings, link_name) = (format!("settings-{place}"), format!("name-{place}"));
    instances.push(instance(&link_name, Part::LinkName(place), &[]));
    let filled = [("link-name", link_name.as_str()), ("settings", "store")];
    instances.push(shipped(&settings, "adapter-link-settings", &filled));
    let behind: Vec<_> = link
        .behind()
        .iter()
        .map(|link| links(link, next, instances))
        .collect();
    // Each is followed by the next ones, so they are built from the last one on.
    let mut first = END.to_owned();
    for (index, model) in behind.iter().enumerate().rev() {
        let filled = [("image-model", model.as_str()), ("next-models", &first)];
        let adapter = format!("next-{place}-{index}");
        instances.push(shipped(&adapter, "adapter-next-model", &filled));
        first = adapter;
    }
    let mut filled = vec![
        ("settings", settings.as_str()),
        ("receipts", "store"),
        ("usage", "store"),
    ];
    if link.behind.is_some() {
        let more = [
            ("blobs", "store"),
            ("model-state", END),
            ("next-models", &first),
        ];
        filled.extend(more);
        instances.push(instance(&name, Part::Model(place), &filled));
    } else {
        // Also for free models: where repeats are forbidden, they are not called again
        // either.
        let model = format!("asked-{name}");
        instances.push(instance(&model, Part::Model(place), &filled));
        instances.push(paid(&name, &model, &settings, &link_name));
    }
    name
}

/// All compositions with this model. `is_old`: whether the link of this place was built with
/// the interfaces of 0.1.0.
pub fn plans(link: &Link, is_old: &dyn Fn(usize) -> bool) -> [Plan; 3] {
    let model = |link| adapted(model(link), is_old);
    let notifier = || shipped("notifier", "notifier", &[]);
    let notified = [("notifier", "notifier")];
    let keyvalue = || shipped("store", "adapter-store-keyvalue", &notified);
    let filesystem = shipped("store", "adapter-store-filesystem", &notified);
    let worker = [("processor", "processor"), ("task-store", "store")];
    [
        Plan {
            name: "spin-api",
            instances: vec![
                notifier(),
                keyvalue(),
                shipped("queue", "adapter-queue-http", &[]),
                api(),
            ],
            front: "api",
            platform: &SPIN,
        },
        Plan {
            name: "spin-processor",
            instances: [
                vec![notifier(), keyvalue()],
                model(link),
                vec![
                    masked(),
                    processor(),
                    shipped("entry", "adapter-entry-http", &worker),
                ],
            ]
            .concat(),
            front: "entry",
            platform: &SPIN,
        },
        Plan {
            name: "standalone",
            instances: [
                vec![notifier(), filesystem],
                model(link),
                vec![
                    masked(),
                    processor(),
                    shipped("queue", "adapter-queue-direct", &worker),
                    api(),
                ],
            ]
            .concat(),
            front: "api",
            platform: &WASMTIME_SERVE,
        },
    ]
}
