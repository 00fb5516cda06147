//! Errors in a configuration.

use std::fmt::Display;

use thiserror::Error;

/// How similar two names must be for one to be a misspelling of the other.
const SIMILAR: f64 = 0.75;

/// How similar they are where they differ by a slip.
const ALIKE: f64 = 0.9;

/// Why a configuration is invalid, as a sentence. It names the setting as the operator did, so
/// that the place to change is known: `--lease`, `REFINEMENT_LEASE` or
/// `refinement.toml:3: lease`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

impl ConfigError {
    /// `named`: the setting, or its place. `problem`: the end of a sentence that begins with it.
    pub(super) fn of(named: &str, problem: impl Display) -> Self {
        Self(format!("{named}: {problem}"))
    }
}

/// Whether two names differ by a slip at most.
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    strsim::jaro(one, other) >= ALIKE
}

/// The end of a sentence about an unknown name: the known one that is most like it, if any.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let similarity = |known: &'a str| (strsim::jaro(name, known), known);
    let nearest = known.into_iter().map(similarity);
    let nearest = nearest.max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest.filter(|(similarity, _)| *similarity >= SIMILAR) {
        Some((_, known)) => format!("; did you mean {known}?"),
        None => String::new(),
    }
}
