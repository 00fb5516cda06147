//! Errors in a configuration.

use thiserror::Error;

/// Why a configuration is invalid; each error names the setting.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A file sets something that does not exist.
    #[error("{origin}: unknown setting {key:?}")]
    Unknown {
        /// The file.
        origin: String,
        /// The name that it uses.
        key: String,
    },
    /// A file, and why it cannot be read.
    #[error("{0}: {1}")]
    File(String, String),
    /// An invalid value.
    #[error("{}: {problem}", setting.replace('-', "_"))]
    Unusable {
        /// The setting's name, as on the command line.
        setting: &'static str,
        /// The end of a sentence that begins with the name.
        problem: String,
    },
    /// The links of the model are not each set by a table.
    #[error("models: must have a table for each link, as [models.openai]")]
    Models,
    /// A table that belongs to no link.
    #[error("models.{link}: model has no link that is called {link}")]
    UnknownLink {
        /// Its name in the file.
        link: String,
    },
    /// An invalid value of a link.
    #[error("models.{link}.{key}: {problem}")]
    OfLink {
        /// The name of the link.
        link: String,
        /// The setting's name, as in the file.
        key: String,
        /// The end of a sentence that begins with both.
        problem: String,
    },
}
