//! Google Pub/Sub over its REST API, as far as the service uses it: topics,
//! subscriptions that are pulled from, and those that push, with tokens signed as
//! an issuer of the tests does.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::client;
use crate::issuer::Signer;
use crate::server::SERVERS;
use crate::tokens::now;

/// How long a message belongs to who pulled it and says nothing.
const ACK_DEADLINE: Duration = Duration::from_secs(10);

/// How long a pull waits for a message.
const PULL: Duration = Duration::from_secs(3);

/// Between two pushes of a message.
const BACKOFF: Duration = Duration::from_millis(500);

/// What the tokens of pushes say.
pub const AUDIENCE: &str = "https://refine.example/pubsub";
pub const ACCOUNT: &str = "pusher@project.iam.gserviceaccount.com";

/// Takes a push. True: it is acknowledged.
pub type Sink = Arc<dyn Fn(Vec<u8>) -> BoxFuture<'static, bool> + Send + Sync>;

/// A fake of the service on a free loopback port.
pub struct PubSub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct State {
    topics: HashMap<String, Vec<String>>,
    subscriptions: HashMap<String, Subscription>,
    published: Vec<Vec<u8>>,
    /// The authorizations that came with requests.
    authorizations: usize,
    /// Each call is answered with this status.
    fault: Option<u16>,
    /// No call is answered.
    is_silent: bool,
}

#[derive(Default)]
struct Subscription {
    ready: VecDeque<Vec<u8>>,
    /// Until when each belongs to who pulled it, by its ack id.
    pulled: HashMap<String, (Vec<u8>, Instant)>,
    push: Option<Sink>,
}

