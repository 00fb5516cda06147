//! The model of a service as it is written: a model, or a chain of middleware
//! with models behind it, as in `fallback(openai, mine=./model.wasm)`.

mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

/// Most links one behind the other: each may have an instance at the same time.
pub const MAX_DEPTH: usize = 8;

/// Most links of a chain.
pub const MAX_LINKS: usize = 32;

/// The middleware that ships: the next model where one is unavailable, and the same
/// answer where the same is asked.
pub const MIDDLEWARE: [&str; 2] = ["fallback", CACHE];

/// It takes one link.
const CACHE: &str = "cache";

/// How the component of a link is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// One that ships, by its name.
    Shipped(String),
    /// A file, by its path.
    File(String),
}

/// A model, or a middleware with the links behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// None: it goes by its component's name.
    pub given_name: Option<String>,
    /// What it is.
    pub component: Component,
    /// None: it is a model.
    pub behind: Option<Vec<Link>>,
}

/// Reads a model or a chain. Links may have the same name, since not all have settings.
///
/// # Errors
///
/// The end of a sentence that begins with the name of the setting.
pub fn parse(text: &str) -> Result<Link, String> {
    let link = parser::parse(text)?;
    match link.links().iter().find(|link| link.name().is_empty()) {
        Some(nameless) => Err(format!("has a path that names no file: {nameless}")),
        None => Ok(link),
    }
}

impl Link {
    /// What its settings go by.
    pub fn name(&self) -> &str {
        self.given_name.as_deref().unwrap_or(self.own_name())
    }

    /// The name of what ships, or the file's stem.
    pub fn own_name(&self) -> &str {
        match &self.component {
            Component::Shipped(name) => name,
            Component::File(path) => stem(path),
        }
    }

    /// The links behind it, none behind a model.
    pub fn behind(&self) -> &[Self] {
        self.behind.as_deref().unwrap_or_default()
    }

    /// This one, and all behind it, each before those behind itself.
    pub fn links(&self) -> Vec<&Self> {
        let mut links = vec![self];
        for link in self.behind() {
            links.extend(link.links());
        }
        links
    }

    /// How many links are one behind the other, at most.
    pub fn depth(&self) -> usize {
        let behind = self.behind().iter().map(Self::depth);
        behind.max().unwrap_or_default() + 1
    }
}

impl fmt::Display for Link {
    /// As it is written, in one notation.
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

/// A name as it is part of a variable's: `MY_MODEL` of `my-model`.
pub fn variable_part(name: &str) -> String {
    let part = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_uppercase(),
        false => '_',
    };
    name.chars().map(part).collect()
}

/// The name of a path's file without what follows its last dot.
fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        Some(_) | None => file,
    }
}
