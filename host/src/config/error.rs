//! What is wrong with a configuration.

use thiserror::Error;

/// Why a configuration cannot be used; each names the setting.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A file sets what does not exist.
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
    /// A value that cannot be used.
    #[error("{}: {problem}", setting.replace('-', "_"))]
    Unusable {
        /// The setting's name, as on the command line.
        setting: &'static str,
        /// The end of a sentence that begins with the name.
        problem: String,
    },
}
