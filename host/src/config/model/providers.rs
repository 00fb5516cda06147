//! The shipped providers, and the settings that each of them needs.

use concept_refinement_domain::model_name;
use concept_refinement_runtime::egress::Origin;
use url::Url;

/// A provider of image models. Its component is called `model-NAME`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub name: &'static str,
    /// Its base URL, unless `model-url` names another.
    pub url: &'static str,
    /// Which of its models is used at this URL unless `model-name` names another one.
    /// None: the provider has only one, or chooses itself.
    pub model: Option<&'static str>,
    key: KeyRule,
    names: NameRule,
}

/// All shipped providers; each has a component.
pub(crate) static PROVIDERS: [Provider; 6] = [
    Provider {
        name: "jigsawstack",
        url: "https://api.jigsawstack.com",
        model: None,
        key: KeyRule::Everywhere,
        names: NameRule::Nothing,
    },
    Provider {
        name: "openai",
        url: "https://api.openai.com",
        model: Some(model_name::OPENAI),
        key: KeyRule::AtItsOwnUrl,
        names: NameRule::Choose,
    },
    Provider {
        name: "stability",
        url: "https://api.stability.ai",
        model: Some(model_name::STABILITY),
        key: KeyRule::Everywhere,
        names: NameRule::Choose,
    },
    Provider {
        name: "replicate",
        url: "https://api.replicate.com",
        model: Some(model_name::REPLICATE),
        key: KeyRule::AtItsOwnUrl,
        names: NameRule::Choose,
    },
    Provider {
        name: "automatic1111",
        url: "http://127.0.0.1:7860",
        model: None,
        key: KeyRule::Nowhere,
        names: NameRule::Choose,
    },
    Provider {
        name: "comfyui",
        url: "http://127.0.0.1:8188",
        model: None,
        key: KeyRule::Nowhere,
        names: NameRule::Choose,
    },
];

impl Provider {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// Whether a key is required for `url`, given the provider's `own` one.
    pub(super) fn needs_key(&self, url: &Url, own: &Url) -> bool {
        match self.key {
            KeyRule::Everywhere => true,
            KeyRule::AtItsOwnUrl => Origin::of_url(url) == Origin::of_url(own),
            KeyRule::Nowhere => false,
        }
    }

    pub(super) fn takes_name(&self) -> bool {
        self.names == NameRule::Choose
    }

    pub(super) fn needs_workflow(&self) -> bool {
        self.name == "comfyui"
    }
}

/// Whether the provider uses `model-name`.
#[derive(Debug, PartialEq, Eq)]
enum NameRule {
    Choose,
    /// No, it has a single model.
    Nothing,
}

/// When `model-api-key` is required.
#[derive(Debug, PartialEq, Eq)]
enum KeyRule {
    Everywhere,
    /// Only at the provider's own URL; compatible servers may not need one.
    AtItsOwnUrl,
    Nowhere,
}
