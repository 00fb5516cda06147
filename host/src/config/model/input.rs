//! The settings of one link: its own table and variables, and for a model without a chain
//! also the settings of the model.

use std::collections::BTreeMap;

use super::ModelChoice;
use super::chain_reader::ChainReader;
use crate::config::error::ConfigError;
use crate::config::reader::Reader;

/// Settings of a provider's model: the name for a model without a chain, and the key for
/// a link.
pub const SETTINGS: [(&str, &str); 9] = [
    ("model-url", "url"),
    ("model-api-key", "api_key"),
    ("model-name", "name"),
    ("model-input", "input"),
    ("model-mask", "mask"),
    ("model-seed", "seed"),
    ("model-workflow", "workflow"),
    ("model-original", ORIGINAL),
    ("model-price", PRICE),
];

/// What one call costs, which the component is not told.
pub const PRICE: &str = "price";

/// The setting that is the default for all links.
pub const ORIGINAL: &str = "original";

/// The values of one link by key, and the name of each where it was set.
pub struct LinkInput<'a> {
    settings: &'a Reader<'a>,
    pub link: &'a str,
    pub values: BTreeMap<String, String>,
    /// Whether any are set under the link's own name.
    pub has_own: bool,
    plain: Vec<&'static str>,
    replaced: Vec<Replaced>,
}

/// A value that another source has replaced. It must be usable too, since it counts as soon as
/// the other source is gone.
struct Replaced {
    key: String,
    value: String,
    /// Where it was set, as errors name it.
    named: Option<String>,
}

impl<'a> LinkInput<'a> {
    /// What is set under a link's own name.
    ///
    /// # Errors
    ///
    /// Its table has a key that its component does not know.
    pub fn own(
        link: &'a str,
        component: &ModelChoice,
        chain: &ChainReader<'a>,
    ) -> Result<Self, ConfigError> {
        let settings = chain.settings;
        let links = &settings.0.links;
        let values = links.of(link, &chain.names, |key| component.knows(key));
        if let Some(key) = values.keys().find(|key| !component.knows(key)) {
            let problem = format!("{link} has no such setting");
            return Err(ConfigError::of(&links.named_setting(link, key), problem));
        }
        let in_file = links.in_file(link);
        let replaced = in_file.filter(|(key, value)| values.get(*key) != Some(*value));
        let replaced = replaced.map(|(key, value)| Replaced {
            key: key.clone(),
            value: value.clone(),
            named: links.named_in_file(link, key),
        });
        Ok(Self {
            settings,
            link,
            replaced: replaced.collect(),
            has_own: !values.is_empty(),
            values,
            plain: Vec::new(),
        })
    }

    /// The same with the settings of the model: for a model without a chain they take
    /// precedence over those under its name.
    pub fn with_plain(mut self, chain: &ChainReader<'_>) -> Self {
        for (setting, key) in SETTINGS {
            let Some(value) = chain.settings.0.get(setting) else {
                continue;
            };
            let goes_before = match key {
                ORIGINAL => !self.values.contains_key(key),
                _ => chain.stands_alone,
            };
            if goes_before {
                let before = self.values.insert(key.to_owned(), value.to_owned());
                self.replaced.extend(before.map(|value| Replaced {
                    key: key.to_owned(),
                    value,
                    named: Some(chain.settings.0.links.named_setting(self.link, key)),
                }));
                self.plain.push(key);
            }
        }
        self
    }

    pub fn read<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        for replaced in self.replaced.iter().filter(|replaced| replaced.key == key) {
            parse(&replaced.value)
                .map_err(|problem| self.own_problem(key, replaced.named.clone(), problem))?;
        }
        let value = self.values.get(key);
        let read = value.map(|value| parse(value)).transpose();
        read.map_err(|problem| self.problem(key, problem))
    }

    pub fn problem(&self, key: &str, problem: String) -> ConfigError {
        match SETTINGS.iter().find(|(_, plain)| *plain == key) {
            Some((setting, plain)) if self.plain.contains(plain) => {
                self.settings.unusable(setting, problem)
            }
            _ => self.own_problem(key, None, problem),
        }
    }

    /// Of what is set under the link's own name.
    fn own_problem(&self, key: &str, named: Option<String>, problem: String) -> ConfigError {
        let named = named.unwrap_or_else(|| self.settings.0.links.named_setting(self.link, key));
        ConfigError::of(&named, problem)
    }
}