impl PubSub {
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// At an address of this machine.
    pub fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let serving = SERVERS.spawn(serve(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            serving: serving.abort_handle(),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a new topic, and the name of its only subscription.
    pub fn topic(&self) -> (String, String) {
        let [topic, subscription] = ["t", "s"].map(|kind| format!("{kind}{}", Uuid::new_v4()));
        let name = format!("projects/p/subscriptions/{subscription}");
        let path = format!("projects/p/topics/{topic}");
        let mut state = self.state.lock().unwrap();
        state.topics.insert(path, vec![name.clone()]);
        state.subscriptions.insert(name, Subscription::default());
        (format!("pubsub://p/{topic}"), subscription)
    }

    /// Pushes what is published from now on.
    pub fn push_into(&self, subscription: &str, sink: Sink) {
        let name = format!("projects/p/subscriptions/{subscription}");
        let mut state = self.state.lock().unwrap();
        state.subscriptions.get_mut(&name).unwrap().push = Some(sink);
    }

    /// The same to a service, as Google does.
    pub fn push_to(&self, subscription: &str, service: &str) {
        let service = service.to_owned();
        let sink: Sink = Arc::new(move |message| {
            let service = service.clone();
            Box::pin(async move {
                let status = push(&service, &token(), &envelope(&message)).await;
                matches!(status, Some((204, _)))
            })
        });
        self.push_into(subscription, sink);
    }

    /// What was published so far.
    pub fn published(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().published.clone()
    }

    /// How many requests said who they are.
    pub fn authorizations(&self) -> usize {
        self.state.lock().unwrap().authorizations
    }

    /// Answers each call with this status from now on, or as usual.
    pub fn fail(&self, status: Option<u16>) {
        self.state.lock().unwrap().fault = status;
    }

    /// Answers nothing from now on, or as usual.
    pub fn hang(&self, hangs: bool) {
        self.state.lock().unwrap().is_silent = hangs;
    }
}

impl Drop for PubSub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The claims of a push that is as it has to be.
pub fn claims() -> Value {
    json!({
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "email": ACCOUNT,
        "email_verified": true,
        "exp": now() + 3600,
        "iat": now(),
        "iss": "https://accounts.google.com",
        "sub": "113774264463038321964",
    })
}

/// The token of such a push.
pub fn token() -> String {
    let signer = Signer::rsa();
    let header = json!({"alg": "RS256", "kid": signer.id, "typ": "JWT"});
    signer.signed(&header, &claims())
}

/// The body of a push.
pub fn envelope(message: &[u8]) -> Vec<u8> {
    let push = json!({
        "message": {
            "data": STANDARD.encode(message),
            "messageId": "2070443601311540",
            "publishTime": "2026-11-20T12:00:00.000Z",
        },
        "subscription": "projects/p/subscriptions/s",
    });
    push.to_string().into_bytes()
}

/// Pushes to a service. The status and the body of its answer; None: there was
/// none.
pub async fn push(service: &str, token: &str, body: &[u8]) -> Option<(u16, String)> {
    let client = client::http().no_proxy().build().unwrap();
    let mut request = client
        .post(format!("{service}/pubsub/push"))
        .header("content-type", "application/json")
        .body(body.to_vec());
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.text().await.ok()?))
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(answer(request, &state).await) }
        });
        connections.spawn(async move {
            let server = hyper::server::conn::http1::Builder::new();
            // Whatever goes wrong here is the client's leaving.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: &Arc<Mutex<State>>) -> Response<Full<Bytes>> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_authorized = request.headers().contains_key("authorization");
    let body = request.into_body().collect().await;
    let body = body.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (fault, mut is_silent) = {
        let mut state = state.lock().unwrap();
        state.authorizations += usize::from(is_authorized);
        (state.fault, state.is_silent)
    };
    while is_silent {
        tokio::time::sleep(Duration::from_millis(50)).await;
        is_silent = state.lock().unwrap().is_silent;
    }
    let (status, body) = match fault {
        Some(status) => (status, json!({"error": {"message": "a fault"}})),
        None => called(&method, &path, &body, state).await,
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}

async fn called(
    method: &Method,
    path: &str,
    body: &Value,
    state: &Arc<Mutex<State>>,
) -> (u16, Value) {
    let missing = || {
        let error = json!({"code": 404, "message": "Resource not found", "status": "NOT_FOUND"});
        (404, json!({"error": error}))
    };
    let path = path.trim_start_matches("/v1/");
    let (name, verb) = path.rsplit_once(':').unwrap_or((path, ""));
    let is_there = {
        let state = state.lock().unwrap();
        state.topics.contains_key(name) || state.subscriptions.contains_key(name)
    };
    if !is_there {
        return missing();
    }
    match (method.as_str(), verb) {
        ("GET", "") => (200, json!({"name": name})),
        ("POST", "publish") => (200, publish(name, body, state)),
        ("POST", "pull") => (200, pull(name, body, state).await),
        ("POST", "acknowledge") => {
            for id in ids(body) {
                state.lock().unwrap().subscription(name).pulled.remove(&id);
            }
            (200, json!({}))
        }
        ("POST", "modifyAckDeadline") => {
            let seconds = body["ackDeadlineSeconds"].as_u64().unwrap();
            assert!(seconds <= 600, "{body}");
            let until = Instant::now() + Duration::from_secs(seconds);
            for id in ids(body) {
                if let Some(pulled) = state.lock().unwrap().subscription(name).pulled.get_mut(&id) {
                    pulled.1 = until;
                }
            }
            (200, json!({}))
        }
        _ => (400, json!({"error": {"message": "no such call"}})),
    }
}

fn ids(body: &Value) -> Vec<String> {
    let ids = body["ackIds"].as_array().unwrap();
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

fn publish(topic: &str, body: &Value, state: &Arc<Mutex<State>>) -> Value {
    let messages = body["messages"].as_array().unwrap();
    let messages: Vec<_> = messages
        .iter()
        .map(|message| STANDARD.decode(message["data"].as_str().unwrap()).unwrap())
        .collect();
    let mut state = state.lock().unwrap();
    let subscriptions = state.topics[topic].clone();
    for message in &messages {
        state.published.push(message.clone());
        for name in &subscriptions {
            let subscription = state.subscription(name);
            match subscription.push.clone() {
                None => subscription.ready.push_back(message.clone()),
                Some(sink) => {
                    tokio::spawn(push_until_taken(sink, message.clone()));
                }
            }
        }
    }
    let ids: Vec<_> = messages
        .iter()
        .map(|_| Uuid::new_v4().to_string())
        .collect();
    json!({"messageIds": ids})
}

async fn push_until_taken(sink: Sink, message: Vec<u8>) {
    while !sink(message.clone()).await {
        tokio::time::sleep(BACKOFF).await;
    }
}

async fn pull(name: &str, body: &Value, state: &Arc<Mutex<State>>) -> Value {
    let most = usize::try_from(body["maxMessages"].as_u64().unwrap()).unwrap();
    let begin = Instant::now();
    loop {
        let messages = state.lock().unwrap().subscription(name).take(most);
        if !messages.is_empty() || begin.elapsed() > PULL {
            return json!({"receivedMessages": messages});
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl State {
    fn subscription(&mut self, name: &str) -> &mut Subscription {
        self.subscriptions.get_mut(name).unwrap()
    }
}

impl Subscription {
    fn take(&mut self, most: usize) -> Vec<Value> {
        let now = Instant::now();
        let expired = self.pulled.extract_if(|_, (_, until)| *until <= now);
        self.ready.extend(expired.map(|(_, (message, _))| message));
        let count = most.min(self.ready.len());
        let messages: Vec<_> = self.ready.drain(..count).collect();
        let given = messages.into_iter().map(|message| {
            let id = Uuid::new_v4().to_string();
            let data = STANDARD.encode(&message);
            self.pulled
                .insert(id.clone(), (message, now + ACK_DEADLINE));
            json!({"ackId": id, "message": {"data": data, "messageId": id}})
        });
        given.collect()
    }
}
