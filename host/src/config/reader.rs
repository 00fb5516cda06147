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
        let mut read = None;
        for (text, named) in self.0.all(name) {
            let parsed = parse(text);
            let of = |problem| ConfigError::of(&shown(name, named), problem);
            read = Some(parsed.map_err(of)?);
        }
        Ok(read)
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
        let last = self.0.all(setting).next_back();
        shown(setting, last.and_then(|(_, named)| named))
    }
}

fn shown(setting: &str, named: Option<&str>) -> String {
    named.map_or_else(|| setting.replace('-', "_"), str::to_owned)
}

/// The error about a value that is set by default, or by a program.
pub(super) fn unusable(setting: &str, problem: impl Display) -> ConfigError {
    ConfigError::of(&shown(setting, None), problem)
}
