//! The providers, and what one needs to try each.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use serde_json::{Value, json};

/// One provider's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    JigsawStack,
    OpenAi,
    Stability,
    /// A server that Cog built, asked by the model `replicate`.
    Cog,
    Automatic1111,
}

/// A service with a provider's model, and the provider.
pub struct Pair {
    pub kind: Kind,
    pub service: Service,
    pub provider: Provider,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::JigsawStack,
        Self::OpenAi,
        Self::Stability,
        Self::Cog,
        Self::Automatic1111,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::JigsawStack => "jigsawstack",
            Self::OpenAi => "openai",
            Self::Stability => "stability",
            Self::Cog => "replicate",
            Self::Automatic1111 => "automatic1111",
        }
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::JigsawStack => "js-hush-1234",
            Self::OpenAi | Self::Stability => "sk-hush-1234",
            Self::Cog => "r8-hush-1234",
            Self::Automatic1111 => "me:hush-1234",
        }
    }

    /// The header that proves it.
    pub fn credentials(self) -> (&'static str, String) {
        match self {
            Self::JigsawStack => ("x-api-key", self.key().to_owned()),
            Self::OpenAi | Self::Stability | Self::Cog => {
                ("authorization", format!("Bearer {}", self.key()))
            }
            Self::Automatic1111 => {
                let basic = STANDARD.encode(self.key());
                ("authorization", format!("Basic {basic}"))
            }
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::JigsawStack => "/v1/ai/image_variation",
            Self::OpenAi => "/v1/images/edits",
            Self::Stability => "/v2beta/stable-image/generate/sd3",
            // The task's id follows.
            Self::Cog => "/predictions/",
            Self::Automatic1111 => "/sdapi/v1/img2img",
        }
    }

    /// As a provider answers it that is well.
    pub fn success(self, picture: &Picture) -> Reply {
        match self {
            Self::JigsawStack => Reply::picture(picture),
            Self::OpenAi | Self::Stability | Self::Cog | Self::Automatic1111 => {
                self.json_with(&STANDARD.encode(&picture.bytes))
            }
        }
    }

    /// JSON with an image's text in it, where this provider has such a form.
    pub fn json_with(self, base64: &str) -> Reply {
        reply(&match self {
            Self::OpenAi => json!({
                "created": 1_713_833_628,
                "data": [{"b64_json": base64}],
                "usage": {"total_tokens": 100, "input_tokens": 50, "output_tokens": 50},
            }),
            Self::Stability => json!({
                "image": base64,
                "finish_reason": "SUCCESS",
                "seed": 343_940_597,
            }),
            Self::Cog => json!({
                "status": "succeeded",
                "output": format!("data:image/png;base64,{base64}"),
                "metrics": {"predict_time": 4.52},
            }),
            Self::JigsawStack | Self::Automatic1111 => json!({
                "images": [base64],
                "parameters": {"init_images": null, "steps": 30},
                "info": "{\"seed\": 1}",
            }),
        })
    }

    /// A launch of the service with this model at this provider.
    pub fn launch(self, provider: &str) -> Launch {
        Launch::new()
            .set("model", self.name())
            .set("model-url", provider)
            .variable("REFINEMENT_MODEL_API_KEY", self.key())
            .variable("REFINEMENT_LOG", "debug")
            .set("rate-limit", "unlimited")
    }

    /// A service that many tests share.
    pub fn pair(self) -> &'static Pair {
        static PAIRS: LazyLock<[Pair; 5]> = LazyLock::new(|| {
            Kind::ALL.map(|kind| {
                let provider = Provider::start();
                let service = kind.launch(&provider.url()).start();
                Pair {
                    kind,
                    service,
                    provider,
                }
            })
        });
        let pair = PAIRS.iter().find(|pair| pair.kind == self);
        pair.unwrap()
    }
}

impl Pair {
    /// The finished task of a new user, and the user.
    pub async fn refined(&self, prompt: &str) -> (Client, Value) {
        refined(&self.service, prompt).await
    }
}

/// The finished task of a new user that uploaded a picture, and the user.
pub async fn refined(service: &Service, prompt: &str) -> (Client, Value) {
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let task = client.refined(&original, prompt).await;
    (client, task)
}

/// The refined image's bytes.
pub async fn image(client: &Client, task: &Value) -> Vec<u8> {
    assert_eq!(task["status"], "completed", "{task}");
    let answer = client.get(task["image_url"].as_str().unwrap()).await;
    answer.body.to_vec()
}

pub fn reply(json: &Value) -> Reply {
    Reply::ok("application/json", json.to_string().as_bytes())
}
