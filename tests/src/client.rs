//! A client of the service.

use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_conformance::Document;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::deadline::{SOON, eventually};
use crate::events::Events;
use crate::pictures::Picture;
use crate::tokens;

/// The description of the API, as it stands in the project.
pub static DOCUMENT: LazyLock<Document> =
    LazyLock::new(|| Document::parse(include_str!("../../components/api/openapi.json")));

/// The description of the operators' API.
pub static OPERATORS: LazyLock<Document> =
    LazyLock::new(|| Document::parse(include_str!("../../host/src/admin/openapi.json")));

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Sends requests to one service, with the same headers each time.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
    /// None: the system chooses.
    address: Option<IpAddr>,
    /// By which each answer is judged.
    document: fn() -> &'static Document,
}

/// What makes clients. A library of the host has reqwest leave the choice of a
/// provider of cryptography to its users. None trusts the machine's authorities, which no
/// test needs and each client would read.
pub fn http() -> reqwest::ClientBuilder {
    // It fails where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only([])
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    /// Without credentials.
    pub fn new(base: &str) -> Self {
        Self::of(base, http())
    }

    /// As an operator with this token, where the service listens to operators.
    pub fn operator(base: &str, token: &str) -> Self {
        let client = Self {
            document: || &OPERATORS,
            ..Self::new(base)
        };
        client.bearer(token)
    }

    /// As an operator who may use the socket of this data directory.
    pub fn on_socket(data: &Path) -> Self {
        let socket = data.join("control");
        Self {
            document: || &OPERATORS,
            ..Self::of("http://localhost", http().unix_socket(socket))
        }
    }

    /// The same, of a service behind TLS, whoever vouches for it.
    pub fn over_tls(base: &str) -> Self {
        Self::of(base, http().tls_danger_accept_invalid_certs(true))
    }

    /// The same, which keeps no connection.
    pub fn fleeting(base: &str) -> Self {
        Self::of(base, http().pool_max_idle_per_host(0))
    }

    /// The same, from one of the machine's addresses.
    pub fn from_address(base: &str, address: IpAddr) -> Self {
        let builder = http().local_address(address);
        Self {
            address: Some(address),
            ..Self::of(base, builder)
        }
    }

    /// The same, on new connections: the old ones end with their process, which
    /// a client finds out only when it uses one.
    pub fn reconnected(&self) -> Self {
        let headers = self.headers.clone();
        let new = match self.address {
            Some(address) => Self::from_address(&self.base, address),
            None => Self::new(&self.base),
        };
        Self {
            headers,
            document: self.document,
            ..new
        }
    }

    /// The same user at another host.
    pub fn at(&self, base: &str) -> Self {
        Self {
            headers: self.headers.clone(),
            document: self.document,
            ..Self::new(base)
        }
    }

    /// Without credentials, over HTTP/2 without TLS.
    pub fn http2(base: &str) -> Self {
        Self::of(base, http().http2_prior_knowledge())
    }

    fn of(base: &str, builder: reqwest::ClientBuilder) -> Self {
        let http = builder
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            headers: HeaderMap::new(),
            address: None,
            document: || &DOCUMENT,
        }
    }

    /// As a user of a service that takes tokens from outside.
    pub fn user(base: &str, user: &str) -> Self {
        Self::new(base).bearer(&tokens::token(user))
    }

    /// As a new user of a service that gives anonymous sessions.
    pub async fn session(base: &str) -> Self {
        let client = Self::new(base);
        let session = client.send(Method::POST, "/api/auth/session", "").await;
        assert_eq!(session.status, 201, "{session:?}");
        client.bearer(session.json()["access_token"].as_str().unwrap())
    }

    /// The same with another header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        client
            .headers
            .insert(HeaderName::try_from(name).unwrap(), value);
        client
    }

    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub fn cookie(&self, token: &str) -> Self {
        self.with("cookie", &format!("session={token}"))
    }

    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.remove(name);
        client
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request to a path, or to an absolute URL.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    /// The error: there was no whole answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Body>,
    ) -> reqwest::Result<Answer> {
        let url = match path.starts_with('/') {
            true => format!("{}{path}", self.base),
            false => path.to_owned(),
        };
        let request = self.http.request(method.clone(), &url);
        let request = request.headers(self.headers.clone());
        let response = request.body(body).send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        };
        if let Some(path) = url.strip_prefix(&self.base) {
            answer.is_as_described((self.document)(), &method, path);
        }
        Ok(answer)
    }

    /// The events of a task, from now on; `seen` is the id of the last one that
    /// its reader saw.
    pub async fn events(&self, task_id: &str, seen: Option<&str>) -> Events {
        let path = format!("/api/tasks/{task_id}/events");
        let response = match seen {
            Some(seen) => self.with("last-event-id", seen).open(&path).await,
            None => self.open(&path).await,
        };
        let content_type = response.headers().get("content-type").cloned();
        assert_eq!(response.status(), 200, "{task_id}");
        assert_eq!(content_type.unwrap(), "text/event-stream");
        Events::of(response.bytes_stream())
    }

    /// An answer whose body may take as long as it wants.
    pub async fn open(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = request.headers(self.headers.clone()).timeout(FOR_EVER);
        request.send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json")
            .send(Method::POST, path, body.to_string())
            .await
    }

    pub async fn upload(&self, media_type: &str, bytes: &[u8]) -> Answer {
        self.with("content-type", media_type)
            .send(Method::POST, "/api/images", bytes.to_vec())
            .await
    }

    /// The URL of an uploaded picture.
    pub async fn uploaded(&self, picture: &Picture) -> String {
        let answer = self.upload(picture.media_type, &picture.bytes).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["image_url"].as_str().unwrap().to_owned()
    }

    /// Asks for a refinement.
    pub async fn refine(&self, url: &str, prompt: &str) -> Answer {
        let body = json!({"original_image_url": url, "refinement_prompt": prompt});
        self.post("/api/concepts/refine", &body).await
    }

    /// The id of a task that was accepted.
    pub async fn accepted(&self, url: &str, prompt: &str) -> String {
        self.accepted_with(url, prompt, &json!({})).await
    }

    /// The same, by a request with this body.
    pub async fn submitted(&self, body: &Value) -> String {
        let answer = self.post("/api/concepts/refine", body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.task_id()
    }

    /// The task as it stands.
    pub async fn task(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/tasks/{id}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The task once its status is this one.
    pub async fn task_is(&self, id: &str, status: &str) -> Value {
        eventually(&format!("a task is {status}"), SOON, async || {
            let task = self.task(id).await;
            (task["status"] == status).then_some(task)
        })
        .await
    }

    /// The task once nothing changes any more.
    pub async fn finished(&self, id: &str) -> Value {
        self.finished_within(id, SOON).await
    }

    /// The same, where the model takes its time.
    pub async fn finished_within(&self, id: &str, limit: Duration) -> Value {
        eventually("a task is finished", limit, async || {
            let task = self.task(id).await;
            matches!(task["status"].as_str(), Some("completed" | "failed")).then_some(task)
        })
        .await
    }

    /// The id of a task that was accepted with more fields than usual.
    pub async fn accepted_with(&self, url: &str, prompt: &str, more: &Value) -> String {
        let mut body = json!({"original_image_url": url, "refinement_prompt": prompt});
        let fields = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        self.submitted(&body).await
    }

    /// The same task once it is finished.
    pub async fn edited(&self, url: &str, prompt: &str, edit: &Value) -> Value {
        let id = self.accepted_with(url, prompt, edit).await;
        self.finished(&id).await
    }

    /// The task of a new refinement, which is completed.
    pub async fn completed(&self, url: &str, prompt: &str) -> Value {
        let task = self.refined(url, prompt).await;
        assert_eq!(task["status"], "completed", "{prompt}: {task}");
        task
    }

    /// What is told of a new refinement, which fails.
    pub async fn failure(&self, url: &str, prompt: &str) -> String {
        let task = self.refined(url, prompt).await;
        assert_eq!(task["status"], "failed", "{prompt}: {task}");
        task["error_message"].as_str().unwrap().to_owned()
    }

    /// What is left of the user's quota.
    pub async fn quota_left(&self) -> Value {
        self.get("/api/quota").await.json()["remaining"].take()
    }

    /// The id of a task whose model is at work, and what comes of it.
    pub async fn refining(&self, url: &str, prompt: &str) -> (String, Events) {
        let id = self.accepted(url, prompt).await;
        let mut events = self.events(&id, None).await;
        while events.event().await.tells() != "refining" {}
        (id, events)
    }

    /// The finished task of a new refinement.
    pub async fn refined(&self, url: &str, prompt: &str) -> Value {
        let id = self.accepted(url, prompt).await;
        self.finished(&id).await
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Asserts that a description tells of this answer.
    fn is_as_described(&self, document: &Document, method: &Method, path: &str) {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let answer = concept_refinement_conformance::Answer {
            method: method.as_str(),
            path,
            status: self.status,
            headers: &headers,
            body: &self.body,
        };
        if let Err(problem) = document.check(&answer) {
            panic!("not as openapi.json has it: {problem}");
        }
    }

    pub fn task_id(&self) -> String {
        self.json()["task_id"].as_str().unwrap().to_owned()
    }

    /// The code of an answer other than success, whose form is checked.
    pub fn error_code(&self) -> String {
        let body = self.json();
        let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        keys.sort();
        // How many tasks match, where an operator expected another number.
        keys.retain(|key| *key != "count");
        let expected = ["detail", "error_code", "field_errors", "status_code"];
        assert_eq!(keys, expected, "{body}");
        assert_eq!(body["status_code"], self.status, "{body}");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.ends_with('.'), "no sentence: {detail}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        body["error_code"].as_str().unwrap().to_owned()
    }
}
