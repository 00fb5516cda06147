//! The model or chain of models: each link with its provider's URL, its key and its other
//! settings.

mod chain_reader;
mod forms;
mod input;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;
use concept_refinement_capability::service_url;
use concept_refinement_domain::chain::{self, MIDDLEWARE, variable_part};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::provider::Provider;
use concept_refinement_domain::spending::Reservation;
use concept_refinement_runtime::egress::Origin;
use url::Url;

use self::chain_reader::{ChainReader, shipped_choice};
use self::forms::{base_url, key, line, original, workflow};
pub(super) use self::input::PRICE;
use self::input::{ORIGINAL, SETTINGS};
use super::error::{ConfigError, are_alike, did_you_mean};
use super::reader::Reader;

/// One link: a model, or a middleware with the links behind it.
#[derive(Clone, Debug)]
pub(crate) struct ModelLink {
    /// The name in its settings, metrics and receipts; no two links have the same.
    pub name: String,
    /// Whether it has settings under its own name.
    pub has_settings: bool,
    pub component: ModelChoice,
    /// The origin that it may connect to.
    pub origin: Option<Origin>,
    pub settings: LinkSettings,
    /// What one of its calls costs. None: unknown, or a middleware.
    pub price: Option<MicroDollars>,
    /// The links behind a middleware. None: it is a model.
    pub behind: Option<Vec<ModelLink>>,
    /// The whole link by names only: paths are only for operators.
    pub text: String,
}

/// The settings of a link, by the names that the component reads. Never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LinkSettings(pub BTreeMap<String, String>);

/// Which component a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelChoice {
    Local,
    /// A shipped model that calls a provider over HTTP.
    Provider(Provider),
    /// Middleware that is shipped.
    Middleware(&'static str),
    Component(PathBuf),
}

impl ModelLink {
    /// This link and all links behind it, each before those behind itself.
    pub fn links(&self) -> Vec<&Self> {
        let mut links = vec![self];
        for link in self.behind.iter().flatten() {
            links.extend(link.links());
        }
        links
    }

    /// Adds the component to an error where its path was configured.
    pub fn named<T>(&self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        match &self.component {
            ModelChoice::Component(path) => {
                result.with_context(|| format!("model: {}", path.display()))
            }
            ModelChoice::Local | ModelChoice::Provider(_) | ModelChoice::Middleware(_) => result,
        }
    }

    /// What operators call its component: a file's name, or its own.
    pub fn component_name(&self) -> Cow<'_, str> {
        let file = match &self.component {
            ModelChoice::Component(path) => path.file_name(),
            ModelChoice::Local | ModelChoice::Provider(_) | ModelChoice::Middleware(_) => None,
        };
        file.map_or(self.name.as_str().into(), OsStr::to_string_lossy)
    }

    /// The depth of the chain: the largest number of links on one path.
    pub fn depth(&self) -> usize {
        let behind = self.behind.iter().flatten().map(Self::depth);
        behind.max().unwrap_or_default() + 1
    }

    /// Names this link and all links behind it, each before those behind itself.
    fn rename(&mut self, names: &mut dyn Iterator<Item = String>) {
        self.name = names.next().unwrap_or_default();
        for link in self.behind.iter_mut().flatten() {
            link.rename(names);
        }
    }

    /// The names of all links.
    pub fn names(&self) -> Vec<String> {
        self.links().iter().map(|link| link.name.clone()).collect()
    }

    /// The origins that all links may connect to.
    pub fn origins(&self) -> Vec<Origin> {
        let links = self.links().into_iter();
        links.filter_map(|link| link.origin.clone()).collect()
    }

    /// Which model of its provider it asks for, if it is known here.
    pub fn model_name(&self) -> Option<&str> {
        let given = self.settings.0.get("model-name").map(String::as_str);
        match self.component {
            ModelChoice::Provider(provider) => given.or(provider.profile().model),
            _ => given,
        }
    }

    /// The models whose last days their providers have announced: link, model and day.
    pub fn ending_models(&self) -> Vec<(&str, &str, &'static str)> {
        let links = self.links().into_iter();
        let ending = links.filter_map(|link| {
            Some((link.name.as_str(), link.model_name()?, link.end_of_model()?))
        });
        ending.collect()
    }

    /// The last day of that model, if its provider has announced one. Servers elsewhere
    /// with the same API have models of their own.
    pub fn end_of_model(&self) -> Option<&'static str> {
        self.provider_itself()?.end_of(self.model_name()?)
    }

    /// A domain whose hosts it may connect to as well, by https.
    pub fn domain(&self) -> Option<&'static str> {
        self.provider_itself()?.profile().domain
    }

    /// The provider, unless a server elsewhere is asked in its place.
    fn provider_itself(&self) -> Option<Provider> {
        let ModelChoice::Provider(provider) = self.component else {
            return None;
        };
        let own = Url::parse(provider.profile().url).ok()?;
        (self.origin == Origin::of_url(&own)).then_some(provider)
    }

    /// The prices of one call of each link, where they are known, by the links' names.
    pub fn prices(&self) -> BTreeMap<String, MicroDollars> {
        let links = self.links().into_iter();
        let priced = links.filter_map(|link| Some((link.name.clone(), link.price?)));
        priced.collect()
    }

    /// The names of the links whose calls may cost something: their price is known, or they
    /// may call a provider.
    pub fn paid(&self) -> Vec<String> {
        let links = self.links().into_iter();
        let paid = links.filter(|link| link.price.is_some() || link.origin.is_some());
        paid.map(|link| link.name.clone()).collect()
    }

    /// What is set aside for a task: the dearest known price of one call; of several links
    /// with the same price, that of the first. None: none is known.
    pub fn dearest(&self) -> Option<Reservation> {
        let links = self.links().into_iter();
        let priced = links.filter_map(|link| Some((&link.name, link.price?)));
        let dearest = priced.reduce(|one, other| if one.1 < other.1 { other } else { one });
        dearest.map(|(name, price)| Reservation {
            model: name.clone(),
            price,
        })
    }

    /// The base URL of its provider, if it has one.
    pub fn url(&self) -> Option<&str> {
        self.settings.0.get("model-url").map(String::as_str)
    }

    /// The base URLs of all providers, separated by spaces.
    pub fn urls(&self) -> Option<String> {
        let urls = self.links().into_iter().filter_map(|link| link.url());
        // In their standard form, which has no spaces.
        let urls: Vec<String> = urls
            .filter_map(service_url::parse)
            .map(Into::into)
            .collect();
        (!urls.is_empty()).then(|| urls.join(" "))
    }
}

