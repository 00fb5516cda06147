//! Errors of the protocol. What a tool could not do is none of them: that is a result
//! ([`crate::CallToolResult::error`]), since the model that called it can do something about
//! it.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::revision::REVISIONS;

/// What is wrong, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// Not JSON.
    ParseError = -32700,
    /// JSON that is no message.
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    /// Also an unknown tool, and a task that there is not.
    InvalidParams = -32602,
    InternalError = -32603,
    /// A header of HTTP is missing, or says something else than the message.
    HeaderMismatch = -32020,
    MissingClientCapability = -32021,
    UnsupportedProtocolVersion = -32022,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*self as i32)
    }
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Error {
    pub code: Code,
    /// A sentence.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParams, message)
    }

    pub fn method_not_found(method: &str) -> Self {
        Self::new(Code::MethodNotFound, format!("Method not found: {method}"))
    }

    /// The name comes from the client.
    pub fn unknown_tool(name: &str) -> Self {
        Self::invalid_params(format!("Unknown tool: {name}"))
    }

    /// One that the client must have the Tasks extension for.
    pub fn needs_tasks() -> Self {
        Self {
            data: Some(json!({
                "requiredCapabilities": { "extensions": { crate::task::EXTENSION: {} } }
            })),
            ..Self::new(
                Code::MissingClientCapability,
                "Missing required client capability",
            )
        }
    }

    /// The version comes from the client.
    pub fn unsupported_version(requested: &str) -> Self {
        let supported: Vec<_> = REVISIONS.iter().map(|revision| revision.as_str()).collect();
        Self {
            data: Some(json!({ "supported": supported, "requested": requested })),
            ..Self::new(
                Code::UnsupportedProtocolVersion,
                "Unsupported protocol version",
            )
        }
    }
}
