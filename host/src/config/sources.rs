//! Sources of values, by precedence: flags, variables, the file, defaults.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::ConfigError;
use super::table::{SETTINGS, Setting};

/// Values by name. Secrets are hidden in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// The defaults.
    pub fn new() -> Self {
        let mut values = Self::default();
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                values.set(setting, default);
            }
        }
        values
    }

    /// Sets one, over what is set. It is judged by [`crate::Config::new`].
    pub fn set(&mut self, setting: &'static Setting, value: impl Into<String>) -> &mut Self {
        self.0.insert(setting.name, value.into());
        self
    }

    /// The value of the setting of this name, as on the command line.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Lays a TOML document over what is set. `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// It is not TOML, sets what does not exist, or sets it to what is neither a
    /// string, a whole number nor a list of strings.
    pub fn set_from_toml(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ConfigError::File(origin.to_owned(), error.message().to_owned())
        })?;
        for (key, value) in table {
            let setting = SETTINGS
                .iter()
                .find(|setting| setting.file_key() == key)
                .ok_or_else(|| ConfigError::Unknown {
                    origin: origin.to_owned(),
                    key: key.clone(),
                })?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Array(items) => list(&items).ok_or_else(|| unusable(setting))?,
                _ => return Err(unusable(setting)),
            };
            self.set(setting, text);
        }
        Ok(())
    }

    /// Overlays the values of a file. None: `refinement.toml` in the working
    /// directory, if it exists.
    ///
    /// # Errors
    ///
    /// The file cannot be read; see also [`Self::set_from_toml`].
    pub fn set_from_file(&mut self, path: Option<&Path>) -> Result<(), ConfigError> {
        let standard = Path::new("refinement.toml");
        let path = match path {
            Some(path) => path,
            None if standard.exists() => standard,
            None => return Ok(()),
        };
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::File(origin.clone(), error.to_string()))?;
        self.set_from_toml(&origin, &text)
    }

    /// Overlays environment variables. Returns unknown ones with our prefix;
    /// they are no error, since platforms set some too.
    pub fn set_from_variables(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<String> {
        let mut unknown = Vec::new();
        for (variable, value) in variables {
            match SETTINGS
                .iter()
                .find(|setting| setting.variable() == variable)
            {
                Some(setting) => {
                    self.set(setting, value);
                }
                None if variable.starts_with("REFINEMENT_") => unknown.push(variable),
                None => {}
            }
        }
        unknown
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = SETTINGS.iter().filter_map(|setting| {
            let value = self.get(setting.name)?;
            Some((setting.name, if setting.secret { "***" } else { value }))
        });
        f.debug_map().entries(shown).finish()
    }
}

fn unusable(setting: &'static Setting) -> ConfigError {
    ConfigError::Unusable {
        setting: setting.name,
        problem: "must be a string, a whole number or a list of strings".to_owned(),
    }
}

fn list(items: &[toml::Value]) -> Option<String> {
    let items: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
    Some(items?.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_win() {
        let mut values = Values::new();
        assert_eq!(values.get("lease"), Some("30s"));
        values
            .set_from_toml("f", "lease = '40s'\nuploads = 5")
            .unwrap();
        assert_eq!(values.get("lease"), Some("40s"));
        assert_eq!(values.get("uploads"), Some("5"));
        let unknown = values.set_from_variables([
            ("REFINEMENT_LEASE".to_owned(), "50s".to_owned()),
            ("REFINEMENT_PORT_8080_TCP".to_owned(), "x".to_owned()),
            ("PATH".to_owned(), "x".to_owned()),
        ]);
        assert_eq!(values.get("lease"), Some("50s"));
        assert_eq!(unknown, ["REFINEMENT_PORT_8080_TCP"]);
    }

    #[test]
    fn a_file_with_nonsense_is_refused_by_name() {
        for (name, text, expected) in [
            (
                "unknown key",
                "colour = 'red'",
                "refinement.toml: unknown setting \"colour\"",
            ),
            (
                "kebab case",
                "data-dir = 'x'",
                "refinement.toml: unknown setting \"data-dir\"",
            ),
            (
                "boolean",
                "uploads = true",
                "uploads: must be a string, a whole number or a list of strings",
            ),
            (
                "list of numbers",
                "allow_sources = [1]",
                "allow_sources: must be a string, a whole number or a list of strings",
            ),
        ] {
            let error = Values::new()
                .set_from_toml("refinement.toml", text)
                .unwrap_err();
            assert_eq!(error.to_string(), expected, "{name}");
        }
        let error = Values::new()
            .set_from_toml("refinement.toml", "= x")
            .unwrap_err();
        assert!(
            error.to_string().starts_with("refinement.toml: "),
            "{error}"
        );
    }

    #[test]
    fn secrets_do_not_show() {
        let mut values = Values::new();
        values.set_from_variables([("REFINEMENT_JWT_SECRET".to_owned(), "hush".to_owned())]);
        assert!(!format!("{values:?}").contains("hush"));
    }
}
