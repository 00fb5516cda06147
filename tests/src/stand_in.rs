//! Stand-ins for the providers of image models, so that what all providers have in common
//! is tested once.
//!
//! All that the tests know of a provider is in one file below this one, and one line of
//! [`each_stand_in!`](crate::each_stand_in) tests it. The file follows the provider's
//! documentation, never our models, which it is there to judge.

pub mod automatic1111;
pub mod bfl;
pub mod cog;
pub mod comfyui;
pub mod fal;
pub mod gemini;
pub mod jigsawstack;
pub mod openai;
pub mod replicate;
pub mod shop;
pub mod stability;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use self::shop::Shop;
use crate::pictures::Picture;
use crate::provider::{Asked, Part, Provider};
use crate::reaper::scratch;
use crate::server::Reply;
use crate::service::Launch;

/// The list: calls a macro with its arguments in parentheses, then the module and the type
/// of each stand-in.
#[macro_export]
macro_rules! each_stand_in {
    ($callback:ident! $($arguments:tt)*) => {
        $callback! {
            ($($arguments)*)
            jigsawstack JigsawStack,
            openai OpenAi,
            gemini Gemini,
            bfl Bfl,
            fal Fal,
            stability Stability,
            cog Cog,
            replicate Replicate,
            automatic1111 Automatic1111,
            comfyui ComfyUi,
        }
    };
}

macro_rules! all {
    (() $($module:ident $StandIn:ident,)+) => {
        pub static ALL: &[&dyn StandIn] = &[$(&$module::$StandIn),+];
    };
}

each_stand_in!(all!);

/// What work cost, as far as a provider says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// In US dollars.
    pub cost: Option<&'static str>,
    /// Read, and written.
    pub tokens: Option<(u64, u64)>,
}

/// One provider.
pub trait StandIn: Sync {
    /// Tells it from others in messages.
    fn label(&self) -> &'static str;

    /// The value of the setting `model`.
    fn model(&self) -> &'static str {
        self.label()
    }

    /// With `hush` in it, which nothing may tell.
    fn key(&self) -> &'static str;

    fn key_rule(&self) -> KeyRule {
        KeyRule::Everywhere
    }

    /// The header that proves the key.
    fn credentials(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.key()))
    }

    /// The method and the path by which a task asks for its image. Without a task: how each
    /// such path begins.
    fn request_line(&self, task: &str) -> (&'static str, String);

    /// The header `accept` of that request.
    fn accept(&self) -> &'static str {
        "application/json, image/png, image/jpeg, image/webp, image/gif"
    }

    /// Whether it takes originals of this media type.
    fn takes(&self, _media_type: &str) -> bool {
        true
    }

    /// Whether its answer to that request is the image. Else it names work, which is looked
    /// at until there is an image.
    fn answers_at_once(&self) -> bool {
        true
    }

    /// Its settings other than model, URL and key. Files of theirs go into the directory.
    fn settings(&self, _directory: &Path) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Lets a provider answer what it is asked besides.
    fn prepare(&self, _provider: &Provider) {}

    /// An answer with this picture, which may need more of the provider than this reply.
    fn success(&self, provider: &Provider, picture: &Picture) -> Reply;

    /// Each form of its own in which it answers a picture, with a name.
    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)>;

    /// What only it can do wrong. An image `elsewhere` is not to be fetched.
    fn bad_answers(&self, _provider: &Provider, _elsewhere: &str) -> Vec<BadAnswer> {
        Vec::new()
    }

    /// The original of a request.
    fn original(&self, provider: &Provider, asked: &Asked) -> Vec<u8>;

    /// The body of a request, in full.
    fn body(&self, refinement: &Refinement) -> Body;

    /// What it got of an edit.
    fn edit(&self, provider: &Provider, asked: &Asked) -> Edit;

    /// The largest seed that it takes.
    fn max_seed(&self) -> u32 {
        u32::MAX
    }

    /// Models that an operator may name in place of the usual one.
    fn other_models(&self) -> Vec<OtherModel> {
        Vec::new()
    }

    /// What its answers say of their work.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// What it knows of work that it is asked for again.
    fn memory(&self) -> Memory {
        Memory::Short
    }

    /// Answers as it does while much is asked of it: forgets as the original does, and
    /// fails in each way that there is.
    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply;

    /// A new provider of this kind.
    fn start(&self) -> Provider {
        let provider = Provider::start();
        self.prepare(&provider);
        provider
    }

    /// Has a provider answer each request with this picture, whatever the prompt.
    fn serve(&self, provider: &Provider, picture: &Picture) {
        let (_, path) = self.request_line("");
        provider.serve_below(&path, self.success(provider, picture));
    }

    /// A launch of the service with this model where the provider has it, without a key.
    fn launch_without_key(&self) -> Launch {
        let launch = Launch::new().set("model", self.model());
        let settings = self.settings(launch.data().parent().unwrap());
        settings
            .iter()
            .fold(launch, |launch, (name, value)| launch.set(name, value))
    }

    /// A launch of the service with this model at this URL, which logs much.
    fn launch(&self, url: &str) -> Launch {
        self.launch_without_key()
            .set("model-url", url)
            .variable("REFINEMENT_MODEL_API_KEY", self.key())
            .variable("REFINEMENT_LOG", "debug")
            .set("rate-limit", "unlimited")
    }

    /// The variables with which a command uses this model at this URL.
    fn variables(&self, url: &str) -> Vec<(String, String)> {
        let mut settings = self.settings(&scratch("settings"));
        settings.push(("model", self.model().to_owned()));
        settings.push(("model-url", url.to_owned()));
        settings.push(("model-api-key", self.key().to_owned()));
        let variable = |name: &str| format!("REFINEMENT_{}", name.replace('-', "_").to_uppercase());
        let variables = settings.into_iter();
        variables
            .map(|(name, value)| (variable(name), value))
            .collect()
    }
}

