//! `spin.toml`, as far as this host goes along with it.
//!
//! A key that Spin does not know is an error, as there; one that Spin knows and
//! this host does not is an error, too, so that nothing passes here unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::template::Template;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    #[serde(default, rename = "component")]
    pub components: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

/// Only a variable whose value has to be given lacks a default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    required: bool,
    pub default: Option<String>,
    #[serde(default, rename = "secret")]
    _secret: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    http: Vec<HttpTrigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub component: String,
    pub route: Route,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    Private(Private),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Relative to the manifest.
    pub source: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: BTreeSet<String>,
    #[serde(default, rename = "build")]
    _build: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

/// The one store that is there without a word in the runtime configuration.
pub const DEFAULT_STORE: &str = "default";

impl Manifest {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        ensure!(
            manifest.spin_manifest_version == 2,
            "the manifest is not of version 2"
        );
        for (name, variable) in &manifest.variables {
            is_id(name, '_', true).with_context(|| format!("variable {name:?}"))?;
            ensure!(
                variable.required ^ variable.default.is_some(),
                "variable {name:?} must be `required` OR have a `default`"
            );
        }
        for (id, component) in &manifest.components {
            is_id(id, '-', false).with_context(|| format!("component {id:?}"))?;
            manifest
                .check(component)
                .with_context(|| format!("component {id:?}"))?;
        }
        for trigger in &manifest.trigger.http {
            ensure!(
                manifest.components.contains_key(&trigger.component),
                "a trigger names the component {:?}, which is not there",
                trigger.component
            );
            if let Route::Private(Private { private: false }) = trigger.route {
                bail!("a route must be a string pattern or '{{ private = true }}'");
            }
        }
        Ok(manifest)
    }

    pub fn triggers(&self) -> &[HttpTrigger] {
        &self.trigger.http
    }

    fn check(&self, component: &Component) -> anyhow::Result<()> {
        for (name, value) in &component.variables {
            is_id(name, '_', true).with_context(|| format!("variable {name:?}"))?;
            for used in Template::parse(value)?.variables() {
                ensure!(
                    self.variables.contains_key(used),
                    "unknown variable {used:?}"
                );
            }
        }
        for store in &component.key_value_stores {
            ensure!(
                store == DEFAULT_STORE,
                "unknown key_value_stores label {store:?}"
            );
        }
        Ok(())
    }
}

/// One or more words that begin with a letter, each in one case.
fn is_id(id: &str, delimiter: char, lower: bool) -> anyhow::Result<()> {
    for word in id.split(delimiter) {
        let begins_well = word.starts_with(|first: char| first.is_ascii_alphabetic());
        ensure!(
            begins_well && word.chars().all(|c| c.is_ascii_alphanumeric()),
            "words separated by {delimiter:?} must begin with a letter and be alphanumeric"
        );
        let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
        let (uppercase, lowercase) = (has(char::is_ascii_uppercase), has(char::is_ascii_lowercase));
        ensure!(
            !(uppercase && (lowercase || lower)),
            "words must be in lower case"
        );
    }
    Ok(())
}
