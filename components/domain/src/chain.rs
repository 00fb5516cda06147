//! The syntax of a service's model setting: a model, or a chain of middleware with models
//! behind it, such as `fallback(openai, mine=./model.wasm)`.

mod parser;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use crate::payment::MAX_LINK;

/// Maximum depth of a chain: each link on a path may have an instance at the same time.
pub const MAX_DEPTH: usize = 8;

/// Most links of a chain.
pub const MAX_LINKS: usize = 32;

/// The shipped middleware: one tries the next model if one is unavailable, the other
/// caches answers.
pub const MIDDLEWARE: [&str; 2] = ["fallback", CACHE];

/// This one takes exactly one link.
const CACHE: &str = "cache";

/// How a chain names the component of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// A shipped component, by its name.
    Shipped(String),
    /// A file, by its path.
    File(String),
}

/// A model, or a middleware with the links behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// None: the name of its component is used.
    pub given_name: Option<String>,
    /// The component.
    pub component: Component,
    /// The links behind a middleware. None: it is a model.
    pub behind: Option<Vec<Link>>,
}

/// Whether a link can be given this name.
pub fn is_name(text: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    !text.is_empty() && text.chars().all(is_plain)
}

/// Parses a model or a chain. Links may share a name, since not all have settings.
///
/// # Errors
///
/// The end of a sentence that begins with the name of the setting.
pub fn parse(text: &str) -> Result<Link, String> {
    let link = parser::parse(text)?;
    if let Some(nameless) = link.links().iter().find(|link| link.name().is_empty()) {
        return Err(format!("has a path that names no file: {nameless}"));
    }
    match link.names().iter().find(|name| name.len() > MAX_LINK) {
        Some(long) => Err(format!(
            "has a link whose name is longer than {MAX_LINK} bytes: give {long:.20}… a \
             shorter one, as in short=PATH"
        )),
        None => Ok(link),
    }
}

impl Link {
    /// The name of its settings.
    pub fn name(&self) -> &str {
        self.given_name.as_deref().unwrap_or(self.own_name())
    }

    /// The name of the shipped component, or the file's stem.
    pub fn own_name(&self) -> &str {
        match &self.component {
            Component::Shipped(name) => name,
            Component::File(path) => stem(path),
        }
    }

    /// The links behind it; empty for a model.
    pub fn behind(&self) -> &[Self] {
        self.behind.as_deref().unwrap_or_default()
    }

    /// This link and all links behind it, each before those behind itself.
    pub fn links(&self) -> Vec<&Self> {
        let mut links = vec![self];
        for link in self.behind() {
            links.extend(link.links());
        }
        links
    }

    /// The name of each of these links in metrics and receipts. Names that repeat, as those
    /// of links without settings may, are numbered: `cache`, `cache-2`.
    pub fn names(&self) -> Vec<String> {
        let links = self.links();
        let given: BTreeSet<_> = links.iter().map(|link| link.name()).collect();
        let mut names: Vec<String> = Vec::new();
        for link in links {
            let mut name = link.name().to_owned();
            let mut number = 1;
            while names.contains(&name) || (number > 1 && given.contains(name.as_str())) {
                number += 1;
                name = format!("{}-{number}", link.name());
            }
            names.push(name);
        }
        names
    }

    /// The depth of the chain: the largest number of links on one path.
    pub fn depth(&self) -> usize {
        let behind = self.behind().iter().map(Self::depth);
        behind.max().unwrap_or_default() + 1
    }
}

impl fmt::Display for Link {
    /// Formats it in a normalized notation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.given_name {
            write!(f, "{name}=")?;
        }
        let (Component::Shipped(text) | Component::File(text)) = &self.component;
        f.write_str(text)?;
        let Some(behind) = &self.behind else {
            return Ok(());
        };
        for (index, link) in behind.iter().enumerate() {
            write!(f, "{}{link}", if index == 0 { "(" } else { ", " })?;
        }
        f.write_str(")")
    }
}

/// The name as a part of a variable's name: `MY_MODEL` for `my-model`.
pub fn variable_part(name: &str) -> String {
    let part = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_uppercase(),
        false => '_',
    };
    name.chars().map(part).collect()
}

/// The file name of a path, without its last extension.
fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        Some(_) | None => file,
    }
}
