//! The API over ports in memory, and requests to it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use concept_refinement_domain::timestamp::Timestamp;
use futures::stream::{Fuse, LocalBoxStream};
use futures::{FutureExt as _, StreamExt as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::memory::Memory;
use super::openapi;
use crate::config::{Config, ConfigError};
use crate::request::{Body, Interrupted};
use crate::{Api, Content, Headers, Method, Origin, Request, Response};

pub const SECRET: &str = "the secret of the tests, long enough";
/// 2026-11-20T12:00:00.123456Z
pub const NOW: Timestamp = Timestamp(1_795_176_000_123_456);
pub const ORIGIN: &str = "http://localhost:8080";

pub struct Service {
    pub memory: Memory,
    pub api: Api<Memory>,
}

impl Service {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(settings: &[(&str, &str)]) -> Self {
        let memory = Memory::default();
        memory.0.borrow_mut().now = NOW;
        let api = Self::start(&memory, settings).unwrap();
        Self { memory, api }
    }

    pub fn start(memory: &Memory, settings: &[(&str, &str)]) -> Result<Api<Memory>, ConfigError> {
        let defaults = [
            ("auth", "secret"),
            ("jwt-secret", SECRET),
            ("webhook-secret", "the secret of webhooks"),
            ("version", "1.2.3"),
        ];
        for (name, value) in defaults.iter().chain(settings) {
            let mut state = memory.0.borrow_mut();
            state
                .settings
                .insert((*name).to_owned(), (*value).to_owned());
        }
        let config = run(Config::read(memory))?;
        Ok(Api::new(config, memory.clone()))
    }

    pub fn send(&self, call: Call) -> Reply {
        self.open(call).0
    }

    /// The answer, and the events that come after its head.
    pub fn open(&self, call: Call) -> (Reply, Option<Events>) {
        let (method, target) = (call.method, call.target.clone());
        let (request, body) = call.into_request();
        let response = run(self.api.handle(request, body));
        Reply::of(method, &target, response)
    }

    /// A request whose answer may come later.
    pub fn begin(&self, call: Call) -> Pending<'_> {
        let (method, target) = (call.method, call.target.clone());
        let (request, body) = call.into_request();
        let answer = Box::pin(self.api.handle(request, body));
        let mut pending = Pending {
            method,
            target,
            answer,
        };
        assert!(pending.answer().is_none(), "it is answered at once");
        pending
    }

    /// Goes on with the work that was left for after responses, as far as it does not wait.
    pub fn poll_background_work(&self) {
        let mut work = std::mem::take(&mut self.memory.0.borrow_mut().background);
        work.retain_mut(|work| work.as_mut().now_or_never().is_none());
        self.memory.0.borrow_mut().background.append(&mut work);
    }

    /// Does the work that was left for after the response.
    pub fn do_background_work(&self) {
        let work = std::mem::take(&mut self.memory.0.borrow_mut().background);
        for work in work {
            run(work);
        }
    }
}

/// A request that is not answered yet.
pub struct Pending<'a> {
    method: Method,
    target: String,
    answer: Pin<Box<dyn Future<Output = Response<Vec<u8>>> + 'a>>,
}

impl Pending<'_> {
    /// The answer, if it is there by now.
    pub fn answer(&mut self) -> Option<Reply> {
        let response = self.answer.as_mut().now_or_never()?;
        Some(Reply::of(self.method, &self.target, response).0)
    }
}

/// A stream of events that somebody reads.
pub struct Events {
    pieces: Fuse<LocalBoxStream<'static, Vec<u8>>>,
    method: Method,
    target: String,
}

impl Events {
    /// All that is there by now.
    pub fn so_far(&mut self) -> String {
        let mut read = String::new();
        while let Some(Some(chunk)) = self.pieces.next().now_or_never() {
            read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let headers = [("content-type", "text/event-stream".to_owned())];
        openapi::check(self.method, &self.target, 200, &headers, read.as_bytes());
        read
    }

    /// Whether nothing is there, and nothing will be.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.pieces.next().now_or_never(), Some(None))
    }
}

/// Nothing in memory ever waits.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("something waits"),
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Call {
    method: Method,
    target: String,
    origin: Origin,
    headers: Vec<(String, Vec<u8>)>,
    body: Pieces,
}

