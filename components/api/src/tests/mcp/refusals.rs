//! What is refused: as a result that a model can read, as an error of the protocol, or before
//! anybody looks at the message.

use super::*;
use crate::Method;
use crate::tests::issuer::URL;

#[test]
fn what_a_tool_cannot_do_is_a_result_with_a_sentence() {
    let with = |name: &str, value: Value| {
        let mut arguments = arguments();
        arguments[name] = value;
        arguments
    };
    let upload = "url must be an address: upload the image by upload_image first, and use its \
                  image_url.";
    let both = "url must not be sent together with concept_id.";
    let mask = json!("https://example.com/m.png");
    let metadata = json!("http://169.254.169.254/");
    let too_strong = "strength must be a number from 0 to 1.";
    let field = "original_image_url is no argument of this tool.";
    let nothing = "url or concept_id is required; prompt is required.";
    let of_concept = json!({"concept_id": "x", "prompt": "x"});
    let named = json!({"data": "R0lG", "name": "a.gif"});
    let refine_image = [
        (json!({}), nothing),
        (with("prompt", json!(7)), "prompt must be a string."),
        (with("concept_id", json!("x")), both),
        (with("strength", json!(2)), too_strong),
        (with("mask", mask), "mask is no argument of this tool."),
        (with("original_image_url", json!("x")), field),
        (with("url", json!("data:text/plain,x")), upload),
        (with("url", json!("data:;base64,AAAA")), upload),
        (with("url", metadata), "url must point to a public address."),
        (of_concept, "There is no such concept."),
    ];
    let get_refinement = [
        (json!({}), "id must be a string."),
        (json!({"id": "x"}), "There is no such task."),
    ];
    let upload_image = [
        (json!({}), "data must be an image in base64."),
        (named, "name is no argument of this tool."),
    ];
    let curser = "curser is no argument of this tool.";
    let limit = "limit must be from 1 to 100.";
    let cursor = "cursor must be a next_cursor of this list.";
    let list_refinements = [
        (json!({"curser": "x"}), curser),
        (json!({"limit": "5"}), limit),
        (json!({"limit": 5.5}), limit),
        (json!({"cursor": 5}), cursor),
    ];
    let cases = [
        ("refine_image", &refine_image[..]),
        ("get_refinement", &get_refinement),
        ("upload_image", &upload_image),
        ("list_refinements", &list_refinements),
    ];
    for (tool_name, cases) in cases {
        for (arguments, expected) in cases {
            for revision in [Agreed, Stateless, WithTasks] {
                let service = Service::new();
                let reply = service.send(tool(revision, tool_name, arguments.clone()));
                assert_eq!(is_error(&result(&reply)), *expected, "{arguments}");
                assert_eq!(tasks(&service), 0, "{arguments}");
            }
        }
    }
}

#[test]
fn what_a_user_may_not_have_is_a_result_with_a_sentence() {
    let service = Service::with(&[("rate-limit", "1/month")]);
    service.send(refine(WithTasks));
    let active = result(&service.send(refine(WithTasks)));
    let id = service.memory.task().id;
    let told = is_error(&active);
    let is_told = told.starts_with(sentence::TASK_ACTIVE) && told.contains(&id);
    assert!(is_told, "{told}");
    assert_eq!(active["structuredContent"]["task_id"], *id);
    service.memory.edit_task(failed);
    let limited = result(&service.send(refine(WithTasks)));
    let expected = "Rate limit exceeded for /concepts/refine (1/month). Try again later.";
    assert_eq!(is_error(&limited), expected);
    service.memory.fail("submit");
    let unavailable = result(&service.send(refine(Agreed)));
    assert_eq!(is_error(&unavailable), "submit is out of reach.");
    assert_eq!(tasks(&service), 1);
}

