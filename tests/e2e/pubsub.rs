//! Google Pub/Sub: what is published comes back as a push, which has to prove who
//! sends it, or is pulled.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::{self, Client};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::issuer::{Issuer, Signer, document};
use concept_refinement_tests::pictures;
use concept_refinement_tests::pubsub::{ACCOUNT, AUDIENCE, PubSub, claims, envelope, push, token};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tls::{self, TlsPort};
use concept_refinement_tests::tokens::{encode, signed_with};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::shared::{new_name, new_user, origin, picture_url, scripted_launch};
use crate::unusable::{DISTRUSTED, assert_refused};

/// A service whose messages go through a topic of their own. What is published is
/// only delivered where the test says so.
struct Pushed {
    pubsub: PubSub,
    service: Service,
}

/// With what workers need that messages are pushed to, and an issuer in place of Google.
pub fn pushing(launch: Launch, pubsub: &PubSub) -> Launch {
    static GOOGLE: LazyLock<Issuer> = LazyLock::new(Issuer::start);
    launch
        .set("pubsub-endpoint", &pubsub.endpoint())
        .set("pubsub-audience", AUDIENCE)
        .set("pubsub-service-account", ACCOUNT)
        .set("pubsub-jwks-url", GOOGLE.url())
}

impl Pushed {
    fn start(more: impl FnOnce(Launch) -> Launch) -> Self {
        let pubsub = PubSub::start();
        let (topic, _) = pubsub.topic();
        let launch = scripted_launch().set("queue", &topic);
        let service = more(pushing(launch, &pubsub)).start();
        Self { pubsub, service }
    }

    /// A pending task, and the message that points to it.
    async fn task(&self, client: &Client, prompt: &str) -> (String, Vec<u8>) {
        let id = client.accepted(&picture_url(), prompt).await;
        let message = self.message(&id);
        (id, message)
    }

    fn message(&self, id: &str) -> Vec<u8> {
        let published = self.pubsub.published();
        let names = |message: &Vec<u8>| {
            let message: Value = serde_json::from_slice(message).unwrap();
            message["task_id"] == id
        };
        published.into_iter().find(names).unwrap()
    }

    async fn push(&self, token: &str, body: &[u8]) -> (u16, String) {
        push(self.service.url(), token, body).await.unwrap()
    }

    /// The status of what a message is answered that Google pushes.
    async fn honest(&self, message: &[u8]) -> u16 {
        let (status, _) = self.push(&token(), &envelope(message)).await;
        status
    }
}

fn shared() -> &'static Pushed {
    static SHARED: LazyLock<Pushed> = LazyLock::new(|| Pushed::start(|launch| launch));
    &SHARED
}

#[tokio::test]
async fn a_task_goes_by_way_of_a_push() {
    let pushed = shared();
    let user = new_name();
    let client = Client::user(pushed.service.url(), &user);
    let (id, message) = pushed.task(&client, "echo it").await;
    let fields: Value = serde_json::from_slice(&message).unwrap();
    assert_eq!(fields["user_id"], user);
    assert_eq!(fields["task_type"], "concept_refinement");
    assert_eq!(client.task(&id).await["status"], "pending");
    let (status, body) = pushed.push(&token(), &envelope(&message)).await;
    assert_eq!((status, body.as_str()), (204, ""));
    // It was answered when the work was done.
    assert_eq!(client.task(&id).await["status"], "completed");
    // A repeat changes nothing.
    assert_eq!(pushed.honest(&message).await, 204);
}

fn signed(header: &Value, claims: &Value) -> String {
    Signer::rsa().signed(header, claims)
}

fn with_claim(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&header(), &claims)
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": Signer::rsa().id, "typ": "JWT"})
}

/// Tokens that must not be taken, beside those that are refused unread.
fn hostile() -> Vec<(&'static str, String)> {
    let public = document()["keys"][0]["n"].as_str().unwrap().to_owned();
    let good = token();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let mut others = claims();
    others["sub"] = json!("another");
    let others = encode(others.to_string().as_bytes());
    vec![
        ("none", String::new()),
        (
            "RS256 by an HMAC of the public key",
            signed_with(public.as_bytes(), &header(), &claims()),
        ),
        (
            "a name that no key has",
            signed(&json!({"alg": "RS256", "kid": "unknown"}), &claims()),
        ),
        ("other claims", format!("{head}.{others}.{signature}")),
        (
            "another account",
            with_claim("email", json!("other@project.iam.gserviceaccount.com")),
        ),
        (
            "a token of the API",
            concept_refinement_tests::tokens::token("ada"),
        ),
    ]
}

