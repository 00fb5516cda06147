//! Settings of the model's links, by link name. The valid names and keys are known only
//! once the model is known.

use std::collections::BTreeMap;

use concept_refinement_domain::chain::variable_part;

use super::error::ConfigError;
use super::lines::Lines;
use super::sources::{PREFIX, TABLE};
use super::tables::Tables;

/// By name and key, both as in the file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LinkValues {
    /// From the file.
    tables: Tables,
    /// By variable name, such as `OPENAI_API_KEY`: the part with the link's name is
    /// known only once the links are known.
    variables: BTreeMap<String, String>,
}

/// One value of a setting.
pub(crate) struct LinkValue {
    pub text: String,
    /// Where it was set, as errors name it.
    pub named: String,
}

impl LinkValues {
    pub fn set(&mut self, link: &str, key: &str, value: String) {
        let settings = self.tables.by_name.entry(link.to_owned()).or_default();
        settings.insert(key.to_owned(), value);
    }

    /// Sets a variable by its name after the prefix. It takes precedence over the file.
    pub fn set_from_variable(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Adds the table `models` of a file, replacing what is set.
    pub(super) fn set_from_toml(
        &mut self,
        tables: toml::Value,
        lines: &Lines<'_>,
    ) -> Result<(), ConfigError> {
        let form = "models must have a table for each link, as [models.openai]";
        self.tables.add(Tables::read(TABLE, tables, lines, form)?);
        Ok(())
    }

    /// Leaves out the tables of all links but these.
    pub fn keep(&mut self, links: &[&str]) {
        let tables = &mut self.tables.by_name;
        tables.retain(|link, _| links.contains(&link.as_str()));
    }

    /// Where the file sets a link, or a key of one, as errors name it.
    pub fn named(&self, link: &str) -> String {
        self.tables.named(&format!("{TABLE}.{link}"))
    }

    /// The links that the file has tables for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.by_name.keys().map(String::as_str)
    }

    /// The values of a link by key, given all possible links: that of the file, then that of a
    /// variable. A variable whose key the link does not know is ignored.
    pub fn of(
        &self,
        link: &str,
        links: &[&str],
        knows: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, Vec<LinkValue>> {
        let mut all = BTreeMap::<_, Vec<_>>::new();
        let mut add = |key: String, text: &str, named: String| {
            let (text, values) = (text.to_owned(), all.entry(key).or_default());
            values.push(LinkValue { text, named });
        };
        for (key, text) in self.tables.by_name.get(link).into_iter().flatten() {
            add(key.clone(), text, self.named(&format!("{link}.{key}")));
        }
        for (variable, text) in &self.variables {
            if let Some((of, key)) = split(variable, links)
                && of == link
                && knows(&key)
            {
                add(key, text, format!("{PREFIX}{variable}"));
            }
        }
        all
    }

    /// Variables, without their prefix, that belong to none of these links, or to one
    /// that does not know the key.
    pub fn unknown_variables(
        &self,
        links: &[&str],
        knows: impl Fn(&str, &str) -> bool,
    ) -> Vec<&str> {
        let variables = self.variables.keys().map(String::as_str);
        let is_known =
            |variable: &str| split(variable, links).is_some_and(|(link, key)| knows(link, &key));
        variables.filter(|variable| !is_known(variable)).collect()
    }
}

/// Splits a variable into its link and the corresponding key of the file. If the names of
/// several links match, the longest wins.
fn split<'a>(variable: &str, links: &[&'a str]) -> Option<(&'a str, String)> {
    let of = |link: &&'a str| {
        let key = variable.strip_prefix(&variable_part(link))?;
        let key = key.strip_prefix('_')?;
        (!key.is_empty()).then(|| (*link, key.to_lowercase()))
    };
    let named = links.iter().filter_map(of);
    named.max_by_key(|(link, _)| link.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [&str; 3] = ["openai", "my-model", "my-model-2"];

    #[test]
    fn a_variable_is_of_the_longest_name_that_it_begins_with() {
        for (variable, expected) in [
            ("OPENAI_URL", Some(("openai", "url"))),
            ("OPENAI_API_KEY", Some(("openai", "api_key"))),
            ("MY_MODEL_URL", Some(("my-model", "url"))),
            ("MY_MODEL_2_URL", Some(("my-model-2", "url"))),
            ("MY_MODEL_2", Some(("my-model", "2"))),
            ("OPENAI_", None),
            ("OPENAI", None),
            ("OPENAIURL", None),
            ("LOCAL_URL", None),
            ("", None),
        ] {
            let expected = expected.map(|(link, key)| (link, key.to_owned()));
            assert_eq!(split(variable, &LINKS), expected, "{variable}");
        }
    }

    #[test]
    fn a_variable_goes_before_the_file() {
        let mut values = LinkValues::default();
        let file = "[models.openai]\nurl = 'a'\nsteps = 30\n[models.unused]";
        values.set_from_variable("OPENAI_URL", "b".to_owned());
        values.set_from_variable("OPENAY_URL", "c".to_owned());
        read(&mut values, file).unwrap();
        values.set_from_variable("OPENAI_PORT_8080_TCP", "d".to_owned());
        let knows = |key: &str| key == "url";
        let of = |link: &str| {
            let found = values.of(link, &LINKS, knows).into_iter();
            let found = found.flat_map(|(key, values)| {
                values
                    .into_iter()
                    .map(move |value| format!("{key}={} {}", value.text, value.named))
            });
            found.collect::<Vec<_>>()
        };
        assert_eq!(
            of("openai"),
            [
                "steps=30 f:3: models.openai.steps",
                "url=a f:2: models.openai.url",
                "url=b REFINEMENT_MODELS_OPENAI_URL",
            ]
        );
        assert!(of("my-model").is_empty());
        let unknown = values.unknown_variables(&LINKS, |_, key| knows(key));
        assert_eq!(unknown, ["OPENAI_PORT_8080_TCP", "OPENAY_URL"]);
        assert_eq!(values.names().collect::<Vec<_>>(), ["openai", "unused"]);
    }

    #[test]
    fn what_is_no_table_of_values_is_told() {
        for (text, expected) in [
            (
                "models = 'openai'",
                "f:1: models must have a table for each link, as [models.openai]",
            ),
            (
                "[models]\nopenai = 1",
                "f:2: models must have a table for each link, as [models.openai]",
            ),
            (
                "[models.openai]\nurl = true",
                "f:2: models.openai.url: must be a string, a whole number or a list of strings",
            ),
        ] {
            let error = read(&mut LinkValues::default(), text);
            assert_eq!(error.unwrap_err().to_string(), expected, "{text}");
        }
    }

    fn read(values: &mut LinkValues, text: &str) -> Result<(), ConfigError> {
        let (mut table, lines) = Lines::parsed("f", text)?;
        values.set_from_toml(table.remove(TABLE).unwrap(), &lines)
    }
}
