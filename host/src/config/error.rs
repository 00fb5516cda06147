//! Errors in a configuration.

use thiserror::Error;

/// How similar two names must be for one to be a misspelling of the other.
const SIMILAR: f64 = 0.75;

/// How similar they are where they differ by a slip.
const ALIKE: f64 = 0.9;

/// Why a configuration is invalid; each error names the setting.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file sets something that does not exist.
    #[error("{origin}: unknown setting {key:?}{suggestion}")]
    Unknown {
        /// The file and the line.
        origin: String,
        /// The name that it uses.
        key: String,
        /// The end of the sentence: the setting that was perhaps meant.
        suggestion: String,
    },
    /// A file and perhaps a line, and why it cannot be read.
    #[error("{0}: {1}")]
    File(String, String),
    /// An invalid value.
    #[error("{}: {problem}", named.clone().unwrap_or_else(|| setting.replace('-', "_")))]
    Unusable {
        /// The setting's name, as on the command line.
        setting: &'static str,
        /// Where it was set, in the operator's words: `--lease`, `REFINEMENT_LEASE` or
        /// `refinement.toml:3: lease`. None: by default, or by a program.
        named: Option<String>,
        /// The end of a sentence that begins with the name.
        problem: String,
    },
    /// A setting that another one needs is missing; the sentence names both.
    #[error("{0}")]
    Missing(String),
    /// The links of the model are not each set by a table.
    #[error("{origin}: models must have a table for each link, as [models.openai]")]
    Models {
        /// The file and the line.
        origin: String,
    },
    /// The plans are not each set by a table.
    #[error("{origin}: plans must have a table for each plan, as [plans.pro]")]
    Plans {
        /// The file and the line.
        origin: String,
    },
    /// A plan, or one of its settings, is invalid.
    #[error("{named}: {problem}")]
    OfPlan {
        /// Where it was set, or its path, such as `plans.pro.budget`.
        named: String,
        /// The end of a sentence that begins with the name.
        problem: String,
    },
    /// A table that belongs to no link.
    #[error(
        "{}: model has no link that is called {link}{suggestion}",
        named.clone().unwrap_or_else(|| format!("models.{link}"))
    )]
    UnknownLink {
        /// Its name in the file.
        link: String,
        /// Where it was set. None: by a program.
        named: Option<String>,
        /// The end of the sentence: the link that was perhaps meant.
        suggestion: String,
    },
    /// An invalid value of a link.
    #[error("{}: {problem}", named.clone().unwrap_or_else(|| format!("models.{link}.{key}")))]
    OfLink {
        /// The name of the link.
        link: String,
        /// The setting's name, as in the file.
        key: String,
        /// Where it was set. None: by a program.
        named: Option<String>,
        /// The end of a sentence that begins with the name.
        problem: String,
    },
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
