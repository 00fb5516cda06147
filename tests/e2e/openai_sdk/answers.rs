//! What succeeds.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use serde_json::{Value, json};

use super::program::{Call, Sdk, file};
use super::{image, newest};
use crate::shared::{new_name, origin, scripted};

#[tokio::test]
async fn an_image_is_sent_in_any_form_and_answered_in_any() {
    let picture = file(&pictures::png(40, 30));
    let mask = file(&pictures::png(40, 30));
    let origin_of = scripted().url();
    for mut sdk in Sdk::both() {
        let name = sdk.name;
        let user = new_name();
        let (key, client) = (token(&user), Client::user(origin_of, &user));
        let edit = |fields: &Value| Call::edit(origin_of, &key, &picture, fields);
        let fields = json!({"prompt": "echo it", "model": "gpt-image-1", "size": "1024x1024"});

        for form in ["bytes", "file", "tuple", "list"] {
            let call = edit(&fields).with("form", &json!(form));
            let answer = sdk.made(&call).await["answer"].clone();
            assert_eq!(answer["output_format"], "png", "{name}, {form}: {answer}");
            assert!(answer["created"].as_u64().unwrap() > 1_700_000_000);
            assert_eq!(image(&answer["data"][0]), newest(&client).await, "{form}");
        }

        let call = edit(&fields).with("mask", &json!(mask));
        let answer = sdk.made(&call).await["answer"].clone();
        assert_eq!(image(&answer["data"][0]), newest(&client).await, "{name}");
        let tasks = super::tasks(&client).await;
        let mask_url = tasks[0]["metadata"]["mask_url"].as_str().unwrap();
        assert!(mask_url.contains("-mask.png"), "{name}: {mask_url}");

        let call = edit(&json!({"prompt": "echo it", "response_format": "url"}));
        let answer = sdk.made(&call).await["answer"].clone();
        let url = answer["data"][0]["url"].as_str().unwrap();
        let served = Client::new(origin_of).get(url).await;
        assert_eq!(served.body.to_vec(), newest(&client).await, "{name}");

        // A field of a later version is none of ours, and does no harm.
        let call = edit(&fields).with("more", &json!({"later": "x"}));
        let answer = sdk.made(&call).await["answer"].clone();
        assert_eq!(image(&answer["data"][0]), newest(&client).await, "{name}");
    }
}

#[tokio::test]
async fn a_stream_yields_the_one_event_that_has_the_image() {
    let picture = file(&pictures::png(40, 30));
    for mut sdk in Sdk::both() {
        let user = new_name();
        let client = Client::user(scripted().url(), &user);
        let fields = json!({"prompt": "wait 50ms", "stream": true, "partial_images": 2});
        let call = Call::edit(scripted().url(), &token(&user), &picture, &fields);
        let made = sdk.made(&call).await;
        let events = made["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{}: {made}", sdk.name);
        assert_eq!(events[0]["type"], "image_edit.completed");
        assert_eq!(events[0]["output_format"], "png");
        assert!(events[0]["created_at"].as_u64().unwrap() > 1_700_000_000);
        assert_eq!(image(&events[0]), newest(&client).await, "{}", sdk.name);
    }
}

#[tokio::test]
async fn an_image_is_named_in_json_by_its_address_or_its_contents() {
    let picture = pictures::png(40, 30);
    let data = BASE64_STANDARD.encode(&picture.bytes);
    for mut sdk in Sdk::both() {
        let user = new_name();
        let client = Client::user(scripted().url(), &user);
        for url in [
            origin().picture(&picture),
            client.uploaded(&picture).await,
            format!("data:image/png;base64,{data}"),
        ] {
            let body = json!({"images": [{"image_url": url}], "prompt": "echo it"});
            let call = Call::post(scripted().url(), &token(&user), "/images/edits", &body);
            let made = sdk.made(&call).await;
            let stored = newest(&client).await;
            assert_eq!(image(&made["answer"]["data"][0]), stored, "{}", sdk.name);
        }
    }
}

#[tokio::test]
async fn the_model_is_listed() {
    for mut sdk in Sdk::both() {
        let call = Call::models(scripted().url(), &token(&new_name()));
        let made = sdk.made(&call).await;
        let models = made["answer"]["data"].as_array().unwrap();
        assert_eq!(models.len(), 1, "{}: {made}", sdk.name);
        assert_eq!(models[0]["object"], "model");
        assert_eq!(models[0]["owned_by"], "concept-refinement");
        assert!(!models[0]["id"].as_str().unwrap().is_empty());
    }
}
