//! What a provider gets of an original that tells more than it shows: the picture, and
//! nothing else, however the original came.

use std::io::Cursor;
use std::sync::LazyLock;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::{SECRET, filled, inspected, tags};
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::jigsawstack::JigsawStack;
use concept_refinement_tests::stand_in::{ALL, StandIn};
use futures::future::join_all;
use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use serde_json::json;

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

/// A provider, and a service with its model.
struct Trial {
    stand_in: &'static dyn StandIn,
    provider: Provider,
    service: Service,
}

impl Trial {
    fn new(stand_in: &'static dyn StandIn, set: impl Fn(Launch) -> Launch) -> Self {
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url());
        let launch = launch.set("allow-sources", &provider.authority());
        Self {
            stand_in,
            service: set(launch).start(),
            provider,
        }
    }

    /// Those that the provider takes.
    fn pictures(&self) -> impl Iterator<Item = &'static Picture> {
        let pictures = full().iter();
        pictures.filter(|picture| self.stand_in.takes(picture.media_type))
    }

    /// A prompt that is answered with this picture.
    fn prompt(&self, answer: &Picture) -> String {
        let Self {
            stand_in, provider, ..
        } = self;
        provider.prompt([stand_in.success(provider, answer)])
    }

    /// The original as it reached the provider.
    async fn seen(&self, picture: &Picture, way: Way) -> Vec<u8> {
        let client = Client::session(self.service.url()).await;
        let answer = pictures::png(8, 8);
        let mut body = match way {
            Way::Url => json!({"original_image_url": self.provider.serve(Reply::picture(picture))}),
            Way::Upload => json!({"original_image_url": client.uploaded(picture).await}),
            Way::Parent => {
                let upload = client.uploaded(&answer).await;
                let task = client.completed(&upload, &self.prompt(picture)).await;
                json!({"original_concept_id": task["result_id"]})
            }
        };
        let prompt = self.prompt(&answer);
        body["refinement_prompt"] = prompt.clone().into();
        let id = client.submitted(&body).await;
        let task = client.finished(&id).await;
        let label = self.stand_in.label();
        assert_eq!(task["status"], "completed", "{label}: {task}");
        let [asked] = <[Asked; 1]>::try_from(self.provider.asked(&prompt)).unwrap();
        self.stand_in.original(&self.provider, &asked)
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn no_provider_gets_more_than_the_picture() {
    let seen = join_all(ALL.iter().map(async |stand_in| {
        let trial = Trial::new(*stand_in, |launch| launch);
        let mut seen = Vec::new();
        for picture in trial.pictures() {
            for way in [Way::Url, Way::Upload, Way::Parent] {
                let name = format!("{} by {way:?}", stand_in.label());
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
    join_all(ALL.iter().map(async |stand_in| {
        let trial = Trial::new(*stand_in, |launch| launch.set("original-metadata", "keep"));
        for picture in trial.pictures() {
            for way in [Way::Url, Way::Upload, Way::Parent] {
                let seen = trial.seen(picture, way).await;
                let (name, format) = (stand_in.label(), picture.media_type);
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
    let trial = Trial::new(&JigsawStack, by_address);
    let client = Client::session(trial.service.url()).await;
    for (picture, by_address) in [(&pictures::png(40, 30), true), (&full()[0], false)] {
        let prompt = trial.prompt(&pictures::png(8, 8));
        client
            .completed(&client.uploaded(picture).await, &prompt)
            .await;
        let asked = trial.provider.asked(&prompt)[0].json();
        let url = asked["image_url"].as_str().unwrap();
        let address = format!("{public}/api/images/");
        assert_eq!(url.starts_with(&address), by_address, "{url:.100}");
    }
}
