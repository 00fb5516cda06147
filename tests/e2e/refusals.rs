//! Every answer other than success, in one table: what is asked, the status, the
//! code and what comes with it. What the answers depend on in detail stands in
//! the files of the resources.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures::{self, png_that_claims};
use concept_refinement_tests::tokens::{now, token, with_claim};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shape::assert_is_task;
use crate::shared::{UPLOADS, new_name, new_user, origin, scripted, scripted_launch};

const REFINE: &str = "/api/concepts/refine";
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";

/// A request, and what is expected of its answer.
struct Row {
    name: &'static str,
    client: Client,
    method: Method,
    path: String,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    /// Headers that come with it, by the beginning of their value.
    headers: Vec<(&'static str, &'static str)>,
    /// The fields that are found wrong.
    fields: Vec<&'static str>,
}

impl Row {
    fn new(name: &'static str, client: &Client, method: Method, path: impl Into<String>) -> Self {
        Self {
            name,
            client: client.clone(),
            method,
            path: path.into(),
            body: Vec::new(),
            status: 0,
            code: "",
            headers: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn get(name: &'static str, client: &Client, path: impl Into<String>) -> Self {
        Self::new(name, client, Method::GET, path)
    }

    /// A refine request with this body.
    fn refine(name: &'static str, client: &Client, body: impl ToString) -> Self {
        let client = client.with("content-type", "application/json");
        Self::new(name, &client, Method::POST, REFINE).body(body.to_string())
    }

    fn upload(name: &'static str, client: &Client, bytes: impl Into<Vec<u8>>) -> Self {
        let client = client.with("content-type", "image/png");
        Self::new(name, &client, Method::POST, "/api/images").body(bytes)
    }

    fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    fn is(self, status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            ..self
        }
    }

    fn with(mut self, header: &'static str, value: &'static str) -> Self {
        self.headers.push((header, value));
        self
    }

    fn names(self, fields: &[&'static str]) -> Self {
        Self {
            fields: fields.to_vec(),
            ..self
        }
    }

    async fn check(self) -> Answer {
        let Self { name, .. } = self;
        // A body that is too long is not read, which ends the connection.
        let client = self.client.reconnected();
        let answer = client.send(self.method, &self.path, self.body).await;
        assert_eq!(answer.status, self.status, "{name}: {answer:?}");
        assert_eq!(answer.error_code(), self.code, "{name}");
        for (header, value) in self.headers {
            let sent = answer.header(header).unwrap_or_default();
            assert!(
                sent.starts_with(value) && !sent.is_empty(),
                "{name}: {header}: {sent}"
            );
        }
        let errors = &answer.json()["field_errors"];
        if self.fields.is_empty() {
            assert_eq!(*errors, Value::Null, "{name}");
        } else {
            assert_eq!(crate::shape::keys(errors), self.fields, "{name}");
        }
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        for secret in [
            "/tmp",
            "/work",
            "sqlite",
            "SELECT",
            "panicked",
            ".rs:",
            "Bearer ey",
        ] {
            assert!(!told.contains(secret), "{name}: {told}");
        }
        answer
    }
}

fn refinement(url: &str) -> Value {
    json!({"original_image_url": url, "refinement_prompt": "echo it"})
}

async fn check(rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        row.check().await;
    }
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let anybody = Client::new(scripted().url());
    let user = new_name();
    let expired = with_claim(&user, "exp", json!(now() - 3600));
    let for_others = with_claim(&user, "aud", json!("others"));
    let bearers = [
        ("nothing", anybody.clone()),
        ("nonsense", anybody.bearer("a.b.c")),
        ("expired", anybody.bearer(&expired)),
        ("meant for others", anybody.bearer(&for_others)),
        (
            "another scheme",
            anybody.with("authorization", "Basic YTpi"),
        ),
        ("a bad cookie", anybody.cookie("a.b.c")),
        (
            "a good cookie beside a bad header",
            anybody.cookie(&token(&user)).bearer("x"),
        ),
    ];
    for (name, client) in bearers {
        let task = format!("/api/tasks/{NO_ID}");
        let concept = format!("/api/concepts/{NO_ID}");
        check(
            [
                Row::refine(name, &client, "{}"),
                Row::upload(name, &client, "x"),
                Row::get(name, &client, "/api/tasks"),
                Row::get(name, &client, &task),
                Row::get(name, &client, format!("/api/concepts/task/{NO_ID}")),
                Row::new(name, &client, Method::DELETE, &task),
                Row::get(name, &client, "/api/concepts"),
                Row::get(name, &client, &concept),
                Row::new(name, &client, Method::DELETE, &concept),
                Row::get(name, &client, "/api/images/a/b.png"),
                Row::new(name, &client, Method::DELETE, "/api/images/a/b.png"),
            ]
            .map(|row| {
                row.is(401, "UNAUTHORIZED")
                    .with("www-authenticate", "Bearer")
            }),
        )
        .await;
    }

    let by_cookie = anybody
        .cookie(&token(&user))
        .with("origin", "https://evil.example");
    let image = new_user(scripted()).uploaded(&pictures::png(8, 8)).await;
    let (path, query) = image.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    check(
        [
            Row::refine("from elsewhere", &by_cookie, "{}"),
            Row::upload("from elsewhere", &by_cookie, "x"),
            Row::new(
                "from elsewhere",
                &by_cookie,
                Method::DELETE,
                format!("/api/tasks/{NO_ID}"),
            ),
            Row::get("no signature", &anybody, format!("{path}?{expires}")),
            Row::get("no expiry", &anybody, format!("{path}?{signature}")),
            Row::get(
                "a later expiry",
                &anybody,
                format!("{path}?expires=99999999999&{signature}"),
            ),
            Row::get(
                "a bad signature",
                &anybody,
                format!("{path}?{expires}&signature=AAAA"),
            ),
            Row::get(
                "a signature twice",
                &anybody,
                format!("{path}?{query}&{signature}"),
            ),
        ]
        .map(|row| row.is(403, "FORBIDDEN")),
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_alike_for_everyone() {
    let (user, other) = (new_user(scripted()), new_user(scripted()));
    let anybody = Client::new(scripted().url());
    let original = other.uploaded(&pictures::png(8, 8)).await;
    let image = original.split('?').next().unwrap();
    let task = other.refined(&original, "echo it").await;
    let id = |name: &str| task[name].as_str().unwrap().to_owned();
    let missing = image.replace("uploads/", "uploads/0");
    check(
        [
            Row::get("an unknown path", &anybody, "/api/nothing"),
            Row::new(
                "no sessions here",
                &anybody,
                Method::POST,
                "/api/auth/session",
            ),
            Row::get("no task", &user, format!("/api/tasks/{NO_ID}")),
            Row::get("no id", &user, "/api/tasks/1"),
            Row::get(
                "another's task",
                &user,
                format!("/api/tasks/{}", id("task_id")),
            ),
            Row::get(
                "another's task",
                &user,
                format!("/api/concepts/task/{}", id("task_id")),
            ),
            Row::new(
                "another's task",
                &user,
                Method::DELETE,
                format!("/api/tasks/{}", id("task_id")),
            ),
            Row::get("no concept", &user, format!("/api/concepts/{NO_ID}")),
            Row::get(
                "another's concept",
                &user,
                format!("/api/concepts/{}", id("result_id")),
            ),
            Row::new(
                "another's concept",
                &user,
                Method::DELETE,
                format!("/api/concepts/{}", id("result_id")),
            ),
            Row::get("no image", &user, &missing),
            Row::get("another's image", &user, image),
            Row::new("another's image", &user, Method::DELETE, image),
            Row::refine("no original of ours", &user, refinement(&missing)),
            Row::refine("another's original", &user, refinement(image)),
        ]
        .map(|row| row.is(404, "NOT_FOUND")),
    )
    .await;
    check([
        Row::get("refine", &anybody, REFINE)
            .is(405, "METHOD_NOT_ALLOWED")
            .with("allow", "POST"),
        Row::new("tasks", &anybody, Method::PUT, "/api/tasks")
            .is(405, "METHOD_NOT_ALLOWED")
            .with("allow", "GET"),
    ])
    .await;
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_its_reason() {
    let user = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let good = refinement(&url);
    let keyed = user.with("idempotency-key", "key");
    assert_eq!(keyed.post(REFINE, &good).await.status, 202);
    let mut with_theme = good.clone();
    with_theme["theme_description"] = json!("warm");
    let png = pictures::png(60, 60).bytes;
    let image = user.uploaded(&pictures::png(8, 8)).await;
    let image = image.split('?').next().unwrap().to_owned();
    let plain = user.with("content-type", "text/plain");
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(64 << 10));
    let of = |field: &str, value: Value| {
        let mut request = good.clone();
        request[field] = value;
        request
    };
    check([
        Row::refine("a long body", &user, &long).is(413, "PAYLOAD_TOO_LARGE"),
        Row::upload("a long file", &user, vec![0; (1 << 20) + 1]).is(413, "PAYLOAD_TOO_LARGE"),
        Row::upload("many pixels", &user, png_that_claims(1001, 1000)).is(413, "PAYLOAD_TOO_LARGE"),
        Row::new("text", &plain, Method::POST, REFINE)
            .body("{}")
            .is(415, "UNSUPPORTED_MEDIA_TYPE"),
        Row::upload("no image", &user, "text").is(415, "UNSUPPORTED_MEDIA_TYPE"),
        Row::get(
            "a part outside",
            &user.with("range", "bytes=999999-"),
            &image,
        )
        .is(416, "RANGE_NOT_SATISFIABLE")
        .with("content-range", "bytes */"),
        Row::refine("no JSON", &user, "{").is(422, "VALIDATION_ERROR"),
        Row::refine("no object", &user, "[]").is(422, "VALIDATION_ERROR"),
        Row::refine("nothing in it", &user, "{}")
            .is(422, "VALIDATION_ERROR")
            .names(&["original_image_url", "refinement_prompt"]),
        Row::refine(
            "a short prompt",
            &user,
            of("refinement_prompt", json!(" ab ")),
        )
        .is(422, "VALIDATION_ERROR")
        .names(&["refinement_prompt"]),
        Row::refine("a number", &user, of("logo_description", json!(7)))
            .is(422, "VALIDATION_ERROR")
            .names(&["logo_description"]),
        Row::refine(
            "a long text",
            &user,
            of("theme_description", json!("x".repeat(2001))),
        )
        .is(422, "VALIDATION_ERROR")
        .names(&["theme_description"]),
        Row::refine(
            "loopback",
            &user,
            of("original_image_url", json!("http://127.1/")),
        )
        .is(422, "VALIDATION_ERROR")
        .names(&["original_image_url"]),
        Row::refine(
            "another scheme",
            &user,
            of("original_image_url", json!("ftp://a.example/")),
        )
        .is(422, "VALIDATION_ERROR")
        .names(&["original_image_url"]),
        Row::refine("a key with another body", &keyed, &with_theme)
            .is(422, "VALIDATION_ERROR")
            .names(&["Idempotency-Key"]),
        Row::refine("a bad key", &user.with("idempotency-key", "a b"), &good)
            .is(422, "VALIDATION_ERROR")
            .names(&["Idempotency-Key"]),
        Row::upload("an empty file", &user, "").is(422, "VALIDATION_ERROR"),
        Row::upload("half a file", &user, &png[..png.len() / 2]).is(422, "VALIDATION_ERROR"),
        Row::get("no limit", &user, "/api/tasks?limit=0")
            .is(422, "VALIDATION_ERROR")
            .names(&["limit"]),
        Row::get("no status", &user, "/api/tasks?status=done")
            .is(422, "VALIDATION_ERROR")
            .names(&["status"]),
        Row::get("no cursor", &user, "/api/concepts?cursor=x")
            .is(422, "VALIDATION_ERROR")
            .names(&["cursor"]),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_much_is_told_with_how_long_to_wait() {
    let service = scripted_launch()
        .set("rate-limit", "1/month")
        .set("concurrency", "1")
        .set("max-backlog", "1")
        .start();
    let url = origin().picture(&pictures::png(8, 8));
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let [first, second, third] = [(); 3].map(|()| new_user(&service));
    let limits = |answer: &Answer| {
        ["limit", "remaining", "reset"].map(|name| {
            let value = answer.header(&format!("x-ratelimit-{name}"));
            value
                .unwrap_or_else(|| panic!("{name}: {answer:?}"))
                .parse::<u64>()
                .unwrap()
        })
    };

    let accepted = first.refine(&slow, "echo it").await;
    let id = accepted.task_id();
    first.task_is(&id, "processing").await;
    // The one answer that is no error in form: the task that is under way.
    let conflict = first.refine(&url, "echo it").await;
    assert_eq!(conflict.status, 409);
    let task = conflict.json();
    assert_is_task(&task);
    assert_eq!(task["task_id"], id.as_str());
    assert_eq!(
        task["message"],
        "A concept refinement task is already in progress"
    );
    assert_eq!(limits(&conflict)[..2], [1, 0]);

    let waiting = second.accepted(&url, "echo it").await;
    check([Row::refine("a long backlog", &third, refinement(&url))
        .is(503, "SERVICE_UNAVAILABLE")
        .with("retry-after", "")])
    .await;

    gate.open();
    for (user, id) in [(&first, &id), (&second, &waiting)] {
        assert_eq!(user.finished(id).await["status"], "completed");
    }
    let used_up = Row::refine("a quota that is used up", &first, refinement(&url))
        .is(429, "RATE_LIMIT_EXCEEDED")
        .with("retry-after", "")
        .check()
        .await;
    assert_eq!(limits(&used_up)[..2], [1, 0]);
    let sentence = "Rate limit exceeded for /concepts/refine (1/month). Try again later.";
    assert_eq!(used_up.json()["detail"], sentence);

    let refined = first.task(&id).await["image_url"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..UPLOADS {
        third.uploaded(&pictures::png(8, 8)).await;
    }
    check([
        Row::upload("too many uploads", &third, pictures::png(8, 8).bytes)
            .is(429, "RATE_LIMIT_EXCEEDED"),
        Row::new("a concept's image", &first, Method::DELETE, refined).is(409, "CONFLICT"),
    ])
    .await;
}

/// A store that is in the way of itself: what cannot be reached is no fault of
/// who asks, and its inside is not told.
#[tokio::test]
async fn what_cannot_be_reached_is_told_as_such() {
    let launch = scripted_launch();
    let service = launch.start();
    let user = new_user(&service);
    let image = user.uploaded(&pictures::png(8, 8)).await;
    let images = launch.data().join("images");
    std::fs::rename(&images, launch.data().join("elsewhere")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    check(
        [
            Row::upload("an upload", &user, pictures::png(8, 8).bytes),
            Row::get("an image", &user, image),
        ]
        .map(|row| row.is(503, "SERVICE_UNAVAILABLE")),
    )
    .await;
}
