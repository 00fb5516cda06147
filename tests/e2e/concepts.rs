//! What completed tasks leave behind, one by one.

use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::with_claim;
use serde_json::{Value, json};

use crate::shape::{assert_is_concept, unsigned};
use crate::shared::{new_name, new_user, origin, scripted};

#[tokio::test]
async fn a_concept_holds_what_was_asked_for() {
    let url = origin().picture(&pictures::png(8, 8));
    for (is_anonymous, logo, theme) in [
        (json!(false), json!("a cup"), json!("warm, brown")),
        (json!(true), Value::Null, Value::Null),
    ] {
        let token = with_claim(&new_name(), "is_anonymous", is_anonymous.clone());
        let client = new_user(scripted()).bearer(&token);
        let request = json!({
            "original_image_url": url,
            "refinement_prompt": "echo it",
            "logo_description": logo,
            "theme_description": theme,
        });
        let accepted = client.post("/api/concepts/refine", &request).await;
        let task = client.finished(&accepted.task_id()).await;
        let id = task["result_id"].as_str().unwrap();
        let concept = client.get(&format!("/api/concepts/{id}")).await;
        assert_eq!(concept.status, 200, "{concept:?}");
        assert_eq!(concept.header("cache-control"), Some("no-store"));
        let concept = concept.json();
        assert_is_concept(&concept);
        let expected = json!({
            "id": id,
            "task_id": task["task_id"],
            "image_url": task["image_url"],
            "original_image_url": url,
            "refinement_prompt": "echo it",
            "logo_description": logo,
            "theme_description": theme,
            "color_palettes": [],
            "notes": [],
            "is_anonymous": is_anonymous,
            "created_at": concept["created_at"],
        });
        assert_eq!(unsigned(&concept), unsigned(&expected));
        let list = client.get("/api/concepts").await.json();
        assert_eq!(list["next_cursor"], Value::Null);
        assert_eq!(unsigned(&list["concepts"][0]), unsigned(&concept));

        // An id in capitals is the same id, and HEAD tells of the same answer.
        let upper = format!("/api/concepts/{}", id.to_uppercase());
        assert_eq!(client.get(&upper).await.status, 200);
        let head = client.head(&format!("/api/concepts/{id}")).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
}

/// A page elsewhere can make a browser send the cookie, and gains nothing.
#[tokio::test]
async fn a_concept_is_not_deleted_from_elsewhere() {
    let user = new_name();
    let token = concept_refinement_tests::tokens::token(&user);
    let client = new_user(scripted()).without("authorization").cookie(&token);
    let url = origin().picture(&pictures::png(8, 8));
    let task = client.refined(&url, "echo it").await;
    let path = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    for (name, value) in [
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let refused = client.with(name, value).delete(&path).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
        assert_eq!(refused.error_code(), "FORBIDDEN");
    }
    assert_eq!(client.get(&path).await.status, 200);
    let own = client.with("origin", client.base());
    assert_eq!(own.delete(&path).await.status, 204);
}
