//! Variables: the application's values, and what each component sees of them
//! through `spin:variables`.

use std::collections::BTreeMap;

use anyhow::ensure;
use wasmtime::component::{Accessor, HasData};

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::manifest::{Component, Manifest};
use crate::state::State;
use crate::template::Template;

/// The application's variables, each with its value.
#[derive(Clone, Debug)]
pub struct Values(BTreeMap<String, String>);

/// What one component sees, by its own names.
#[derive(Debug, Default)]
pub struct Granted(BTreeMap<String, String>);

impl Values {
    /// What was given for the start counts before what a name falls back to in
    /// the environment (`SPIN_VARIABLE_NAME`), and that before the default.
    pub fn of(manifest: &Manifest, given: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            let fallback = format!("SPIN_VARIABLE_{}", name.to_uppercase());
            let given = given.get(name).cloned();
            let given = given.or_else(|| std::env::var(fallback).ok());
            match given.or_else(|| variable.default.clone()) {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => missing.push(name.as_str()),
            }
        }
        ensure!(
            missing.is_empty(),
            "no provider resolved required variable(s): {missing:?}"
        );
        Ok(Self(values))
    }

    /// The defaults alone.
    pub fn defaults(manifest: &Manifest) -> Self {
        let variables = manifest.variables.iter();
        let defaults = variables.filter_map(|(name, variable)| {
            let default = variable.default.clone()?;
            Some((name.clone(), default))
        });
        Self(defaults.collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn granted(&self, component: &Component) -> anyhow::Result<Granted> {
        let mut granted = BTreeMap::new();
        for (name, value) in &component.variables {
            let filled = Template::parse(value)?.filled(|name| self.get(name));
            // Each variable that a manifest names has a value by now.
            granted.insert(name.clone(), filled.unwrap_or_default());
        }
        Ok(Granted(granted))
    }
}

impl Granted {
    fn get(&self, component: &str, name: &str) -> Result<String, Error> {
        if let Some(reason) = flaw(name) {
            return Err(Error::InvalidName(format!("{name:?}: {reason}")));
        }
        let value = self.0.get(name).cloned();
        value.ok_or_else(|| Error::Undefined(format!("no variable for {component:?}.{name:?}")))
    }
}

/// What makes a name none.
fn flaw(name: &str) -> Option<String> {
    let is_plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
    let flaw = if name.is_empty() {
        "must not be empty"
    } else if let Some(invalid) = name.chars().find(|c| !is_plain(c)) {
        return Some(format!(
            "invalid character {invalid:?}. Variable names may contain only lower-case \
             letters, numbers, and underscores."
        ));
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        "must start with a lowercase ASCII letter"
    } else if name.ends_with('_') {
        "must end with a lowercase ASCII letter or digit"
    } else if name.contains("__") {
        "must not contain multiple consecutive underscores"
    } else {
        return None;
    };
    Some(flaw.to_owned())
}

/// Marks the state as what is behind `spin:variables`.
pub struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = &'a mut State;
}

impl Host for &mut State {}

impl HostWithStore<State> for HasVariables {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| {
            let state = access.get();
            state.variables().get(state.component(), &name)
        }))
    }
}
