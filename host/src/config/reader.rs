//! Reads values by the names of their settings, and names the setting in errors.

use std::fmt::Display;

use super::error::ConfigError;
use super::forms::word;
use super::sources::Values;

pub(super) struct Reader<'a>(pub &'a Values);

impl<'a> Reader<'a> {
    pub fn optional<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&'a str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        for (text, named) in self.0.replaced(name) {
            parse(text).map_err(|problem| ConfigError::of(named, problem))?;
        }
        self.0
            .get(name)
            .map(&parse)
            .transpose()
            .map_err(|problem| self.unusable(name, problem))
    }

    pub fn parse<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&'a str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.optional(name, parse)?
            .ok_or_else(|| self.unusable(name, "must be set"))
    }

    pub fn word(&self, name: &'static str) -> Result<&'static str, ConfigError> {
        self.parse(name, |text| word(name, text))
    }

    pub fn unusable(&self, setting: &str, problem: impl Display) -> ConfigError {
        ConfigError::of(&self.name_of(setting), problem)
    }

    /// What errors call a setting.
    pub fn name_of(&self, setting: &str) -> String {
        let named = self.0.named(setting).map(str::to_owned);
        named.unwrap_or_else(|| setting.replace('-', "_"))
    }
}

/// The error about a value that is set by default, or by a program.
pub(super) fn unusable(setting: &str, problem: impl Display) -> ConfigError {
    ConfigError::of(&setting.replace('-', "_"), problem)
}
