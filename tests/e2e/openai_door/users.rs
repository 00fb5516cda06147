//! Who stands for users of its own: each has a quota and an active task of its own.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::openai::{EDITS, Form, error, image, named};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use futures::future::join;
use serde_json::Value;

use super::no_uploads;
use crate::plans::client;
use crate::shared::origin;

/// Of an image somewhere, for a user of the client.
fn of_user(url: &str, user: &str) -> Value {
    let mut body = named(url, "echo it");
    body["safety_identifier"] = user.into();
    body
}

#[tokio::test]
async fn each_user_of_a_token_has_a_quota_and_a_task_of_its_own() {
    let launch = Launch::new()
        .scripted()
        .set("allow-sources", &origin().authority())
        .set("rate-limit", "2/month");
    let service = launch.start();
    let app = client(&launch, service.url(), &["--user=app", "--for-users"]);
    let quota = app.get("/api/quota").await.json();
    let edit = async |url: &str, user: &str| app.post(EDITS, &of_user(url, user)).await;

    // Both are at work at once, and a user has one task at a time.
    let picture = pictures::png(40, 30);
    let [of_ann, of_bob] = [(); 2].map(|()| origin().gated(&picture));
    let both = join(edit(&of_ann.0, "ann"), edit(&of_bob.0, "bob"));
    let meanwhile = async {
        eventually("both are at work", SOON, async || {
            let [ann, bob] = [&of_ann.0, &of_bob.0].map(|url| origin().requests(url).len());
            (ann > 0 && bob > 0).then_some(())
        })
        .await;
        let another = edit(&of_ann.0, "ann").await;
        of_ann.1.open();
        of_bob.1.open();
        another
    };
    let ((ann, bob), another) = join(both, meanwhile).await;
    assert_eq!(another.status, 409, "{another:?}");
    assert_eq!(error(&another)["code"], "task_active");
    assert_eq!(image(&ann), image(&bob));

    let original = origin().picture(&picture);
    image(&edit(&original, "ann").await);
    let refused = edit(&original, "ann").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(error(&refused)["code"], "insufficient_quota");
    image(&edit(&original, "bob").await);
    image(&edit(&original, "carl").await);
    let after = app.get("/api/quota").await.json();
    assert_eq!(after["remaining"], quota["remaining"], "{after}");
    assert_eq!(after["limit"], 2, "{after}");

    // The token's own quota counts where no user is named, and a URL is good for all.
    let form = Form::edit(&picture, "echo it").field("response_format", "url");
    let answer = form.clone().field("user", "dora").send(&app).await;
    let answer = answer.json();
    let url = answer["data"][0]["url"].as_str().unwrap();
    assert_eq!(app.get(url).await.status, 200);
    assert_eq!(form.send(&app).await.status, 200);
    let after = app.get("/api/quota").await.json();
    assert_eq!(after["remaining"], 1, "{after}");
    let dotted = form.field("user", "an/other").send(&app).await;
    assert_eq!(dotted.status, 400, "{dotted:?}");
    assert_eq!(error(&dotted)["param"], "user");
    no_uploads(&launch.data()).await;
}
