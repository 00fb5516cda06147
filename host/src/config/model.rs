//! The model, or the chain of them: each link with its provider's URL, its key and
//! what else it is set to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use concept_refinement_domain::chain::{self, Component, MIDDLEWARE};
use concept_refinement_domain::model_name;
use url::Url;

use super::error::ConfigError;
use super::reader::{Reader, unusable};
use crate::egress::Origin;

/// Longest workflow, in bytes: each instance of the model gets it.
const MAX_WORKFLOW: usize = 256 << 10;

/// One link: a model, or a middleware with the links behind it.
#[derive(Clone, Debug)]
pub(crate) struct ModelLink {
    /// It tells it from the others.
    pub name: String,
    pub component: ModelChoice,
    /// What it may ask over HTTP.
    pub origin: Option<Origin>,
    pub settings: LinkSettings,
    /// None: it is a model.
    pub behind: Option<Vec<ModelLink>>,
    /// The whole link by names alone: a path is for nobody but the operator.
    pub text: String,
}

/// What a link is told, by the names that it asks for. Not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LinkSettings(pub BTreeMap<String, String>);

/// Which component a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelChoice {
    Local,
    /// A shipped model that calls a provider over HTTP.
    Provider(&'static Provider),
    /// Middleware that ships.
    Middleware(&'static str),
    Component(PathBuf),
}

/// A provider of image models. Its component is called `model-NAME`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub name: &'static str,
    /// Its base URL, unless `model-url` names another.
    pub url: &'static str,
    /// Which of its models is asked at this URL unless `model-name` names another.
    /// None: the provider has one, or decides.
    pub model: Option<&'static str>,
    key: Key,
    names: Names,
}

/// Whether `model-name` means anything to it.
#[derive(Debug, PartialEq, Eq)]
enum Names {
    Choose,
    /// It has one model.
    Nothing,
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
pub(crate) static PROVIDERS: [Provider; 6] = [
    Provider {
        name: "jigsawstack",
        url: "https://api.jigsawstack.com",
        model: None,
        key: Key::Everywhere,
        names: Names::Nothing,
    },
    Provider {
        name: "openai",
        url: "https://api.openai.com",
        model: Some(model_name::OPENAI),
        key: Key::AtItsOwnUrl,
        names: Names::Choose,
    },
    Provider {
        name: "stability",
        url: "https://api.stability.ai",
        model: Some(model_name::STABILITY),
        key: Key::Everywhere,
        names: Names::Choose,
    },
    Provider {
        name: "replicate",
        url: "https://api.replicate.com",
        model: Some(model_name::REPLICATE),
        key: Key::AtItsOwnUrl,
        names: Names::Choose,
    },
    Provider {
        name: "automatic1111",
        url: "http://127.0.0.1:7860",
        model: None,
        key: Key::Nowhere,
        names: Names::Choose,
    },
    Provider {
        name: "comfyui",
        url: "http://127.0.0.1:8188",
        model: None,
        key: Key::Nowhere,
        names: Names::Choose,
    },
];

/// What a provider's model is set to: the setting of a model that stands alone, and
/// the key of a link's.
const KEYS: [(&str, &str); 6] = [
    ("model-url", "url"),
    ("model-api-key", "api_key"),
    ("model-name", "name"),
    ("model-input", "input"),
    ("model-workflow", "workflow"),
    ("model-original", ORIGINAL),
];

/// What holds for all links that do not say otherwise.
const ORIGINAL: &str = "original";

impl ModelLink {
    /// This one, and all behind it, each before those behind itself.
    pub fn links(&self) -> Vec<&Self> {
        let mut links = vec![self];
        for link in self.behind.iter().flatten() {
            links.extend(link.links());
        }
        links
    }

    /// How many links are one behind the other, at most.
    pub fn depth(&self) -> usize {
        let behind = self.behind.iter().flatten().map(Self::depth);
        behind.max().unwrap_or_default() + 1
    }

    /// What all of them may ask.
    pub fn origins(&self) -> Vec<Origin> {
        let links = self.links();
        links
            .iter()
            .filter_map(|link| link.origin.clone())
            .collect()
    }

