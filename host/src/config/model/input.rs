//! The settings of one link: its own table and variables, and for a model without a chain
//! also the settings of the model.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::ModelChoice;
use super::chain_reader::ChainReader;
use crate::config::error::ConfigError;
use crate::config::link_values::LinkValue;
use crate::config::sources::TABLE;

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

/// The values of one link by key. The last one of a key counts; those that it replaces must be
/// usable too, since they count as soon as it is gone.
pub struct LinkInput<'a> {
    pub link: &'a str,
    values: BTreeMap<String, Vec<LinkValue>>,
    /// Whether any are set under the link's own name.
    pub has_own: bool,
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
        chain: &ChainReader<'_>,
    ) -> Result<Self, ConfigError> {
        let links = &chain.settings.0.links;
        let values = links.of(link, &chain.names, |key| component.knows(key));
        let input = Self {
            link,
            has_own: !values.is_empty(),
            values,
        };
        if let Some(key) = input.values.keys().find(|key| !component.knows(key)) {
            return Err(input.problem(key, format!("{link} has no such setting")));
        }
        Ok(input)
    }

    /// The same with the settings of the model: for a model without a chain they take
    /// precedence over those under its name.
    pub fn with_plain(mut self, chain: &ChainReader<'_>) -> Self {
        for (setting, key) in SETTINGS {
            let Some(text) = chain.settings.0.get(setting) else {
                continue;
            };
            let goes_before = match key {
                ORIGINAL => !self.values.contains_key(key),
                _ => chain.stands_alone,
            };
            if goes_before {
                let values = self.values.entry(key.to_owned()).or_default();
                values.push(LinkValue {
                    text: text.to_owned(),
                    named: chain.settings.name_of(setting),
                });
            }
        }
        self
    }

    pub fn read<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let mut read = None;
        for LinkValue { text, named } in self.values.get(key).into_iter().flatten() {
            read = Some(parse(text).map_err(|problem| ConfigError::of(named, problem))?);
        }
        Ok(read)
    }

    /// What is wrong with the value that counts.
    pub fn problem(&self, key: &str, problem: impl Display) -> ConfigError {
        match self.values.get(key).and_then(|values| values.last()) {
            Some(value) => ConfigError::of(&value.named, problem),
            None => ConfigError::of(&format!("{TABLE}.{}.{key}", self.link), problem),
        }
    }

    /// The values that count.
    pub fn counting(self) -> BTreeMap<String, String> {
        let last = |(key, mut values): (String, Vec<LinkValue>)| Some((key, values.pop()?.text));
        self.values.into_iter().filter_map(last).collect()
    }
}
