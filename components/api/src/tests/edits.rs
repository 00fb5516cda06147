//! OpenAI's door: what its clients send, and what they are answered.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::task::{FailureCause, Status, Task};
use serde_json::{Value, json};

use super::service::{Call, NOW, ORIGIN, Reply, Service, png, signed};
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

/// A form with these parts: names, with the name of a file where there is one, and contents.
fn form(boundary: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
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

fn with_form(call: Call, parts: &[(&str, Option<&str>, &[u8])]) -> Call {
    call.header("content-type", "multipart/form-data; boundary=x")
        .body(form("x", parts))
}

/// With an image and a prompt, and these fields.
fn edit(fields: &[(&str, &str)]) -> Call {
    let original = original();
    let mut parts: Vec<(&str, Option<&str>, &[u8])> = vec![
        ("image", Some("a.png"), &original),
        ("prompt", None, b"Make it more minimalist"),
    ];
    parts.extend(
        fields
            .iter()
            .map(|(name, value)| (*name, None, value.as_bytes())),
    );
    with_form(call(), &parts)
}

fn data_url(image: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(image))
}

fn with_json(value: &Value) -> Call {
    call().json(value)
}

fn completed(task: &mut Task) {
    task.status = Status::Completed;
    task.updated_at = Some(task.created_at);
    task.completed_at = Some(task.created_at);
    task.result_id = Some("c2a4e8f0-5b7d-4c3a-8e91-6d2f0b9a7c55".into());
    task.image_path = Some("refined/x.png".into());
}

fn failed(cause: Option<FailureCause>) -> impl FnOnce(&mut Task) {
    move |task| {
        task.status = Status::Failed;
        task.updated_at = Some(task.created_at);
        task.completed_at = Some(task.created_at);
        task.error_message = Some("It failed.".into());
        task.failure_cause = cause;
    }
}

