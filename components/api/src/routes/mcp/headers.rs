//! What the headers of a request say of its message: since revision 2026-07-28 they repeat
//! parts of it, so that what stands between can route by them. They must say the same.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use concept_refinement_mcp::{Code, Error, PROTOCOL_VERSION, Params, Terms};
use serde_json::Value;

use crate::request::Headers;

const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";

/// By what the request is answered.
///
/// # Errors
///
/// The headers say something else than the message, or its revision demands what is missing.
pub fn terms(headers: &Headers, method: &str, params: &Params) -> Result<Terms, Error> {
    let header = headers.text("mcp-protocol-version");
    let version = params
        .get("_meta")
        .and_then(|meta| meta.get(PROTOCOL_VERSION))
        .and_then(Value::as_str);
    if let Some(version) = version {
        same(VERSION, header, version)?;
    }
    let terms = Terms::of(method, params, header)?;
    if !terms.revision.is_stateless() {
        return Ok(terms);
    }
    same(METHOD, headers.text("mcp-method"), method)?;
    let name = match method {
        "tools/call" => "name",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(terms),
    };
    // What is no string is told by whoever reads it.
    if let Some(name) = params.get(name).and_then(Value::as_str) {
        let header = headers.text("mcp-name").map(decoded);
        same(NAME, header.as_deref(), name)?;
    }
    Ok(terms)
}

/// `header`: None where it is missing, or was sent twice.
fn same(name: &'static str, header: Option<&str>, body: &str) -> Result<(), Error> {
    let problem = match header {
        Some(header) if header.trim() == body => return Ok(()),
        Some(header) => {
            format!("{name} header value '{header}' does not match body value '{body}'")
        }
        None => format!("{name} header is required, once"),
    };
    Err(Error::new(
        Code::HeaderMismatch,
        format!("Header mismatch: {problem}"),
    ))
}

/// A value that a header cannot have as it is comes in base64. One that cannot be decoded
/// stays as it is, and equals no name.
fn decoded(value: &str) -> String {
    let value = value.trim();
    let encoded = value.strip_prefix("=?base64?");
    let encoded = encoded.and_then(|encoded| encoded.strip_suffix("?="));
    let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_else(|| value.to_owned())
}
