//! Replicate itself: a prediction is made, waited for, and looked at.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::replicate::{FILE, Replicate, created, prediction};
use serde_json::{Value, json};

use crate::paid_once::{AT, ID};
use crate::pairs::{FAILED, image, refined};

/// It is paid for: what breaks it off costs no other.
#[tokio::test]
async fn an_output_is_downloaded_again_and_not_made_again() {
    let picture = pictures::png(50, 40);
    let whole = Reply::new(
        200,
        &format!(
            "content-type: image/png\r\netag: \"v1\"\r\ncontent-length: {}\r\n",
            picture.bytes.len()
        ),
        &picture.bytes,
    );
    let (came, rest) = picture.bytes.split_at(picture.bytes.len() - 60);
    let range = format!(
        "content-range: bytes {}-{}/{}\r\ncontent-length: {}\r\n",
        came.len(),
        picture.bytes.len() - 1,
        picture.bytes.len(),
        rest.len()
    );
    let rest = Reply::new(206, &range, rest);
    let from = format!("bytes={}-", came.len());
    let provider = Provider::start();
    let service = Replicate.launch(&provider.url()).start();
    let url = provider.serve_each([whole.without_end(60), rest]);
    let prompt = provider.prompt([created(&prediction(ID, "succeeded", json!(url)))]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    assert_eq!(provider.times(&prompt), 1, "paid for again");
    let path = url.strip_prefix(&provider.url()).unwrap();
    let asked = provider.asked(path);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("range"), Some(&*from));
    assert_eq!(asked[1].header("if-range"), Some("\"v1\""));
}

#[tokio::test]
async fn a_prediction_is_looked_at_until_it_has_ended() {
    let provider = Provider::start();
    let service = Replicate.launch(&provider.url()).start();
    let picture = pictures::png(50, 40);
    let url = provider.serve(Reply::picture(&picture));
    let prompt = provider.prompt([created(&prediction(ID, "starting", Value::Null))]);
    provider.serve_each_at(
        AT,
        [
            Reply::json(200, &prediction(ID, "processing", Value::Null)),
            Reply::json(200, &prediction(ID, "succeeded", json!(url))),
        ],
    );
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));

    let asked = provider.asked(&prompt);
    assert_eq!(asked.len(), 1, "paid for more than once");
    assert_eq!(asked[0].header("prefer"), None);
    let cancel_after = asked[0].header("cancel-after").unwrap();
    let seconds = cancel_after.strip_suffix('s').unwrap();
    let seconds: u64 = seconds.parse().unwrap();
    assert!((200..=300).contains(&seconds), "{cancel_after}");
    let looked = provider.asked(AT);
    assert_eq!(looked.len(), 2);
    for asked in &looked {
        assert_eq!(asked.header("authorization"), Some("Bearer r8-hush-1234"));
    }
    assert!(looked.iter().all(|asked| asked.method == "GET"));
    // Where the image is, nobody needs the key.
    assert_eq!(provider.asked(&url)[0].header("authorization"), None);
}

/// As the reference asks for of files larger than 256 KB.
#[tokio::test]
async fn a_large_original_is_uploaded_first() {
    let provider = Replicate.start();
    let service = Replicate.launch(&provider.url()).start();
    let picture = pictures::png(50, 40);
    let prompt = provider.prompt([Replicate.success(&provider, &picture)]);
    let original = pictures::large_png(1_000_000);
    let client = Client::session(service.url()).await;
    let uploaded = client.uploaded(&original).await;
    let task = client.refined(&uploaded, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
    let upload = provider.asked("/v1/files").remove(0);
    let parts = upload.form();
    assert_eq!(parts.len(), 1);
    assert_eq!(
        parts[0].disposition,
        "form-data; name=\"content\"; filename=\"image.png\""
    );
    assert!(parts[0].contents == original.bytes, "other bytes");
    let json = provider.asked(&prompt)[0].json();
    assert_eq!(json["input"]["input_images"], json!([FILE]));
}

#[tokio::test]
async fn an_id_that_leads_elsewhere_is_not_followed() {
    let provider = Provider::start();
    let service = Replicate.launch(&provider.url()).start();
    let elsewhere = json!({"id": "../../account", "status": "starting"});
    let prompt = provider.prompt([created(&elsewhere)]);
    let (_, task) = refined(&service, &prompt).await;
    let sentence = "the provider did not name the prediction";
    assert_eq!(task["error_message"], format!("{FAILED}{sentence}"));
    assert_eq!(provider.times(&prompt), 1);
    assert!(provider.asked_below("/account").is_empty());
}
