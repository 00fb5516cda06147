//! Answers of models, with marks and without.

use std::io::Cursor;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::faults::KILL_AT;
use concept_refinement_tests::metadata::{
    SOURCE_TYPE, described, inspected, signed, tags, with_source,
};
use concept_refinement_tests::pictures::{self, Picture};
use futures::future::join_all;
use image::{DynamicImage, ImageDecoder as _, ImageReader};
use serde_json::{Value, json};

use super::{COMPOSITE, answered_by, concept, image, provenance, refined_further};
use crate::shared::{local, new_name, new_user, origin, scripted, scripted_launch};

const VOCABULARY: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/// The pixels, and the profile.
fn decoded(bytes: &[u8]) -> (DynamicImage, Option<Vec<u8>>) {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut decoder = reader.unwrap().into_decoder().unwrap();
    let profile = decoder.icc_profile().unwrap();
    (DynamicImage::from_decoder(decoder).unwrap(), profile)
}

/// Asserts that a stored image is what the model answered and says this source.
fn is_marked(stored: &[u8], answer: &Picture, source: &str) {
    let format = answer.media_type;
    assert!(decoded(stored) == decoded(&answer.bytes), "{format}");
    let [before, after] = [&answer.bytes[..], stored].map(|bytes| inspected(format, bytes));
    assert_eq!(after, before, "{format}");
    let mut marked = tags(stored);
    let address = format!("{VOCABULARY}{source}");
    assert_eq!(marked.remove(SOURCE_TYPE), Some(address.into()), "{format}");
    assert_eq!(marked.get("ExifTool:Warning"), None, "{format}");
    // The picture becomes an extended one where it was a simple one.
    let is_of_file = |name: &str| {
        let starts = [
            "SourceFile",
            "System:",
            "File:FileType",
            "RIFF:",
            "GIF:GIFVersion",
        ];
        starts.iter().any(|start| name.starts_with(start)) || name.ends_with("Offset")
    };
    marked.retain(|name, _| !is_of_file(name));
    for (name, value) in tags(&answer.bytes) {
        let is_same = is_of_file(&name) || marked.remove(&name) == Some(value);
        assert!(is_same, "{format}: {name}");
    }
    marked.retain(|name, _| !name.starts_with("XMP-x:XMPToolkit"));
    assert!(marked.is_empty(), "{format}: {marked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_where_it_comes_from_stays_byte_for_byte() {
    const SOURCE: &str = "trainedAlgorithmicMedia";
    let client = new_user(scripted());
    let original = origin().picture(&pictures::png(20, 20));
    for picture in pictures::all(40, 30) {
        let format = picture.media_type;
        let sourced = with_source(&picture, &format!("{VOCABULARY}{SOURCE}"));
        let signed_too = signed(&sourced);
        for (answer, source, mark) in [
            (signed(&picture), None, "c2pa"),
            (sourced, Some(SOURCE), "xmp"),
            (signed_too, None, "c2pa"),
        ] {
            let task = client.refined(&original, &answered_by(&answer)).await;
            let concept = concept(&client, &task).await;
            let stored = image(&client, &concept).await;
            assert!(stored == answer.bytes, "{format}: {mark}");
            let expected = provenance(source, mark, &stored);
            assert_eq!(concept["provenance"], expected, "{format}");
            let credentials = inspected(format, &stored).credentials;
            let is_valid = credentials.as_deref() == Some("Valid");
            assert_eq!(is_valid, mark == "c2pa", "{format}: {credentials:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_answer_is_marked_and_shows_the_same() {
    let client = new_user(scripted());
    let original = origin().picture(&pictures::png(20, 20));
    for picture in pictures::all(40, 30) {
        for answer in [described(&picture), picture] {
            let task = client.refined(&original, &answered_by(&answer)).await;
            let concept = concept(&client, &task).await;
            let stored = image(&client, &concept).await;
            is_marked(&stored, &answer, COMPOSITE);
            let expected = provenance(Some(COMPOSITE), "xmp", &stored);
            assert_eq!(concept["provenance"], expected);
        }
    }
}

#[tokio::test]
async fn what_is_made_by_rules_says_so() {
    const ENHANCED: &str = "algorithmicallyEnhanced";
    join_all(pictures::all(40, 30).map(async |picture| {
        let client = Client::session(local().url()).await;
        let original = client.uploaded(&picture).await;
        let task = client.refined(&original, "make it lighter").await;
        let concept = concept(&client, &task).await;
        let stored = image(&client, &concept).await;
        let expected = provenance(Some(ENHANCED), "xmp", &stored);
        assert_eq!(concept["provenance"], expected);
        let tags = tags(&stored);
        assert_eq!(tags[SOURCE_TYPE], format!("{VOCABULARY}{ENHANCED}"));
        assert_eq!(tags.get("ExifTool:Warning"), None);
    }))
    .await;
}

/// Credentials of an image that it is no longer would be false.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_together_has_no_credentials_of_others() {
    let client = new_user(scripted());
    let answer = signed(&pictures::png(40, 30));
    let original = origin().picture(&signed(&pictures::webp(40, 30)));
    let region = json!({"region": {"x": 5, "y": 5, "width": 10, "height": 10}});
    let task = client
        .edited(&original, &answered_by(&answer), &region)
        .await;
    let concept = concept(&client, &task).await;
    let stored = image(&client, &concept).await;
    let mut expected = provenance(Some(COMPOSITE), "xmp", &stored);
    expected["original_had_credentials"] = true.into();
    assert_eq!(concept["provenance"], expected);
    assert_eq!(inspected("image/webp", &stored).credentials, None);
    let tags = tags(&stored);
    assert_eq!(tags[SOURCE_TYPE], format!("{VOCABULARY}{COMPOSITE}"));
    assert!(
        !tags.keys().any(|name| name.starts_with("JUMBF")),
        "{tags:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_every_answer_as_it_came() {
    let service = scripted_launch().set("provenance", "keep").start();
    let client = new_user(&service);
    let original = origin().picture(&pictures::png(20, 20));
    for picture in pictures::all(40, 30) {
        let task = client.refined(&original, &answered_by(&picture)).await;
        let concept = concept(&client, &task).await;
        let stored = image(&client, &concept).await;
        assert!(stored == picture.bytes, "{}", picture.media_type);
        assert_eq!(concept["provenance"], provenance(None, "none", &stored));
    }
    let answer = signed(&pictures::png(40, 30));
    let task = client.refined(&original, &answered_by(&answer)).await;
    let concept = concept(&client, &task).await;
    let expected = provenance(None, "c2pa", &answer.bytes);
    assert_eq!(concept["provenance"], expected);
}

/// By whichever way it came.
#[tokio::test(flavor = "multi_thread")]
async fn a_concept_tells_that_its_original_had_credentials() {
    let client = new_user(scripted());
    let had = async |task: &Value| {
        let concept = concept(&client, task).await;
        concept["provenance"]["original_had_credentials"].clone()
    };
    let bare = origin().picture(&pictures::png(20, 20));
    for picture in pictures::all(40, 30) {
        let format = picture.media_type;
        let signed = signed(&picture);
        let upload = client.uploaded(&signed).await;
        let by_upload = client.refined(&upload, "echo it").await;
        assert_eq!(had(&by_upload).await, true, "{format}: upload");
        let by_url = client.refined(&origin().picture(&signed), "echo it").await;
        assert_eq!(had(&by_url).await, true, "{format}: URL");
        // What was stripped is what the model got, and answered.
        let stripped = concept(&client, &by_url).await;
        let child = refined_further(&client, &stripped, "echo it").await;
        assert_eq!(had(&child).await, false, "{format}: stripped parent");
        let parent = client.refined(&bare, &answered_by(&signed)).await;
        assert_eq!(had(&parent).await, false, "{format}: bare");
        let parent = concept(&client, &parent).await;
        let child = refined_further(&client, &parent, "echo it").await;
        assert_eq!(had(&child).await, true, "{format}: parent");
        let path = upload.split_once("/api/images/").unwrap().1;
        let path = path.split('?').next().unwrap();
        let removed = client.delete(&format!("/api/images/{path}")).await;
        assert_eq!(removed.status, 204, "{removed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_the_image_was_stored_loses_nothing_of_it() {
    let sourced = with_source(&pictures::jpeg(40, 30), &format!("{VOCABULARY}digitalArt"));
    for (answer, source, mark) in [
        (pictures::png(40, 30), Some(COMPOSITE), "xmp"),
        (sourced, Some("digitalArt"), "xmp"),
        (signed(&pictures::webp(40, 30)), None, "c2pa"),
    ] {
        let launch = scripted_launch().embedded();
        let killed = launch.clone().faulty().variable(KILL_AT, "before finish");
        let service = killed.start();
        let name = new_name();
        let client = Client::user(service.url(), &name);
        let original = client.uploaded(&signed(&pictures::png(20, 20))).await;
        let prompt = answered_by(&answer);
        let id = client.accepted(&original, &prompt).await;
        let ended = service.ended();
        assert!(!ended.status.success(), "{ended:?}");
        let asked = origin()
            .requests(prompt.trim_start_matches("location: "))
            .len();

        let service = launch.start();
        let client = Client::user(service.url(), &name);
        let task = client.finished(&id).await;
        let concept = concept(&client, &task).await;
        let stored = image(&client, &concept).await;
        let mut expected = provenance(source, mark, &stored);
        expected["original_had_credentials"] = true.into();
        assert_eq!(concept["provenance"], expected);
        match source {
            Some(COMPOSITE) => is_marked(&stored, &answer, COMPOSITE),
            _ => assert!(stored == answer.bytes, "{mark}"),
        }
        // It is that image, and not another one.
        let again = origin()
            .requests(prompt.trim_start_matches("location: "))
            .len();
        assert_eq!(again, asked, "{mark}");
    }
}
