//! What a provider gets of an original that tells more than it shows: the picture, and
//! nothing else, however the original came.

use std::io::Cursor;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::{SECRET, filled, inspected, tags};
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::comfyui;
use crate::kinds::Kind;

/// One of each format, full of secrets.
fn full() -> &'static [Picture; 4] {
    static FULL: LazyLock<[Picture; 4]> =
        LazyLock::new(|| pictures::all(40, 30).map(|picture| filled(&picture)));
    &FULL
}

/// How an original comes to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Url,
    Upload,
    /// It is what the model answered before.
    Parent,
}

/// A provider's model and a server that stands in for the provider.
struct Trial {
    /// None: ComfyUI, which has no answer of its own.
    kind: Option<Kind>,
    provider: Provider,
    service: Service,
    _directory: Option<TempDir>,
}

impl Trial {
    fn new(kind: Option<Kind>, set: impl Fn(Launch) -> Launch) -> Self {
        let (provider, launch, directory) = match kind {
            Some(kind) => {
                let provider = Provider::start();
                let launch = kind.launch(&provider.url());
                (provider, launch, None)
            }
            None => {
                let (provider, launch, directory) = comfyui::launched();
                (provider, launch, Some(directory))
            }
        };
        let launch = launch.set("allow-sources", &provider.authority());
        Self {
            kind,
            service: set(launch).start(),
            provider,
            _directory: directory,
        }
    }

    fn name(&self) -> &'static str {
        self.kind.map_or("comfyui", Kind::name)
    }

    /// Those that the provider takes.
    fn pictures(&self) -> impl Iterator<Item = &'static Picture> {
        let takes_gif = self.kind != Some(Kind::Stability);
        full()
            .iter()
            .filter(move |picture| takes_gif || picture.media_type != "image/gif")
    }

    /// A prompt that is answered with this picture.
    fn prompt(&self, answer: &Picture) -> String {
        let Some(kind) = self.kind else {
            self.provider
                .serve_at("/history/run%2D1", comfyui::ended("run-1", "1.png"));
            let view = "/view?filename=1%2Epng&subfolder=a%20b&type=output";
            self.provider.serve_at(view, Reply::picture(answer));
            return self.provider.prompt([comfyui::queued("run-1")]);
        };
        self.provider.prompt([kind.success(answer)])
    }

    /// The original as it reached the provider.
    async fn seen(&self, picture: &Picture, way: Way) -> Vec<u8> {
        let client = Client::session(self.service.url()).await;
        let answer = pictures::png(8, 8);
        let original = match way {
            Way::Url => json!({"original_image_url": self.provider.serve(Reply::picture(picture))}),
            Way::Upload => json!({"original_image_url": client.uploaded(picture).await}),
            Way::Parent => {
                let upload = client.uploaded(&answer).await;
                let task = client.refined(&upload, &self.prompt(picture)).await;
                assert_eq!(task["status"], "completed", "{task}");
                json!({"original_concept_id": task["result_id"]})
            }
        };
        let prompt = self.prompt(&answer);
        let mut body = original;
        body["refinement_prompt"] = prompt.clone().into();
        let accepted = client.post("/api/concepts/refine", &body).await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let task = client.finished(&accepted.task_id()).await;
        assert_eq!(task["status"], "completed", "{}: {task}", self.name());
        let [asked] = <[Asked; 1]>::try_from(self.provider.asked(&prompt)).unwrap();
        self.image(&asked)
    }

    /// In what the provider was asked.
    fn image(&self, asked: &Asked) -> Vec<u8> {
        match self.kind {
            Some(Kind::OpenAi | Kind::Stability) => file(asked),
            Some(Kind::Cog) => in_base64(&asked.json()["input"]["image"]),
            Some(Kind::JigsawStack) => in_base64(&asked.json()["image_url"]),
            Some(Kind::Automatic1111) => in_base64(&asked.json()["init_images"][0]),
            None => file(self.provider.asked("/upload/image").last().unwrap()),
        }
    }
}

/// The one of a form.
fn file(asked: &Asked) -> Vec<u8> {
    let mut parts = asked.form().into_iter();
    let file = parts.find(|part| part.disposition.contains("name=\"image\""));
    file.unwrap().contents
}

fn in_base64(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    assert!(!text.starts_with("http"), "an address: {text}");
    let (_, base64) = text.split_once(',').unwrap_or(("", text));
    STANDARD.decode(base64).unwrap()
}

fn has_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET)
}

