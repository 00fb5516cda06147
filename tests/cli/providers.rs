//! `refine` and `check` with each provider.

use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use serde_json::json;

use crate::place::{Place, run};

const KEY: &str = "me:hush-1234";
const NAMES: [&str; 5] = [
    "jigsawstack",
    "openai",
    "stability",
    "replicate",
    "automatic1111",
];

fn success(name: &str, picture: &Picture) -> Reply {
    let base64 = STANDARD.encode(&picture.bytes);
    let json = match name {
        "openai" => json!({"data": [{"b64_json": base64}]}),
        "stability" => json!({"image": base64, "finish_reason": "SUCCESS"}),
        "replicate" => {
            json!({"status": "succeeded", "output": format!("data:image/webp;base64,{base64}")})
        }
        "automatic1111" => json!({"images": [base64]}),
        _ => return Reply::picture(picture),
    };
    Reply::ok("application/json", json.to_string().as_bytes())
}

fn at<'a>(command: &'a mut Command, name: &str, url: &str) -> &'a mut Command {
    command
        .env("REFINEMENT_MODEL", name)
        .env("REFINEMENT_MODEL_URL", url)
        .env("REFINEMENT_MODEL_API_KEY", KEY)
}

#[test]
fn each_refines_a_file_that_it_is_sent() {
    let picture = pictures::webp(50, 40);
    for name in NAMES {
        let provider = Provider::start();
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        let prompt = provider.prompt([success(name, &picture)]);
        let mut command = place.command(&["refine", "logo.png", &prompt, "-o", "out/"]);
        // There is no service that a provider could fetch the file from.
        command.env("REFINEMENT_PUBLIC_URL", "https://refine.example");
        run(at(&mut command, name, &provider.url()), b"").silent();
        assert_eq!(place.read("out/logo.webp"), marked(&picture), "{name}");
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 1, "{name}");
        let sent = String::from_utf8_lossy(&asked[0].body).into_owned();
        assert!(!sent.contains("refine.example"), "{name}: {sent}");
    }
}

#[test]
fn what_a_provider_says_is_told_without_the_key() {
    for name in NAMES {
        let provider = Provider::start();
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        let said = json!({"error": {"message": format!("No logos, {KEY}.")}}).to_string();
        let headers = format!("content-length: {}\r\n", said.len());
        for (status, sentence) in [
            (401, "logo.png: the provider refused the key"),
            (400, "logo.png: the provider answered 400: No logos, ***"),
        ] {
            let prompt = provider.prompt([Reply::new(status, &headers, said.as_bytes())]);
            let mut command = place.command(&["refine", "logo.png", &prompt, "-o", "out"]);
            let done = run(at(&mut command, name, &provider.url()), b"");
            assert_eq!(done.code, 1, "{name}");
            let expected = format!("concept-refinement: {sentence}\n");
            assert_eq!(done.stderr, expected, "{name}");
            assert_eq!(place.files(), ["logo.png"], "{name}");
        }
    }
}

#[test]
fn each_is_reached_by_a_check_that_costs_nothing() {
    for name in NAMES {
        let place = Place::new();
        let provider = Provider::start();
        let base = format!("{}/base/", provider.url());
        let mut command = place.command(&["check"]);
        let done = run(at(&mut command, name, &base), b"");
        assert_eq!(done.code, 0, "{name}: {}", done.text());
        let line = format!("provider       ok: {} answers", provider.url());
        assert!(done.text().contains(&line), "{name}: {}", done.text());
        assert!(!done.text().contains(KEY), "{name}");
        let asked = provider.asked(&base);
        assert_eq!(asked.len(), 1, "{name}");
        assert_eq!(asked[0].method, "HEAD", "{name}");
        assert!(asked[0].body.is_empty(), "{name}");
        let credentials = ["authorization", "x-api-key"];
        assert!(
            credentials
                .iter()
                .all(|name| asked[0].header(name).is_none())
        );
    }
}

/// What the provider's list says of the model that is asked for.
#[test]
fn a_model_that_will_end_or_is_not_there_is_warned_of() {
    let list = json!({"object": "list", "data": [
        {"id": "gpt-image-2.6-sunburst", "object": "model", "shutdown_date": null},
        {"id": "gpt-image-1.5", "object": "model", "shutdown_date": "2026-12-01"},
    ]});
    let provider = Provider::start();
    let url = provider.serve_at(
        "/v1/models",
        Reply::ok("application/json", list.to_string().as_bytes()),
    );
    for (name, expected) in [
        (None, "ok: gpt-image-2.6-sunburst"),
        (
            Some("gpt-image-1.5"),
            "ok: gpt-image-1.5; warning: the provider shuts it down on 2026-12-01",
        ),
        (
            Some("gpt-image-1"),
            "ok: gpt-image-1; warning: it is not in the provider's list of models",
        ),
    ] {
        let mut command = Place::new().command(&["check"]);
        if let Some(name) = name {
            command.env("REFINEMENT_MODEL_NAME", name);
        }
        let done = run(at(&mut command, "openai", &provider.url()), b"");
        assert_eq!(done.code, 0, "{}", done.text());
        let last = done.text().lines().last().unwrap().to_owned();
        assert_eq!(last, format!("model name     {expected}"));
        assert!(!done.text().contains(KEY));
    }
    let asked = provider.asked(&url);
    let bearer = format!("Bearer {KEY}");
    assert_eq!(asked[0].header("authorization"), Some(bearer.as_str()));
}

#[test]
fn one_that_cannot_be_reached_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let no_tls = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            stream
                .unwrap()
                .write_all(b"HTTP/1.1 400 No\r\n\r\n")
                .unwrap();
        }
    });
    for (url, problem) in [
        (closed.as_str(), "accepts no connection"),
        (&no_tls, "does not prove who it is"),
        (
            "http://nowhere.invalid",
            "has a name that cannot be resolved",
        ),
    ] {
        let mut command = Place::new().command(&["check"]);
        let done = run(at(&mut command, "automatic1111", url), b"");
        assert_eq!(done.code, 1, "{url}: {}", done.text());
        let last = done.text().lines().last().unwrap().to_owned();
        assert!(last.starts_with("provider "), "{url}: {last}");
        assert!(last.contains(problem), "{url}: {last}");
    }
}
