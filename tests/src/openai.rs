//! What a client of OpenAI's images API sends, to the byte, and what it is answered.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::pictures::Picture;

pub const EDITS: &str = "/v1/images/edits";

const BOUNDARY: &str = "b722b9ff4a154a41a08370c48c1959ce";

/// The type of a [`Form`].
pub const FORM: &str = "multipart/form-data; boundary=b722b9ff4a154a41a08370c48c1959ce";

/// The body of a request, part by part.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// Of a picture and a prompt.
    pub fn edit(picture: &Picture, prompt: &str) -> Self {
        let form = Self::default().field("prompt", prompt);
        form.image("image", &picture.bytes)
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    pub fn image(self, name: &str, bytes: &[u8]) -> Self {
        let file = format!("name=\"{name}\"; filename=\"a.png\"\r\ncontent-type: image/png");
        self.part(&file, bytes)
    }

    /// With what its head says behind `form-data; `.
    pub fn part(mut self, head: &str, contents: &[u8]) -> Self {
        let head = format!("content-disposition: form-data; {head}");
        let head = format!("--{BOUNDARY}\r\n{head}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(contents);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// With its end.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.0, format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }

    pub async fn send(&self, client: &Client) -> Answer {
        let client = client.with("content-type", FORM);
        client.send(Method::POST, EDITS, self.bytes()).await
    }
}

/// The same in JSON, of an image somewhere.
pub fn named(url: &str, prompt: &str) -> Value {
    json!({"images": [{"image_url": url}], "prompt": prompt})
}

/// The image within an answer.
pub fn image(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let image = answer["data"][0]["b64_json"].as_str().unwrap();
    BASE64_STANDARD.decode(image).unwrap()
}

/// What an answer other than success says, whose form is checked.
pub fn error(answer: &Answer) -> Value {
    let body = answer.json();
    let error = body["error"].as_object();
    let error = error.unwrap_or_else(|| panic!("{}: {body}", answer.status));
    let mut keys: Vec<&String> = error.keys().collect();
    keys.sort();
    assert_eq!(keys, ["code", "message", "param", "type"], "{body}");
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    body["error"].clone()
}

/// The user's tasks, newest first.
pub async fn tasks(client: &Client) -> Vec<Value> {
    let listed = client.get("/api/tasks").await.json();
    listed["tasks"].as_array().unwrap().clone()
}