/// The orientation, the profile and the pixels.
fn decoded(bytes: &[u8]) -> (Orientation, Option<Vec<u8>>, Vec<u8>) {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut decoder = reader.unwrap().into_decoder().unwrap();
    let (orientation, profile) = (decoder.orientation(), decoder.icc_profile());
    let image = image::DynamicImage::from_decoder(decoder).unwrap();
    (
        orientation.unwrap(),
        profile.unwrap(),
        image.to_rgba8().into_raw(),
    )
}

/// Asserts that it is the same picture and tells nothing else.
fn is_bare(seen: &[u8], picture: &Picture) {
    let format = picture.media_type;
    assert!(
        has_secret(&picture.bytes),
        "{format}: there is nothing to strip"
    );
    assert!(!has_secret(seen), "{format}");
    assert!(decoded(seen) == decoded(&picture.bytes), "{format}");
    if format != "image/gif" {
        let (orientation, profile, _) = decoded(seen);
        assert_eq!(orientation, Orientation::Rotate90, "{format}");
        assert!(profile.is_some(), "{format}");
    }
    let before = inspected(format, &picture.bytes);
    // Not valid any more, since they know of no text behind the end.
    assert!(before.credentials.is_some(), "{format}");
    let after = inspected(format, seen);
    assert_eq!(after.credentials, None, "{format}");
    assert_eq!(after.pixels, before.pixels, "{format}");
    // Texts may be packed, where no search for a word finds them.
    let of_picture = ["SourceFile", "ExifTool:", "System:", "File:", "Composite:"];
    let of_format = ["PNG:", "JFIF:", "RIFF:", "GIF:", "ICC", "IFD0:Orientation"];
    for (name, value) in tags(seen) {
        let mut known = of_picture.iter().chain(&of_format);
        assert!(
            known.any(|start| name.starts_with(start)) && !name.ends_with("Comment"),
            "{format}: {name}: {value}"
        );
        assert_ne!(name, "ExifTool:Warning", "{format}: {value}");
        assert!(!value.to_string().contains("hush"), "{format}: {name}");
    }
}

const TRIALS: [Option<Kind>; 6] = [
    Some(Kind::JigsawStack),
    Some(Kind::OpenAi),
    Some(Kind::Stability),
    Some(Kind::Cog),
    Some(Kind::Automatic1111),
    None,
];

#[tokio::test(flavor = "multi_thread")]
async fn no_provider_gets_more_than_the_picture() {
    let seen = join_all(TRIALS.map(async |kind| {
        let trial = Trial::new(kind, |launch| launch);
        let mut seen = Vec::new();
        for picture in trial.pictures() {
            for way in [Way::Url, Way::Upload, Way::Parent] {
                let name = format!("{} by {way:?}", trial.name());
                seen.push((picture, name, trial.seen(picture, way).await));
            }
        }
        seen
    }))
    .await;
    let seen = seen.concat();
    for picture in full() {
        let mut same = seen.iter().filter(|(of, ..)| of.bytes == picture.bytes);
        let (_, first, bare) = same.next().unwrap();
        is_bare(bare, picture);
        for (_, name, bytes) in same {
            let format = picture.media_type;
            assert!(bytes == bare, "{format}: {name} is not as {first}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lets_providers_have_all_of_it() {
    join_all(TRIALS.map(async |kind| {
        let trial = Trial::new(kind, |launch| launch.set("original-metadata", "keep"));
        for picture in trial.pictures() {
            for way in [Way::Url, Way::Upload, Way::Parent] {
                let seen = trial.seen(picture, way).await;
                let (name, format) = (trial.name(), picture.media_type);
                assert!(seen == picture.bytes, "{name}: {format} by {way:?}");
            }
        }
    }))
    .await;
}

/// Where its address was, all of it could be fetched.
#[tokio::test]
async fn an_address_is_given_only_of_what_has_nothing_to_strip() {
    let public = "https://images.example.com";
    let by_address = |launch: Launch| {
        let launch = launch.set("model-original", "url");
        launch.set("public-url", public)
    };
    let trial = Trial::new(Some(Kind::JigsawStack), by_address);
    let client = Client::session(trial.service.url()).await;
    for (picture, by_address) in [(&pictures::png(40, 30), true), (&full()[0], false)] {
        let prompt = trial.prompt(&pictures::png(8, 8));
        let task = client
            .refined(&client.uploaded(picture).await, &prompt)
            .await;
        assert_eq!(task["status"], "completed", "{task}");
        let asked = trial.provider.asked(&prompt)[0].json();
        let url = asked["image_url"].as_str().unwrap();
        let address = format!("{public}/api/images/");
        assert_eq!(url.starts_with(&address), by_address, "{url:.100}");
    }
}