/// Each beside an honest one, which is taken.
#[tokio::test]
async fn a_push_that_proves_nothing_is_refused_and_does_nothing() {
    let pushed = shared();
    let client = new_user(&pushed.service);
    let (id, message) = pushed.task(&client, "echo it").await;
    for (name, token) in hostile() {
        let (status, body) = pushed.push(&token, &envelope(&message)).await;
        assert_eq!(status, 401, "{name}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error_code"], "UNAUTHORIZED", "{name}: {body}");
        let task = client.task(&id).await;
        assert_eq!(task["status"], "pending", "{name}");
    }
    assert_eq!(pushed.honest(&message).await, 204);
    assert_eq!(client.task(&id).await["status"], "completed");
}

/// Refused before it is read, however much of it there is.
#[tokio::test]
async fn a_huge_push_is_refused() {
    let pushed = shared();
    let huge = vec![b' '; 8 << 20];
    for (name, token, expected) in [
        ("a stranger's", String::new(), 401),
        ("an honest one", token(), 413),
    ] {
        let begin = Instant::now();
        // The connection may end while it is being sent.
        if let Some((status, body)) = push(pushed.service.url(), &token, &huge).await {
            assert_eq!(status, expected, "{name}: {body}");
        }
        assert!(begin.elapsed() < SOON, "{name}");
    }
    let client = new_user(&pushed.service);
    let (_, message) = pushed.task(&client, "echo it").await;
    assert_eq!(pushed.honest(&message).await, 204);
}

/// Repeating it could not help.
#[tokio::test]
async fn what_cannot_be_read_is_acknowledged() {
    let pushed = shared();
    let nowhere = json!({
        "task_id": "0190c0de-0000-7000-8000-000000000001", "user_id": "ada",
        "refinement_prompt": "echo it", "original_image_url": "https://example.com/a.png",
        "task_type": "concept_refinement",
    });
    for (name, body) in [
        ("no JSON", b"{".to_vec()),
        ("data that are no message", envelope(b"\xFF\x00")),
        (
            "a task that is not there",
            envelope(nowhere.to_string().as_bytes()),
        ),
    ] {
        let (status, body) = pushed.push(&token(), &body).await;
        assert_eq!(status, 204, "{name}: {body}");
    }
}

#[tokio::test]
async fn a_message_without_its_parts_fails_its_task() {
    let pushed = shared();
    let client = new_user(&pushed.service);
    let (id, message) = pushed.task(&client, "echo it").await;
    let mut message: Value = serde_json::from_slice(&message).unwrap();
    message["refinement_prompt"] = json!("");
    assert_eq!(pushed.honest(message.to_string().as_bytes()).await, 204);
    let task = client.task(&id).await;
    assert_eq!(task["status"], "failed", "{task}");
    let expected = "Missing prompt/original URL for refinement task.";
    let told = task["error_message"].as_str().unwrap();
    assert!(told.ends_with(expected), "{told}");
}

#[tokio::test]
async fn only_a_post_is_a_push() {
    let pushed = shared();
    let client = client::http().no_proxy().build().unwrap();
    let url = format!("{}/pubsub/push", pushed.service.url());
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
        let request = client.request(method.clone(), &url).bearer_auth(token());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(response.headers()["allow"], "POST", "{method}");
    }
    for path in ["/pubsub/push/", "/pubsub", "/pubsub/pushes"] {
        let url = format!("{}{path}", pushed.service.url());
        let response = client.post(&url).bearer_auth(token()).send();
        assert_eq!(response.await.unwrap().status(), 404, "{path}");
    }
}

/// With a queue of another kind there is nothing.
#[tokio::test]
async fn without_pubsub_nothing_is_pushed() {
    let (status, _) = push(crate::shared::scripted().url(), &token(), &envelope(b"{}"))
        .await
        .unwrap();
    assert_eq!(status, 404);
}

#[tokio::test]
async fn without_googles_keys_a_push_comes_again() {
    let keys = Issuer::that_answers(Reply::status(500));
    let pushed = Pushed::start(|launch| launch.set("pubsub-jwks-url", keys.url()));
    let client = new_user(&pushed.service);
    let (_, message) = pushed.task(&client, "echo it").await;
    assert_eq!(pushed.honest(&message).await, 503);
    keys.recover();
    eventually("the keys are fetched again", SOON, async || {
        (pushed.honest(&message).await == 204).then_some(())
    })
    .await;
    let asked = keys.asked();
    for _ in 0..20 {
        let header = json!({"alg": "RS256", "kid": "unknown"});
        let (status, _) = pushed
            .push(&signed(&header, &claims()), &envelope(&message))
            .await;
        assert_eq!(status, 401);
    }
    assert!(keys.asked() <= asked + 1, "asked for each unknown key");
}

