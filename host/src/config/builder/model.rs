//! The model of a service, as a Rust value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use concept_refinement_domain::chain::{Component, Link};
use concept_refinement_domain::money::MicroDollars;
pub use concept_refinement_domain::provider::Provider as ModelProvider;
use url::Url;

use super::Original;
use crate::config::error::ConfigError;
use crate::config::reader::unusable;
use crate::config::sources::Values;

/// A component that refines images, or middleware with the models behind it; with its
/// settings.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a configuration gets it by `ConfigBuilder::model`"]
pub struct Model {
    component: Named,
    given_name: Option<String>,
    /// By the keys used in the file.
    settings: BTreeMap<String, String>,
    behind: Option<Vec<Model>>,
}

/// A component by name or path. An error: the path is not valid text.
type Named = Result<Component, String>;

impl Model {
    /// The model that is included in the host: it edits by rules, without a network.
    pub fn local() -> Self {
        Self::shipped("local", None)
    }

    /// The model of a provider, called over HTTP.
    pub fn provider(provider: ModelProvider) -> Self {
        Self::shipped(provider.profile().name, None)
    }

    /// A component of your own, from a file.
    pub fn component(path: impl AsRef<Path>) -> Self {
        Self::new(file(path.as_ref()), None)
    }

    /// The first model, and whenever it is unavailable the next one.
    pub fn fallback(models: impl IntoIterator<Item = Self>) -> Self {
        Self::shipped("fallback", Some(models.into_iter().collect()))
    }

    /// A model whose answers are cached for repeated requests.
    pub fn cache(model: Self) -> Self {
        Self::shipped("cache", Some(vec![model]))
    }

    /// Your own middleware from a file, with the models that it may call.
    pub fn middleware(path: impl AsRef<Path>, behind: impl IntoIterator<Item = Self>) -> Self {
        Self::new(file(path.as_ref()), Some(behind.into_iter().collect()))
    }

    /// Its name in metrics and errors, of letters, digits, `-` and `_`. Required if
    /// several models of the same kind have settings.
    pub fn named(mut self, name: &str) -> Self {
        self.given_name = Some(name.to_owned());
        self
    }

    /// The file with the workflow that ComfyUI runs, in its API format.
    pub fn workflow(mut self, file: impl AsRef<Path>) -> Self {
        match file.as_ref().to_str() {
            Some(file) => self.setting("workflow", file),
            None => {
                self.component = Err(not_text(file.as_ref()));
                self
            }
        }
    }

    /// Any other setting of a component of your own, which reads `strength` as
    /// `model-strength`.
    pub fn setting(self, key: &str, value: &str) -> Self {
        self.set(key, value)
    }

    fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the model and the settings of its links.
    pub(super) fn set_in(&self, values: &mut Values) -> Result<(), ConfigError> {
        let link = self.link().map_err(|problem| unusable("model", problem))?;
        values.set_by_name("model", link.to_string());
        self.set_links(&link, values);
        Ok(())
    }

    fn set_links(&self, link: &Link, values: &mut Values) {
        for (key, value) in &self.settings {
            values.set_of_link(link.name(), key, value.as_str());
        }
        let behind = self.behind.iter().flatten().zip(link.behind());
        for (model, link) in behind {
            model.set_links(link, values);
        }
    }

    fn link(&self) -> Result<Link, String> {
        let behind = self.behind.as_ref().map(|behind| {
            let links = behind.iter().map(Self::link);
            links.collect::<Result<Vec<_>, _>>()
        });
        Ok(Link {
            given_name: self.given_name.clone(),
            component: self.component.clone()?,
            behind: behind.transpose()?,
        })
    }

    fn shipped(name: &str, behind: Option<Vec<Self>>) -> Self {
        Self::new(Ok(Component::Shipped(name.to_owned())), behind)
    }

    fn new(component: Named, behind: Option<Vec<Self>>) -> Self {
        Self {
            component,
            given_name: None,
            settings: BTreeMap::new(),
            behind,
        }
    }
}

text_setters! {
    Model {
        /// The base URL to use instead of the provider's own.
        url(url: &Url) = url.as_str();

        /// The key for its provider.
        api_key(key: &str) = key;

        /// Which of the provider's models to use.
        name(name: &str) = name;

        /// The name of the input for the original in a hosted model, as at Replicate; `NAME[]`
        /// if it is a list.
        input(name: &str) = name;

        /// The name of the input for a mask in a hosted model, as at Replicate; without it, it
        /// gets none.
        mask(name: &str) = name;

        /// The name of the input for a seed in a hosted model, as at Replicate; without it, it
        /// gets none.
        seed(name: &str) = name;

        /// What its provider gets of an original.
        original(original: Original) = original.as_str();

        /// What one of its calls costs.
        price(price: MicroDollars) = price.to_string();
    }
}

/// Without settings, since some are secret.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.link() {
            Ok(link) => write!(f, "Model({link})"),
            Err(problem) => write!(f, "Model: {problem}"),
        }
    }
}

/// A path without a directory could be mistaken for the name of a shipped component.
fn file(path: &Path) -> Named {
    match path.to_str() {
        Some(text) if text.contains('/') => Ok(Component::File(text.to_owned())),
        Some(text) => Ok(Component::File(format!("./{text}"))),
        None => Err(not_text(path)),
    }
}

fn not_text(path: &Path) -> String {
    format!("must be UTF-8, not {}", path.display())
}
