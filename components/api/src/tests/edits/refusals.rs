//! What is refused at OpenAI's door, and what that leaves behind.

use super::*;

#[test]
fn what_cannot_be_honoured_is_told_by_its_field() {
    let unsupported = Some("unsupported_value");
    for (field, value, status, code) in [
        ("n", "2", 400, unsupported),
        ("n", "99999999999999999999", 400, unsupported),
        ("n", "2.0", 400, unsupported),
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
    let original = original();
    let image = data_url(&original);
    let cut = data_url(&original[..original.len() - 5]);
    let at = |url: &str| json!({"image_url": url});
    let of = |images: Value| json!({"images": images, "prompt": "x"});
    let of_url = |url: &str| of(json!([at(url)]));
    let with = |name: &str, value: Value| {
        let mut json = of_url(&image);
        json[name] = value;
        json
    };
    let thrice = vec![at(&image); 3];
    let private = at("http://127.0.0.1/");
    let private_mask = json!({"images": [at("http://8.8.8.8/")], "mask": private, "prompt": "x"});
    let cut_mask = json!({"images": [at(&image)], "mask": at(&cut)});
    for (json, param, code) in [
        (json!({"prompt": "x"}), "images", None),
        (of(json!([])), "images", None),
        (of(json!("x")), "images", None),
        (of(json!([{}])), "images", None),
        (of(json!([{"file_id": "f"}])), "images", unsupported),
        (of(json!(vec![at(&image); 2])), "images", unsupported),
        (json!({"images": thrice}), "images", unsupported),
        (of_url("data:image/png,x"), "images", None),
        (with("mask", at("data:0")), "mask", None),
        (of_url("http://127.0.0.1/"), "images", None),
        (private_mask, "mask", None),
        (json!({"images": [at(&image)]}), "prompt", None),
        (with("prompt", json!(7)), "prompt", None),
        (with("n", json!(1e30)), "n", unsupported),
        (json!({"image": image, "prompt": "x"}), "images", None),
        (of(json!(image)), "images", None),
        (of_url("data:image/png;base64,?"), "images", None),
        (cut_mask, "mask", None),
        (json!([image]), "", None),
    ] {
        let service = Service::new();
        let param = (!param.is_empty()).then_some(param);
        is_error(&service.send(with_json(&json)), 400, param, code);
        assert_eq!(uploads(&service), [""; 0], "{json}");
        assert_eq!(tasks(&service), 0, "{json}");
    }
}

#[test]
fn images_are_refused_as_on_the_first_door() {
    let original = original();
    let cut: Part<'_> = ("image", Some("a.png"), &original[..original.len() - 5]);
    let file = Some("a.png");
    let prompt: Part<'_> = ("prompt", None, b"x");
    let image: Part<'_> = ("image", file, &original);
    let mask: Part<'_> = ("mask", file, &original);
    let second: Part<'_> = ("image[]", file, &original);
    let no_language: Part<'_> = ("prompt", None, b"\xff");
    let text: Part<'_> = ("image", file, b"hello, I am text");
    let no_mask: Part<'_> = ("mask", file, b"hello, I am text");
    let empty: Part<'_> = ("image", file, b"");
    for (name, parts, status, param) in [
        ("no image", vec![prompt], 400, Some("image")),
        ("text", vec![text, prompt], 415, Some("image")),
        ("cut", vec![cut, prompt], 400, Some("image")),
        ("empty", vec![empty, prompt], 400, Some("image")),
        (
            "two images",
            vec![image, second, prompt],
            400,
            Some("image"),
        ),
        ("two masks", vec![image, mask, mask], 400, Some("mask")),
        (
            "a mask of text",
            vec![image, prompt, no_mask],
            415,
            Some("mask"),
        ),
        (
            "two prompts",
            vec![image, prompt, prompt],
            400,
            Some("prompt"),
        ),
        ("no language", vec![image, no_language], 400, Some("prompt")),
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
    let reply = small.send(edit(&[]));
    is_error(&reply, 413, Some("image"), None);
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    let few = Service::with(&[("max-image-pixels", "5")]);
    is_error(&few.send(edit(&[])), 413, Some("image"), None);
    assert_eq!(uploads(&few), [""; 0]);
}

#[test]
fn a_body_that_cannot_be_read_leaves_nothing() {
    let image: Part<'_> = ("image", Some("a.png"), &original());
    let whole = form("x", &[image, ("prompt", None, b"x")]);
    let long = vec![b'a'; 64 * 1024 + 1];
    let of_type = |declared: &str| call().header("content-type", declared);
    let multipart = || of_type("multipart/form-data; boundary=x");
    let cut = whole.len() - 9;
    let pieces = |end: Result<Vec<u8>, Interrupted>| [Ok(whole[..cut].to_vec()), end];
    let unbounded = of_type("multipart/form-data").body(whole.clone());
    let broken_off = multipart().pieces(pieces(Err(Interrupted)));
    let long_field = with_form(call(), &[("prompt", None, &long)]);
    let long_other = with_form(call(), &[("other", None, &long)]);
    let many_parts = with_form(call(), &[("other", None, b"x".as_slice()); 65]);
    let begin = r#"{"images":[{"image_url":"data:image/png;base64,iVBO"#;
    let cut_in_image = of_type("application/json").body(begin);
    let long_json = with_json(&json!({"prompt": "a".repeat(64 * 1024)}));
    for (name, call, status) in [
        ("no type", call().body(whole.clone()), 415),
        ("another type", of_type("image/png").body(original()), 415),
        ("no boundary", unbounded, 400),
        ("cut short", multipart().body(whole[..cut].to_vec()), 400),
        ("broken off", broken_off, 400),
        ("no form", multipart().body("hello"), 400),
        ("a long field", long_field, 413),
        ("a long other field", long_other, 413),
        ("many parts", many_parts, 413),
        ("no JSON", of_type("application/json").body("{"), 400),
        ("cut in an image", cut_in_image, 400),
        ("long JSON", long_json, 413),
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
    let models = service.send(Call::get("/v1/models"));
    is_error(&models, 401, None, Some("invalid_api_key"));
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
fn a_task_under_way_and_a_used_quota_or_budget_are_not_to_be_repeated() {
    let service = Service::with(&[("rate-limit", "1/month")]);
    let reply = ended(&service, edit(&[]), completed);
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(reply.header("x-should-retry"), None);
    let reply = service.send(edit(&[]));
    is_error(&reply, 429, None, Some("insufficient_quota"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(uploads(&service), [""; 0]);

    let service = Service::with(&[("budget", "0 USD/day"), ("reservation", "openai 0.06")]);
    let reply = service.send(edit(&[]));
    is_error(&reply, 429, None, Some("insufficient_quota"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("10"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(uploads(&service), [""; 0]);

    let service = Service::with(&[("uploads", "0")]);
    let reply = service.send(edit(&[]));
    is_error(&reply, 429, None, Some("insufficient_quota"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));

    let service = Service::new();
    let _pending = service.begin(edit(&[]));
    let reply = service.send(edit(&[]));
    is_error(&reply, 409, None, Some("task_active"));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(uploads(&service).len(), 1);
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
