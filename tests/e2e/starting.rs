//! A start while Postgres is away does not stop, and needs no other start on its return.
//! Until then whoever asks for something that is wrong is told so, in the order of the
//! contract, and the rest is unavailable.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::refusals::{Row, check};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::connections::raw;
use crate::outage;
use crate::postgres::{address, by, scripted};
use crate::shared::picture_url;

const UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";

fn refinement(url: &str) -> Value {
    json!({"original_image_url": url, "refinement_prompt": "echo it"})
}

/// Of a user, of a service that takes tokens from outside.
fn refusals(base: &str) -> Vec<Row> {
    let (anyone, ada) = (Client::new(base), Client::user(base, "ada"));
    let by_cookie = Client::new(base).cookie(&tokens::token("ada"));
    let elsewhere = by_cookie.with("origin", "https://elsewhere.example");
    let url = picture_url();
    let own = format!("{base}/api/images/uploads/ada/a.png");
    let signed = format!("{own}?expires=1&signature=a");
    let refine = |name, url: &str| Row::refine(name, &ada, refinement(url));
    vec![
        Row::refine("no credentials", &anyone, refinement(&url)).is(401, "UNAUTHORIZED"),
        Row::refine("another site", &elsewhere, "").is(403, "FORBIDDEN"),
        Row::refine("a long body", &ada, "a".repeat(1 << 17)).is(413, "PAYLOAD_TOO_LARGE"),
        Row::refine("no JSON", &ada, "{").is(422, "VALIDATION_ERROR"),
        refine("an address that is not public", "http://127.0.0.1:1/a.png")
            .is(422, "VALIDATION_ERROR")
            .names(&["original_image_url"]),
        refine("a task", &url).is(503, UNAVAILABLE),
        refine("an image of its own", &own).is(503, UNAVAILABLE),
        refine("the same by a signed URL", &signed).is(503, UNAVAILABLE),
        Row::get("no such path", &anyone, "/api/nothing").is(404, "NOT_FOUND"),
        Row::get("no such id", &ada, "/api/tasks/1").is(404, "NOT_FOUND"),
        Row::get("too many tasks", &ada, "/api/tasks?limit=101")
            .is(422, "VALIDATION_ERROR")
            .names(&["limit"]),
        Row::get("tasks", &ada, "/api/tasks").is(503, UNAVAILABLE),
        Row::get("concepts", &ada, "/api/concepts").is(503, UNAVAILABLE),
        Row::get("a key of webhooks", &ada, "/api/webhooks/secret").is(503, UNAVAILABLE),
        Row::upload("an upload", &ada, pictures::png(8, 8).bytes).is(503, UNAVAILABLE),
        Row::get("an image of anyone", &anyone, &own).is(401, "UNAUTHORIZED"),
        Row::get("an image", &ada, &own).is(503, UNAVAILABLE),
        Row::get("a signature", &anyone, &signed).is(503, UNAVAILABLE),
    ]
}

/// Of a service that gives anonymous sessions, by a secret that is in the database.
fn anonymous_refusals(base: &str) -> Vec<Row> {
    let anyone = Client::new(base);
    let token = tokens::token("ada");
    let body = refinement(&picture_url());
    let refine = |name, client: &Client| Row::refine(name, client, &body);
    vec![
        refine("no credentials", &anyone).is(401, "UNAUTHORIZED"),
        refine("a token", &anyone.bearer(&token)).is(503, UNAVAILABLE),
        refine("a session", &anyone.cookie(&token)).is(503, UNAVAILABLE),
        Row::new("a session", &anyone, Method::POST, "/api/auth/session").is(503, UNAVAILABLE),
    ]
}

/// What needs no store: health, the page, the documents.
async fn assert_answers(service: &Service, mode: Mode) {
    let client = Client::new(service.url());
    let health = client.get("/api/health").await;
    assert_eq!(health.status, 200, "{mode:?}: {health:?}");
    let ready = client.get("/api/health/ready").await;
    assert_eq!(ready.status, 503, "{mode:?}: {ready:?}");
    let capabilities = &ready.json()["capabilities"];
    for (name, works) in [("tasks", false), ("images", false), ("model", true)] {
        assert_eq!(capabilities[name] == "ok", works, "{mode:?}: {ready:?}");
    }
    for path in ["/", "/page/service.json", "/docs", "/openapi.json"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{mode:?} {path}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_it_is_reached_what_is_wrong_is_told_first_and_then_that_it_is_away() {
    for mode in [Mode::Refuse, Mode::Hang] {
        let proxy = Proxy::to(address());
        proxy.set(mode);
        let service = scripted(&by(&proxy)).start();
        check(refusals(service.url())).await;
        assert_answers(&service, mode).await;

        let request = format!(
            "GET /api/tasks HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            service.url().trim_start_matches("http://"),
            tokens::token("ada")
        );
        let mut connection = raw::connect(&service).await;
        let mut status = async || {
            connection.write_all(request.as_bytes()).await.unwrap();
            let answer = raw::until(&mut connection, "}").await;
            answer.split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(status().await, "503", "{mode:?}");
        proxy.set(Mode::Pass);
        let newcomer = Client::fleeting(service.url());
        outage::works_again(async || {
            assert_eq!(newcomer.get("/api/health").await.status, 200, "{mode:?}");
            status().await == "200"
        })
        .await;
        let ada = Client::user(service.url(), "ada");
        ada.completed(&picture_url(), "echo it").await;
        outage::ready(&ada).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_wait_for_the_secret_that_it_has() {
    let proxy = Proxy::to(address());
    proxy.set(Mode::Refuse);
    let launch = Launch::new()
        .embedded()
        .scripted()
        .set("tasks", &by(&proxy))
        // Of another way to authenticate: it signs nothing here.
        .set("jwt-secret", tokens::SECRET);
    let service = launch.start();
    check(anonymous_refusals(service.url())).await;
    assert_answers(&service, Mode::Refuse).await;
    proxy.set(Mode::Pass);
    let client = Client::new(service.url());
    outage::works_again(async || {
        let session = client.send(Method::POST, "/api/auth/session", "").await;
        session.status == 201
    })
    .await;
    let ada = Client::session(service.url()).await;
    assert_eq!(ada.get("/api/tasks").await.status, 200);
}