impl Call {
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            origin: Origin::new("http", "localhost:8080"),
            headers: Vec::new(),
            body: Pieces::default(),
        }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::Get, target)
    }

    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::Post, target)
    }

    pub fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::Delete, target)
    }

    /// A valid refinement request of the user.
    pub fn refine(user: &str) -> Self {
        Self::post("/api/concepts/refine")
            .by(user)
            .json(&refinement())
    }

    pub fn origin(mut self, origin: &str) -> Self {
        self.origin = Origin::of_url(origin).unwrap();
        self
    }

    /// The platform does not tell where it came to.
    pub fn of_unknown_origin(mut self) -> Self {
        self.origin = Origin::new("http", "");
        self
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn by(self, user: &str) -> Self {
        self.header("authorization", format!("Bearer {}", token(user)))
    }

    pub fn by_cookie(self, user: &str) -> Self {
        self.header("cookie", format!("session={}", token(user)))
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(value.to_string())
    }

    /// With its length declared.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.body = Pieces([Ok(bytes.clone())].into());
        self.header("content-length", bytes.len().to_string())
    }

    /// In pieces of so many bytes.
    pub fn in_pieces(mut self, bytes: usize) -> Self {
        let whole: Vec<u8> = self.body.0.into_iter().flat_map(Result::unwrap).collect();
        self.body = Pieces(
            whole
                .chunks(bytes)
                .map(|piece| Ok(piece.to_vec()))
                .collect(),
        );
        self
    }

    /// Without its length declared.
    pub fn pieces(
        mut self,
        pieces: impl IntoIterator<Item = Result<Vec<u8>, Interrupted>>,
    ) -> Self {
        self.body = Pieces(pieces.into_iter().collect());
        self
    }

    pub fn into_request(self) -> (Request, Pieces) {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (self.target, None),
        };
        let request = Request {
            method: self.method,
            path,
            query,
            origin: self.origin,
            headers: Headers::from_iter(self.headers),
        };
        (request, self.body)
    }
}

#[derive(Clone, Default)]
pub struct Pieces(VecDeque<Result<Vec<u8>, Interrupted>>);

impl Body for Pieces {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.pop_front().transpose()
    }
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn of(method: Method, target: &str, response: Response<Vec<u8>>) -> (Self, Option<Events>) {
        let mut events = None;
        let is_stream = response
            .headers
            .contains(&("content-type", "text/event-stream".into()));
        let reply = Self {
            status: response.status,
            headers: response
                .headers
                .into_iter()
                .map(|(name, value)| (name, value.into_owned()))
                .collect(),
            body: match response.content {
                Content::None => Vec::new(),
                Content::Bytes(bytes) | Content::Stored(bytes) => bytes,
                Content::Chunks(pieces) if is_stream => {
                    events = Some(Events {
                        pieces: pieces.fuse(),
                        method,
                        target: target.to_owned(),
                    });
                    Vec::new()
                }
                Content::Chunks(pieces) => run(pieces.concat()),
            },
        };
        openapi::check(method, target, reply.status, &reply.headers, &reply.body);
        (reply, events)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(field, _)| *field == name)
            .map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// Asserts that this is an error in the shape that all errors have.
    #[track_caller]
    pub fn is_error(&self, status: u16, error_code: &str) -> Value {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(
            super::memory::keys(&body),
            ["detail", "error_code", "field_errors", "status_code"].into()
        );
        assert_eq!(body["status_code"], status);
        assert_eq!(body["error_code"], error_code);
        assert!(body["detail"].as_str().unwrap().ends_with('.'), "{body}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let length = self.body.len().to_string();
        assert_eq!(self.header("content-length"), Some(length.as_str()));
        body
    }
}

pub fn refinement() -> Value {
    json!({
        "original_image_url": "https://example.com/a.png",
        "refinement_prompt": "Make it more minimalist",
        "logo_description": "A coffee shop logo",
        "theme_description": null,
    })
}

/// A token that is good for two hours.
pub fn token(user: &str) -> String {
    signed(json!({"sub": user, "exp": NOW.as_secs() + 7200}))
}

pub fn signed(claims: Value) -> String {
    signed_by(Algorithm::HS256, SECRET, claims)
}

pub fn signed_by(algorithm: Algorithm, secret: &str, claims: Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
}

/// A PNG that is whole, of so many pixels and with so much data.
pub fn png(width: u32, height: u32, data: usize) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 6, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, contents) in [
        (b"IHDR", header),
        (b"IDAT", vec![0; data]),
        (b"IEND", Vec::new()),
    ] {
        png.extend((contents.len() as u32).to_be_bytes());
        let checked = [name.as_slice(), &contents].concat();
        png.extend(&checked);
        png.extend(crc32(&checked).to_be_bytes());
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let polynomial = if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            (crc >> 1) ^ polynomial
        })
    })
}
