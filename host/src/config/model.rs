//! The model, its provider's URL, and its key.

use std::path::PathBuf;

use url::Url;

use super::error::ConfigError;
use super::reader::{Reader, unusable};
use crate::egress::Origin;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    Local,
    /// A shipped model that calls a provider over HTTP.
    Provider(&'static Provider),
    Component(PathBuf),
}

/// A provider of image models. Its component is called `model-NAME`.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: &'static str,
    /// Its base URL, unless `model-url` names another.
    pub url: &'static str,
    key: Key,
}

/// When `model-api-key` is required.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Everywhere,
    /// Required at the provider's own URL; compatible servers may not need one.
    AtItsOwnUrl,
    Nowhere,
}

/// All shipped providers; each has a component.
pub static PROVIDERS: [Provider; 3] = [
    Provider {
        name: "jigsawstack",
        url: "https://api.jigsawstack.com",
        key: Key::Everywhere,
    },
    Provider {
        name: "openai",
        url: "https://api.openai.com",
        key: Key::AtItsOwnUrl,
    },
    Provider {
        name: "automatic1111",
        url: "http://127.0.0.1:7860",
        key: Key::Nowhere,
    },
];

/// Reads the model and its provider's base URL. A required key is present.
pub(super) fn read(v: &Reader<'_>) -> Result<(ModelChoice, Option<Url>), ConfigError> {
    let model = v.parse("model", choice)?;
    let url = v.optional("model-url", base_url)?;
    let key = v.optional("model-api-key", key)?;
    v.parse("model-original", original)?;
    let ModelChoice::Provider(provider) = &model else {
        return Ok((model, url));
    };
    let own = Url::parse(provider.url).map_err(|error| unusable("model-url", error.to_string()))?;
    let url = url.unwrap_or_else(|| own.clone());
    let wants_key = match provider.key {
        Key::Everywhere => true,
        Key::AtItsOwnUrl => Origin::of_url(&url) == Origin::of_url(&own),
        Key::Nowhere => false,
    };
    if wants_key && key.is_none() {
        let problem = format!("must be set where model is {}", provider.name);
        return Err(unusable("model-api-key", problem));
    }
    Ok((model, Some(url)))
}

fn choice(text: &str) -> Result<ModelChoice, String> {
    if text == "local" {
        return Ok(ModelChoice::Local);
    }
    if text.contains('/') || text.ends_with(".wasm") {
        return Ok(ModelChoice::Component(PathBuf::from(text)));
    }
    let provider = PROVIDERS.iter().find(|provider| provider.name == text);
    provider.map(ModelChoice::Provider).ok_or_else(|| {
        let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let names = names.join(", ");
        format!("must be local, {names} or the path of a component, not {text:?}")
    })
}

fn base_url(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| Origin::of_url(url).is_some())
        .ok_or_else(|| "must be an http or https URL without user information".to_owned())
}

/// Checks that it is one of the forms. The model reads it.
fn original(text: &str) -> Result<(), String> {
    match text {
        "bytes" | "url" => Ok(()),
        other => Err(format!("must be bytes or url, not {other:?}")),
    }
}

/// Checks that the key fits into a header. The error does not show it.
fn key(text: &str) -> Result<(), String> {
    match text {
        "" => Err("must not be empty".to_owned()),
        text if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(()),
        _ => Err("must be one line of visible ASCII characters".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Values, table};

    /// Test helper: the base URL for the components and the granted origin, or
    /// the error.
    fn configured(settings: &[(&str, &str)]) -> Result<(Option<String>, Option<String>), String> {
        let mut values = Values::new();
        for (name, value) in settings {
            values.set(table::find(name).unwrap(), *value);
        }
        let config = Config::new(values).map_err(|error| error.to_string())?;
        let origin = config.model_origin.map(|origin| {
            let (scheme, host, port) = (origin.scheme, origin.host, origin.port);
            format!("{scheme}://{host}:{port}")
        });
        Ok((config.values.get("model-url").map(str::to_owned), origin))
    }

    #[test]
    fn a_provider_is_where_it_is_by_default_or_as_set() {
        let key = ("model-api-key", "k");
        for (settings, url, origin) in [
            (&[][..], None, None),
            (
                &[("model", "jigsawstack"), key],
                Some("https://api.jigsawstack.com/"),
                Some("https://api.jigsawstack.com:443"),
            ),
            (
                &[("model", "openai"), key],
                Some("https://api.openai.com/"),
                Some("https://api.openai.com:443"),
            ),
            (
                &[("model", "openai"), ("model-url", "http://GPU.lan:8000/x")],
                Some("http://gpu.lan:8000/x"),
                Some("http://gpu.lan:8000"),
            ),
            (
                &[("model", "automatic1111")],
                Some("http://127.0.0.1:7860/"),
                Some("http://127.0.0.1:7860"),
            ),
            (
                &[
                    ("model", "./mine.wasm"),
                    ("model-url", "https://bücher.example"),
                ],
                Some("https://xn--bcher-kva.example/"),
                Some("https://xn--bcher-kva.example:443"),
            ),
        ] {
            let expected = (url.map(str::to_owned), origin.map(str::to_owned));
            assert_eq!(configured(settings), Ok(expected), "{settings:?}");
        }
    }

    #[test]
    fn a_key_that_is_missing_or_unusable_is_told() {
        let jigsawstack = "model_api_key: must be set where model is jigsawstack";
        let openai = "model_api_key: must be set where model is openai";
        let ascii = "model_api_key: must be one line of visible ASCII characters";
        let url = "model_url: must be an http or https URL without user information";
        for (settings, expected) in [
            (&[("model", "jigsawstack")][..], jigsawstack),
            (
                &[("model", "jigsawstack"), ("model-url", "http://gpu.lan")],
                jigsawstack,
            ),
            (&[("model", "openai")], openai),
            (
                &[
                    ("model", "openai"),
                    ("model-url", "https://API.openai.com:443/x"),
                ],
                openai,
            ),
            (&[("model-api-key", "")], "model_api_key: must not be empty"),
            (&[("model-api-key", "hush\n")], ascii),
            (
                &[("model-original", "URL")],
                "model_original: must be bytes or url, not \"URL\"",
            ),
            (&[("model-api-key", "hüsh")], ascii),
            (&[("model-url", "http://me:hush@host/")], url),
            (
                &[("model", "dall-e")],
                "model: must be local, jigsawstack, openai, automatic1111 or the path of a \
                 component, not \"dall-e\"",
            ),
        ] {
            assert_eq!(configured(settings), Err(expected.to_owned()));
        }
    }
}
