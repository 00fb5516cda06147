//! OpenAI's door: what its clients send, and what they are answered.

mod refusals;
mod repeats;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::task::{FailureCause, Task};
use serde_json::{Value, json};

use super::end::{self, completed};
use super::service::{Call, Events, NOW, ORIGIN, Reply, Service, png, signed};
use crate::request::Interrupted;

const PATH: &str = "/v1/images/edits";

const RETRY_COUNT: &str = "x-stainless-retry-count";

/// What the model makes.
const REFINED: &[u8] = b"the refined image";

fn call() -> Call {
    Call::post(PATH).by("ann")
}

fn original() -> Vec<u8> {
    png(2, 3, 100)
}

/// A part of a form: its name, the name of a file where there is one, and its contents.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn form(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, file, contents) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        let head = format!("content-disposition: form-data; name=\"{name}\"{file}");
        form.extend(format!("--{boundary}\r\n{head}\r\n\r\n").into_bytes());
        form.extend_from_slice(contents);
        form.extend(b"\r\n");
    }
    form.extend(format!("--{boundary}--\r\n").into_bytes());
    form
}

fn with_form(call: Call, parts: &[Part<'_>]) -> Call {
    call.header("content-type", "multipart/form-data; boundary=x")
        .body(form("x", parts))
}

/// With an image and a prompt, and these fields.
fn edit(fields: &[(&str, &str)]) -> Call {
    edit_of(call(), fields)
}

fn edit_of(call: Call, fields: &[(&str, &str)]) -> Call {
    let original = original();
    let mut parts: Vec<Part<'_>> = vec![
        ("image", Some("a.png"), &original),
        ("prompt", None, b"Make it more minimalist"),
    ];
    let fields = fields.iter();
    parts.extend(fields.map(|(name, value)| (*name, None, value.as_bytes())));
    with_form(call, &parts)
}

fn with_bearer(claims: Value) -> Call {
    Call::post(PATH).header("authorization", format!("Bearer {}", signed(claims)))
}

/// A service that has the image of a task which is completed.
fn with_refined() -> Service {
    let service = Service::new();
    let memory = &service.memory;
    memory.put_image(ImageKind::Refined, "refined/x.png", "ann", REFINED);
    service
}

/// What a stream says when its task ends like this.
fn streamed_end(service: &Service, mut events: Events, end: impl FnOnce(&mut Task)) -> String {
    let _ = events.so_far();
    service.poll_background_work();
    service.memory.change_task(end);
    service.poll_background_work();
    let last = events.so_far();
    assert!(events.has_ended());
    last
}

fn data_url(image: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(image))
}

fn with_json(value: &Value) -> Call {
    call().json(value)
}

fn failed(cause: Option<FailureCause>) -> impl FnOnce(&mut Task) {
    move |task| {
        end::failed(task);
        task.failure_cause = cause;
    }
}

/// The answer of a request whose only task ends like this.
fn ended(service: &Service, call: Call, end: impl FnOnce(&mut Task)) -> Reply {
    let memory = &service.memory;
    memory.put_image(ImageKind::Refined, "refined/x.png", "ann", REFINED);
    let mut pending = service.begin(call);
    service.poll_background_work();
    service.memory.change_task(end);
    service.poll_background_work();
    pending.answer().expect("its task has ended")
}

/// The paths of all uploads.
fn uploads(service: &Service) -> Vec<String> {
    let state = service.memory.0.borrow();
    let uploads = state.images.iter();
    uploads
        .filter(|(_, (info, _))| info.kind == ImageKind::Upload)
        .map(|(path, _)| path.clone())
        .collect()
}

fn tasks(service: &Service) -> usize {
    service.memory.0.borrow().store.tasks().count()
}

