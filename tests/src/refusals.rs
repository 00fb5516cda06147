//! Answers other than success: what is asked, the status, the code and what
//! comes with it, a row each.

use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::shape::keys;

const REFINE: &str = "/api/concepts/refine";

/// A request, and what is expected of its answer.
pub struct Row {
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
    pub fn new(
        name: &'static str,
        client: &Client,
        method: Method,
        path: impl Into<String>,
    ) -> Self {
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

    pub fn get(name: &'static str, client: &Client, path: impl Into<String>) -> Self {
        Self::new(name, client, Method::GET, path)
    }

    /// A refine request with this body.
    pub fn refine(name: &'static str, client: &Client, body: impl ToString) -> Self {
        let client = client.with("content-type", "application/json");
        Self::new(name, &client, Method::POST, REFINE).body(body.to_string())
    }

    pub fn upload(name: &'static str, client: &Client, bytes: impl Into<Vec<u8>>) -> Self {
        let client = client.with("content-type", "image/png");
        Self::new(name, &client, Method::POST, "/api/images").body(bytes)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn is(mut self, status: u16, code: &'static str) -> Self {
        (self.status, self.code) = (status, code);
        self
    }

    pub fn with(mut self, header: &'static str, value: &'static str) -> Self {
        self.headers.push((header, value));
        self
    }

    pub fn names(mut self, fields: &[&'static str]) -> Self {
        self.fields = fields.to_vec();
        self
    }

    pub async fn check(self) -> Answer {
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
            assert_eq!(keys(errors), self.fields, "{name}");
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

pub async fn check(rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        row.check().await;
    }
}
