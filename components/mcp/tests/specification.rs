//! Messages to the letter: examples of the specification, and what a server has to refuse.

#![expect(clippy::unwrap_used, reason = "a test")]

use concept_refinement_mcp::{
    Annotations, Call, CallToolResult, Code, Content, Error, Id, Implementation, Message, Method,
    Params, Response, Revision, Server, Task, TaskStatus, Terms, Tool, parse, progress,
};
use serde_json::{Value, json};

const SERVER: Server = Server {
    info: Implementation {
        name: "ExampleServer",
        title: "Example",
        version: "1.0.0",
    },
    instructions: "This server provides weather and resource utilities.",
    has_tasks: true,
};

const STATELESS: Terms = Terms {
    revision: Revision::V2026_07_28,
    has_tasks: false,
};

const WITH_TASKS: Terms = Terms {
    revision: Revision::V2026_07_28,
    has_tasks: true,
};

const AGREED: Terms = Terms {
    revision: Revision::V2025_11_25,
    has_tasks: false,
};

fn params(value: Value) -> Params {
    serde_json::from_value(value).unwrap()
}

fn server_info() -> Value {
    let info = json!({ "name": "ExampleServer", "title": "Example", "version": "1.0.0" });
    json!({ "io.modelcontextprotocol/serverInfo": info })
}

fn answer(id: Id, outcome: Result<Params, Error>) -> Value {
    serde_json::to_value(Response::new(id, outcome)).unwrap()
}

#[test]
fn messages_are_read() {
    let request = |id, method: &str, parameters| Message::Request {
        id,
        method: method.into(),
        params: params(parameters),
    };
    let ping = |id| request(id, "ping", json!({}));
    let cases = [
        (
            r#"{"jsonrpc":"2.0","id":"discover-1","method":"server/discover","params":{"a":1}}"#,
            request(
                Id::Text("discover-1".into()),
                "server/discover",
                json!({ "a": 1 }),
            ),
        ),
        (
            r#" {"method":"ping","id":-7,"jsonrpc":"2.0"} "#,
            ping(Id::Number((-7).into())),
        ),
        (
            r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#,
            ping(Id::Number(u64::MAX.into())),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            Message::Notification {
                method: "notifications/initialized".into(),
                params: Params::new(),
            },
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Message::Response),
        (
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#,
            Message::Response,
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(parse(json.as_bytes()), Ok(expected), "{json}");
    }
}

#[test]
fn what_is_no_message_is_refused_with_the_id_that_could_be_read() {
    let deep = "[".repeat(200);
    let one = Some(Id::Number(1.into()));
    let not_json = ["", "{", &deep, "{\"jsonrpc\":\"2.0\"} x"];
    let without_id = [
        "[]",
        "1",
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        "{}",
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
    ];
    let with_id = [
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":2,"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":2}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
    ];
    let of_params = [r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#];
    for (messages, id, code) in [
        (&not_json[..], None, Code::ParseError),
        (&without_id, None, Code::InvalidRequest),
        (&with_id, one.clone(), Code::InvalidRequest),
        (&of_params, one, Code::InvalidParams),
    ] {
        for json in messages {
            let malformed = parse(json.as_bytes()).unwrap_err();
            assert_eq!(malformed.id, id, "{json}");
            assert_eq!(malformed.error.code, code, "{json}");
        }
    }
}

#[test]
fn errors_are_to_the_letter() {
    let cases = [
        (
            Error::unknown_tool("invalid_tool_name"),
            json!({ "code": -32602, "message": "Unknown tool: invalid_tool_name" }),
        ),
        (
            Error::needs_tasks(),
            json!({
                "code": -32021,
                "message": "Missing required client capability",
                "data": {
                    "requiredCapabilities": {
                        "extensions": { "io.modelcontextprotocol/tasks": {} }
                    }
                }
            }),
        ),
        (
            Error::unsupported_version("1900-01-01"),
            json!({
                "code": -32022,
                "message": "Unsupported protocol version",
                "data": {
                    "supported": ["2026-07-28", "2025-11-25", "2025-06-18"],
                    "requested": "1900-01-01"
                }
            }),
        ),
    ];
    for (error, expected) in cases {
        let expected = json!({ "jsonrpc": "2.0", "id": 1, "error": expected });
        assert_eq!(answer(Id::Number(1.into()), Err(error)), expected);
    }
    let unread = serde_json::to_value(Response::from(parse(b"{").unwrap_err())).unwrap();
    let error = json!({ "code": -32700, "message": "Parse error: this is not JSON" });
    assert_eq!(unread, json!({ "jsonrpc": "2.0", "error": error }));
}

#[test]
fn a_request_is_answered_by_the_revision_that_it_names() {
    let meta = |version: &str, capabilities: Value| {
        params(json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        } }))
    };
    let tasks = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let none = Params::new();
    let list = "tools/list";
    let newest = |capabilities| meta("2026-07-28", capabilities);
    let unknown = meta("1900-01-01", json!({}));
    let odd = params(json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": 1 } }));
    let unsupported = Err(Code::UnsupportedProtocolVersion);
    let invalid = Err(Code::InvalidParams);
    for (method, params, header, expected) in [
        (list, newest(json!({})), None, Ok(STATELESS)),
        (list, newest(tasks.clone()), None, Ok(WITH_TASKS)),
        (list, none.clone(), None, Ok(AGREED)),
        (list, none.clone(), Some("2025-11-25"), Ok(AGREED)),
        (list, none.clone(), Some("2025-06-18"), Ok(AGREED)),
        (list, meta("2025-11-25", tasks), None, Ok(AGREED)),
        ("initialize", none.clone(), None, Ok(AGREED)),
        ("initialize", none.clone(), Some("1.0"), Ok(AGREED)),
        (list, unknown, None, unsupported),
        (list, none.clone(), Some("1900-01-01"), unsupported),
        (list, none.clone(), Some("2026-07-28"), invalid),
        (list, newest(Value::Null), None, invalid),
        (list, odd, None, invalid),
        ("server/discover", none, None, invalid),
    ] {
        let terms = Terms::of(method, &params, header).map_err(|error| error.code);
        assert_eq!(terms, expected, "{method} {params:?} {header:?}");
    }
}