#[test]
fn anothers_task_is_none() {
    let service = Service::new();
    service.send(refine(WithTasks));
    let id = service.memory.task().id;
    let bob = |message: &Value| service.send(call_by("bob", message));
    for id in [&*id, "7d0f5a52-3c1e-4f6b-9a57-2f6f3f1f9d10", "x"] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let message = message(WithTasks, method, json!({"taskId": id}));
            assert_eq!(code(&bob(&message), 400), -32602, "{method} {id}");
        }
        let params = json!({"name": "get_refinement", "arguments": {"id": id}});
        let got = result(&bob(&message(Agreed, "tools/call", params)));
        assert_eq!(is_error(&got), "There is no such task.");
    }
    assert_eq!(service.memory.task().status, Status::Pending);
}

#[test]
fn nonsense_is_an_error_of_the_protocol() {
    const VERSION: &str = "mcp-protocol-version";
    let service = Service::new();
    let list = || message(Stateless, "tools/list", json!({}));
    let raw = |body: &str| {
        let call = Call::post(PATH).by("ann");
        call.header("content-type", "application/json").body(body)
    };
    let bare = |message: &Value| Call::post(PATH).by("ann").json(message);
    let version = |call: Call| call.header(VERSION, "2026-07-28");
    let plain = || bare(&list());
    let versioned = || version(plain());
    let asked = |revision, method| call(&message(revision, method, json!({"taskId": "x"})));
    let unknown = message(Stateless, "tools/call", json!({"name": "rm"}));
    let mut old = list();
    old["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("1900-01-01");
    let mut incapable = list();
    let meta = incapable["params"]["_meta"].as_object_mut().unwrap();
    meta.remove("io.modelcontextprotocol/clientCapabilities");
    let named = tool(Stateless, "get_refinement", json!({"id": "x"}));
    let twice_named = named.header("mcp-name", "get_refinement");
    let another_method = versioned().header("mcp-method", "TOOLS/LIST");
    let nameless = version(bare(&unknown)).header("mcp-method", "tools/call");
    let another_version = plain().header(VERSION, "2025-11-25");
    let params = r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":1}"#;
    let old_ping = raw(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    let old_ping = old_ping.header(VERSION, "1900-01-01");
    let bare_list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    let prompts = "prompts/list";
    let within_image = |data: &str| {
        let begin = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"#;
        let begin = format!(r#"{begin}"name":"upload_image","arguments":{{"data":"{data}"#);
        raw(&begin).header(VERSION, "2025-11-25")
    };
    for (name, call, status, expected) in [
        ("not JSON", raw("{"), 400, -32700),
        ("cut in an image", within_image("iVBO"), 400, -32700),
        ("cut behind no base64", within_image("!!"), 400, -32700),
        ("cut in an escape", within_image("iVBO\\"), 400, -32700),
        (
            "cut in pieces",
            within_image("iVBO").in_pieces(1),
            400,
            -32700,
        ),
        ("a batch", raw("[]"), 400, -32600),
        ("no method", raw(r#"{"jsonrpc":"2.0","id":7}"#), 400, -32600),
        ("params", raw(params), 400, -32602),
        ("no headers", plain(), 400, -32020),
        ("no method header", versioned(), 400, -32020),
        ("another method", another_method, 400, -32020),
        ("no name", nameless, 400, -32020),
        ("two names", twice_named, 400, -32020),
        ("another version", another_version, 400, -32020),
        ("an old version", call(&old), 400, -32022),
        ("an old header", old_ping, 400, -32022),
        ("no meta", version(raw(bare_list)), 400, -32602),
        ("no capabilities", call(&incapable), 400, -32602),
        ("an unknown method", asked(Stateless, prompts), 404, -32601),
        ("an agreed one", asked(Agreed, prompts), 200, -32601),
        ("one of before", asked(Stateless, "initialize"), 404, -32601),
        ("an unknown tool", call(&unknown), 400, -32602),
        ("tasks", asked(Stateless, "tasks/get"), 400, -32021),
        ("tasks of before", asked(Agreed, "tasks/get"), 200, -32601),
    ] {
        assert_eq!(code(&service.send(call), status), expected, "{name}");
    }
    let encoded = version(bare(&unknown)).header("mcp-method", "tools/call");
    let encoded = encoded.header("mcp-name", " =?base64?cm0=?= ");
    let found = code(&service.send(encoded), 400);
    assert_eq!(found, -32602, "its name is the same");
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let origins = "https://app.example.com";
    let public = ("public-url", "https://refine.example.com");
    let service = Service::with(&[("cors-origins", origins), public]);
    let list = message(Stateless, "tools/list", json!({}));
    for (origin, status) in [
        ("http://localhost:8080", 200),
        ("https://refine.example.com", 200),
        (origins, 200),
        ("https://app.example.com:8443", 403),
        ("http://localhost:8081", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let reply = service.send(call(&list).header("origin", origin));
        assert_eq!(reply.status, status, "{origin}");
        let asked = Call::post(PATH).header("origin", origin).json(&list);
        let expected = if status == 403 { 403 } else { 401 };
        assert_eq!(service.send(asked).status, expected, "{origin}");
    }
    let twice = call(&list)
        .header("origin", origins)
        .header("origin", "https://evil.example");
    service.send(twice).is_error(403, "FORBIDDEN");
    let by_cookie = Call::post(PATH).by_cookie("ann").json(&list);
    let by_cookie = by_cookie.header("sec-fetch-site", "cross-site");
    service.send(by_cookie).is_error(403, "FORBIDDEN");
}

#[test]
fn a_client_without_credentials_learns_who_issues_them() {
    const RESOURCE: &str = "/.well-known/oauth-protected-resource";
    let list = message(Stateless, "tools/list", json!({}));
    let service = Service::new();
    let refused = service.send(Call::post(PATH).json(&list));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    service.send(Call::get(RESOURCE)).is_error(404, "NOT_FOUND");

    let jwks = [("auth", "jwks"), ("jwks-url", URL)];
    let service = Service::with(&jwks);
    let refused = service.send(Call::post(PATH).json(&list));
    refused.is_error(401, "UNAUTHORIZED");
    let expected = format!("Bearer resource_metadata=\"http://localhost:8080{RESOURCE}/mcp\"");
    assert_eq!(refused.header("www-authenticate"), Some(&*expected));
    // Only where clients look for it.
    let elsewhere = service.send(Call::get("/api/tasks"));
    assert_eq!(elsewhere.header("www-authenticate"), Some("Bearer"));
    for path in [RESOURCE.to_owned(), format!("{RESOURCE}/mcp")] {
        let metadata = service.send(Call::get(path)).json();
        assert_eq!(metadata["resource"], "http://localhost:8080/mcp");
        let issuers = &metadata["authorization_servers"];
        assert_eq!(*issuers, json!(["https://issuer.example"]));
    }
    let public = ("public-url", "https://refine.example.com");
    let issuer = ("jwt-issuer", "https://issuer.example/auth/v1");
    let service = Service::with(&[jwks[0], jwks[1], public, issuer]);
    let metadata = service.send(Call::get(RESOURCE)).json();
    assert_eq!(metadata["resource"], "https://refine.example.com/mcp");
    assert_eq!(metadata["authorization_servers"], json!([issuer.1]));
}

#[test]
fn a_message_is_posted_as_json() {
    let service = Service::new();
    let list = message(Agreed, "tools/list", json!({}));
    for method in [Method::Get, Method::Delete] {
        let reply = service.send(Call::new(method, PATH).by("ann"));
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    }
    let text = Call::post(PATH).by("ann").body(list.to_string());
    service.send(text).is_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let mut long = list;
    long["params"]["x"] = json!("x".repeat(65_536));
    service.send(call(&long)).is_error(413, "PAYLOAD_TOO_LARGE");
}
