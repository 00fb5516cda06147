//! What a call of a tool answers.

use serde::Serialize;
use serde_json::Value;

/// A part of an answer, for a model or a person to see.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    Image {
        /// In base64, with padding.
        data: String,
        #[serde(rename = "mimeType")]
        mime_type: String,
    },
    /// Where something is to be had.
    ResourceLink {
        uri: String,
        name: String,
        #[serde(rename = "mimeType", skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// In bytes.
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
}

impl Content {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// The answer of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    pub content: Vec<Content>,
    /// What the tool's output schema describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    pub is_error: bool,
}

impl CallToolResult {
    /// It could not be done, which a model is told by a sentence that it can act on.
    pub fn error(sentence: impl Into<String>) -> Self {
        Self {
            content: vec![Content::text(sentence)],
            structured_content: None,
            is_error: true,
        }
    }
}
