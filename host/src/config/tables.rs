//! Tables of a settings file whose names are the operator's: one for each link of the model,
//! one for each plan.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::lines::Lines;
use super::sources::{FORM, text_of};

/// The values of a table by their keys, as in the file.
pub(super) type Settings = BTreeMap<String, String>;

/// The tables within a table of the file, by their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Tables {
    pub by_name: BTreeMap<String, Settings>,
    /// Where they and their keys are in the file, by their paths.
    named: BTreeMap<String, String>,
}

impl Tables {
    /// Reads what the table `above` of a file has. `form`: what is wrong with anything that is
    /// no table there.
    pub fn read(
        above: &str,
        tables: toml::Value,
        lines: &Lines<'_>,
        form: &str,
    ) -> Result<Self, ConfigError> {
        let no_tables = |path: &str| ConfigError::of(&lines.place(path), form);
        let toml::Value::Table(tables) = tables else {
            return Err(no_tables(above));
        };
        let mut read = Self::default();
        for (name, table) in tables {
            let path = format!("{above}.{name}");
            let toml::Value::Table(table) = table else {
                return Err(no_tables(&path));
            };
            let mut settings = Settings::new();
            for (key, value) in table {
                let path = format!("{path}.{key}");
                let named = lines.named(&path);
                let text = text_of(&key, value).ok_or_else(|| ConfigError::of(&named, FORM))?;
                read.named.insert(path, named);
                settings.insert(key, text);
            }
            read.named.insert(path.clone(), lines.named(&path));
            read.by_name.insert(name, settings);
        }
        Ok(read)
    }

    /// Adds other tables, whose values replace those of the same name and key.
    pub fn add(&mut self, other: Self) {
        for (name, settings) in other.by_name {
            self.by_name.entry(name).or_default().extend(settings);
        }
        self.named.extend(other.named);
    }

    /// Where the file sets a table or a key of one, as errors name it.
    pub fn named(&self, path: &str) -> String {
        self.named.get(path).map_or(path, String::as_str).to_owned()
    }
}
