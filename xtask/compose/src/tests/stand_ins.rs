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

const STORE: &str = "
    export concept:refinement/task-store@0.2.0;
    export concept:refinement/image-store@0.2.0;
    export concept:refinement/concept-store@0.2.0;
    export concept:refinement/webhook-store@0.2.0;
    export concept:refinement/progress@0.2.0;
    export concept:refinement/blobs@0.2.0;
    export concept:refinement/receipts@0.2.0;
    export concept:refinement/usage@0.2.0;
    export concept:refinement/payments@0.2.0;
    export concept:refinement/settings@0.2.0;
    export concept:refinement/health@0.2.0;
";

pub const MODEL: &str = "
    import concept:refinement/settings@0.2.0;
    import concept:refinement/receipts@0.2.0;
    import concept:refinement/usage@0.2.0;
    export concept:refinement/image-model@0.2.0;
";

const MIDDLEWARE: &str = "
    import concept:refinement/settings@0.2.0;
    import concept:refinement/receipts@0.2.0;
    import concept:refinement/blobs@0.2.0;
    import concept:refinement/next-models@0.2.0;
    import concept:refinement/model-state@0.2.0;
    export concept:refinement/image-model@0.2.0;
";

const LINK_SETTINGS: &str = "
    import concept:composing/link-name;
    import concept:refinement/settings@0.2.0;
    export concept:refinement/settings@0.2.0;
";

const NEXT_MODEL: &str = "
    import concept:refinement/image-model@0.2.0;
    import concept:refinement/next-models@0.2.0;
    export concept:refinement/next-models@0.2.0;
";

const PAID_MODEL: &str = "
    import concept:composing/link-name;
    import concept:refinement/settings@0.2.0;
    import concept:refinement/payments@0.2.0;
    import concept:refinement/image-model@0.2.0;
    export concept:refinement/image-model@0.2.0;
";

const CHAIN_END: &str = "
    export concept:refinement/next-models@0.2.0;
    export concept:refinement/model-state@0.2.0;
";

const MODEL_0_1: &str = "
    import concept:refinement/image-model@0.1.0;
    export concept:refinement/image-model@0.2.0;
";

const NEXT_MODELS_0_1: &str = "
    import concept:refinement/next-models@0.2.0;
    export concept:refinement/next-models@0.1.0;
";

/// All parts of all plans: what a world of each says.
pub struct StandIns {
    worlds: BTreeMap<&'static str, String>,
    is_chain: bool,
}

impl StandIns {
    pub fn new() -> Self {
        let store = |more: &str| {
            let notifier = "import concept:refinement/notifier@0.2.0;";
            format!("{STORE} {notifier} import wasi:io/poll@0.2.6; {more}")
        };
        let worlds = BTreeMap::from([
            (
                "api",
                "import concept:refinement/settings@0.2.0;
                import concept:refinement/health@0.2.0;
                import concept:refinement/task-store@0.2.0;
                import concept:refinement/task-queue@0.2.0;
                import concept:refinement/image-store@0.2.0;
                import concept:refinement/concept-store@0.2.0;
                import concept:refinement/webhook-store@0.2.0;
                import wasi:io/poll@0.2.6;
                export wasi:http/handler@0.3.0;"
                    .to_owned(),
            ),
            (
                "processor",
                "import concept:refinement/settings@0.2.0;
                import concept:refinement/task-store@0.2.0;
                import concept:refinement/image-store@0.2.0;
                import concept:refinement/progress@0.2.0;
                import concept:refinement/blobs@0.2.0;
                import concept:refinement/partial-edits@0.2.0;
                import concept:refinement/image-model@0.2.0;
                export concept:refinement/processor@0.2.0;"
                    .to_owned(),
            ),
            (
                "masked",
                "export concept:refinement/partial-edits@0.2.0;".to_owned(),
            ),
            ("model", MODEL.to_owned()),
            (
                "notifier",
                "export concept:refinement/notifier@0.2.0;".to_owned(),
            ),
            (
                "adapter-model-settings",
                "import concept:refinement/settings@0.2.0;
                export concept:refinement/settings@0.2.0;"
                    .to_owned(),
            ),
            (
                "adapter-store-keyvalue",
                store("import wasi:keyvalue/store@0.2.0-draft2;"),
            ),
            (
                "adapter-store-filesystem",
                store("import wasi:filesystem/types@0.2.6;"),
            ),
            (
                "adapter-queue-http",
                "export concept:refinement/task-queue@0.2.0;".to_owned(),
            ),
            (
                "adapter-queue-direct",
                "import concept:refinement/task-store@0.2.0;
                import concept:refinement/processor@0.2.0;
                export concept:refinement/task-queue@0.2.0;"
                    .to_owned(),
            ),
            (
                "adapter-entry-http",
                "import concept:refinement/task-store@0.2.0;
                import concept:refinement/processor@0.2.0;
                export wasi:http/handler@0.3.0;"
                    .to_owned(),
            ),
            ("middleware", MIDDLEWARE.to_owned()),
            ("adapter-link-settings", LINK_SETTINGS.to_owned()),
            ("adapter-next-model", NEXT_MODEL.to_owned()),
            ("adapter-paid-model", PAID_MODEL.to_owned()),
            ("adapter-chain-end", CHAIN_END.to_owned()),
            ("adapter-model-0-1", MODEL_0_1.to_owned()),
            ("adapter-next-models-0-1", NEXT_MODELS_0_1.to_owned()),
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
