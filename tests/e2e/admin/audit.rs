//! Who did what, why, and to how many.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use serde_json::{Value, json};

use super::{act, attended, delete, entries, failed, operator, put_picture, read, reader};
use crate::shared::{new_name, origin, scripted_launch};

#[tokio::test]
async fn an_operator_with_a_token_of_their_own_is_named() {
    const ADA: &str = "a-token-of-ada-for-tests-only";
    const BOB: &str = "a:token:of:bob:for:tests:only";
    let service = scripted_launch()
        .set("admin-listen", "127.0.0.1:0")
        .variable("REFINEMENT_ADMIN_TOKENS", &format!("ada:{ADA}, bob:{BOB}"))
        .start();
    let door = service.admin().await;
    let ada = Client::operator(&door, ADA);
    // Only the socket believes who somebody was before.
    let bob = Client::operator(&door, BOB).with("concept-refinement-sudo-user", "eve");
    assert_eq!(act(&ada, "queue/pause", "a look").await.status, 200);
    assert_eq!(act(&bob, "queue/resume", "enough").await.status, 200);
    for token in [format!("ada:{ADA}").as_str(), "ada", "token"] {
        let nobody = Client::operator(&door, token);
        assert_eq!(nobody.get("/admin/v1/queue").await.status, 401, "{token}");
    }
    let audit = entries(&ada, |_| true).await;
    let actors: Vec<_> = audit.iter().map(|entry| &entry["actor"]).collect();
    assert_eq!(actors, ["bob", "ada"]);
    let log = service.stop().log;
    assert!(!log.contains(ADA) && !log.contains(BOB), "{log}");
    for line in ["an operator paused the queue", "actor=\"ada\""] {
        assert!(log.contains(line), "{log}");
    }
}

#[tokio::test]
async fn each_act_is_recorded_and_nothing_else() {
    let launch = attended(scripted_launch());
    let service = launch.start();
    let launch = launch.at(&service);
    let operator = operator(&service).await;
    let user = Client::user(service.url(), &new_name());
    let (first, url) = failed(&user).await;
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let begin = jiff::Timestamp::now();

    act(&operator, "queue/pause", "  for a look  ").await;
    let waiting = user.accepted(&slow, "echo it").await;
    // What is so already is no act.
    let again = act(&operator, "queue/pause", "again").await;
    assert_eq!((again.status, &again.json()["paused"]), (200, &json!(true)));
    assert_eq!(act(&operator, "queue/resume", "enough").await.status, 200);
    assert_eq!(act(&operator, "queue/resume", "again").await.status, 200);
    let own = Client::on_socket(&launch.data());
    assert_eq!(
        act(&own, &format!("tasks/{waiting}/cancel"), "stuck ☕")
            .await
            .status,
        200
    );
    gate.open();
    put_picture(&url);
    let retried = act(&operator, &format!("tasks/{first}/retry"), "it is there").await;
    let second = retried.json()["task_id"].as_str().unwrap().to_owned();
    user.finished(&second).await;
    assert_eq!(
        delete(&operator, &second, "nobody+needs%20it").await.status,
        204
    );
    for (path, status) in [
        (format!("tasks/{second}/retry"), 404),
        (format!("tasks/{first}/cancel"), 409),
    ] {
        assert_eq!(act(&operator, &path, "refused").await.status, status);
    }
    // What the user does is none of it.
    assert_eq!(
        user.delete(&format!("/api/tasks/{first}")).await.status,
        204
    );

    let audit = entries(&operator, |_| true).await;
    let told: Vec<_> = audit
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            let actor = text("actor").split(' ').next().unwrap().to_owned();
            (
                actor,
                text("action"),
                text("target"),
                text("reason"),
                entry["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let entry = |actor: &str, action: &str, target: &str, reason: &str, count| {
        let [actor, action, target, reason] = [actor, action, target, reason].map(str::to_owned);
        (actor, action, target, reason, count)
    };
    let expected = [
        entry("admin", "delete", &second, "nobody needs it", 1),
        entry("admin", "retry", &first, "it is there", 1),
        entry("uid", "cancel", &waiting, "stuck ☕", 1),
        entry("admin", "resume", "queue", "enough", 1),
        entry("admin", "pause", "queue", "for a look", 0),
    ];
    assert_eq!(told, expected);
    let times: Vec<jiff::Timestamp> = audit
        .iter()
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.iter().rev().is_sorted(), "{times:?}");
    let slack = jiff::SignedDuration::from_secs(5);
    assert!(
        times
            .iter()
            .all(|at| *at > begin - slack && *at < jiff::Timestamp::now() + slack)
    );

    // A page at a time, for who may read too, and after a crash.
    let reader = reader(&service).await;
    let mut paged: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    while paged.len() < expected.len() {
        let page = read(&reader, &format!("audit?limit=2{cursor}")).await;
        paged.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, audit);
    service.kill();
    let service = launch.start();
    assert_eq!(
        entries(&super::operator(&service).await, |_| true).await,
        audit
    );
}
