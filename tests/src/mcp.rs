//! Messages of an agent to a service, by the Model Context Protocol.

use serde_json::{Value, json};

use crate::client::{Answer, Client};

pub const PATH: &str = "/mcp";

/// By revision 2026-07-28, with the Tasks extension.
pub async fn ask(client: &Client, method: &str, mut params: Value) -> Answer {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": {"io.modelcontextprotocol/tasks": {}}
        },
    });
    let name = params["name"].as_str().or(params["taskId"].as_str());
    let client = client
        .with("mcp-protocol-version", "2026-07-28")
        .with("mcp-method", method)
        .with("mcp-name", name.unwrap_or_default());
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.post(PATH, &message).await
}

/// Calls a tool by revision 2025-11-25, and returns the result.
pub async fn call(client: &Client, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let answer = client.post(PATH, &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["result"].clone()
}
