//! Empty components with the right imports and exports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::plan::Part;
use crate::{link_name, types};

/// As far as these components go.
const WASI: &str = "
    package concept:stand-ins;
    package concept:composing { interface link-name { get: func() -> string; } }
    package wasi:http@0.3.0 { interface handler { handle: async func(); } }
    package wasi:io@0.2.6 { interface poll { poll: func(); } }
    package wasi:sockets@0.2.6 { interface tcp { connect: func(); } }
    package wasi:keyvalue@0.2.0-draft2 { interface store { open: func(); } }
    package wasi:filesystem@0.2.6 { interface types { open: func(); } }
";

/// A world that imports and exports these interfaces of ours.
fn ours(imports: &str, exports: &str) -> String {
    let items = |verb: &str, names: &str| {
        let names = names.split_whitespace();
        names
            .map(|name| format!("{verb} concept:refinement/{name}@0.2.0;"))
            .collect::<String>()
    };
    items("import", imports) + &items("export", exports)
}

pub fn model() -> String {
    ours("settings receipts usage", "image-model")
}

/// All parts of all plans: what a world of each says.
pub struct StandIns {
    worlds: BTreeMap<&'static str, String>,
    is_chain: bool,
}

impl StandIns {
    pub fn new() -> Self {
        let poll = "import wasi:io/poll@0.2.6;";
        let handler = "export wasi:http/handler@0.3.0;";
        let of_link = "import concept:composing/link-name;";
        let stores = "task-store image-store concept-store webhook-store";
        let store = |more: &str| {
            let others = "progress blobs receipts usage payments settings health";
            ours("notifier", &format!("{stores} {others}")) + poll + more
        };
        let of_api = format!("settings health task-queue {stores}");
        let of_processor =
            "settings task-store image-store progress blobs partial-edits image-model";
        let of_middleware = "settings receipts blobs next-models model-state";
        let released = |verb: &str, name: &str| format!("{verb} concept:refinement/{name}@0.1.0;");
        let worlds = BTreeMap::from([
            ("api", ours(&of_api, "") + poll + handler),
            ("processor", ours(of_processor, "processor")),
            ("masked", ours("", "partial-edits")),
            ("model", model()),
            ("middleware", ours(of_middleware, "image-model")),
            ("notifier", ours("", "notifier")),
            ("adapter-model-settings", ours("settings", "settings")),
            (
                "adapter-store-keyvalue",
                store("import wasi:keyvalue/store@0.2.0-draft2;"),
            ),
            (
                "adapter-store-filesystem",
                store("import wasi:filesystem/types@0.2.6;"),
            ),
            ("adapter-queue-http", ours("", "task-queue")),
            (
                "adapter-queue-direct",
                ours("task-store processor", "task-queue"),
            ),
            (
                "adapter-entry-http",
                ours("task-store processor", "") + handler,
            ),
            (
                "adapter-link-settings",
                ours("settings", "settings") + of_link,
            ),
            (
                "adapter-next-model",
                ours("image-model next-models", "next-models"),
            ),
            (
                "adapter-paid-model",
                ours("settings payments image-model", "image-model") + of_link,
            ),
            ("adapter-chain-end", ours("", "next-models model-state")),
            (
                "adapter-model-0-1",
                ours("", "image-model") + &released("import", "image-model"),
            ),
            (
                "adapter-next-models-0-1",
                ours("next-models", "") + &released("export", "next-models"),
            ),
        ]);
        Self {
            worlds,
            is_chain: false,
        }
    }

    /// For a chain: a middleware with models behind it.
    pub fn of_chain() -> Self {
        Self {
            is_chain: true,
            ..Self::new()
        }
    }

    /// The world of a part says this besides.
    pub fn with(mut self, part: &'static str, item: &str) -> Self {
        let world = self.worlds.get_mut(part).unwrap();
        world.push_str(item);
        self
    }

    /// The world of a part does not say this.
    pub fn without(mut self, part: &'static str, item: &str) -> Self {
        let world = self.worlds.get_mut(part).unwrap();
        assert!(world.contains(item), "{part} has no {item}");
        *world = world.replace(item, "");
        self
    }

    /// Of a link the one that is at its place: a middleware first, models behind it.
    pub fn part(&self, part: &Part) -> anyhow::Result<Vec<u8>> {
        let name = match part {
            Part::Shipped(name) => name,
            Part::Model(0) if self.is_chain => "middleware",
            Part::Model(_) => "model",
            Part::LinkName(_) => return link_name::component("openai"),
            Part::Types => return types::component(&wit()),
        };
        Ok(component(&self.worlds[name]))
    }
}

/// A component of a world with these items.
pub fn component(items: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit()).unwrap();
    resolve.push_dir(wit().join("0.1.0")).unwrap();
    encode(resolve, items)
}

/// A component whose world uses a foreign package of our name.
pub fn foreign_component(ours: &str, items: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_str("ours.wit", ours).unwrap();
    encode(resolve, items)
}

fn encode(mut resolve: Resolve, items: &str) -> Vec<u8> {
    let text = format!("{WASI} world stand-in {{ {items} }}");
    let package = resolve.push_str("stand-in.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("stand-in")).unwrap();
    let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = dummy_module(&resolve, world, mangling);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).unwrap();
    encoder.encode().unwrap()
}

pub fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}
