//! The line numbers of the keys in a settings file, for errors.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// The keys of a file by their path, such as `models.openai.url`.
pub(super) struct Lines<'a> {
    file: &'a str,
    lines: BTreeMap<String, usize>,
}

impl<'a> Lines<'a> {
    /// Parses a file.
    ///
    /// # Errors
    ///
    /// It is not TOML.
    pub fn parsed(file: &'a str, text: &str) -> Result<(toml::Table, Self), ConfigError> {
        let refused = |error: toml::de::Error| {
            let place = match error.span() {
                Some(span) => format!("{file}:{}", line(text, span.start)),
                None => file.to_owned(),
            };
            ConfigError::of(&place, error.message())
        };
        let table = text.parse::<toml::Table>().map_err(refused)?;
        let mut lines = BTreeMap::new();
        let spanned = DeTable::parse(text).map_err(refused)?;
        collect("", spanned.get_ref(), text, &mut lines);
        Ok((table, Self { file, lines }))
    }

    /// The file and the line of a key: `refinement.toml:3`.
    pub fn place(&self, path: &str) -> String {
        match self.lines.get(path) {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.to_owned(),
        }
    }

    /// The place and the key: `refinement.toml:3: lease`.
    pub fn named(&self, path: &str) -> String {
        format!("{}: {path}", self.place(path))
    }
}

fn collect(above: &str, table: &DeTable<'_>, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let path = format!("{above}{}", key.get_ref());
        lines.insert(path.clone(), line(text, key.span().start));
        if let DeValue::Table(below) = value.get_ref() {
            collect(&format!("{path}."), below, text, lines);
        }
    }
}

/// The number of the line that this byte is on.
fn line(text: &str, at: usize) -> usize {
    let before = text.bytes().take(at);
    before.filter(|byte| *byte == b'\n').count() + 1
}