/// Asserts that this is an error in OpenAI's form, and returns its message.
#[track_caller]
fn is_error(reply: &Reply, status: u16, param: Option<&str>, code: Option<&str>) -> String {
    let body = reply.json();
    assert_eq!(reply.status, status, "{body}");
    let error = &body["error"];
    assert_eq!(error["param"], json!(param), "{body}");
    assert_eq!(error["code"], json!(code), "{body}");
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_form_and_json_ask_for_the_same() {
    let original = original();
    let mask = png(2, 3, 50);
    let parts: Vec<Part<'_>> = vec![
        ("model", None, b"gpt-image-1"),
        ("prompt", None, b"Make it more minimalist"),
        ("image[]", Some("a.png"), &original),
        ("mask", Some("m.png"), &mask),
        ("n", None, b"1.0"),
        ("size", None, b"1024x1024"),
        ("quality", None, b"high"),
        ("a b", None, b"no name for a header"),
    ];
    let json = json!({
        "model": "gpt-image-1",
        "prompt": "Make it more minimalist",
        "images": [{"image_url": data_url(&original)}],
        "mask": {"image_url": data_url(&mask)},
        "n": 1,
        "size": "1024x1024",
        "quality": "high",
        "a b": "no name for a header",
        "background": null,
    });
    for (name, call) in [
        ("form", with_form(call(), &parts)),
        ("JSON", with_json(&json)),
    ] {
        let service = Service::with(&[("model", "fallback(fast, local)")]);
        let mut seen = None;
        let reply = ended(&service, call, |task| {
            seen = Some(task.clone());
            completed(task);
        });
        assert_eq!(reply.status, 200, "{name}: {}", reply.json());
        let body = reply.json();
        let image = body["data"][0]["b64_json"].as_str().unwrap();
        assert_eq!(BASE64_STANDARD.decode(image).unwrap(), REFINED, "{name}");
        assert_eq!(body["output_format"], "png", "{name}");
        let ignored = reply.header("x-ignored-fields");
        assert_eq!(ignored, Some("quality, size"), "{name}");
        let model = reply.header("x-model");
        assert_eq!(model, Some("fallback(fast, local)"), "{name}");
        let task = seen.unwrap();
        assert_eq!(task.refinement.refinement_prompt, "Make it more minimalist");
        let path = |suffix| format!("uploads/for-{}{suffix}", task.id);
        assert_eq!(task.original_path, Some(path("")), "{name}");
        assert_eq!(task.mask_path, Some(path("-mask")), "{name}");
        let address = format!("{ORIGIN}/api/images/{}", path(""));
        assert_eq!(task.refinement.original_image_url, Some(address), "{name}");
        // They go with their task.
        assert_eq!(uploads(&service), [""; 0], "{name}");
    }
}

/// The largest image is larger than all uploads may be together.
#[test]
fn images_count_as_no_more_than_their_request_can_hold() {
    let (original, mask) = (png(2, 3, 3000), png(2, 3, 2000));
    let parts: Vec<Part<'_>> = vec![
        ("image", Some("a.png"), &original),
        ("mask", Some("m.png"), &mask),
        ("prompt", None, b"Make it more minimalist"),
    ];
    let json = json!({
        "prompt": "Make it more minimalist",
        "images": [{"image_url": data_url(&original)}],
        "mask": {"image_url": data_url(&mask)},
    });
    for (name, call) in [
        ("form", with_form(call(), &parts)),
        ("JSON", with_json(&json)),
    ] {
        let service = Service::with(&[("upload-bytes", "6KiB")]);
        let reply = ended(&service, call, completed);
        assert_eq!(reply.status, 200, "{name}: {}", reply.json());
    }
}

#[test]
fn an_image_elsewhere_is_named_by_its_url() {
    let service = Service::new();
    let url = "https://example.com/a.png";
    let json = json!({"images": [{"image_url": url}], "prompt": "x", "response_format": "url"});
    let reply = ended(&service, with_json(&json), completed);
    let answered = reply.json()["data"][0]["url"].as_str().unwrap().to_owned();
    let begin = format!("{ORIGIN}/api/images/refined/x.png?expires=");
    assert!(answered.starts_with(&begin), "{answered}");
    let task = service.memory.task();
    assert_eq!(task.refinement.original_image_url.as_deref(), Some(url));
    assert_eq!(task.original_path, None);
}

#[test]
fn a_stream_says_at_its_end_what_became_of_the_task() {
    let service = with_refined();
    let (reply, events) = service.open(edit(&[("stream", "true")]));
    assert_eq!(reply.status, 200);
    let mut events = events.unwrap();
    assert_eq!(events.so_far(), ": keep-alive\n\n");
    service.poll_background_work();
    assert_eq!(events.so_far(), "");
    service.memory.advance(Duration::from_secs(15));
    assert_eq!(events.so_far(), ": keep-alive\n\n");
    service.memory.change_task(completed);
    service.poll_background_work();
    let last = events.so_far();
    let base64 = BASE64_STANDARD.encode(REFINED);
    let begin = "event: image_edit.completed\ndata: {\"type\":\"image_edit.completed\",";
    assert!(last.starts_with(begin), "{last}");
    let end = format!("\"b64_json\":\"{base64}\"}}\n\n");
    assert!(last.ends_with(&end), "{last}");
    assert!(events.has_ended());

    let service = Service::new();
    let events = service.open(edit(&[("stream", "TRUE")])).1.unwrap();
    let last = streamed_end(&service, events, failed(Some(FailureCause::Refused)));
    let begin = "data: {\"error\":{\"message\":\"It failed.\"";
    assert!(last.starts_with(begin), "{last}");
    assert_eq!(uploads(&service), [""; 0]);
}