/// Where its model needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    Everywhere,
    /// At the provider's own URL. Other servers speak its language, too.
    AtItsOwnUrl,
    Nowhere,
}

/// What a provider knows of work that it is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// None of it, or what runs.
    Short,
    /// All of it, under names that it gives.
    ByItsNames,
    /// All of it, under names that it is told.
    ByOurNames,
}

/// An answer without a usable image.
pub struct BadAnswer {
    pub name: &'static str,
    pub reply: Reply,
    /// How often it is asked for.
    pub times: usize,
    /// What the user reads.
    pub sentence: &'static str,
}

impl BadAnswer {
    pub fn of(name: &'static str, reply: Reply, times: usize, sentence: &'static str) -> Self {
        Self {
            name,
            reply,
            times,
            sentence,
        }
    }
}

/// A model that an operator names.
pub struct OtherModel {
    pub name: &'static str,
    /// Asserts that it was asked for.
    pub check: fn(&Asked),
}

/// What a provider is asked for.
pub struct Refinement<'a> {
    /// The id of the task.
    pub task: &'a str,
    pub prompt: &'a str,
    pub original: &'a Picture,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    Json(Value),
    Form(Vec<Part>),
}

/// What a provider got of an edit. None: it takes no such thing.
#[derive(Default)]
pub struct Edit {
    pub strength: Option<f64>,
    pub seed: Option<u64>,
    pub mask: Option<Mask>,
}

/// An image that shows what is to change.
pub struct Mask {
    pub image: Vec<u8>,
    /// Of red, green, blue and alpha the one that tells.
    pub channel: usize,
    /// It is this where the image is to change, and nowhere else.
    pub value: u8,
}

impl Mask {
    /// White where the image is to change.
    pub fn white(image: Vec<u8>) -> Self {
        Self {
            image,
            channel: 0,
            value: 255,
        }
    }
}

/// What can be wrong with the address of an image, for a provider that answers addresses so.
fn bad_addresses(
    provider: &Provider,
    elsewhere: &str,
    address: impl Fn(&str) -> Reply,
) -> Vec<BadAnswer> {
    let redirect = provider.serve(Reply::redirect(302, elsewhere));
    let missing = provider.serve(Reply::status(404));
    let not_public = "the model's answer is unusable: the address must point to a public address";
    let not_found = "the model's answer is unusable: the address answered 404";
    let cases = [
        ("an address elsewhere", elsewhere, not_public),
        ("an address that leads elsewhere", &redirect, not_public),
        ("an address of nothing", &missing, not_found),
        ("a relative address of nothing", "/1.png", not_found),
    ];
    let cases = cases.map(|(name, url, sentence)| BadAnswer::of(name, address(url), 1, sentence));
    cases.into()
}

/// A base64 text in lines, as some programs write it.
fn in_lines(base64: &str) -> String {
    let lines: Vec<_> = base64.as_bytes().chunks(76).collect();
    String::from_utf8(lines.join(&b'\n')).unwrap()
}

/// As a data URL.
fn data_url(picture: &Picture) -> String {
    let base64 = STANDARD.encode(&picture.bytes);
    format!("data:{};base64,{base64}", picture.media_type)
}

/// The image in a base64 text or a data URL.
pub fn decoded(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    assert!(!text.starts_with("http"), "an address: {text}");
    let (_, base64) = text.split_once(',').unwrap_or(("", text));
    STANDARD.decode(base64).unwrap()
}