    /// The base URL of its provider, if it has one.
    pub fn url(&self) -> Option<&str> {
        self.settings.0.get("model-url").map(String::as_str)
    }

    /// The base URLs of all providers, with a space between them.
    pub fn urls(&self) -> Option<String> {
        let urls: Vec<_> = self.links().iter().filter_map(|link| link.url()).collect();
        (!urls.is_empty()).then(|| urls.join(" "))
    }
}

impl fmt::Debug for LinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads the model with all its links. Required keys are present.
pub(super) fn read(v: &Reader<'_>) -> Result<ModelLink, ConfigError> {
    let chain = v.parse("model", chain::parse)?;
    v.optional("model-url", base_url)?;
    v.optional("model-api-key", key)?;
    v.optional("model-name", line)?;
    v.optional("model-input", line)?;
    v.optional("model-workflow", workflow)?;
    v.parse("model-original", original)?;
    let names = names(&chain);
    if let Some(link) = v.0.links().names().find(|link| !names.contains(link)) {
        let link = link.to_owned();
        return Err(ConfigError::UnknownLink { link });
    }
    let stands_alone = chain.behind.is_none();
    for (setting, key) in KEYS {
        if !stands_alone && key != ORIGINAL && v.0.get(setting).is_some() {
            let problem = format!(
                "is for a model that stands alone: in a chain it is {key} of [models.NAME]"
            );
            return Err(unusable(setting, problem));
        }
    }
    let reading = Reading {
        v,
        names,
        stands_alone,
    };
    reading.link(&chain)
}

/// The variables of links, without their prefix, that mean nothing to this model.
pub(super) fn unknown_variables<'a>(v: &'a Reader<'_>, model: &ModelLink) -> Vec<&'a str> {
    let links = model.links();
    let names = links.iter().map(|link| link.name.as_str());
    let names: Vec<_> = names.chain(shipped()).collect();
    v.0.links().unknown_variables(&names, |name, key| {
        let link = links.iter().find(|link| link.name == name);
        link.is_none_or(|link| link.component.knows(key))
    })
}

/// The links of this chain, and those that ship: what another chain needs may stay
/// in the file.
fn names(chain: &chain::Link) -> Vec<&str> {
    let links = chain.links();
    let links = links.iter().map(|link| link.name());
    links.chain(shipped()).collect()
}

fn shipped<'a>() -> impl Iterator<Item = &'a str> {
    let providers = PROVIDERS.iter().map(|provider| provider.name);
    ["local"].into_iter().chain(providers).chain(MIDDLEWARE)
}

struct Reading<'a> {
    v: &'a Reader<'a>,
    names: Vec<&'a str>,
    stands_alone: bool,
}

/// The values of one link by their keys, and how each is called where it is set.
struct Given<'a> {
    link: &'a str,
    values: BTreeMap<String, String>,
    plain: Vec<&'static str>,
}