#[test]
fn what_the_model_read_and_wrote_is_told_where_both_is_known() {
    let both = json!({"input_tokens": 50, "output_tokens": 60, "total_tokens": 110});
    for (input_tokens, output_tokens, expected) in [
        (Some(50), Some(60), both),
        (Some(50), None, Value::Null),
        (None, Some(60), Value::Null),
        (None, None, Value::Null),
    ] {
        let end = |task: &mut Task| {
            completed(task);
            task.usage = Some(Usage {
                cost: Some(60_000),
                input_tokens,
                output_tokens,
            });
        };
        let reply = ended(&Service::new(), edit(&[]), end);
        assert_eq!(reply.json()["usage"], expected);

        let service = with_refined();
        let events = service.open(edit(&[("stream", "true")])).1.unwrap();
        let last = streamed_end(&service, events, end);
        let (_, data) = last.split_once("data: ").unwrap();
        let data: Value = serde_json::from_str(data.trim()).unwrap();
        assert_eq!(data["usage"], expected, "{last}");
    }
}

#[test]
fn a_token_for_users_has_users_of_its_own() {
    let expires = NOW.as_secs() + 3600;
    let app = |for_users: bool| {
        with_bearer(json!({"sub": "app", "exp": expires, "for_users": for_users}))
    };
    let long = "a".repeat(128);
    let longer = "a".repeat(129);
    let identifier = |name: &'static str| vec![("safety_identifier", name), ("user", "ann")];
    let odd = vec![("safety_identifier", "a b")];
    let (email, of_email) = ("日本@example.com", "app/日本@example.com");
    for (for_users, fields, expected) in [
        (true, vec![("user", "ann")], Ok("app/ann")),
        (true, identifier("bob"), Ok("app/bob")),
        (true, identifier(""), Ok("app/ann")),
        (true, vec![("user", "")], Ok("app")),
        (true, vec![], Ok("app")),
        (true, vec![("user", email)], Ok(of_email)),
        (true, vec![("user", &long)], Ok(&*format!("app/{long}"))),
        (true, vec![("user", &longer)], Err("user")),
        (true, vec![("user", "a/b")], Err("user")),
        (true, odd, Err("safety_identifier")),
        (true, vec![("user", "a\u{200b}b")], Err("user")),
        (true, vec![("user", "a\nb")], Err("user")),
        (false, vec![("user", "ann")], Ok("app")),
        (false, vec![("user", "a/b")], Ok("app")),
    ] {
        let service = Service::new();
        let call = edit_of(app(for_users), &fields);
        match expected {
            Ok(user) => {
                let _pending = service.begin(call);
                assert_eq!(service.memory.task().user_id, user, "{fields:?}");
            }
            Err(param) => {
                is_error(&service.send(call), 400, Some(param), None);
                assert_eq!(uploads(&service), [""; 0], "{fields:?}");
            }
        }
    }
    // Each has active tasks of their own.
    let service = Service::new();
    for user in ["ann", "bob"] {
        drop(service.begin(edit_of(app(true), &[("user", user)])));
    }
    assert_eq!(tasks(&service), 2);
}

#[test]
fn the_plan_of_a_token_is_that_of_its_users() {
    let plans = r#"{"pro": {"active_tasks": 2}}"#;
    let service = Service::with(&[("plans", plans)]);
    let expires = NOW.as_secs() + 3600;
    let claims = json!({"sub": "app", "exp": expires, "for_users": true, "plan": "pro"});
    let ask = || edit_of(with_bearer(claims.clone()), &[("user", "ann")]);
    let pending = [service.begin(ask()), service.begin(ask())];
    is_error(&service.send(ask()), 409, None, Some("task_active"));
    drop(pending);
    assert_eq!(tasks(&service), 2);
}

#[test]
fn names_of_ignored_fields_are_few_and_plain() {
    let ignored = |names: &[String]| {
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "x")).collect();
        let reply = ended(&Service::new(), edit(&fields), completed);
        reply.header("x-ignored-fields").unwrap().to_owned()
    };
    let mut names: Vec<String> = (10..60).map(|number| format!("field_{number}")).collect();
    names.extend(["a[]", "a,b", "ü"].map(str::to_owned));
    let told = ignored(&names);
    assert_eq!(told.split(", ").count(), 51, "{told}");
    assert!(told.starts_with("a[], field_10, field_11, "), "{told}");
    let long: Vec<String> = (10..60)
        .map(|number| format!("{number}{}", "x".repeat(120)))
        .collect();
    let told = ignored(&long);
    assert!((3_900..=4_096).contains(&told.len()), "{}", told.len());
}
