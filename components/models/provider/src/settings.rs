//! The provider's URL and key, which of its models to use, and in what form it gets
//! originals.

use concept_refinement_domain::provider::Profile;

use crate::outcome::Error;

/// The settings of this model. No `Debug`, so that the key cannot be printed.
pub struct Settings {
    pub base: Base,
    pub key: Option<String>,
    /// Whether a provider that can download originals gets their URLs. Otherwise it gets
    /// the bytes that were checked; a URL may return something else to others.
    pub original_by_url: bool,
    /// Which of the provider's models to use. None: the default.
    pub name: Option<String>,
    /// The name of the model's input for the original, if it is not the usual one.
    pub input: Option<String>,
    /// The name of the model's input for a mask. None: it has none.
    pub mask: Option<String>,
    /// The name of the model's input for a seed. None: it has none.
    pub seed: Option<String>,
    /// The workflow to run, as JSON.
    pub workflow: Option<String>,
    /// How the operator's names of the settings begin: with `model-` for a model without a
    /// chain, otherwise with the name of the link.
    prefix: String,
}

/// The provider's base URL, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Settings {
    /// The settings that a model reads.
    pub const NAMES: [&'static str; 9] = [
        "settings-prefix",
        "model-url",
        "model-api-key",
        "model-original",
        "model-name",
        "model-input",
        "model-mask",
        "model-seed",
        "model-workflow",
    ];

    /// From the values of [`Self::NAMES`].
    pub fn of(mut value: impl FnMut(&'static str) -> Option<String>) -> Result<Self, Error> {
        let mut value = |name| value(name).filter(|value| !value.is_empty());
        let prefix = value("settings-prefix").unwrap_or_else(|| "model-".to_owned());
        let url = value("model-url").ok_or_else(|| refused(&prefix, "url", "is missing"))?;
        let base = Base::parse(&url).ok_or_else(|| refused(&prefix, "url", "is unusable"))?;
        Ok(Self {
            base,
            key: value("model-api-key"),
            original_by_url: value("model-original").as_deref() == Some("url"),
            name: value("model-name"),
            input: value("model-input"),
            mask: value("model-mask"),
            seed: value("model-seed"),
            workflow: value("model-workflow"),
            prefix,
        })
    }

    /// Which of the provider's models to use: the one that is set, or its default. Empty: the
    /// provider chooses.
    pub fn name_or_default(&self, provider: &Profile) -> &str {
        self.name.as_deref().or(provider.model).unwrap_or_default()
    }

    /// The error for `model-KEY`, using the name that the operator knows.
    pub fn refused(&self, key: &str, problem: &str) -> Error {
        refused(&self.prefix, key, problem)
    }
}

fn refused(prefix: &str, key: &str, problem: &str) -> Error {
    Error::refused(format!("the setting {prefix}{key} {problem}"))
}

impl Base {
    /// None: not an http or https URL, or one with user information.
    pub fn parse(url: &str) -> Option<Self> {
        let url: http::Uri = url.parse().ok()?;
        let scheme = url.scheme_str()?;
        let authority = url.authority()?.as_str();
        if !matches!(scheme, "http" | "https") || authority.contains('@') {
            return None;
        }
        let path = url.path().trim_end_matches('/');
        Some(Self(format!("{scheme}://{authority}{path}")))
    }

    /// Whether it is this URL.
    pub fn is(&self, url: &str) -> bool {
        self.0 == url.trim_end_matches('/')
    }

    /// The URL of an address that may be relative to the server.
    pub fn resolved(&self, address: &str) -> String {
        let Some(path) = address.strip_prefix('/') else {
            return address.to_owned();
        };
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        match path.starts_with('/') {
            true => format!("{scheme}:{address}"),
            false => format!("{scheme}://{authority}{address}"),
        }
    }

    /// The URL of a path below it; the path starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::of(|name| {
            let (_, value) = set.iter().find(|(set, _)| *set == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn a_base_is_what_comes_before_the_path() {
        for (url, joined) in [
            ("https://api.openai.com", "https://api.openai.com/v1/x"),
            ("https://api.openai.com/", "https://api.openai.com/v1/x"),
            ("http://127.0.0.1:7860/", "http://127.0.0.1:7860/v1/x"),
            ("http://[::1]:7860", "http://[::1]:7860/v1/x"),
            (
                "https://proxy.example/openai/?a=b",
                "https://proxy.example/openai/v1/x",
            ),
        ] {
            assert_eq!(Base::parse(url).unwrap().join("/v1/x"), joined, "{url}");
        }
    }

    #[test]
    fn an_address_may_be_relative_to_the_server() {
        let base = Base::parse("https://proxy.example:8443/openai/").unwrap();
        for (address, expected) in [
            (
                "/files/1.png?a=b",
                "https://proxy.example:8443/files/1.png?a=b",
            ),
            ("//cdn.example/1.png", "https://cdn.example/1.png"),
            ("http://cdn.example/1.png", "http://cdn.example/1.png"),
        ] {
            assert_eq!(base.resolved(address), expected);
        }
    }

    #[test]
    fn what_is_no_base_is_refused_without_repeating_it() {
        for url in [
            "/v1",
            "nowhere",
            "ftp://host/",
            "http://user:hush@host/",
            "http://host name/",
        ] {
            let error = of(&[("model-url", url)]).err().unwrap();
            assert_eq!(error, Error::refused("the setting model-url is unusable"));
        }
        let error = of(&[]).err().unwrap();
        assert_eq!(error, Error::refused("the setting model-url is missing"));
    }

    #[test]
    fn an_error_of_a_link_names_the_setting_of_the_link() {
        let prefix = ("settings-prefix", "models.fast.");
        let error = of(&[prefix]).err().unwrap();
        let expected = "the setting models.fast.url is missing";
        assert_eq!(error, Error::refused(expected));
        let settings = of(&[prefix, ("model-url", "http://host")]).ok().unwrap();
        let expected = "the setting models.fast.name is none";
        assert_eq!(
            settings.refused("name", "is none"),
            Error::refused(expected)
        );
    }

    #[test]
    fn an_empty_key_is_none() {
        let key = |key: &str| of(&[("model-url", "http://host"), ("model-api-key", key)]);
        assert!(key("").is_ok_and(|settings| settings.key.is_none()));
        assert!(key("k").is_ok_and(|settings| settings.key.as_deref() == Some("k")));
    }

    #[test]
    fn an_original_is_sent_in_bytes_unless_a_url_is_asked_for() {
        for (original, by_url) in [("bytes", false), ("", false), ("url", true)] {
            let settings = of(&[("model-url", "http://host"), ("model-original", original)]);
            assert_eq!(settings.ok().map(|s| s.original_by_url), Some(by_url));
        }
    }
}
