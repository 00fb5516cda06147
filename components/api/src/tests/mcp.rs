//! Model Context Protocol: what agents send, and what they are answered.

mod refusals;
mod uploads;

use std::time::Duration;

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::validation::MAX_PROMPT_CHARS;
use serde_json::{Value, json};

use super::end::{self, failed};
use super::service::{Call, Reply, Service};

const PATH: &str = "/mcp";

/// What the model makes.
const REFINED: &[u8] = b"the refined image";

/// By which revision something is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Revision {
    Agreed,
    Stateless,
    WithTasks,
}

use Revision::{Agreed, Stateless, WithTasks};

fn message(revision: Revision, method: &str, params: Value) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let capabilities = match revision {
        Agreed => return message,
        Stateless => json!({}),
        WithTasks => json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}),
    };
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    message
}

/// A request of ann's with this message, and the headers that it demands.
fn call(message: &Value) -> Call {
    call_by("ann", message)
}

fn call_by(user: &str, message: &Value) -> Call {
    let call = Call::post(PATH).by(user).json(message);
    let params = &message["params"];
    let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
    let Some(version) = version.as_str() else {
        return call.header("mcp-protocol-version", "2025-11-25");
    };
    let call = call
        .header("mcp-protocol-version", version)
        .header("mcp-method", message["method"].as_str().unwrap());
    match params["name"].as_str().or(params["taskId"].as_str()) {
        Some(name) => call.header("mcp-name", name),
        None => call,
    }
}

fn ask(service: &Service, revision: Revision, method: &str, params: Value) -> Value {
    result(&service.send(call(&message(revision, method, params))))
}

fn tool(revision: Revision, name: &str, arguments: Value) -> Call {
    let params = json!({"name": name, "arguments": arguments});
    call(&message(revision, "tools/call", params))
}

fn arguments() -> Value {
    json!({"url": "https://example.com/a.png", "prompt": "Make it more minimalist"})
}

fn refine(revision: Revision) -> Call {
    tool(revision, "refine_image", arguments())
}

/// The result of a response.
#[track_caller]
fn result(reply: &Reply) -> Value {
    let body = reply.json();
    assert_eq!(reply.status, 200, "{body}");
    assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(7)));
    assert!(body["result"].is_object(), "{body}");
    body["result"].clone()
}

