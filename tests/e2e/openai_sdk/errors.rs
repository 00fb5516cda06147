//! What fails, as the classes of exceptions that the packages make of it.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::gateway::Gateway;
use concept_refinement_tests::pictures::{self, Picture, padded};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;
use serde_json::{Value, json};

use super::program::{Call, Sdk, file};
use super::tasks;
use crate::shared::{new_name, new_user, origin, scripted, scripted_launch};

/// Asserts what a package has made of an answer.
#[track_caller]
fn assert_error(error: &Value, class: &str, status: u16, param: Option<&str>, code: Option<&str>) {
    let [of_class, of_status] = [&error["class"], &error["status"]];
    assert_eq!((of_class, of_status), (&json!(class), &json!(status)));
    assert_eq!(error["param"], json!(param), "{error}");
    assert_eq!(error["code"], json!(code), "{error}");
}

#[tokio::test]
async fn each_refusal_is_the_exception_that_is_meant_for_it() {
    let url = scripted().url();
    let picture = pictures::png(40, 30);
    let small = file(&picture);
    let whole = |bytes: Vec<u8>| {
        file(&Picture {
            bytes,
            ..pictures::png(1, 1)
        })
    };
    let (large, text) = (whole(padded(1 << 21)), whole(b"Not an image.".to_vec()));
    let of_another = new_user(scripted()).uploaded(&picture).await;
    let named = |url: &str| json!({"images": [{"image_url": url}], "prompt": "echo it"});
    for mut sdk in Sdk::both() {
        let key = token(&new_name());
        let edit = |fields: &Value| Call::edit(url, &key, &small, fields);
        let plain = edit(&json!({"prompt": "echo it"}));
        let with = |name: &str, value: &Value| plain.clone().with(name, value);
        let post = |body: &Value| Call::post(url, &key, "/images/edits", body);
        let from_elsewhere = json!({
            "authorization": null,
            "cookie": format!("session={key}"),
            "origin": "https://elsewhere.example",
        });
        let [too_large, no_image] = [&large, &text].map(|image| with("image", &json!(image)));
        let refined = |more: Value| {
            let mut fields = json!({"prompt": "echo it"});
            fields
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            edit(&fields)
        };
        let refused = refined(json!({"prompt": "refuse: no logos today"}));
        let elsewhere = Call::post(url, &key, "/images/generations", &json!({}));
        let unsupported = Some("unsupported_value");
        let invalid_key = Some("invalid_api_key");
        for (call, status, param, code) in [
            (with("key", &json!("nonsense")), 401, None, invalid_key),
            (refined(json!({"n": 2})), 400, Some("n"), unsupported),
            (refused, 400, None, Some("task_failed")),
            (with("headers", &from_elsewhere), 403, None, None),
            (post(&named(&of_another)), 404, None, None),
            (elsewhere, 404, None, None),
            (too_large, 413, Some("image"), None),
            (no_image, 415, Some("image"), None),
        ] {
            let class = match status {
                400 => "BadRequestError",
                401 => "AuthenticationError",
                403 => "PermissionDeniedError",
                404 => "NotFoundError",
                _ => "APIStatusError",
            };
            let error = sdk.error(&call).await;
            // The package of npm has no class for each status.
            let class = match (sdk.name, class) {
                ("JavaScript", "APIStatusError") => "APIError",
                _ => class,
            };
            assert_error(&error, class, status, param, code);
        }
    }
}

#[tokio::test]
async fn a_task_under_way_is_a_conflict() {
    let picture = file(&pictures::png(40, 30));
    for mut sdk in Sdk::both() {
        let gateway = Gateway::to(scripted());
        let user = new_name();
        let client = Client::user(scripted().url(), &user);
        let (original, gate) = origin().gated(&pictures::png(8, 8));
        let active = client.accepted(&original, "echo it").await;
        let fields = json!({"prompt": "echo it"});
        let call = Call::edit(&gateway.url(), &token(&user), &picture, &fields);
        let error = sdk.error(&call.with("retries", &json!(2))).await;
        assert_error(&error, "ConflictError", 409, None, Some("task_active"));
        assert_eq!(gateway.asked().len(), 1, "{}", sdk.name);
        gate.open();
        client.finished(&active).await;
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_not_asked_for_again() {
    let service = scripted_launch().set("rate-limit", "1/month").start();
    let picture = file(&pictures::png(40, 30));
    for mut sdk in Sdk::both() {
        let gateway = Gateway::to(&service);
        let fields = json!({"prompt": "echo it"});
        let call = Call::edit(&gateway.url(), &token(&new_name()), &picture, &fields);
        let call = call.with("retries", &json!(2));
        assert!(sdk.made(&call).await["answer"].is_object(), "{}", sdk.name);
        let error = sdk.error(&call).await;
        let code = Some("insufficient_quota");
        assert_error(&error, "RateLimitError", 429, None, code);
        assert_eq!(gateway.asked().len(), 2, "{}", sdk.name);
    }
}

#[tokio::test]
async fn a_stream_whose_task_fails_ends_with_the_error() {
    let picture = file(&pictures::png(40, 30));
    for mut sdk in Sdk::both() {
        let fields = json!({"prompt": "refuse: no logos today", "stream": true});
        let call = Call::edit(scripted().url(), &token(&new_name()), &picture, &fields);
        let made = sdk.made(&call).await;
        assert_eq!(made["events"], json!([]), "{}: {made}", sdk.name);
        let error = &made["error"];
        assert_eq!(error["class"], "APIError", "{}: {made}", sdk.name);
        assert_eq!(error["code"], "task_failed", "{}: {made}", sdk.name);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("no logos today"), "{}: {made}", sdk.name);
    }
}

/// Each repeat joins the task, which is not made again.
#[tokio::test]
async fn the_answer_of_a_task_that_failed_is_repeated() {
    let picture = file(&pictures::png(40, 30));
    let provider = Provider::start();
    let service = Launch::new()
        .with_tokens()
        .set("model", "jigsawstack")
        .set("model-url", &provider.url())
        .set("model-api-key", "of the test")
        .start();
    for mut sdk in Sdk::both() {
        let gateway = Gateway::to(&service);
        let user = new_name();
        let prompt = provider.prompt([Reply::status(401)]);
        let fields = json!({"prompt": prompt});
        let call = Call::edit(&gateway.url(), &token(&user), &picture, &fields);
        let error = sdk.error(&call.with("retries", &json!(1))).await;
        let code = Some("task_failed");
        assert_error(&error, "InternalServerError", 500, None, code);
        assert_eq!(gateway.asked().len(), 2, "{}", sdk.name);
        assert_eq!(provider.times(&prompt), 1, "{}", sdk.name);
        let tasks = tasks(&Client::user(service.url(), &user)).await;
        assert_eq!(tasks.len(), 1, "{}", sdk.name);
        let message = error["message"].as_str().unwrap();
        let told = tasks[0]["error_message"].as_str().unwrap();
        assert!(message.contains(told), "{}: {error}", sdk.name);
    }
}
