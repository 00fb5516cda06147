//! `refine` and `check` with each provider.

use std::io::Write as _;
use std::process::Command;

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::automatic1111::Automatic1111;
use concept_refinement_tests::stand_in::openai::OpenAi;
use concept_refinement_tests::stand_in::{ALL, StandIn};
use concept_refinement_tests::tls::{self, TlsPort};
use serde_json::json;

use crate::place::{Place, run};

/// The command with this provider's model at this URL.
fn at<'a>(command: &'a mut Command, stand_in: &dyn StandIn, url: &str) -> &'a mut Command {
    command.envs(stand_in.variables(url))
}

#[test]
fn each_refines_a_file_that_it_is_sent() {
    let picture = pictures::webp(50, 40);
    for stand_in in ALL {
        let label = stand_in.label();
        let provider = stand_in.start();
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
        let mut command = place.command(&["refine", "logo.png", &prompt, "-o", "out/"]);
        // There is no service that a provider could fetch the file from.
        command.env("REFINEMENT_PUBLIC_URL", "https://refine.example");
        run(at(&mut command, *stand_in, &provider.url()), b"").silent();
        assert_eq!(place.read("out/logo.webp"), marked(&picture), "{label}");
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 1, "{label}");
        let sent = String::from_utf8_lossy(&asked[0].body).into_owned();
        assert!(!sent.contains("refine.example"), "{label}: {sent}");
    }
}

#[test]
fn what_a_provider_says_is_told_without_the_key() {
    for stand_in in ALL {
        let (label, key) = (stand_in.label(), stand_in.key());
        let provider = stand_in.start();
        let place = Place::new();
        place.write("logo.png", &pictures::png(40, 30).bytes);
        let said = json!({"error": {"message": format!("No logos, {key}.")}}).to_string();
        let headers = format!("content-length: {}\r\n", said.len());
        for (status, sentence) in [
            (401, "logo.png: the provider refused the key"),
            (400, "logo.png: the provider answered 400: No logos, ***"),
        ] {
            let prompt = provider.prompt([Reply::new(status, &headers, said.as_bytes())]);
            let mut command = place.command(&["refine", "logo.png", &prompt, "-o", "out"]);
            let done = run(at(&mut command, *stand_in, &provider.url()), b"");
            assert_eq!(done.code, 1, "{label}");
            let expected = format!("concept-refinement: {sentence}\n");
            assert_eq!(done.stderr, expected, "{label}");
            assert_eq!(place.files(), ["logo.png"], "{label}");
        }
    }
}

#[test]
fn each_is_reached_by_a_check_that_costs_nothing() {
    for stand_in in ALL {
        let label = stand_in.label();
        let place = Place::new();
        let provider = Provider::start();
        let base = format!("{}/base/", provider.url());
        let mut command = place.command(&["check"]);
        let done = run(at(&mut command, *stand_in, &base), b"");
        assert_eq!(done.code, 0, "{label}: {}", done.text());
        let line = format!("provider       ok: {} answers", provider.url());
        assert!(done.text().contains(&line), "{label}: {}", done.text());
        assert!(!done.text().contains(stand_in.key()), "{label}");
        let asked = provider.asked(&base);
        assert_eq!(asked.len(), 1, "{label}");
        assert_eq!(asked[0].method, "HEAD", "{label}");
        assert!(asked[0].body.is_empty(), "{label}");
        let mut credentials = ALL.iter().map(|stand_in| stand_in.credentials().0);
        assert!(credentials.all(|name| asked[0].header(name).is_none()));
    }
}

/// In no list of the system's.
#[test]
fn the_authority_of_the_operator_is_trusted_for_one() {
    let (provider, picture) = (OpenAi.start(), pictures::webp(50, 40));
    let encrypted = TlsPort::before(provider.authority().parse().unwrap());
    let place = Place::new();
    place.write("logo.png", &pictures::png(40, 30).bytes);
    let prompt = provider.prompt([OpenAi.success(&provider, &picture)]);
    let mut command = place.command(&["refine", "logo.png", &prompt, "-o", "out/"]);
    command.arg("--ca-file").arg(tls::file("authority.pem"));
    let url = format!("https://localhost:{}", encrypted.port());
    run(at(&mut command, &OpenAi, &url), b"").silent();
    assert_eq!(place.read("out/logo.webp"), marked(&picture));
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
        let done = run(at(&mut command, &OpenAi, &provider.url()), b"");
        assert_eq!(done.code, 0, "{}", done.text());
        let last = done.text().lines().last().unwrap().to_owned();
        assert_eq!(last, format!("model name     {expected}"));
        assert!(!done.text().contains(OpenAi.key()));
    }
    let asked = provider.asked(&url);
    let (header, value) = OpenAi.credentials();
    assert_eq!(asked[0].header(header), Some(value.as_str()));
}

#[test]
fn one_that_cannot_be_reached_is_told() {
    let closed = format!("http://{}", free_address());
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
        let done = run(at(&mut command, &Automatic1111, url), b"");
        assert_eq!(done.code, 1, "{url}: {}", done.text());
        let last = done.text().lines().last().unwrap().to_owned();
        assert!(last.starts_with("provider "), "{url}: {last}");
        assert!(last.contains(problem), "{url}: {last}");
    }
}
