//! The bytes of the components, carried by the executable or from a directory.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context as _;

use crate::config::{Config, ModelChoice, ModelLink};

type Bytes = Cow<'static, [u8]>;

/// What the executable was built with.
pub(super) mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The components that a host runs, as WebAssembly.
#[derive(Clone)]
pub struct Components {
    /// Exports `wasi:http/handler`, and `handler` if it can.
    pub api: Bytes,
    /// Exports `processor`.
    pub processor: Bytes,
    /// Exports `image-model`.
    pub model: Bytes,
    /// The links behind the model, if it is a chain, in the order in which they are
    /// written. Each exports `image-model`.
    pub links: Vec<Bytes>,
    /// Exports `notifier`.
    pub notifier: Bytes,
}

impl Components {
    /// Of a directory, or those that this was built with; the model is the
    /// configured one.
    ///
    /// # Errors
    ///
    /// A file is missing, or there is no directory and nothing was embedded.
    pub fn load(directory: Option<&Path>, config: &Config) -> anyhow::Result<Self> {
        let directory = directory.or(embedded::DIRECTORY.map(Path::new));
        let component = |name: &str| match directory {
            Some(directory) => read(&directory.join(format!("{name}.wasm"))).context("components"),
            None => embedded::COMPONENTS
                .iter()
                .find(|(embedded, _)| *embedded == name)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .context(
                    "this executable was built without components: name a directory \
                     with --components, or build it with `cargo xtask build`",
                ),
        };
        let model = |link: &ModelLink| match &link.component {
            ModelChoice::Local => component("model-local"),
            ModelChoice::Provider(provider) => component(&format!("model-{}", provider.name)),
            ModelChoice::Middleware(name) => component(&format!("model-{name}")),
            ModelChoice::Component(path) => read(path).context("model"),
        };
        let behind = config.model.links().into_iter().skip(1);
        Ok(Self {
            api: component("api")?,
            processor: component("processor")?,
            model: model(&config.model)?,
            links: behind.map(model).collect::<Result<_, _>>()?,
            notifier: component("notifier")?,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    std::fs::read(path)
        .map(Cow::Owned)
        .with_context(|| format!("the component {} cannot be read", path.display()))
}
