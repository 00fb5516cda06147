//! The bytes of the components, embedded in the executable or from a directory.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context as _;

use crate::config::{Config, ModelChoice, ModelLink};
use crate::wiring::HostError;

type Bytes = Cow<'static, [u8]>;

/// Hint for developers of this repository.
const BUILD: &str = "`cargo xtask components` builds the components";

/// The components embedded at build time.
pub(crate) mod embedded {
    #[allow(unused_imports, reason = "for code that only releases embed")]
    use concept_refinement_runtime::wasm::engine::ahead::Page;

    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The components that a host runs, as WebAssembly.
#[derive(Clone)]
#[non_exhaustive]
pub struct Components {
    /// Exports `wasi:http/handler` and `handler`.
    pub api: Bytes,
    /// Exports `processor`.
    pub processor: Bytes,
    /// Exports `partial-edits`.
    pub masked: Bytes,
    /// Exports `image-model`.
    pub model: Bytes,
    /// If the model is a chain: the links behind the first one, in the order of the
    /// setting. Each exports `image-model`.
    pub links: Vec<Bytes>,
    /// Exports `notifier`.
    pub notifier: Bytes,
}

impl Components {
    /// Loads files `NAME.wasm` from a directory, or the components that this library was
    /// built with. The model is the configured one.
    ///
    /// # Errors
    ///
    /// [`HostError::Config`]: a file of the setting `model` is missing or cannot be read;
    /// [`HostError::Components`]: another one is.
    pub fn load(directory: Option<&Path>, config: &Config) -> Result<Self, HostError> {
        let of = |directory: &Path, name: &str| read(&directory.join(format!("{name}.wasm")));
        let component = |name: &str| {
            let found = match (directory, embedded::DIRECTORY) {
                (Some(directory), _) => of(directory, name),
                (None, Some(directory)) => of(Path::new(directory), name).context(BUILD),
                (None, None) => embedded::COMPONENTS
                    .iter()
                    .find(|(embedded, _)| *embedded == name)
                    .map(|(_, bytes)| Cow::Borrowed(*bytes))
                    .with_context(|| format!("there is no component {name}")),
            };
            found.map_err(HostError::Components)
        };
        let model = |link: &ModelLink| match &link.component {
            ModelChoice::Local => component("model-local"),
            ModelChoice::Provider(provider) => component(provider.profile().component),
            ModelChoice::Middleware(name) => component(&format!("model-{name}")),
            ModelChoice::Component(path) => read(path).map_err(|error| {
                HostError::Config(config.unusable("model", format_args!("{error:#}")))
            }),
        };
        let behind = config.model.links().into_iter().skip(1);
        Ok(Self {
            api: component("api")?,
            processor: component("processor")?,
            masked: component("masked")?,
            model: model(&config.model)?,
            links: behind.map(model).collect::<Result<_, _>>()?,
            notifier: component("notifier")?,
        })
    }

    /// The given ones, or the built-in ones.
    pub(super) fn or_built_in(given: Option<Self>, config: &Config) -> Result<Self, HostError> {
        given.map_or_else(|| Self::load(None, config), Ok)
    }
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    std::fs::read(path)
        .map(Cow::Owned)
        .with_context(|| format!("the component {} cannot be read", path.display()))
}