#[test]
fn methods_exist_in_some_revisions() {
    use Method::*;
    let not_found = Err(Code::MethodNotFound);
    let needs_tasks = Err(Code::MissingClientCapability);
    let cases = [
        ("initialize", Ok(Initialize), not_found, not_found),
        ("ping", Ok(Ping), not_found, not_found),
        ("server/discover", not_found, Ok(Discover), Ok(Discover)),
        ("tools/list", Ok(ListTools), Ok(ListTools), Ok(ListTools)),
        ("tools/call", Ok(CallTool), Ok(CallTool), Ok(CallTool)),
        ("tasks/get", not_found, needs_tasks, Ok(GetTask)),
        ("tasks/update", not_found, needs_tasks, Ok(UpdateTask)),
        ("tasks/cancel", not_found, needs_tasks, Ok(CancelTask)),
        ("tasks/list", not_found, not_found, not_found),
        ("tasks/result", not_found, not_found, not_found),
        ("prompts/list", not_found, not_found, not_found),
        ("", not_found, not_found, not_found),
    ];
    for (name, agreed, stateless, with_tasks) in cases {
        let of = |terms| Method::of(name, terms, true).map_err(|error| error.code);
        let found = (of(AGREED), of(STATELESS), of(WITH_TASKS));
        assert_eq!(found, (agreed, stateless, with_tasks), "{name}");
    }
    let without = Method::of("tasks/get", WITH_TASKS, false);
    assert_eq!(without.map_err(|error| error.code), not_found);
}

#[test]
fn a_client_agrees_on_a_revision() {
    let cases = [
        (json!("2025-11-25"), "2025-11-25"),
        (json!("2025-06-18"), "2025-06-18"),
        (json!("2026-07-28"), "2025-11-25"),
        (json!("2024-11-05"), "2025-11-25"),
        (json!(7), "2025-11-25"),
    ];
    for (requested, agreed) in cases {
        let params = params(json!({ "protocolVersion": requested }));
        let result = SERVER.initialize(&params).unwrap();
        let expected = json!({
            "protocolVersion": agreed,
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "ExampleServer", "title": "Example", "version": "1.0.0" },
            "instructions": "This server provides weather and resource utilities.",
        });
        assert_eq!(Value::Object(result), expected, "{requested}");
    }
}

#[test]
fn a_server_tells_what_it_has() {
    let expected = json!({
        "jsonrpc": "2.0",
        "id": "discover-1",
        "result": {
            "resultType": "complete",
            "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18"],
            "capabilities": {
                "tools": {},
                "extensions": { "io.modelcontextprotocol/tasks": {} }
            },
            "_meta": server_info(),
            "instructions": "This server provides weather and resource utilities.",
            "ttlMs": 300_000,
            "cacheScope": "public"
        }
    });
    let discovered = SERVER.discover(STATELESS);
    assert_eq!(answer(Id::Text("discover-1".into()), discovered), expected);

    let tool = Tool {
        name: "get_weather",
        title: "Weather Information Provider",
        description: "Get current weather information for a location",
        input_schema: json!({ "type": "object" }),
        output_schema: None,
        annotations: Annotations {
            read_only_hint: true,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: false,
        },
    };
    let tools = json!([{
        "name": "get_weather",
        "title": "Weather Information Provider",
        "description": "Get current weather information for a location",
        "inputSchema": { "type": "object" },
        "annotations": {
            "readOnlyHint": true,
            "destructiveHint": false,
            "idempotentHint": true,
            "openWorldHint": false
        }
    }]);
    let listed = SERVER.list(STATELESS, std::slice::from_ref(&tool)).unwrap();
    let expected = json!({
        "resultType": "complete",
        "tools": tools,
        "_meta": server_info(),
        "ttlMs": 300_000,
        "cacheScope": "public"
    });
    assert_eq!(Value::Object(listed), expected);
    let listed = SERVER.list(AGREED, &[tool]).unwrap();
    assert_eq!(Value::Object(listed), json!({ "tools": tools }));
    assert_eq!(SERVER.acknowledged(AGREED), Ok(Params::new()));
}

