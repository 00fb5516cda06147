//! Reads a chain of links with their settings, and checks that each provider's required
//! settings are present.

use std::path::PathBuf;

use concept_refinement_domain::chain::{self, Component, MIDDLEWARE};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::provider::{KeyRule, Provider};
use concept_refinement_runtime::egress::Origin;
use url::Url;

use super::forms::{base_url, key, line, original, workflow};
use super::input::{LinkInput, ORIGINAL, PRICE};
use super::{LinkSettings, ModelChoice, ModelLink, shipped_models};
use crate::config::error::ConfigError;
use crate::config::reader::Reader;

/// Reads the links of one chain.
pub struct ChainReader<'a> {
    pub settings: &'a Reader<'a>,
    /// The names of links that may have settings.
    pub names: Vec<&'a str>,
    pub stands_alone: bool,
}

impl ChainReader<'_> {
    /// Checks the settings of a shipped component that is no link of this chain: they may be
    /// there for other chains, and count as soon as it is one. A file that they name is not
    /// opened: it may exist only where the model is used.
    pub fn check_unused(&self, name: &str) -> Result<(), ConfigError> {
        let Some(component) = shipped_choice(name) else {
            return Ok(());
        };
        let input = LinkInput::own(name, &component, self)?;
        self.check(&input, &component)
    }

    pub fn link(&self, link: &chain::Link) -> Result<ModelLink, ConfigError> {
        let component = match &link.component {
            Component::File(path) => ModelChoice::Component(PathBuf::from(path)),
            Component::Shipped(name) => {
                let unknown = || self.settings.unusable("model", unknown_model(name));
                shipped_choice(name).ok_or_else(unknown)?
            }
        };
        let input = LinkInput::own(link.name(), &component, self)?.with_plain(self);
        self.check(&input, &component)?;
        let mut url = input.read("url", base_url)?;
        let price = input.read(PRICE, MicroDollars::parse)?;
        if price.is_some() && link.behind.is_some() {
            let problem = "is that of a model, which a middleware is not";
            return Err(input.problem(PRICE, problem));
        }
        let workflow = match self.workflow_is_a_file(&component) {
            true => input.read("workflow", workflow)?,
            false => None,
        };
        if let ModelChoice::Provider(provider) = component {
            let profile = provider.profile();
            let own = Url::parse(profile.url);
            let own = own.map_err(|error| input.problem("url", error))?;
            let asked = url.get_or_insert_with(|| own.clone());
            let needs_key = match profile.key {
                KeyRule::Everywhere => true,
                KeyRule::AtItsOwnUrl => Origin::of_url(asked) == Origin::of_url(&own),
                KeyRule::Nowhere => false,
            };
            if needs_key && input.read("api_key", key)?.is_none() {
                return Err(self.missing(&input, provider, ("model-api-key", "api_key")));
            }
            if profile.needs_workflow && workflow.is_none() {
                return Err(self.missing(&input, provider, ("model-workflow", "workflow")));
            }
        }
        let has_settings = input.has_own;
        let mut values = input.counting();
        values.remove(PRICE);
        values.extend(workflow.map(|text| ("workflow".to_owned(), text)));
        values.extend(url.as_ref().map(|url| ("url".to_owned(), url.to_string())));
        let settings = values.into_iter();
        let settings = settings.map(|(key, value)| (setting_of(&key), value));
        let behind = link.behind.as_ref().map(|behind| {
            let behind = behind.iter().map(|link| self.link(link));
            behind.collect::<Result<Vec<_>, _>>()
        });
        let behind: Option<Vec<_>> = behind.transpose()?;
        let text = text(link, behind.as_deref());
        Ok(ModelLink {
            name: link.name().to_owned(),
            has_settings,
            component,
            origin: url.as_ref().and_then(Origin::of_url),
            settings: LinkSettings(settings.collect()),
            price,
            behind,
            text,
        })
    }

    /// Checks the values of a link, each of which has to be usable.
    fn check(&self, input: &LinkInput<'_>, component: &ModelChoice) -> Result<(), ConfigError> {
        input.read("url", base_url)?;
        input.read("api_key", key)?;
        let has_name = input.read("name", line)?.is_some();
        input.read("input", line)?;
        input.read("mask", line)?;
        input.read("seed", line)?;
        input.read(ORIGINAL, original)?;
        input.read(PRICE, MicroDollars::parse)?;
        if self.workflow_is_a_file(component) {
            input.read("workflow", line)?;
        }
        if let ModelChoice::Provider(provider) = component
            && has_name
            && !provider.profile().takes_name
        {
            let model = provider.profile().name;
            let problem = format!("must not be set where model is {model}, which has one");
            return Err(input.problem("name", problem));
        }
        Ok(())
    }

    /// Whether the key `workflow` names a file. A custom component in a chain defines it itself.
    fn workflow_is_a_file(&self, component: &ModelChoice) -> bool {
        self.stands_alone || !matches!(component, ModelChoice::Component(_))
    }

    fn missing(
        &self,
        input: &LinkInput<'_>,
        provider: Provider,
        (setting, key): (&'static str, &str),
    ) -> ConfigError {
        let needed = match self.stands_alone {
            true => setting.to_owned(),
            false => format!("models.{}.{key}", input.link),
        };
        let model = provider.profile().name;
        ConfigError(format!("model {model:?} needs {needed}"))
    }
}

fn text(link: &chain::Link, behind: Option<&[ModelLink]>) -> String {
    let name = match &link.given_name {
        Some(given) => format!("{given}={}", link.own_name()),
        None => link.own_name().to_owned(),
    };
    let Some(behind) = behind else {
        return name;
    };
    let behind: Vec<_> = behind.iter().map(|link| link.text.as_str()).collect();
    format!("{name}({})", behind.join(", "))
}

/// The name that a component reads: `model-api-key` for `api_key`.
fn setting_of(key: &str) -> String {
    format!("model-{}", key.replace('_', "-"))
}

/// The shipped component of this name.
pub fn shipped_choice(name: &str) -> Option<ModelChoice> {
    if name == "local" {
        return Some(ModelChoice::Local);
    }
    if let Some(name) = MIDDLEWARE.iter().find(|middleware| **middleware == name) {
        return Some(ModelChoice::Middleware(name));
    }
    Provider::find(name).map(ModelChoice::Provider)
}

fn unknown_model(name: &str) -> String {
    let names: Vec<_> = shipped_models().collect();
    let names = names.join(", ");
    format!("must be {names}, the path of a component or a chain of them, not {name:?}")
}