impl Reading<'_> {
    fn link(&self, link: &chain::Link) -> Result<ModelLink, ConfigError> {
        let component = match &link.component {
            Component::File(path) => ModelChoice::Component(PathBuf::from(path)),
            Component::Shipped(name) => {
                shipped_choice(name).ok_or_else(|| unusable("model", unknown_model(name)))?
            }
        };
        let mut given = self.given(link.name(), &component)?;
        let mut url = given.read("url", base_url)?;
        let has_key = given.read("api_key", key)?.is_some();
        let has_name = given.read("name", line)?.is_some();
        given.read("input", line)?;
        given.read(ORIGINAL, original)?;
        let workflow = match component {
            // What a component of one's own calls so is for it to say.
            ModelChoice::Component(_) if !self.stands_alone => None,
            _ => given.read("workflow", workflow)?,
        };
        let has_workflow = workflow.is_some();
        if let Some(workflow) = workflow {
            given.values.insert("workflow".to_owned(), workflow);
        }
        if let ModelChoice::Provider(provider) = &component {
            let own = Url::parse(provider.url);
            let own = own.map_err(|error| given.problem("url", error.to_string()))?;
            let asked = url.get_or_insert_with(|| own.clone());
            let wants_key = match provider.key {
                Key::Everywhere => true,
                Key::AtItsOwnUrl => Origin::of_url(asked) == Origin::of_url(&own),
                Key::Nowhere => false,
            };
            if wants_key && !has_key {
                return Err(self.missing(&given, provider, ("model-api-key", "api_key")));
            }
            if has_name && provider.names == Names::Nothing {
                let problem = format!(
                    "must not be set where model is {}, which has one",
                    provider.name
                );
                return Err(given.problem("name", problem));
            }
            if !has_workflow && provider.name == "comfyui" {
                return Err(self.missing(&given, provider, ("model-workflow", "workflow")));
            }
        }
        if let Some(url) = &url {
            given
                .values
                .insert("url".to_owned(), url.as_str().to_owned());
        }
        let settings = given.values.into_iter();
        let settings = settings.map(|(key, value)| (setting_of(&key), value));
        let behind = link.behind.as_ref().map(|behind| {
            let behind = behind.iter().map(|link| self.link(link));
            behind.collect::<Result<Vec<_>, _>>()
        });
        let behind: Option<Vec<_>> = behind.transpose()?;
        let text = text(link.name(), behind.as_deref());
        Ok(ModelLink {
            name: link.name().to_owned(),
            component,
            origin: url.as_ref().and_then(Origin::of_url),
            settings: LinkSettings(settings.collect()),
            behind,
            text,
        })
    }

    fn missing(
        &self,
        given: &Given<'_>,
        provider: &Provider,
        (setting, key): (&'static str, &str),
    ) -> ConfigError {
        match self.stands_alone {
            true => {
                let problem = format!("must be set where model is {}", provider.name);
                unusable(setting, problem)
            }
            false => given.problem(key, "must be set".to_owned()),
        }
    }

    /// What is set for a link. Of a model that stands alone what is set for the
    /// model goes before what is set for its name.
    fn given<'b>(&self, link: &'b str, component: &ModelChoice) -> Result<Given<'b>, ConfigError> {
        let links = self.v.0.links();
        let mut values = links.of(link, &self.names, |key| component.knows(key));
        if let Some(key) = values.keys().find(|key| !component.knows(key)) {
            return Err(ConfigError::OfLink {
                link: link.to_owned(),
                key: key.clone(),
                problem: format!("{link} has no such setting"),
            });
        }
        let mut plain = Vec::new();
        for (setting, key) in KEYS {
            let Some(value) = self.v.0.get(setting) else {
                continue;
            };
            let goes_before = match key {
                ORIGINAL => !values.contains_key(key),
                _ => self.stands_alone,
            };
            if goes_before {
                values.insert(key.to_owned(), value.to_owned());
                plain.push(key);
            }
        }
        Ok(Given {
            link,
            values,
            plain,
        })
    }
}

impl ModelChoice {
    /// Whether it can be set to this. What a component of one's own makes of its
    /// settings is for it to say.
    fn knows(&self, key: &str) -> bool {
        match self {
            Self::Component(_) => true,
            Self::Provider(_) => KEYS.iter().any(|(_, known)| *known == key),
            Self::Local | Self::Middleware(_) => false,
        }
    }
}

impl Given<'_> {
    fn read<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let value = self.values.get(key);
        let read = value.map(|value| parse(value)).transpose();
        read.map_err(|problem| self.problem(key, problem))
    }

    fn problem(&self, key: &str, problem: String) -> ConfigError {
        match KEYS.iter().find(|(_, plain)| *plain == key) {
            Some((setting, plain)) if self.plain.contains(plain) => unusable(setting, problem),
            _ => ConfigError::OfLink {
                link: self.link.to_owned(),
                key: key.to_owned(),
                problem,
            },
        }
    }
}

fn text(name: &str, behind: Option<&[ModelLink]>) -> String {
    let Some(behind) = behind else {
        return name.to_owned();
    };
    let behind: Vec<_> = behind.iter().map(|link| link.text.as_str()).collect();
    format!("{name}({})", behind.join(", "))
}

/// The name that a component asks for: `model-api-key` for `api_key`.
fn setting_of(key: &str) -> String {
    format!("model-{}", key.replace('_', "-"))
}

