//! Sources of values, by precedence: flags, variables, the file, defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::link_values::LinkValues;
use super::table::{SETTINGS, Setting};

/// The table of the file that contains those of the links.
pub(super) const TABLE: &str = "models";

/// The settings file of the machine: the systemd unit and the Debian package use it.
pub(crate) const MACHINE_FILE: &str = "/etc/concept-refinement/refinement.toml";

/// Where the settings file is looked for, in this order.
const STANDARD_FILES: [&str; 2] = ["refinement.toml", MACHINE_FILE];

/// Prefix of the variables of links.
const PREFIX: &str = "REFINEMENT_MODELS_";

/// The allowed types of values in a file.
pub(super) const FORM: &str = "must be a string, a whole number or a list of strings";

/// Values by name. Secrets are hidden in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    settings: BTreeMap<&'static str, String>,
    links: LinkValues,
}

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

    /// Sets a value, replacing the previous one. [`crate::Config::new`] validates it.
    pub fn set(&mut self, setting: &'static Setting, value: impl Into<String>) -> &mut Self {
        self.settings.insert(setting.name, value.into());
        self
    }

    /// Sets a value of a model link by its key in the file, such as `api_key` of
    /// `[models.openai]`.
    pub fn set_of_link(&mut self, link: &str, key: &str, value: impl Into<String>) -> &mut Self {
        self.links.set(link, key, value.into());
        self
    }

    /// The settings of the model's links.
    pub(crate) fn links(&self) -> &LinkValues {
        &self.links
    }

    /// Copies the settings of the model's links.
    pub(crate) fn set_links(&mut self, of: &Self) {
        self.links = of.links.clone();
    }

    /// The value of the setting of this name, as on the command line.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Adds a TOML document, replacing what is set. `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// It is not TOML, sets something that does not exist, or has a value that is neither
    /// a string, an integer nor a list of strings.
    pub fn set_from_toml(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ConfigError::File(origin.to_owned(), error.message().to_owned())
        })?;
        for (key, value) in table {
            if key == TABLE {
                self.links.set_from_toml(value)?;
                continue;
            }
            let setting = SETTINGS
                .iter()
                .find(|setting| setting.file_key() == key)
                .ok_or_else(|| ConfigError::Unknown {
                    origin: origin.to_owned(),
                    key: key.clone(),
                })?;
            let text = text_of(value).ok_or_else(|| ConfigError::Unusable {
                setting: setting.name,
                problem: FORM.to_owned(),
            })?;
            self.set(setting, text);
        }
        Ok(())
    }

    /// Adds the values of a file, replacing what is set. None: `refinement.toml` in the
    /// working directory or else in `/etc/concept-refinement`, if one exists.
    ///
    /// # Errors
    ///
    /// The file cannot be read; see also [`Self::set_from_toml`].
    pub fn set_from_file(&mut self, path: Option<&Path>) -> Result<Option<PathBuf>, ConfigError> {
        let mut standard = STANDARD_FILES.into_iter().map(Path::new);
        let Some(path) = path.or_else(|| standard.find(|path| path.exists())) else {
            return Ok(None);
        };
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::File(origin.clone(), error.to_string()))?;
        self.set_from_toml(&origin, &text)?;
        Ok(Some(path.to_owned()))
    }

    /// Adds environment variables, replacing what is set. Returns unknown ones with our
    /// prefix; they are not an error, since platforms set some too. For those of links
    /// see [`crate::Config::unknown_variables`].
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
                None => match variable.strip_prefix(PREFIX) {
                    Some(name) => self.links.set_from_variable(name, value),
                    None if variable.starts_with("REFINEMENT_") => unknown.push(variable),
                    None => {}
                },
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

/// A value of a file as text. None: its type is not one of [`FORM`].
pub(super) fn text_of(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(items) => list(&items),
        _ => None,
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