/// The answer of a request whose only task ends like this.
fn ended(service: &Service, call: Call, end: impl FnOnce(&mut Task)) -> Reply {
    service
        .memory
        .put_image(ImageKind::Refined, "refined/x.png", "ann", REFINED);
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
    let parts: Vec<(&str, Option<&str>, &[u8])> = vec![
        ("model", None, b"gpt-image-1"),
        ("prompt", None, b"Make it more minimalist"),
        ("image[]", Some("a.png"), &original),
        ("mask", Some("m.png"), &mask),
        ("n", None, b"1"),
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
        assert_eq!(
            reply.header("x-ignored-fields"),
            Some("quality, size"),
            "{name}"
        );
        assert_eq!(
            reply.header("x-model"),
            Some("fallback(fast, local)"),
            "{name}"
        );
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
    let service = Service::new();
    service
        .memory
        .put_image(ImageKind::Refined, "refined/x.png", "ann", REFINED);
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
    assert!(
        last.ends_with(&format!("\"b64_json\":\"{base64}\"}}\n\n")),
        "{last}"
    );
    assert!(events.has_ended());

    let service = Service::new();
    let mut events = service.open(edit(&[("stream", "TRUE")])).1.unwrap();
    let _ = events.so_far();
    service.poll_background_work();
    service
        .memory
        .change_task(failed(Some(FailureCause::Refused)));
    service.poll_background_work();
    let last = events.so_far();
    assert!(
        last.starts_with("data: {\"error\":{\"message\":\"It failed.\""),
        "{last}"
    );
    assert!(events.has_ended());
    assert_eq!(uploads(&service), [""; 0]);
}

#[test]
fn what_cannot_be_honoured_is_told_by_its_field() {
    let unsupported = Some("unsupported_value");
    for (field, value, status, code) in [
        ("n", "2", 400, unsupported),
        ("n", "0", 400, None),
        ("n", "many", 400, None),
        ("markup", "x", 400, unsupported),
        ("output_format", "svg", 400, unsupported),
        ("output_format", "GIF", 400, unsupported),
        ("response_format", "png", 400, None),
        ("stream", "perhaps", 400, None),
    ] {
        let service = Service::new();
        let reply = service.send(edit(&[(field, value)]));
        let message = is_error(&reply, status, Some(field), code);
        assert!(message.starts_with(field), "{message}");
        assert_eq!(uploads(&service), [""; 0], "{field}");
        assert_eq!(tasks(&service), 0, "{field}");
    }
    let image = data_url(&original());
    for (json, param, code) in [
        (json!({"prompt": "x"}), Some("images"), None),
        (json!({"images": [], "prompt": "x"}), Some("images"), None),
        (json!({"images": "x", "prompt": "x"}), Some("images"), None),
        (json!({"images": [{}], "prompt": "x"}), Some("images"), None),
        (
            json!({"images": [{"file_id": "f"}], "prompt": "x"}),
            Some("images"),
            unsupported,
        ),
        (
            json!({"images": [{"image_url": image}, {"image_url": image}], "prompt": "x"}),
            Some("images"),
            unsupported,
        ),
        (
            json!({"images": [{"image_url": image}, {"image_url": image}, {"image_url": image}]}),
            Some("images"),
            unsupported,
        ),
        (
            json!({"images": [{"image_url": "data:image/png,x"}], "prompt": "x"}),
            Some("images"),
            None,
        ),
        (
            json!({"images": [{"image_url": image}], "mask": {"image_url": "data:0"}, "prompt": "x"}),
            Some("mask"),
            None,
        ),
        (
            json!({"images": [{"image_url": "http://127.0.0.1/"}], "prompt": "x"}),
            Some("images"),
            None,
        ),
        (
            json!({"images": [{"image_url": image}]}),
            Some("prompt"),
            None,
        ),
        (
            json!({"images": [{"image_url": image}], "prompt": 7}),
            Some("prompt"),
            None,
        ),
        (
            json!({"images": [{"image_url": image}], "prompt": image}),
            None,
            None,
        ),
        (json!([image]), None, None),
    ] {
        let service = Service::new();
        is_error(&service.send(with_json(&json)), 400, param, code);
        assert_eq!(uploads(&service), [""; 0], "{json}");
        assert_eq!(tasks(&service), 0, "{json}");
    }
}

#[test]
fn images_are_refused_as_on_the_first_door() {
    let original = original();
    let cut = &original[..original.len() - 5];
    let file = Some("a.png");
    let prompt: (&str, Option<&str>, &[u8]) = ("prompt", None, b"x");
    for (name, parts, status, param) in [
        ("no image", vec![prompt], 400, Some("image")),
        (
            "text",
            vec![("image", file, &b"hello, I am text"[..]), prompt],
            415,
            None,
        ),
        ("cut short", vec![("image", file, cut), prompt], 400, None),
        ("empty", vec![("image", file, b""), prompt], 400, None),
        (
            "two",
            vec![
                ("image", file, &original),
                ("image[]", file, &original),
                prompt,
            ],
            400,
            Some("image"),
        ),
        (
            "two masks",
            vec![
                ("image", file, &original),
                ("mask", file, &original),
                ("mask", file, &original),
            ],
            400,
            Some("mask"),
        ),
        (
            "a mask that is none",
            vec![
                ("image", file, &original),
                prompt,
                ("mask", file, b"hello, I am text"),
            ],
            415,
            None,
        ),
        (
            "two prompts",
            vec![("image", file, &original), prompt, prompt],
            400,
            Some("prompt"),
        ),
        (
            "a prompt in no language",
            vec![("image", file, &original), ("prompt", None, b"\xff")],
            400,
            Some("prompt"),
        ),
    ] {
        let service = Service::new();
        let reply = service.send(with_form(call(), &parts));
        let code = (name.starts_with("two") && status == 400 && param != Some("prompt"))
            .then_some("unsupported_value");
        is_error(&reply, status, param, code);
        assert_eq!(uploads(&service), [""; 0], "{name}");
        assert_eq!(tasks(&service), 0, "{name}");
    }
    let small = Service::with(&[("max-image-bytes", "50"), ("max-image-pixels", "5")]);
    is_error(&small.send(edit(&[])), 413, None, None);
    let few = Service::with(&[("max-image-pixels", "5")]);
    is_error(&few.send(edit(&[])), 413, None, None);
    assert_eq!(uploads(&few), [""; 0]);
}

#[test]
fn a_body_that_cannot_be_read_leaves_nothing() {
    let whole = form(
        "x",
        &[
            ("image", Some("a.png"), &original()),
            ("prompt", None, b"x"),
        ],
    );
    let long = vec![b'a'; 64 * 1024 + 1];
    let of_type = |declared: &str| call().header("content-type", declared);
    let multipart = || of_type("multipart/form-data; boundary=x");
    let cut = whole.len() - 9;
    let pieces = |end: Result<Vec<u8>, Interrupted>| [Ok(whole[..cut].to_vec()), end];
    for (name, call, status) in [
        ("no type", call().body(whole.clone()), 415),
        ("another type", of_type("image/png").body(original()), 415),
        (
            "no boundary",
            of_type("multipart/form-data").body(whole.clone()),
            400,
        ),
        ("cut short", multipart().body(whole[..cut].to_vec()), 400),
        (
            "broken off",
            multipart().pieces(pieces(Err(Interrupted))),
            400,
        ),
        ("no form", multipart().body("hello"), 400),
        (
            "a long field",
            with_form(call(), &[("prompt", None, &long)]),
            413,
        ),
        (
            "a long other field",
            with_form(call(), &[("other", None, &long)]),
            413,
        ),
        (
            "many parts",
            with_form(call(), &[("other", None, b"x".as_slice()); 65]),
            413,
        ),
        ("no JSON", of_type("application/json").body("{"), 400),
        (
            "long JSON",
            with_json(&json!({"prompt": "a".repeat(64 * 1024)})),
            413,
        ),
        (
            "no base64",
            with_json(&json!({"images": [{"image_url": "data:image/png;base64,?"}]})),
            400,
        ),
    ] {
        let service = Service::new();
        is_error(&service.send(call), status, None, None);
        assert_eq!(uploads(&service), [""; 0], "{name}");
        assert_eq!(tasks(&service), 0, "{name}");
    }
}

#[test]
fn who_may_not_ask_is_told_in_openais_form() {
    let service = Service::new();
    let reply = service.send(Call::post(PATH));
    is_error(&reply, 401, None, Some("invalid_api_key"));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    is_error(
        &service.send(Call::get("/v1/models")),
        401,
        None,
        Some("invalid_api_key"),
    );
    let cookie = Call::post(PATH)
        .by_cookie("ann")
        .header("origin", "https://evil.example");
    is_error(&service.send(cookie), 403, None, None);
    let reply = service.send(Call::get(PATH));
    is_error(&reply, 405, None, None);
    assert_eq!(reply.header("allow"), Some("POST"));
    for path in ["/v1", "/v1/", "/v1/chat/completions", "/v1/models/x"] {
        let reply = service.send(Call::get(path).header("accept", "text/html"));
        is_error(&reply, 404, None, None);
    }
    let models = service.send(Call::get("/v1/models").by("ann")).json();
    assert_eq!(models["data"][0]["object"], "model");
    assert_eq!(models["data"][0]["id"], "concept-refinement");
    let reply = ended(&service, edit(&[]), |task| {
        completed(task);
        task.model = Some("fast\u{e9}".into());
    });
    assert_eq!(reply.header("x-model"), Some("fast"));
}

#[test]
fn a_task_under_way_and_a_used_quota_are_not_to_be_repeated() {
    let service = Service::with(&[("rate-limit", "1/month")]);
    let reply = ended(&service, edit(&[]), completed);
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(reply.header("x-should-retry"), None);
    let reply = service.send(edit(&[]));
    is_error(&reply, 429, None, Some("insufficient_quota"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(uploads(&service), [""; 0]);

    let service = Service::new();
    let _pending = service.begin(edit(&[]));
    let reply = service.send(edit(&[]));
    is_error(&reply, 409, None, Some("task_active"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(uploads(&service).len(), 1);
}

#[test]
fn a_failed_task_says_whether_a_repeat_can_help() {
    use FailureCause::{Other, PerhapsPaid, Refused};
    for (cause, status, should_retry) in [
        (Some(Refused), 400, Some("false")),
        (Some(PerhapsPaid), 500, Some("false")),
        (Some(Other), 500, None),
        (None, 500, None),
    ] {
        let service = Service::new();
        let reply = ended(&service, edit(&[]), failed(cause));
        assert_eq!(
            is_error(&reply, status, None, Some("task_failed")),
            "It failed."
        );
        assert_eq!(reply.header("x-should-retry"), should_retry, "{cause:?}");
        assert_eq!(uploads(&service), [""; 0], "{cause:?}");
    }
}

#[test]
fn what_takes_too_long_can_be_waited_for_again() {
    let service = Service::with(&[("task-timeout", "2m")]);
    let mut pending = service.begin(edit(&[]));
    service.poll_background_work();
    service.memory.advance(Duration::from_secs(120));
    let reply = pending.answer().unwrap();
    is_error(&reply, 503, None, None);
    assert_eq!(reply.header("retry-after"), Some("1"));
    // Its upload stays until it ends, whether anybody waits or not.
    drop(pending);
    assert_eq!(uploads(&service).len(), 1);
    service.memory.change_task(completed);
    service.poll_background_work();
    assert_eq!(uploads(&service), [""; 0]);
}

#[test]
fn what_cannot_be_reached_says_when_to_repeat() {
    // Where a task may have been created all the same, its upload stays until it is collected.
    for (function, left) in [("put", 0), ("submit", 1)] {
        let service = Service::new();
        service.memory.fail(function);
        let reply = service.send(edit(&[]));
        is_error(&reply, 503, None, None);
        assert_eq!(reply.header("retry-after"), Some("1"), "{function}");
        assert_eq!(uploads(&service).len(), left, "{function}");
    }
}

#[test]
fn a_repeat_joins_the_task_of_the_same_request() {
    let original = original();
    let other = png(3, 3, 100);
    let send = |boundary: &str, image: &[u8], prompt: &str, retry: Option<&str>, user: &str| {
        let body = form(
            boundary,
            &[
                ("image", Some("a.png"), image),
                ("prompt", None, prompt.as_bytes()),
            ],
        );
        let declared = format!("multipart/form-data; boundary={boundary}");
        let call = Call::post(PATH).by(user).header("content-type", declared);
        let call = match retry {
            Some(count) => call.header(RETRY_COUNT, count),
            None => call,
        };
        call.body(body)
    };
    for (name, boundary, image, prompt, retry, user, later, is_joined) in [
        ("the same", "x", &original, "a", Some("1"), "ann", 0, true),
        (
            "another boundary",
            "other",
            &original,
            "a",
            Some("2"),
            "ann",
            599,
            true,
        ),
        (
            "too late",
            "x",
            &original,
            "a",
            Some("1"),
            "ann",
            600,
            false,
        ),
        ("no repeat", "x", &original, "a", None, "ann", 0, false),
        ("the first", "x", &original, "a", Some("0"), "ann", 0, false),
        ("no number", "x", &original, "a", Some("x"), "ann", 0, false),
        (
            "another prompt",
            "x",
            &original,
            "b",
            Some("1"),
            "ann",
            0,
            false,
        ),
        (
            "another image",
            "x",
            &other,
            "a",
            Some("1"),
            "ann",
            0,
            false,
        ),
        (
            "another user",
            "x",
            &original,
            "a",
            Some("1"),
            "bob",
            0,
            false,
        ),
    ] {
        let service = Service::with(&[("active-tasks", "9")]);
        let first = ended(
            &service,
            send("x", &original, "a", None, "ann"),
            failed(Some(FailureCause::Refused)),
        );
        service.memory.advance(Duration::from_secs(later));
        let repeat = send(boundary, image, prompt, retry, user);
        let mut pending = service.begin(repeat);
        service.poll_background_work();
        let answer = pending.answer();
        assert_eq!(answer.is_some(), is_joined, "{name}");
        assert_eq!(tasks(&service), 2 - usize::from(is_joined), "{name}");
        if let Some(answer) = answer {
            assert_eq!(answer.json(), first.json(), "{name}");
            assert_eq!(uploads(&service), [""; 0], "{name}");
        }
    }
}

#[test]
fn a_key_of_its_own_joins_for_a_day() {
    let service = Service::with(&[("active-tasks", "9")]);
    let token = signed(json!({"sub": "ann", "exp": NOW.as_secs() + 100_000}));
    let keyed = |key: &str| {
        let call = Call::post(PATH).header("authorization", format!("Bearer {token}"));
        let json = json!({"images": [{"image_url": data_url(&original())}], "prompt": "x"});
        call.header("idempotency-key", key).json(&json)
    };
    let _ = ended(&service, keyed("a"), completed);
    service
        .memory
        .advance(Duration::from_secs(24 * 60 * 60 - 1));
    let mut pending = service.begin(keyed("a"));
    service.poll_background_work();
    assert!(pending.answer().is_some());
    let mut pending = service.begin(keyed("b"));
    service.poll_background_work();
    assert!(pending.answer().is_none());
}

#[test]
fn a_token_for_users_has_users_of_its_own() {
    let expires = NOW.as_secs() + 3600;
    let token =
        |for_users: Value| signed(json!({"sub": "app", "exp": expires, "for_users": for_users}));
    let long = "a".repeat(128);
    let longer = "a".repeat(129);
    for (for_users, fields, expected) in [
        (true, vec![("user", "ann")], Ok("app/ann")),
        (
            true,
            vec![("safety_identifier", "bob"), ("user", "ann")],
            Ok("app/bob"),
        ),
        (
            true,
            vec![("safety_identifier", ""), ("user", "ann")],
            Ok("app/ann"),
        ),
        (true, vec![("user", "")], Ok("app")),
        (true, vec![], Ok("app")),
        (
            true,
            vec![("user", "日本@example.com")],
            Ok("app/日本@example.com"),
        ),
        (true, vec![("user", &long)], Ok(&*format!("app/{long}"))),
        (true, vec![("user", &longer)], Err("user")),
        (true, vec![("user", "a/b")], Err("user")),
        (
            true,
            vec![("safety_identifier", "a b")],
            Err("safety_identifier"),
        ),
        (true, vec![("user", "a\u{200b}b")], Err("user")),
        (true, vec![("user", "a\nb")], Err("user")),
        (false, vec![("user", "ann")], Ok("app")),
        (false, vec![("user", "a/b")], Ok("app")),
    ] {
        let service = Service::new();
        let mut parts: Vec<(&str, Option<&str>, &[u8])> = vec![("prompt", None, b"x")];
        parts.extend(
            fields
                .iter()
                .map(|(name, value)| (*name, None, value.as_bytes())),
        );
        let original = original();
        parts.push(("image", Some("a.png"), &original));
        let bearer = format!("Bearer {}", token(json!(for_users)));
        let call = with_form(Call::post(PATH).header("authorization", bearer), &parts);
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
        let original = original();
        let bearer = format!("Bearer {}", token(json!(true)));
        let call = Call::post(PATH).header("authorization", bearer);
        let parts: [(&str, Option<&str>, &[u8]); 3] = [
            ("image", Some("a.png"), &original),
            ("prompt", None, b"x"),
            ("user", None, user.as_bytes()),
        ];
        drop(service.begin(with_form(call, &parts)));
    }
    assert_eq!(tasks(&service), 2);
}

#[test]
fn names_of_ignored_fields_are_few_and_plain() {
    let service = Service::new();
    let names: Vec<String> = (10..60).map(|number| format!("field_{number}")).collect();
    let mut fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "x")).collect();
    fields.extend([("a,b", "x"), ("ü", "x")]);
    let reply = ended(&service, edit(&fields), completed);
    let ignored = reply.header("x-ignored-fields").unwrap();
    assert_eq!(ignored.split(", ").count(), 32);
    assert!(ignored.starts_with("field_10, field_11, "), "{ignored}");
}
