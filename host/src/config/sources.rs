//! Sources of values, by precedence: flags, variables, the file, defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, did_you_mean};
use super::lines::Lines;
use super::link_values::LinkValues;
use super::model::PRICE;
use super::plans::{self, PlanTables};
use super::table::{self, SETTINGS, Setting};

/// The table of the file that contains those of the links.
pub(super) const TABLE: &str = "models";

/// The settings file of the machine: the systemd unit and the Debian package use it.
pub(crate) const MACHINE_FILE: &str = "/etc/concept-refinement/refinement.toml";

/// The settings file in the working directory.
pub(crate) const SETTINGS_FILE: &str = "refinement.toml";

/// Where the settings file is looked for, in this order.
const STANDARD_FILES: [&str; 2] = [SETTINGS_FILE, MACHINE_FILE];

/// Prefix of the variables of links.
pub(super) const PREFIX: &str = "REFINEMENT_MODELS_";

/// The allowed types of values in a file.
pub(super) const FORM: &str = "must be a string, a whole number or a list of strings";

/// Values by name. Secrets are hidden in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// The last one of a setting counts. Those that it replaces must be usable too, since they
    /// count as soon as its source is gone.
    settings: BTreeMap<&'static str, Vec<Value>>,
    /// The settings of the model's links.
    pub(crate) links: LinkValues,
    /// The plans of users.
    pub(crate) plans: PlanTables,
}

#[derive(Clone, PartialEq, Eq)]
struct Value {
    text: String,
    /// Where it was set, as errors name it. None: by default, or by a program.
    named: Option<String>,
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
        self.set_named(setting, value, None)
    }

    /// The same for a value that errors name as `named`, such as `--lease`. None: it is set by
    /// default, or by a program.
    pub(crate) fn set_named(
        &mut self,
        setting: &'static Setting,
        value: impl Into<String>,
        named: Option<String>,
    ) -> &mut Self {
        let text = value.into();
        let values = self.settings.entry(setting.name).or_default();
        // What is set by default, or by a program, is gone for good.
        values.retain(|value| value.named.is_some());
        values.push(Value { text, named });
        self
    }

    /// [`Self::set`] by the setting's name. Of an unknown one nothing is set.
    pub(crate) fn set_by_name(&mut self, name: &str, value: impl Into<String>) {
        if let Some(setting) = table::find(name) {
            self.set(setting, value);
        }
    }

    /// Sets the values that other sources set, if there are any.
    pub(crate) fn set_as_in(&mut self, other: &Self, setting: &'static Setting) {
        if let Some(values) = other.settings.get(setting.name) {
            self.settings.insert(setting.name, values.clone());
        }
    }

    /// The values of this setting, the one that counts last, and where each was set, as errors
    /// name it. None: by default, or by a program.
    pub(super) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = (&str, Option<&str>)> {
        let values = self.settings.get(name).into_iter().flatten();
        values.map(|value| (value.text.as_str(), value.named.as_deref()))
    }

    /// Sets a value of a model link by its key in the file, such as `api_key` of
    /// `[models.openai]`.
    pub fn set_of_link(&mut self, link: &str, key: &str, value: impl Into<String>) -> &mut Self {
        self.links.set(link, key, value.into());
        self
    }

    /// Adds a plan, replacing one of this name. Its settings have the keys of its table in the
    /// file, such as `budget` of `[plans.pro]`.
    pub fn set_plan(&mut self, name: &str, settings: BTreeMap<String, String>) -> &mut Self {
        self.plans.set(name, settings);
        self
    }

    /// The value of the setting of this name, as on the command line.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next_back().map(|(text, _)| text)
    }

    /// Adds a TOML document, replacing what is set. `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// It is not TOML, sets something that does not exist, or has a value that is neither
    /// a string, an integer nor a list of strings.
    pub fn set_from_toml(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let (table, lines) = Lines::parsed(origin, text)?;
        for (key, value) in table {
            if key == TABLE {
                self.links.set_from_toml(value, &lines)?;
                continue;
            }
            if key == plans::TABLE {
                self.plans.set_from_toml(value, &lines)?;
                continue;
            }
            let Some(setting) = SETTINGS.iter().find(|setting| setting.file_key() == key) else {
                let keys: Vec<_> = SETTINGS.iter().map(Setting::file_key).collect();
                let suggestion = did_you_mean(&key, keys.iter().map(String::as_str));
                let problem = format!("unknown setting {key:?}{suggestion}");
                return Err(ConfigError::of(&lines.place(&key), problem));
            };
            let named = lines.named(&key);
            let text = text_of(&key, value).ok_or_else(|| ConfigError::of(&named, FORM))?;
            self.set_named(setting, text, Some(named));
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
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::of(&origin, error))?;
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
            if let Some(setting) = SETTINGS.iter().find(|known| known.variable() == variable) {
                self.set_named(setting, value, Some(variable));
            } else if let Some(name) = variable.strip_prefix(PREFIX) {
                self.links.set_from_variable(name, value);
            } else if variable.starts_with("REFINEMENT_") {
                unknown.push(variable);
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

/// A value of a file as text. None: its type is not one of [`FORM`]. A price may also be a number
/// with decimals: the shortest text of the number that is next to `0.06` is that. One with more
/// decimals than a price has is refused when it is read as one.
pub(super) fn text_of(key: &str, value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => {
            matches!(key, "model_price" | PRICE).then(|| number.to_string())
        }
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
                "refinement.toml:1: unknown setting \"colour\"",
            ),
            (
                "kebab case",
                "data-dir = 'x'",
                "refinement.toml:1: unknown setting \"data-dir\"; did you mean data_dir?",
            ),
            (
                "a misspelling",
                "# Limits\nlease = '30s'\nrate-limits = '10/day'",
                "refinement.toml:3: unknown setting \"rate-limits\"; did you mean rate_limit?",
            ),
            (
                "boolean",
                "uploads = true",
                "refinement.toml:1: uploads: must be a string, a whole number or a list of strings",
            ),
            (
                "list of numbers",
                "allow_sources = [1]",
                "refinement.toml:1: allow_sources: must be a string, a whole number or a list of strings",
            ),
        ] {
            let error = Values::new()
                .set_from_toml("refinement.toml", text)
                .unwrap_err();
            assert_eq!(error.to_string(), expected, "{name}");
        }
        let error = Values::new()
            .set_from_toml("refinement.toml", "lease = '30s'\n= x")
            .unwrap_err();
        assert!(
            error.to_string().starts_with("refinement.toml:2: "),
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