/// The sentence of a call that could not be done.
#[track_caller]
fn is_error(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

/// The code of a message that cannot be answered.
#[track_caller]
fn code(reply: &Reply, status: u16) -> i64 {
    let body = reply.json();
    assert_eq!(reply.status, status, "{body}");
    body["error"]["code"].as_i64().unwrap()
}

fn completed(task: &mut Task) {
    end::completed(task);
    task.notes = vec!["The seed was ignored.".into()];
}

fn put_refined(service: &Service, image: &[u8]) {
    let kind = ImageKind::Refined;
    service
        .memory
        .put_image(kind, "refined/x.png", "ann", image);
}

fn tasks(service: &Service) -> usize {
    service.memory.0.borrow().store.tasks().count()
}

fn types(result: &Value) -> Vec<&str> {
    let content = result["content"].as_array().unwrap().iter();
    content.map(|part| part["type"].as_str().unwrap()).collect()
}

#[test]
fn a_client_learns_what_there_is() {
    let service = Service::new();
    let discovered = ask(&service, Stateless, "server/discover", json!({}));
    let tasks = json!({"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}});
    assert_eq!(discovered["capabilities"], tasks);
    assert_eq!(discovered["supportedVersions"][0], "2026-07-28");
    let asked = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
    let agreed = ask(&service, Agreed, "initialize", asked);
    assert_eq!(agreed["protocolVersion"], "2025-11-25");
    assert_eq!(agreed["serverInfo"]["name"], "concept-refinement");
    assert_eq!(ask(&service, Agreed, "ping", json!({})), json!({}));
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = service.send(call(&initialized));
    assert_eq!((reply.status, reply.body.len()), (202, 0));

    let listed = ask(&service, Stateless, "tools/list", json!({}));
    assert_eq!(listed["resultType"], "complete");
    let agreed = ask(&service, Agreed, "tools/list", json!({}));
    assert_eq!(agreed["tools"], listed["tools"]);
    let tools = listed["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let expected = "refine_image get_refinement list_refinements upload_image";
    assert_eq!(names.join(" "), expected);
    let properties = &tools[0]["inputSchema"]["properties"];
    assert_eq!(properties["prompt"]["maxLength"], MAX_PROMPT_CHARS);
    assert_eq!(properties["seed"]["type"], "integer");
    let width = &properties["region"]["properties"]["width"];
    assert_eq!(width["type"], "integer");
    let text = tools[0]["inputSchema"].to_string();
    for absent in ["null", "$ref", "original_image_url", "webhook"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object");
        let output = &tool["outputSchema"];
        assert_eq!(output["type"], "object", "{}", tool["name"]);
        assert!(!output.to_string().contains("$ref"), "{}", tool["name"]);
    }
}

#[test]
fn a_call_is_answered_when_its_task_has_ended() {
    let all = ["text", "resource_link", "image"];
    for (revision, image, expected) in [
        (Agreed, REFINED.to_vec(), &all[..]),
        (Stateless, vec![1; 256 << 10], &all),
        (Stateless, vec![1; (256 << 10) + 1], &all[..2]),
    ] {
        let service = Service::new();
        put_refined(&service, &image);
        let mut pending = service.begin(refine(revision));
        service.memory.change_task(completed);
        let result = result(&pending.answer().expect("its task has ended"));
        assert_eq!(result["isError"], false, "{result}");
        assert_eq!(result.get("resultType").is_some(), revision == Stateless);
        assert_eq!(types(&result), expected);
        let id = service.memory.task().id;
        let shown = Call::get(format!("/api/tasks/{id}")).by("ann");
        let shown = service.send(shown).json();
        assert_eq!(result["structuredContent"], shown);
        let text = result["content"][0]["text"].as_str().unwrap();
        let url = shown["image_url"].as_str().unwrap();
        for part in [&*id, url, "c2a4e8f0-5b7d", "The seed was ignored."] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(result["content"][1]["uri"], url);
        assert_eq!(result["content"][1]["size"], image.len());
    }
}

#[test]
fn a_task_that_takes_longer_than_a_call_is_asked_for_by_its_id() {
    let service = Service::new();
    let mut pending = service.begin(refine(Stateless));
    service.memory.advance(Duration::from_secs(44));
    assert!(pending.answer().is_none());
    service.memory.advance(Duration::from_secs(1));
    let answered = result(&pending.answer().expect("the call waits no longer"));
    let id = service.memory.task().id;
    assert_eq!(answered["isError"], false);
    assert_eq!(answered["structuredContent"]["task_id"], *id);
    let text = answered["content"][0]["text"].as_str().unwrap();
    assert!(text.contains(&id), "{text}");
    assert!(text.contains("get_refinement"), "{text}");
    // One whose client has left goes on.
    drop(pending);
    assert_eq!(service.memory.task().status, Status::Pending);
    service.memory.change_task(failed);
    let got = result(&service.send(tool(Agreed, "get_refinement", json!({"id": id}))));
    let expected = format!("Refinement {id} failed. It failed.");
    assert_eq!(is_error(&got), expected);
    assert_eq!(got["structuredContent"]["status"], "failed");
}

#[test]
fn a_call_is_a_task_of_the_extension() {
    let service = Service::new();
    put_refined(&service, REFINED);
    let created = result(&service.send(refine(WithTasks)));
    let task = service.memory.task();
    let get = || ask(&service, WithTasks, "tasks/get", json!({"taskId": task.id}));
    let at = task.created_at.to_string();
    let mut expected = json!({
        "resultType": "task",
        "taskId": task.id,
        "status": "working",
        "statusMessage": "Task is pending",
        "createdAt": at,
        "lastUpdatedAt": at,
        "ttlMs": null,
        "pollIntervalMs": 2000,
        "_meta": created["_meta"],
    });
    assert_eq!(created, expected);
    expected["resultType"] = json!("complete");
    assert_eq!(get(), expected);
    for (status, end) in [
        ("completed", completed as fn(&mut Task)),
        ("completed", failed),
        ("cancelled", |task| {
            failed(task);
            task.error_message = Some(sentence::CANCELLED_BY_USER.into());
        }),
    ] {
        service.memory.edit_task(|edited| {
            *edited = task.clone();
            end(edited);
        });
        let got = get();
        assert_eq!(got["status"], status);
        let tool = tool(Stateless, "get_refinement", json!({"id": task.id}));
        let told = result(&service.send(tool));
        match status {
            // What the call would have answered.
            "completed" => {
                for part in ["content", "structuredContent", "isError"] {
                    assert_eq!(got["result"][part], told[part], "{part}");
                }
            }
            _ => assert!(got.get("result").is_none(), "{got}"),
        }
    }
    service.memory.edit_task(|edited| *edited = task.clone());
    let named = json!({"taskId": task.id, "inputResponses": {}});
    for method in ["tasks/update", "tasks/cancel", "tasks/cancel"] {
        let acknowledged = ask(&service, WithTasks, method, named.clone());
        assert_eq!(acknowledged["resultType"], "complete", "{method}");
    }
    assert_eq!(get()["status"], "cancelled");
}

#[test]
fn refinements_are_listed_in_pages() {
    let service = Service::with(&[("active-tasks", "3")]);
    for _ in 0..3 {
        service.send(refine(WithTasks));
        service.memory.advance(Duration::from_secs(1));
    }
    let list =
        |arguments: Value| result(&service.send(tool(Agreed, "list_refinements", arguments)));
    let first = list(json!({"limit": 2}))["structuredContent"].clone();
    let path = Call::get("/api/tasks?limit=2").by("ann");
    assert_eq!(first, service.send(path).json());
    let second = list(json!({"limit": 2, "cursor": first["next_cursor"]}));
    let content = &second["structuredContent"];
    assert_eq!(content["tasks"].as_array().unwrap().len(), 1);
    let text = second["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *content);
    let unknown = "cursor must be a next_cursor of this list.";
    for (arguments, expected) in [
        (json!({"limit": 0}), "limit must be from 1 to 100."),
        (json!({"limit": 1.5}), "limit must be from 1 to 100."),
        (json!({"cursor": "x"}), unknown),
    ] {
        assert_eq!(is_error(&list(arguments)), expected);
    }
}