fn shipped_choice(name: &str) -> Option<ModelChoice> {
    if name == "local" {
        return Some(ModelChoice::Local);
    }
    if let Some(name) = MIDDLEWARE.iter().find(|middleware| **middleware == name) {
        return Some(ModelChoice::Middleware(name));
    }
    let provider = PROVIDERS.iter().find(|provider| provider.name == name);
    provider.map(ModelChoice::Provider)
}

fn unknown_model(name: &str) -> String {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    let names = names.join(", ");
    format!("must be local, {names}, the path of a component or a chain of them, not {name:?}")
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

/// The text of a workflow.
///
/// # Errors
///
/// There is no such file, or it is no JSON object.
fn workflow(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    if text.len() > MAX_WORKFLOW {
        return Err(format!(
            "{path:?} is larger than {} KiB",
            MAX_WORKFLOW >> 10
        ));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("{path:?} is no workflow in JSON: {error}")),
    }
}

/// Checks that it is a name.
fn line(text: &str) -> Result<(), String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        _ if text.chars().any(char::is_control) => Err("must be one line".to_owned()),
        _ => Ok(()),
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
    use super::*;
    use crate::config::{Config, Values, table};

    /// Test helper: the base URL for the components and the granted origin, or
    /// the error.
    fn configured(settings: &[(&str, &str)]) -> Result<(Option<String>, Option<String>), String> {
        let mut values = Values::new();
        for (name, value) in settings {
            values.set(table::find(name).unwrap(), *value);
        }
        let config = Config::new(values).map_err(|error| error.to_string())?;
        let model = config.model;
        let origin = model.origin.as_ref().map(|origin| {
            let Origin { scheme, host, port } = origin;
            format!("{scheme}://{host}:{port}")
        });
        Ok((model.url().map(str::to_owned), origin))
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

    /// A chain, and what is set for its links by the file and by variables.
    fn chain(model: &str, file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let mut values = Values::new();
        values.set(table::find("model").unwrap(), model);
        let read = values.set_from_toml("refinement.toml", file);
        read.map_err(|error| error.to_string())?;
        let variables = variables.iter().map(|(name, value)| {
            let name = format!("REFINEMENT_{name}");
            (name, (*value).to_owned())
        });
        values.set_from_variables(variables);
        Config::new(values).map_err(|error| error.to_string())
    }

    #[test]
    fn each_link_has_settings_of_its_own() {
        let config = chain(
            "cache(fallback(openai, automatic1111, ./my-model.wasm))",
            "model_original = 'url'\n\
             [models.openai]\napi_key = 'k1'\nname = 'm'\noriginal = 'bytes'\n\
             [models.my-model]\nurl = 'http://GPU.lan:8000/x'\nstyle = 'oil'\n\
             [models.jigsawstack]\napi_key = 'unused'",
            &[
                ("MODELS_OPENAI_API_KEY", "k2"),
                ("MODELS_MY_MODEL_MAX_STEPS", "30"),
                ("MODELS_OPENAI_PORT", "tcp://10.0.0.1"),
                ("MODELS_OPENAY_URL", "http://nowhere"),
                ("MODELS_STABILITY", ""),
            ],
        )
        .unwrap();
        let links = config.model.links();
        let told: Vec<_> = links
            .iter()
            .map(|link| {
                let settings = link.settings.0.iter();
                let settings = settings.map(|(name, value)| format!("{name}={value}"));
                (link.name.as_str(), settings.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let expected = [
            ("cache", "model-original=url"),
            ("fallback", "model-original=url"),
            (
                "openai",
                "model-api-key=k2 model-name=m model-original=bytes model-url=https://api.openai.com/",
            ),
            (
                "automatic1111",
                "model-original=url model-url=http://127.0.0.1:7860/",
            ),
            (
                "my-model",
                "model-max-steps=30 model-original=url model-style=oil model-url=http://gpu.lan:8000/x",
            ),
        ];
        let expected = expected.map(|(name, settings)| (name, settings.to_owned()));
        assert_eq!(told, expected);
        let text = "cache(fallback(openai, automatic1111, my-model))";
        assert_eq!(config.model.text, text);
        assert_eq!(config.model.depth(), 3);
        assert_eq!(config.model.origins().len(), 3);
        let unknown = config.unknown_variables();
        assert!(
            unknown.contains(&"REFINEMENT_MODELS_OPENAI_PORT".to_owned()),
            "{unknown:?}"
        );
        assert!(
            unknown.contains(&"REFINEMENT_MODELS_OPENAY_URL".to_owned()),
            "{unknown:?}"
        );
        let shown = format!("{config:?}");
        assert!(!shown.contains("k1") && !shown.contains("k2"), "{shown}");
    }

    #[test]
    fn a_model_that_stands_alone_may_be_set_by_its_name() {
        let file = "[models.openai]\nurl = 'http://a/'\napi_key = 'k'";
        let config = chain("openai", file, &[("MODEL_URL", "http://b/")]).unwrap();
        assert_eq!(config.model.url(), Some("http://b/"));
        assert_eq!(config.model.settings.0["model-api-key"], "k");
    }

    #[test]
    fn what_is_wrong_with_a_link_is_told() {
        let openai = "[models.openai]\napi_key = 'k'\n";
        let alone = |key: &str| {
            format!("is for a model that stands alone: in a chain it is {key} of [models.NAME]")
        };
        for (model, file, expected) in [
            (
                "fallback(openai,)",
                "",
                "model: must name a model before ')'".to_owned(),
            ),
            (
                "fallback(dall-e)",
                "",
                "model: must be local, jigsawstack, openai, stability, replicate, automatic1111, \
                 comfyui, the path of a component or a chain of them, not \"dall-e\""
                    .to_owned(),
            ),
            (
                "fallback(openai)",
                "",
                "models.openai.api_key: must be set".to_owned(),
            ),
            (
                "fallback(openai)",
                "[models.openai]\napi_key = \"a\\nb\"",
                "models.openai.api_key: must be one line of visible ASCII characters".to_owned(),
            ),
            (
                "fallback(openai)",
                "[models.openai]\nurl = 'nowhere'",
                "models.openai.url: must be an http or https URL without user information"
                    .to_owned(),
            ),
            (
                "fallback(openai)",
                "[models.openai]\noriginal = 'both'",
                "models.openai.original: must be bytes or url, not \"both\"".to_owned(),
            ),
            (
                "fallback(openai)",
                "[models.openai]\ncolour = 'red'",
                "models.openai.colour: openai has no such setting".to_owned(),
            ),
            (
                "fallback(comfyui)",
                "",
                "models.comfyui.workflow: must be set".to_owned(),
            ),
            (
                "fallback(jigsawstack)",
                "[models.jigsawstack]\napi_key = 'k'\nname = 'x'",
                "models.jigsawstack.name: must not be set where model is jigsawstack, which has \
                 one"
                .to_owned(),
            ),
            (
                "fallback(local)",
                "[models.fallback]\nurl = 'http://a/'",
                "models.fallback.url: fallback has no such setting".to_owned(),
            ),
            (
                "fallback(local)",
                "[models.opnai]",
                "models.opnai: model has no link that is called opnai".to_owned(),
            ),
            (
                "fallback(openai)",
                &format!("model_url = 'http://a/'\n{openai}"),
                format!("model_url: {}", alone("url")),
            ),
            (
                "fallback(openai)",
                &format!("model_api_key = 'k'\n{openai}"),
                format!("model_api_key: {}", alone("api_key")),
            ),
        ] {
            let error = chain(model, file, &[]).expect_err(model);
            assert_eq!(error, expected, "{model}");
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
                "model: must be local, jigsawstack, openai, stability, replicate, automatic1111, \
                 comfyui, the path of a component or a chain of them, not \"dall-e\"",
            ),
            (
                &[
                    ("model", "jigsawstack"),
                    ("model-api-key", "k"),
                    ("model-name", "x"),
                ],
                "model_name: must not be set where model is jigsawstack, which has one",
            ),
            (
                &[("model", "comfyui")],
                "model_workflow: must be set where model is comfyui",
            ),
            (
                &[("model", "stability")],
                "model_api_key: must be set where model is stability",
            ),
            (
                &[("model", "replicate")],
                "model_api_key: must be set where model is replicate",
            ),
        ] {
            assert_eq!(configured(settings), Err(expected.to_owned()));
        }
    }
}