impl ModelChoice {
    /// Whether the component has this setting. A custom component may have any.
    fn knows(&self, key: &str) -> bool {
        match self {
            Self::Component(_) => true,
            Self::Provider(_) => SETTINGS.iter().any(|(_, known)| *known == key),
            Self::Local => key == PRICE,
            Self::Middleware(_) => false,
        }
    }
}

impl fmt::Debug for LinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads the model with all its links, and checks that required keys are present. Settings for
/// other chains may stay in the file: those of shipped components are checked too.
pub(super) fn read(v: &Reader<'_>) -> Result<ModelLink, ConfigError> {
    let chain = v.parse("model", chain::parse)?;
    v.optional("model-url", base_url)?;
    v.optional("model-api-key", key)?;
    v.optional("model-name", line)?;
    v.optional("model-input", line)?;
    v.optional("model-mask", line)?;
    v.optional("model-seed", line)?;
    v.optional("model-workflow", workflow)?;
    v.optional("model-price", MicroDollars::parse)?;
    v.parse("model-original", original)?;
    let links = chain.links();
    let links: Vec<_> = links.iter().map(|link| link.name()).collect();
    let unused: Vec<_> = shipped().filter(|name| !links.contains(name)).collect();
    let names: Vec<_> = links.iter().chain(&unused).copied().collect();
    if let Some(link) = v.0.links.names().find(|link| !names.contains(link)) {
        // What is no link of this chain is hardly meant, unless its name is nearly the same.
        let meant = unused.iter().filter(|name| are_alike(link, name));
        let suggestion = did_you_mean(link, links.iter().chain(meant).copied());
        let problem = format!("model has no link that is called {link}{suggestion}");
        return Err(ConfigError::of(&v.0.links.named(link), problem));
    }
    let stands_alone = chain.behind.is_none();
    for (setting, key) in SETTINGS {
        if !stands_alone && key != ORIGINAL && v.0.get(setting).is_some() {
            let problem = format!(
                "is for a model that stands alone: in a chain it is {key} of [models.NAME]"
            );
            return Err(v.unusable(setting, problem));
        }
    }
    let reader = ChainReader {
        settings: v,
        names,
        stands_alone,
    };
    let mut model = reader.link(&chain)?;
    for name in unused {
        reader.check_unused(name)?;
    }
    check_names(&model.links()).map_err(|problem| v.unusable("model", problem))?;
    model.rename(&mut chain.names().into_iter());
    Ok(model)
}

/// Links with settings need different names, also as variables, so that it is clear which
/// settings belong to which link.
fn check_names(links: &[&ModelLink]) -> Result<(), String> {
    let mut known: Vec<&ModelLink> = Vec::new();
    for link in links {
        let is_same = |other: &&&ModelLink| {
            let have_settings = other.has_settings || link.has_settings;
            have_settings && variable_part(&other.name) == variable_part(&link.name)
        };
        if let Some(other) = known.iter().find(is_same) {
            let (one, two) = (&other.name, &link.name);
            return Err(match one == two {
                true => format!(
                    "has two links that are called {one}, for which there are settings: give \
                     them names that differ, as in fallback(one={one}, two={one})"
                ),
                false => format!(
                    "has links that are called {one} and {two}: variables cannot tell them apart"
                ),
            });
        }
        known.push(link);
    }
    Ok(())
}

/// Variables of links, without their prefix, that have no meaning for this model.
pub(super) fn unknown_variables<'a>(v: &'a Reader<'_>, model: &ModelLink) -> Vec<&'a str> {
    let links = model.links();
    let names = links.iter().map(|link| link.name.as_str());
    let names: Vec<_> = names.chain(shipped()).collect();
    v.0.links.unknown_variables(&names, |name, key| {
        match links.iter().find(|link| link.name == name) {
            Some(link) => link.component.knows(key),
            None => shipped_choice(name).is_some_and(|component| component.knows(key)),
        }
    })
}

fn shipped<'a>() -> impl Iterator<Item = &'a str> {
    shipped_models().chain(MIDDLEWARE)
}

/// The names of the shipped models.
pub(crate) fn shipped_models<'a>() -> impl Iterator<Item = &'a str> {
    let providers = Provider::ALL.iter();
    ["local"]
        .into_iter()
        .chain(providers.map(|provider| provider.profile().name))
}
