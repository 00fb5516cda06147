//! The providers of image models whose components ship: one row each. What is built and
//! embedded, the settings, `check`, and the tests follow from this table.
//!
//! The builds read this file too (`components/shipped.rs`), so it uses nothing but `core`.

macro_rules! providers {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal {
        $($field:ident: $value:expr,)+
    })+) => {
        /// A provider of image models whose component ships, called `model-NAME`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Provider {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Provider {
            /// All of them, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its row of the table.
            pub const fn profile(self) -> &'static Profile {
                match self {
                    $(Self::$variant => &Profile {
                        name: $name,
                        component: concat!("model-", $name),
                        $($field: $value,)+
                        ..Profile::DEFAULT
                    },)+
                }
            }
        }
    };
}

/// What is particular about a provider.
#[derive(Debug)]
pub struct Profile {
    /// Its name as a model.
    pub name: &'static str,
    /// Its component.
    pub component: &'static str,
    /// Its base URL, unless `model-url` names another.
    pub url: &'static str,
    /// All its other hosts are below this domain, reached by https: where it says that work
    /// and images are. None: it has no other ones.
    pub domain: Option<&'static str>,
    /// Which of its models is used unless `model-name` names another one. None: it has only
    /// one, or chooses itself.
    pub model: Option<&'static str>,
    /// When `model-api-key` is required.
    pub key: KeyRule,
    /// Whether it uses `model-name`.
    pub takes_name: bool,
    /// Whether it needs `model-workflow`.
    pub needs_workflow: bool,
    /// Where it lists its models.
    pub model_list: Option<ModelList>,
    /// Models that it has announced the end of, and the last day of each.
    pub ends: &'static [(&'static str, &'static str)],
}

/// When a key is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// At any URL.
    Everywhere,
    /// Only at the provider's own URL; compatible servers may not need one.
    AtItsOwnUrl,
    /// Nowhere.
    Nowhere,
}

/// A list of models, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelList {
    /// Below the base URL.
    pub path: &'static str,
    /// The field that has the list. None: the document is the list.
    pub field: Option<&'static str>,
    /// The fields of a model, each of which may have its name.
    pub names: &'static [&'static str],
    /// How the key is sent.
    pub authorization: Authorization,
}

/// How a key is sent in the header `authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// The key.
    Bearer,
    /// The key in base64, as it is `user:password`.
    Basic,
}

impl Profile {
    const DEFAULT: Self = Self {
        name: "",
        component: "",
        url: "",
        domain: None,
        model: None,
        key: KeyRule::Everywhere,
        takes_name: true,
        needs_workflow: false,
        model_list: None,
        ends: &[],
    };
}

providers! {
    /// <https://jigsawstack.com>
    JigsawStack "jigsawstack" {
        url: "https://api.jigsawstack.com",
        takes_name: false,
    }
    /// <https://openai.com>, and services with a compatible API for images.
    OpenAi "openai" {
        url: "https://api.openai.com",
        // What its guide recommends for precise edits, as of November 2026.
        model: Some("gpt-image-2.6-sunburst"),
        key: KeyRule::AtItsOwnUrl,
        model_list: Some(ModelList {
            path: "/v1/models",
            field: Some("data"),
            names: &["id"],
            authorization: Authorization::Bearer,
        }),
        // Its page on deprecations, as of November 2026.
        ends: &[
            ("gpt-image-1.5", "2026-12-01"),
            ("gpt-image-1-mini", "2026-12-01"),
            ("chatgpt-image-latest", "2026-12-01"),
        ],
    }
    /// Google's Gemini API, <https://ai.google.dev/gemini-api>
    Gemini "gemini" {
        url: "https://generativelanguage.googleapis.com",
        model: Some("gemini-nano-banana-2.1"),
        // Its page on deprecations, as of November 2026.
        ends: &[
            ("gemini-2.5-flash-image", "2027-03-15"),
            ("gemini-3-pro-image", "2027-05-28"),
            ("gemini-3.1-flash-image", "2027-05-28"),
        ],
    }
    /// Black Forest Labs, <https://bfl.ai>
    Bfl "bfl" {
        url: "https://api.bfl.ai",
        domain: Some("bfl.ai"),
        model: Some("flux-2-pro"),
    }
    /// <https://fal.ai>
    Fal "fal" {
        url: "https://queue.fal.run",
        model: Some("openai/gpt-image-2.5/sunburst/edit"),
    }
    /// <https://stability.ai>
    Stability "stability" {
        url: "https://api.stability.ai",
        // Its largest model that accepts an image and a strength.
        model: Some("sd3.5-large"),
    }
    /// <https://replicate.com>
    Replicate "replicate" {
        url: "https://api.replicate.com",
        // An official model that edits images.
        model: Some("black-forest-labs/flux-2-pro"),
        key: KeyRule::AtItsOwnUrl,
    }
    /// The web UI of that name; by default on this machine.
    Automatic1111 "automatic1111" {
        url: "http://127.0.0.1:7860",
        key: KeyRule::Nowhere,
        model_list: Some(ModelList {
            path: "/sdapi/v1/sd-models",
            field: None,
            names: &["title", "model_name"],
            authorization: Authorization::Basic,
        }),
    }
    /// ComfyUI; by default on this machine. It needs a workflow.
    ComfyUi "comfyui" {
        url: "http://127.0.0.1:8188",
        key: KeyRule::Nowhere,
        needs_workflow: true,
    }
}

impl Provider {
    /// The provider of this name.
    pub fn find(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|provider| provider.profile().name == name)
    }

    /// The last day of a model, as `2026-12-01`. None: no end was announced.
    pub fn end_of(self, model: &str) -> Option<&'static str> {
        let mut ends = self.profile().ends.iter();
        ends.find_map(|(name, day)| (*name == model).then_some(*day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_usable() {
        for provider in Provider::ALL {
            let profile = provider.profile();
            let name = profile.name;
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            assert!(!name.is_empty() && name.bytes().all(is_plain), "{name}");
            assert_eq!(Provider::find(name), Some(*provider), "{name} twice");
            let host = profile.url.strip_prefix("https://");
            assert!(
                host.is_some() || profile.url.starts_with("http://127.0.0.1:"),
                "{name}: {}",
                profile.url
            );
            assert!(!profile.url.ends_with('/'), "{name}");
            if let Some(domain) = profile.domain {
                let below = host.and_then(|host| host.strip_suffix(domain));
                assert!(below.is_some_and(|below| below.ends_with('.')), "{name}");
            }
            let named = profile.model.is_none() || profile.takes_name;
            assert!(named, "{name} has a model that cannot be named");
            for (model, day) in profile.ends {
                let parts = day
                    .splitn(3, '-')
                    .map(|part| (part.len(), part.parse::<u16>()));
                let is_day = matches!(
                    parts.collect::<Vec<_>>()[..],
                    [(4, Ok(2026..)), (2, Ok(1..=12)), (2, Ok(1..=31))]
                );
                assert!(is_day, "{model}: {day}");
                assert_ne!(profile.model, Some(*model), "{name}: the default ends");
                assert_eq!(provider.end_of(model), Some(*day), "{model} twice");
            }
        }
        assert_eq!(Provider::find("local"), None);
        assert_eq!(Provider::OpenAi.end_of("gpt-image-2"), None);
    }
}
