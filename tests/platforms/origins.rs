//! Where images come from, on the platforms of others: what a model gets, what is stored, and
//! what is told of it.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::{SECRET, SOURCE_TYPE, described, tags};
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::{Platform, Start, new_user, scripted};
use reqwest::Method;
use serde_json::json;

/// From an original that tells too much to what was made of what was made of it.
async fn an_image_tells_where_it_comes_from_and_nothing_else<P: Platform>() {
    let client = new_user(scripted::<P>());
    let original = client.uploaded(&described(&pictures::jpeg(40, 30))).await;
    let mut body = json!({"original_image_url": original, "refinement_prompt": "echo it"});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let task = client.submitted(&body).await;
        let task = client.finished(&task).await;
        assert_eq!(task["status"], "completed", "{task}");
        let id = task["result_id"].as_str().unwrap().to_owned();
        body = json!({"original_concept_id": id, "refinement_prompt": "echo it"});
        ids.push(id);
    }
    let path = format!("/api/concepts/{}/lineage", ids[0]);
    let concepts = client.get(&path).await.json()["concepts"].take();
    let of_lineage = concepts.as_array().unwrap().iter();
    assert!(of_lineage.map(|concept| &concept["id"]).eq(&ids));
    assert_eq!(concepts[1]["original_concept_id"], ids[0]);
    for concept in concepts.as_array().unwrap() {
        let provenance = &concept["provenance"];
        assert_eq!(provenance["mark"], "xmp", "{concept}");
        let stored = client.get(concept["image_url"].as_str().unwrap()).await;
        // The scripted model answers what it got.
        let mut windows = stored.body.windows(SECRET.len());
        assert!(!windows.any(|window| window == SECRET), "not stripped");
        let source = tags(&stored.body).remove(SOURCE_TYPE).unwrap();
        let source = source.as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(source, "compositeWithTrainedAlgorithmicMedia");
        assert_eq!(provenance["source"], source);
    }
}

/// Who runs it limits what one address may ask, since these platforms do not.
async fn images_are_verified_where_an_operator_says_so<P: Platform>() {
    let verified = async |url: &str| {
        let anyone = Client::new(url);
        let bytes = pictures::png(8, 8).bytes;
        anyone.send(Method::POST, "/api/verify", bytes).await
    };
    let answer = verified(scripted::<P>().url()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let service = Start::<P>::scripted().set("verify", "on").start();
    let answer = verified(service.url()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = json!({"made_here": false, "made_at": null, "source": null, "marks": []});
    assert_eq!(answer.json(), expected);
}

macro_rules! origins {
    ($module:ident, $platform:ty) => {
        mod $module {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn an_image_tells_where_it_comes_from_and_nothing_else() {
                super::an_image_tells_where_it_comes_from_and_nothing_else::<$platform>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn images_are_verified_where_an_operator_says_so() {
                super::images_are_verified_where_an_operator_says_so::<$platform>().await;
            }
        }
    };
}

origins!(
    wasmtime,
    concept_refinement_tests::platform::wasmtime::Wasmtime
);
origins!(
    spin_shaped,
    concept_refinement_tests::platform::spin::Shaped
);
