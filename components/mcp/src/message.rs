//! JSON-RPC: one message at a time, as every revision has it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Code, Error};

/// The parameters of a message; none is as if they were empty.
pub type Params = Map<String, Value>;

const VERSION: &str = "2.0";

/// The id of a request, which its response repeats.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    Number(serde_json::Number),
    Text(String),
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Request {
        id: Id,
        method: String,
        params: Params,
    },
    Notification {
        method: String,
        params: Params,
    },
    /// To a request of ours; we send none, so it means nothing.
    Response,
}

/// What came is no message.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// Of the request that it was to be, as far as it could be read.
    pub id: Option<Id>,
    pub error: Error,
}

/// Reads one message. Batches, which only older revisions know, are refused.
///
/// # Errors
///
/// It is not JSON, nests deeper than 127 times, or is no message.
pub fn parse(json: &[u8]) -> Result<Message, Malformed> {
    let value = serde_json::from_slice(json).map_err(|_| Malformed {
        id: None,
        error: Error::new(Code::ParseError, "Parse error: this is not JSON"),
    })?;
    let Value::Object(mut message) = value else {
        return Err(invalid(None, "a message is one object"));
    };
    let id = match message.remove("id") {
        None => None,
        Some(Value::String(id)) => Some(Id::Text(id)),
        Some(Value::Number(id)) if !id.is_f64() => Some(Id::Number(id)),
        Some(_) => return Err(invalid(None, "id must be a string or a whole number")),
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some(VERSION) {
        return Err(invalid(id, "jsonrpc must be \"2.0\""));
    }
    let params = match message.remove("params") {
        None => Params::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            let error = Error::invalid_params("params must be an object");
            return Err(Malformed { id, error });
        }
    };
    match (id, message.remove("method")) {
        (Some(id), Some(Value::String(method))) => Ok(Message::Request { id, method, params }),
        (None, Some(Value::String(method))) => Ok(Message::Notification { method, params }),
        (_, None) if message.contains_key("result") || message.contains_key("error") => {
            Ok(Message::Response)
        }
        (id, _) => Err(invalid(id, "method must be a string")),
    }
}

fn invalid(id: Option<Id>, problem: &str) -> Malformed {
    let error = Error::new(Code::InvalidRequest, format!("Invalid request: {problem}"));
    Malformed { id, error }
}

/// What answers a request.
#[derive(Debug, PartialEq, Serialize)]
pub struct Response {
    jsonrpc: &'static str,
    /// None: it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Params),
    Error(Error),
}

impl Response {
    pub fn new(id: Id, outcome: Result<Params, Error>) -> Self {
        Self {
            jsonrpc: VERSION,
            id: Some(id),
            outcome: match outcome {
                Ok(result) => Outcome::Result(result),
                Err(error) => Outcome::Error(error),
            },
        }
    }
}

impl From<Malformed> for Response {
    fn from(Malformed { id, error }: Malformed) -> Self {
        Self {
            jsonrpc: VERSION,
            id,
            outcome: Outcome::Error(error),
        }
    }
}

/// What a server tells by itself.
#[derive(Debug, PartialEq, Serialize)]
pub struct Notification {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params,
}

impl Notification {
    pub fn new(method: &'static str, params: Params) -> Self {
        Self {
            jsonrpc: VERSION,
            method,
            params,
        }
    }
}
