//! `mcp`: a client that speaks to it line by line, as an agent's does.

mod session;

use std::fs;
use std::os::unix::fs::symlink;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, brightness, decode};
use image::GenericImageView as _;
use serde_json::{Value, json};

use crate::place::{Place, origin, run};
use session::{Session, call, in_revision};

/// What was answered in place of an image.
#[track_caller]
fn refusal(answer: &Value) -> String {
    let result = &answer["result"];
    assert_eq!(result["isError"], true, "{answer}");
    assert!(result.get("structuredContent").is_none(), "{answer}");
    let content = result["content"].as_array().unwrap();
    assert_eq!(content.len(), 1, "{answer}");
    content[0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_refines_a_file_in_each_revision() {
    let place = Place::new();
    let logo = pictures::png(64, 48).bytes;
    place.write("pictures/logo.png", &logo);
    let mut session = Session::start(&place);
    let asked = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let agreed = session.ask(&json!({ "id": "a", "method": "initialize", "params": asked }));
    assert_eq!(agreed["result"]["protocolVersion"], "2025-11-25");
    session.tell(&json!({ "method": "notifications/initialized" }));
    let tools = session.ask(&json!({ "id": 0, "method": "tools/list" }));
    let tool = &tools["result"]["tools"][0];
    assert_eq!(tool["name"], "refine_image", "{tools}");

    let arguments = json!({ "path": "pictures/logo.png", "prompt": "much lighter, with sparkles" });
    let mut asked = call(1, &arguments);
    asked["params"]["_meta"]["progressToken"] = json!("p");
    let answer = session.ask(&asked);
    let (result, path) = (
        &answer["result"],
        place.path().join("pictures/logo-refined.png"),
    );
    let refined = fs::read(&path).unwrap();
    assert!(brightness(&decode(&refined)) > brightness(&decode(&logo)) + 10.0);
    let path = path.to_str().unwrap();
    let [text, link, image] = result["content"].as_array().unwrap().as_slice() else {
        panic!("{answer}");
    };
    let note = "Not understood: sparkles.";
    let said = format!("The refined image is {path} (image/png).\n{note}");
    assert_eq!(text, &json!({ "type": "text", "text": said }));
    assert_eq!(link["type"], "resource_link");
    assert_eq!(link["uri"], format!("file://{path}"));
    assert_eq!(image["mimeType"], "image/png");
    let data = BASE64_STANDARD.decode(image["data"].as_str().unwrap());
    assert!(data.unwrap() == refined);
    let fields = json!({
        "path": path, "media_type": "image/png", "bytes": refined.len(), "notes": [note],
    });
    assert_eq!(result["structuredContent"], fields);
    assert_eq!(result["isError"], false);
    let steps: Vec<_> = session
        .told()
        .into_iter()
        .map(|told| {
            assert_eq!(told["method"], "notifications/progress");
            let params = &told["params"];
            assert_eq!(
                (&params["progressToken"], &params["total"]),
                (&json!("p"), &json!(4))
            );
            params["progress"].as_u64().unwrap()
        })
        .collect();
    // The end of the call may overtake the last ones.
    assert!(steps.starts_with(&[0, 1]) && steps.is_sorted(), "{steps:?}");

    // Without a word before it, a part only, into another file.
    let region = json!({ "x": 0, "y": 0, "width": 32, "height": 48 });
    let arguments = json!({
        "path": place.path().join("pictures/logo.png"), "prompt": "much lighter",
        "out": "part.png", "region": region, "mask_feather": 0,
    });
    let answer = session.ask(&in_revision("2026-07-28", call(2, &arguments)));
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    let (part, logo) = (decode(&place.read("part.png")), decode(&logo));
    assert_eq!(part.get_pixel(63, 47), logo.get_pixel(63, 47));
    assert_ne!(part.get_pixel(1, 1), logo.get_pixel(1, 1));
    session.end().silent();
    let files = ["part.png", "pictures/logo-refined.png", "pictures/logo.png"];
    assert_eq!(place.files(), files);
}

/// By who was told so by a page that it has read: what must not be is refused in a sentence,
/// and nothing is written.
#[test]
fn calls_that_lead_elsewhere_are_refused() {
    let place = Place::new();
    let logo = pictures::png(40, 30).bytes;
    place.write("work/logo.png", &logo);
    place.write("work/notes.txt", "a secret");
    place.write("work/.vscode/tasks.json", "{}");
    place.write("outside/logo.png", &logo);
    symlink("../outside", place.path().join("work/away")).unwrap();
    symlink("../outside/logo.png", place.path().join("work/away.png")).unwrap();
    let huge = fs::File::create(place.path().join("work/huge.png")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let before = place.files();
    let mut session = Session::scripted(&place, "work", &[]);
    let inside = origin().picture(&pictures::png(8, 8));
    for (arguments, expected) in [
        (
            json!({ "out": "../out.png" }),
            "out: the result must lie below",
        ),
        (
            json!({ "out": place.path().join("out.png") }),
            "must lie below",
        ),
        (json!({ "out": "" }), "out must not be empty"),
        (json!({ "out": "away/out.png" }), "must lie below"),
        (json!({ "out": "away.png" }), "must lie below"),
        (
            json!({ "path": "../outside/logo.png" }),
            "without out: the result must lie below",
        ),
        (json!({ "out": "notes.txt" }), "is no image"),
        (
            json!({ "out": "refinement.toml" }),
            "is no place for an image",
        ),
        (json!({ "out": ".bashrc" }), "is no place for an image"),
        (
            json!({ "out": ".vscode/settings.json" }),
            "is no place for an image",
        ),
        (json!({ "path": "notes.txt" }), "the file is not an image"),
        (json!({ "mask": "notes.txt" }), "the file is not an image"),
        (json!({ "path": "huge.png" }), "larger than 20 MiB"),
        (json!({ "mask": "huge.png" }), "larger than 20 MiB"),
        (
            json!({ "path": "/dev/zero", "out": "out.png" }),
            "not a file",
        ),
        (json!({ "path": "away" }), "not a file"),
        (json!({ "path": "none.png" }), "No such file"),
        (json!({ "path": null, "url": inside }), "url must"),
        (
            json!({ "path": null, "url": "file:///etc/passwd" }),
            "url must",
        ),
        (json!({ "mask": "http://10.0.0.1/mask.png" }), "mask must"),
        (json!({ "path": null }), "path is required"),
        (
            json!({ "url": "https://example.com/a.png" }),
            "together with url",
        ),
        (
            json!({ "prompt": " ", "strength": 2 }),
            "strength must be a number from 0 to 1",
        ),
        (json!({ "regoin": {} }), "regoin is no argument"),
        (json!({ "prompt": "refuse: not today" }), "not today"),
    ] {
        let mut all = json!({ "path": "logo.png", "prompt": "echo it" });
        for (name, value) in arguments.as_object().unwrap() {
            all[name] = value.clone();
        }
        let sentence = refusal(&session.ask(&call(1, &all)));
        assert!(sentence.contains(expected), "{arguments}: {sentence}");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
    session.end().silent();
    assert_eq!(place.files(), before);
    assert_eq!(place.read("outside/logo.png"), logo);
    assert_eq!(place.read("work/notes.txt"), b"a secret");

    // Where the user has allowed it, it is fine.
    let url = origin().picture(&pictures::png(20, 20));
    let sources = format!("--allow-sources={}", origin().authority());
    let flags = ["--allow", "../outside", &sources];
    let mut session = Session::scripted(&place, "work", &flags);
    for arguments in [
        json!({ "url": url, "prompt": "echo it", "out": "../outside/logo.png" }),
        json!({ "path": "../outside/logo.png", "prompt": "echo it" }),
        json!({ "url": url, "prompt": "echo it" }),
    ] {
        let answer = session.ask(&call(1, &arguments));
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    session.end().silent();
    let echoed = marked(&pictures::png(20, 20));
    assert_eq!(place.read("outside/logo.png"), echoed);
    assert_eq!(place.read("outside/logo-refined.png"), echoed);
    let below_work = place
        .files()
        .into_iter()
        .filter(|name| name.starts_with("work/"));
    let refined = below_work.filter(|name| name.ends_with("-refined.png"));
    assert_eq!(refined.count(), 1);
}

#[test]
fn nonsense_is_answered_and_the_session_goes_on() {
    let mut session = Session::start(&Place::new());
    let long = "x".repeat(100_000);
    let deep = "[".repeat(10_000);
    for (line, code) in [
        (&b"nonsense"[..], -32700),
        (b"\xff\xfe{}", -32700),
        (deep.as_bytes(), -32700),
        (b"{}", -32600),
        (long.as_bytes(), -32600),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}}"#,
            -32602,
        ),
    ] {
        // What is between them needs no answer.
        session.send(b"\r");
        session.send(br#"{"jsonrpc":"2.0","method":"notifications/of_anything"}"#);
        session.send(
            br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}"#,
        );
        session.send(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        session.send(line);
        let answer = session.next();
        let shown = String::from_utf8_lossy(line.get(..100).unwrap_or(line));
        assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
    }
    let pong = session.ask(&json!({ "id": "é\n", "method": "ping" }));
    assert_eq!(pong["result"], json!({}));
    session.end().silent();
}

/// The others end as they are, and as they end.
#[test]
fn a_call_that_is_cancelled_ends_without_an_answer() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let mut session = Session::scripted(&place, ".", &[]);
    let asked = |id: u32, prompt: &str| {
        let out = format!("{id}.png");
        let mut asked = call(
            id,
            &json!({ "path": "logo.png", "prompt": prompt, "out": out }),
        );
        asked["params"]["_meta"]["progressToken"] = json!(id);
        asked
    };
    session.tell(&asked(1, "hang for ever"));
    session.until_told(|told| told["params"]["message"] == "refining");
    session.tell(&asked(2, "hang for ever"));
    // An id may not be used twice at a time.
    let twice = session.ask(&asked(1, "echo it"));
    assert_eq!(twice["error"]["code"], -32600, "{twice}");
    for id in [1, 2] {
        let params = json!({ "requestId": id, "reason": "too slow" });
        session.tell(&json!({ "method": "notifications/cancelled", "params": params }));
    }
    // Now it may.
    for id in [3, 1] {
        let answer = session.ask(&asked(id, "echo it"));
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    session.end().silent();
    assert_eq!(place.files(), ["1.png", "3.png", "logo.png"]);
}

/// Of all that it was asked, an image too large to be in an answer included.
#[test]
fn the_end_of_the_input_is_not_the_end_of_the_work() {
    let place = Place::new();
    let photo = pictures::large_png(300 << 10);
    place.write("photo.png", &photo.bytes);
    let asked = call(7, &json!({ "path": "photo.png", "prompt": "wait 300ms" }));
    let mut line = session::message(&asked).to_string();
    let mut command = place.command(&["mcp", "--model"]);
    line.push('\n');
    let done = run(command.arg(artifacts::scripted_model()), line.as_bytes());
    done.silent();
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(answer["id"], 7, "{answer}");
    let content = answer["result"]["content"].as_array().unwrap();
    let kinds: Vec<_> = content
        .iter()
        .map(|part| part["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["text", "resource_link"]);
    assert!(place.read("photo-refined.png").len() > 256 << 10);
}