#[test]
fn a_call_is_read_and_answered() {
    let call = Call::of(params(json!({
        "name": "get_weather",
        "arguments": { "location": "New York" },
        "_meta": { "progressToken": "abc123" }
    })));
    let expected = Call {
        name: "get_weather".into(),
        arguments: params(json!({ "location": "New York" })),
        progress_token: Some(json!("abc123")),
    };
    assert_eq!(call, Ok(expected));
    for unusable in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "a", "arguments": [] }),
    ] {
        let refused = Call::of(params(unusable)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidParams);
    }
    let result = CallToolResult {
        content: vec![
            Content::text("Current weather"),
            Content::Image {
                data: "AAEC".into(),
                mime_type: "image/png".into(),
            },
            Content::ResourceLink {
                uri: "file:///project/src/main.rs".into(),
                name: "main.rs".into(),
                mime_type: Some("text/x-rust".into()),
                size: None,
            },
        ],
        structured_content: Some(json!({ "temperature": 22.5 })),
        is_error: false,
    };
    let expected = json!({
        "content": [
            { "type": "text", "text": "Current weather" },
            { "type": "image", "data": "AAEC", "mimeType": "image/png" },
            {
                "type": "resource_link",
                "uri": "file:///project/src/main.rs",
                "name": "main.rs",
                "mimeType": "text/x-rust"
            }
        ],
        "structuredContent": { "temperature": 22.5 },
        "isError": false
    });
    let called = SERVER.called(AGREED, &result).unwrap();
    assert_eq!(Value::Object(called), expected);
    let error = CallToolResult::error("It must be in the future.");
    let refused = SERVER.called(STATELESS, &error);
    let expected = json!({
        "resultType": "complete",
        "content": [{ "type": "text", "text": "It must be in the future." }],
        "isError": true,
        "_meta": server_info()
    });
    assert_eq!(Value::Object(refused.unwrap()), expected);
}

#[test]
fn a_task_is_created_and_told() {
    let working = Task {
        task_id: "786512e2-9e0d-44bd-8f29-789f320fe840".into(),
        status: TaskStatus::Working,
        status_message: Some("The operation is now in progress.".into()),
        created_at: "2025-11-25T10:30:00Z".into(),
        last_updated_at: "2025-11-25T10:40:00Z".into(),
        ttl_ms: None,
        poll_interval_ms: 5000,
        result: None,
    };
    let mut expected = json!({
        "resultType": "task",
        "taskId": "786512e2-9e0d-44bd-8f29-789f320fe840",
        "status": "working",
        "statusMessage": "The operation is now in progress.",
        "createdAt": "2025-11-25T10:30:00Z",
        "lastUpdatedAt": "2025-11-25T10:40:00Z",
        "ttlMs": null,
        "pollIntervalMs": 5000,
        "_meta": server_info()
    });
    let created = SERVER.created(WITH_TASKS, &working).unwrap();
    assert_eq!(Value::Object(created), expected);
    let completed = Task {
        status: TaskStatus::Completed,
        status_message: None,
        ttl_ms: Some(60_000),
        result: Some(CallToolResult::error("No.")),
        ..working
    };
    expected["resultType"] = json!("complete");
    expected["status"] = json!("completed");
    expected["ttlMs"] = json!(60_000);
    expected["result"] = json!({ "content": [{ "type": "text", "text": "No." }], "isError": true });
    expected.as_object_mut().unwrap().remove("statusMessage");
    let told = SERVER.task(WITH_TASKS, &completed).unwrap();
    assert_eq!(Value::Object(told), expected);
}

#[test]
fn progress_is_told() {
    let told = progress(&json!("abc123"), 2, Some(4), "refining");
    let expected = json!({
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {
            "progressToken": "abc123", "progress": 2, "total": 4, "message": "refining"
        }
    });
    assert_eq!(serde_json::to_value(told).unwrap(), expected);
}
