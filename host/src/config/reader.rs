//! Reads values by the names of their settings, and names the setting in errors.

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
            parse(text).map_err(|problem| ConfigError::Unusable {
                setting: name,
                named: named.map(str::to_owned),
                problem,
            })?;
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

    /// Names the setting as the operator did, so that the place to change is known.
    pub fn unusable(&self, setting: &'static str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Unusable {
            setting,
            named: self.0.named(setting),
            problem: problem.into(),
        }
    }
}

/// The error about a value that a program sets.
pub(super) fn unusable(setting: &'static str, problem: String) -> ConfigError {
    ConfigError::Unusable {
        setting,
        named: None,
        problem,
    }
}