#[tokio::test]
async fn a_key_of_google_that_is_skipped_is_logged_once() {
    let mut keys = document();
    let short = json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"});
    keys["keys"].as_array_mut().unwrap().push(short);
    let reply = Reply::ok("application/json", keys.to_string().as_bytes());
    let keys = Issuer::that_answers(reply);
    let pushed = Pushed::start(|launch| launch.set("pubsub-jwks-url", keys.url()));
    let client = new_user(&pushed.service);
    let (_, message) = pushed.task(&client, "echo it").await;
    let unknown = json!({"alg": "RS256", "kid": "unknown"});
    for _ in 0..3 {
        assert_eq!(pushed.honest(&message).await, 204);
        let unknown = signed(&unknown, &claims());
        let (status, _) = pushed.push(&unknown, &envelope(&message)).await;
        assert_eq!(status, 401);
    }
    let log = pushed.service.stop().log;
    let line = "Google: a key of the issuer is skipped, kid short: its numbers are weak";
    assert_eq!(log.matches(line).count(), 1, "{log}");
}

/// Nothing was configured that it could prove.
#[tokio::test]
async fn without_an_account_no_push_is_taken() {
    let pushed = Pushed::start(|launch| launch.unset("pubsub-service-account"));
    assert_eq!(pushed.honest(b"{}").await, 401);
    let log = pushed.service.log();
    assert!(log.contains("no message reaches this worker"), "{log}");
}

/// A worker that stops gives back what it has not begun, and ends what it has.
#[tokio::test]
async fn a_stopping_worker_has_pushes_come_again() {
    let mut pushed = Pushed::start(|launch| launch.set("concurrency", "1"));
    let (busy, client) = (new_user(&pushed.service), new_user(&pushed.service));
    let (first, begun) = pushed.task(&busy, "wait 3000ms").await;
    let (_, waits) = pushed.task(&client, "echo it").await;
    let service = pushed.service.url().to_owned();
    let begun = tokio::spawn({
        let service = service.clone();
        async move { push(&service, &token(), &envelope(&begun)).await }
    });
    busy.task_is(&first, "processing").await;
    let waits: Vec<_> = (0..3)
        .map(|_| {
            let (service, waits) = (service.clone(), waits.clone());
            tokio::spawn(async move { push(&service, &token(), &envelope(&waits)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    pushed.service.terminate();
    for waits in waits {
        let (status, _) = waits.await.unwrap().unwrap();
        assert_eq!(status, 503);
    }
    let (status, _) = begun.await.unwrap().unwrap();
    assert_eq!(status, 204);
    assert!(pushed.service.ended().status.success());
}

/// A second signal ends the time for its work.
#[tokio::test]
async fn a_push_whose_work_is_given_back_comes_again() {
    let mut pushed = Pushed::start(|launch| launch);
    let client = new_user(&pushed.service);
    let (original, _gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&original, "echo it").await;
    let (service, message) = (pushed.service.url().to_owned(), pushed.message(&id));
    let begun = async move { push(&service, &token(), &envelope(&message)).await };
    let begun = tokio::spawn(begun);
    client.task_is(&id, "processing").await;
    pushed.service.signal(Signal::TERM);
    pushed.service.signal(Signal::INT);
    let (status, _) = begun.await.unwrap().unwrap();
    assert_eq!(status, 503);
    assert!(pushed.service.ended().status.success());
}

/// By the certificates that the system trusts, which this variable names, or by those of
/// the operator; and only so does it say who it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_has_to_prove_who_it_is_and_then_learns_who_asks() {
    let pubsub = PubSub::start();
    let (topic, subscription) = pubsub.topic();
    let encrypted = TlsPort::before(pubsub.address());
    let port = encrypted.port();
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let account = Signer::rsa().credentials("worker@p.iam.gserviceaccount.com");
    let account = file("account.json", &account.to_string());
    let launch = |host: &str, authority: &str, credentials: &str| {
        let authority = tls::file(authority).display().to_string();
        scripted_launch()
            .set("queue", &topic)
            .set("pubsub-subscription", &subscription)
            .set("pubsub-endpoint", &format!("https://{host}:{port}"))
            .variable("SSL_CERT_FILE", &authority)
            .variable("GOOGLE_APPLICATION_CREDENTIALS", credentials)
    };
    let authority = tls::file("authority.pem").display().to_string();
    for launch in [
        launch("localhost", "authority.pem", &account),
        launch("localhost", "other.pem", &account).set("ca-file", &authority),
    ] {
        let before = pubsub.authorizations();
        let service = launch.start();
        let client = new_user(&service);
        client.completed(&picture_url(), "echo it").await;
        assert!(pubsub.authorizations() > before);
    }

    for [case, host, authority, problem] in DISTRUSTED {
        let launch = launch(host, authority, &account);
        let expected = format!("its certificate does not fit: {problem}");
        assert_refused(case, &launch, "queue", &expected, &["PRIVATE KEY"]);
    }
    let launch = launch("localhost", "authority.pem", &file("none.json", "{}"));
    let expected = "there are no usable Google credentials";
    assert_refused(
        "no credentials",
        &launch,
        "queue",
        expected,
        &["PRIVATE KEY"],
    );
}
