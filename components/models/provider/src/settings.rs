//! The provider's URL and key, and in what form it gets originals.

use crate::outcome::Error;

/// The settings of this model. No `Debug`, so that the key cannot be printed.
pub struct Settings {
    pub base: Base,
    pub key: Option<String>,
    /// Whether a provider that can download originals may be told their URLs.
    /// Else it gets the bytes that were checked, which a URL may not answer to
    /// everyone.
    pub original_by_url: bool,
}

/// The provider's base URL, without a final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Settings {
    /// Of the settings `model-url`, `model-api-key` and `model-original`.
    pub fn new(
        url: Option<&str>,
        key: Option<String>,
        original: Option<&str>,
    ) -> Result<Self, Error> {
        let url = url.ok_or_else(|| Error::refused("the setting model-url is missing"))?;
        let base =
            Base::parse(url).ok_or_else(|| Error::refused("the setting model-url is unusable"))?;
        Ok(Self {
            base,
            key: key.filter(|key| !key.is_empty()),
            original_by_url: original == Some("url"),
        })
    }
}

impl Base {
    /// None: not an http or https URL, or one with user information in it.
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

    /// The URL of a path below it, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_no_base_is_refused_without_repeating_it() {
        for url in [
            "",
            "/v1",
            "nowhere",
            "ftp://host/",
            "http://user:hush@host/",
            "http://host name/",
        ] {
            let error = Settings::new(Some(url), None, None).err().unwrap();
            assert_eq!(error, Error::refused("the setting model-url is unusable"));
        }
        let error = Settings::new(None, None, None).err().unwrap();
        assert_eq!(error, Error::refused("the setting model-url is missing"));
    }

    #[test]
    fn an_empty_key_is_none() {
        let key = |key: &str| Settings::new(Some("http://host"), Some(key.to_owned()), None);
        assert!(key("").is_ok_and(|settings| settings.key.is_none()));
        assert!(key("k").is_ok_and(|settings| settings.key.as_deref() == Some("k")));
    }

    #[test]
    fn an_original_is_sent_in_bytes_unless_a_url_is_asked_for() {
        for (original, by_url) in [
            (None, false),
            (Some("bytes"), false),
            (Some(""), false),
            (Some("url"), true),
        ] {
            let settings = Settings::new(Some("http://host"), None, original);
            assert_eq!(settings.ok().map(|s| s.original_by_url), Some(by_url));
        }
    }
}
