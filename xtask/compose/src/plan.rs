//! The plans, as data.

use concept_refinement_domain::chain::{Component, Link};

use crate::platform::{Platform, SPIN, WASMTIME_SERVE};

/// A composed component, which exports what its front exports.
pub struct Plan {
    /// `name.wasm` is its file.
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
    /// Our interfaces that it imports, each with the instance that fills it.
    /// Those that have types only are filled implicitly.
    pub filled: Vec<(&'static str, String)>,
}

/// Which component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Shipped(&'static str),
    /// The chosen image model, or a link of it by its place among all. It need not use
    /// all wires.
    Model(usize),
    /// What tells the name of a link, by its place among all.
    LinkName(usize),
    /// The types of the interfaces.
    Types,
}

/// What links of a chain have behind the last one.
const END: &str = "chain-end";

/// The model that asks nobody.
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

fn shipped(name: &str, part: &'static str, filled: &[(&'static str, &str)]) -> Instance {
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

fn processor() -> Instance {
    let filled = [
        ("settings", "store"),
        ("task-store", "store"),
        ("image-store", "store"),
        ("progress", "store"),
        ("blobs", "store"),
        ("image-model", "model"),
    ];
    shipped("processor", "processor", &filled)
}

/// The model, which sees its own settings only. The whole chain, if it is one.
fn model(link: &Link) -> Vec<Instance> {
    if link.behind.is_some() {
        let mut instances = vec![shipped(END, "adapter-chain-end", &[])];
        links(link, &mut 0, &mut instances);
        return instances;
    }
    let filled = [("settings", "store")];
    let settings = "model-settings";
    let mut instances = vec![shipped(settings, "adapter-model-settings", &filled)];
    let filled = [("settings", settings), ("receipts", "store")];
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

/// Whether it may ask a provider that is paid for it, if it is no middleware.
fn may_cost(link: &Link) -> bool {
    match &link.component {
        Component::Shipped(name) => name != LOCAL,
        Component::File(_) => true,
    }
}

/// What counts the calls of a model.
fn paid(name: &str, model: &str, settings: &str, link_name: &str) -> Instance {
    let filled = [
        ("image-model", model),
        ("settings", settings),
        ("link-name", link_name),
        ("payments", "store"),
    ];
    shipped(name, "adapter-paid-model", &filled)
}

/// A link with all behind it. Its place among all links is `next`, that of the first
/// one behind it the one after.
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
    // Each with those after it, from the last one on.
    let mut first = END.to_owned();
    for (index, model) in behind.iter().enumerate().rev() {
        let filled = [("image-model", model.as_str()), ("next-models", &first)];
        let adapter = format!("next-{place}-{index}");
        instances.push(shipped(&adapter, "adapter-next-model", &filled));
        first = adapter;
    }
    let mut filled = vec![("settings", settings.as_str()), ("receipts", "store")];
    if link.behind.is_some() {
        let more = [
            ("blobs", "store"),
            ("model-state", END),
            ("next-models", &first),
        ];
        filled.extend(more);
    }
    // Also what costs nothing: it is not asked either where nobody is to be asked twice.
    if link.behind.is_none() {
        let model = format!("asked-{name}");
        instances.push(instance(&model, Part::Model(place), &filled));
        instances.push(paid(&name, &model, &settings, &link_name));
    } else {
        instances.push(instance(&name, Part::Model(place), &filled));
    }
    name
}

/// All compositions with this model.
pub fn plans(link: &Link) -> [Plan; 3] {
    let notifier = || shipped("notifier", "notifier", &[]);
    let notified = [("notifier", "notifier")];
    let keyvalue = || shipped("store", "adapter-store-keyvalue", &notified);
    let filesystem = shipped("store", "adapter-store-filesystem", &notified);
    let processor_of = [("processor", "processor")];
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
                    processor(),
                    shipped("entry", "adapter-entry-http", &processor_of),
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
                    processor(),
                    shipped("queue", "adapter-queue-direct", &processor_of),
                    api(),
                ],
            ]
            .concat(),
            front: "api",
            platform: &WASMTIME_SERVE,
        },
    ]
}
