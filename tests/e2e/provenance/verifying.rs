//! `POST /api/verify`: what anyone may ask of an image.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::metadata::{signed, with_source};
use concept_refinement_tests::pictures;
use reqwest::Method;
use serde_json::{Value, json};

use super::{COMPOSITE, answered_by, concept, image};
use crate::shared::{local, new_user, origin, proxied, scripted};

/// What one address may ask at once.
const AT_ONCE: usize = 30;

async fn asked(client: &Client, bytes: &[u8]) -> Answer {
    client
        .send(Method::POST, "/api/verify", bytes.to_vec())
        .await
}

async fn verified(client: &Client, bytes: &[u8]) -> Value {
    let answer = asked(client, bytes).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_is_told_what_an_image_bears_and_whether_it_was_made_here() {
    let anyone = Client::new(scripted().url());
    let ada = new_user(scripted());
    let original = origin().picture(&pictures::png(20, 20));
    let picture = pictures::png(43, 31);
    let task = ada.refined(&original, &answered_by(&picture)).await;
    let first = concept(&ada, &task).await;
    let bytes = image(&ada, &first).await;
    let ours = json!({
        "made_here": true,
        "made_at": first["created_at"],
        "source": COMPOSITE,
        "marks": ["xmp"],
    });
    assert_eq!(verified(&anyone, &bytes).await, ours);

    // Somebody's original and what the model answered before it was marked are not ours.
    let bare = json!({"made_here": false, "made_at": null, "source": null, "marks": []});
    ada.uploaded(&picture).await;
    assert_eq!(verified(&anyone, &picture.bytes).await, bare);
    let mut changed = bytes.clone();
    changed.push(0);
    let mut expected = bare.clone();
    expected["source"] = COMPOSITE.into();
    expected["marks"] = json!(["xmp"]);
    assert_eq!(verified(&anyone, &changed).await, expected);

    for format in pictures::all(40, 30) {
        let sourced = with_source(&format, "http://cv.iptc.org/newscodes/x/digitalArt");
        let (signed, both) = (signed(&format), signed(&sourced));
        for (picture, source, marks) in [
            (&signed, json!(null), json!(["c2pa"])),
            (&sourced, json!("digitalArt"), json!(["xmp"])),
            (&both, json!("digitalArt"), json!(["c2pa", "xmp"])),
        ] {
            let mut expected = bare.clone();
            expected["source"] = source;
            expected["marks"] = marks;
            let told = verified(&anyone, &picture.bytes).await;
            assert_eq!(told, expected, "{}", picture.media_type);
        }
    }

    // Whoever made it again, it was made when it was made first, and as long as one has it.
    let bob = new_user(scripted());
    let task = bob.refined(&original, &answered_by(&picture)).await;
    let second = concept(&bob, &task).await;
    assert!(image(&bob, &second).await == bytes);
    assert_eq!(verified(&anyone, &bytes).await, ours);
    let deleted = async |client: &Client, concept: &Value| {
        let path = format!("/api/concepts/{}", concept["id"].as_str().unwrap());
        assert_eq!(client.delete(&path).await.status, 204);
    };
    deleted(&ada, &first).await;
    let mut expected = ours.clone();
    expected["made_at"] = second["created_at"].clone();
    assert_eq!(verified(&anyone, &bytes).await, expected);
    deleted(&bob, &second).await;
    let mut expected = ours;
    expected["made_here"] = false.into();
    expected["made_at"] = Value::Null;
    assert_eq!(verified(&anyone, &bytes).await, expected);
}

#[tokio::test]
async fn one_address_asks_so_often() {
    let picture = pictures::png(8, 8);
    let client = Client::new(proxied().url()).with("x-forwarded-for", "203.0.113.77");
    for number in 0..AT_ONCE {
        let answer = asked(&client, &picture.bytes).await;
        assert_eq!(answer.status, 200, "{number}: {answer:?}");
    }
    let answer = asked(&client, &picture.bytes).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.error_code(), "RATE_LIMIT_EXCEEDED");
    let again: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=120).contains(&again), "{again}");
    // A limit of its own: nobody is kept from a session.
    let session = client.send(Method::POST, "/api/auth/session", "").await;
    assert_eq!(session.status, 201, "{session:?}");
    let neighbour = Client::new(proxied().url()).with("x-forwarded-for", "203.0.113.78");
    assert_eq!(asked(&neighbour, &picture.bytes).await.status, 200);
    let here = Client::new(local().url());
    for number in 0..AT_ONCE + 10 {
        let answer = asked(&here, &picture.bytes).await;
        assert_eq!(answer.status, 200, "{number}");
    }
}
