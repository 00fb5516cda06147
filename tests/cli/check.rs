//! `check`: whether a service could work as it is configured.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::issuer::Issuer;
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::pubsub::PubSub;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use serde_json::{Value, json};

use crate::place::{Done, Place};

const PARTS: [&str; 7] = [
    "configuration",
    "data",
    "tasks",
    "queue",
    "images",
    "components",
    "model",
];

/// What each line says, by name.
#[track_caller]
fn lines(done: &Done) -> Vec<(String, String)> {
    assert_eq!(done.stderr, "");
    done.text()
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, says)| (name.to_owned(), says.trim().to_owned()))
        .collect()
}

#[track_caller]
fn says(done: &Done, name: &str) -> String {
    let lines = lines(done);
    let line = lines.iter().find(|(line, _)| line == name);
    line.unwrap_or_else(|| panic!("{name}: {lines:?}"))
        .1
        .clone()
}

/// Asserts that it failed, and how the line of the queue begins.
#[track_caller]
fn has_no_queue(done: &Done, begin: &str) {
    assert_eq!(done.code, 1, "{}", done.text());
    let said = says(done, "queue");
    assert!(said.starts_with(begin), "{said}");
}

#[test]
fn a_fresh_machine_is_fine_and_stays_fresh() {
    let place = Place::new();
    let done = place.run(&["check"]);
    assert_eq!(done.code, 0, "{}", done.text());
    let lines = lines(&done);
    let names: Vec<_> = lines.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, PARTS);
    assert!(
        lines.iter().all(|(_, says)| says.starts_with("ok")),
        "{lines:?}"
    );
    assert_eq!(says(&done, "data"), "ok: ./data is to be created");
    assert!(says(&done, "model").contains("local model"));
    assert_eq!(place.files(), [""; 0]);
    assert!(!place.path().join("data").exists());
}

#[test]
fn what_was_found_is_there_for_programs_too() {
    let place = Place::new();
    let done = place.run(&[
        "check",
        "--json",
        "--model=automatic1111",
        "--model-url=http://127.0.0.1:1",
    ]);
    assert_eq!(done.code, 1);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), PARTS.len() + 1);
    assert_eq!(
        checks[0],
        json!({"name": "configuration", "ok": true, "says": ""})
    );
    assert_eq!(
        checks[PARTS.len()],
        json!({
            "name": "provider",
            "ok": false,
            "says": "http://127.0.0.1:1 accepts no connection",
        })
    );
}

#[test]
fn a_running_service_is_not_disturbed() {
    let launch = Launch::new();
    let service = launch.start();
    let place = Place::new();
    let data = format!("--data-dir={}", launch.data().display());
    let done = place.run(&["check", &data]);
    assert_eq!(done.code, 0, "{}", done.text());
    for name in ["tasks", "queue", "images"] {
        assert_eq!(says(&done, name), "ok: in use by a running service");
    }
    let ended = service.stop();
    assert!(ended.status.success());
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);

    // The stores are opened as a start would open them.
    let done = place.run(&["check", &data]);
    assert_eq!(done.code, 0, "{}", done.text());
    assert_eq!(says(&done, "tasks"), "ok");
    assert_eq!(says(&done, "images"), "ok");
    assert!(launch.start().stop().status.success());
}

#[test]
fn what_cannot_be_used_is_told_beside_what_can() {
    let damaged = |name: &str, bytes: &[u8]| {
        let launch = Launch::new();
        assert!(launch.start().stop().status.success());
        std::fs::write(launch.data().join(name), bytes).unwrap();
        format!("--data-dir={}", launch.data().display())
    };
    let secret = damaged("secret", b"short");
    let database = damaged("tasks.sqlite", &[7; 4096]);
    let missing = format!("--components={}", Place::new().path().display());
    let scripted = format!("--model={}", artifacts::scripted_model().display());
    let none = "model: ./file: the model component cannot be compiled";
    let away = "http://127.0.0.1:1 accepts no connection";
    let issuer = ["--auth=jwks", "--jwks-url=http://127.0.0.1:1/keys"];
    let cases: [(&[&str], &str, &str); 10] = [
        (&["--lease=30"], "configuration", "--lease: "),
        (&["--images=s3://"], "configuration", "--images: must be "),
        (&["--model=./gone.wasm"], "components", "--model: "),
        (&["--config=gone.toml"], "configuration", "gone.toml: "),
        (&["--data-dir=file"], "data", "file cannot be created"),
        (&[&secret], "data", "secret"),
        (&[&database], "tasks", "tasks.sqlite"),
        (&["--model=./file"], "components", none),
        (
            &[&scripted, "--model-url=http://127.0.0.1:1"],
            "provider",
            away,
        ),
        (&issuer, "issuer", away),
    ];
    for (flags, part, problem) in cases {
        let name = flags.join(" ");
        let place = Place::new();
        place.write("file", "x");
        let done = place.run(&[&["check"], flags].concat());
        assert_eq!(done.code, 1, "{name}: {}", done.text());
        let said = says(&done, part);
        assert!(
            !said.starts_with("ok") && said.contains(problem),
            "{name}: {said}"
        );
        assert_eq!(place.files(), ["file"], "{name}");
        if part != "configuration" {
            assert!(says(&done, "configuration").starts_with("ok"), "{name}");
        }
    }
    let mut command = std::process::Command::new(artifacts::binary());
    let done = crate::place::run(command.args(["check", &missing]), b"");
    assert_eq!(done.code, 1);
    let said = says(&done, "components");
    assert!(said.contains("api.wasm"), "{said}");
}

#[test]
fn the_keys_of_an_issuer_have_to_be_usable() {
    for (answer, problem) in [
        (None, None),
        (
            Some((404, "{}")),
            Some("answered 404 when asked for its keys"),
        ),
        (
            Some((200, "<p>Welcome</p>")),
            Some("answered with something else than keys"),
        ),
        (
            Some((200, r#"{"keys":[]}"#)),
            Some("has no key that can be used"),
        ),
    ] {
        let issuer = match answer {
            Some((status, body)) => Issuer::that_answers(Reply::new(status, "", body.as_bytes())),
            None => Issuer::start(),
        };
        let keys = format!("--jwks-url={}", issuer.url());
        let done = Place::new().run(&["check", "--auth=jwks", &keys]);
        let said = says(&done, "issuer");
        match problem {
            Some(problem) => assert!(said.contains(problem), "{said}"),
            None => assert!(said.ends_with("answers"), "{said}"),
        }
        assert_eq!(done.code, i32::from(problem.is_some()), "{said}");
    }
}

#[test]
fn what_has_no_effect_is_mentioned_and_no_secret_is() {
    let place = Place::new();
    let mut command = place.command(&["check", "--auth=secret"]);
    command
        .env("REFINEMENT_COLOUR", "red")
        .env("REFINEMENT_MODELS_OPENAI_COLOUR", "red")
        .env("REFINEMENT_JWKS_URL", "https://issuer.example/keys")
        .env(
            "REFINEMENT_JWT_SECRET",
            "hush-hush-hush-hush-hush-hush-hush-hush",
        );
    let done = crate::place::run(&mut command, b"");
    assert_eq!(done.code, 0, "{}", done.text());
    let expected = "ok: REFINEMENT_JWKS_URL has no effect: auth is secret; unknown variables are \
                    ignored: REFINEMENT_COLOUR, REFINEMENT_MODELS_OPENAI_COLOUR";
    assert_eq!(says(&done, "configuration"), expected);
    assert!(!done.text().contains("hush"));
}

/// It is looked at, and left as it is.
#[test]
fn a_queue_in_nats_is_reached() {
    let server = NatsServer::start();
    let check = |url: &str| Place::new().run(&["check", &format!("--queue={url}")]);
    let url = format!("{}?stream=tasks", server.url());
    let done = check(&url);
    assert_eq!(done.code, 0, "{}", done.text());
    assert_eq!(says(&done, "queue"), "ok: the first start makes its stream");
    let info = server.ask("STREAM.INFO.tasks", &json!({}));
    assert_eq!(info["error"]["code"], 404, "{info}");

    let stream = json!({
        "name": "tasks", "subjects": ["tasks.tasks"], "retention": "limits",
        "storage": "file", "discard": "new",
    });
    server.ask("STREAM.CREATE.tasks", &stream);
    let expected = format!(
        "NATS at {} cannot be used: its stream tasks must have the retention workqueue",
        server.address()
    );
    has_no_queue(&check(&url), &expected);
    let expected = format!(
        "NATS at {} cannot be used: JetStream does not answer: the server may run without it, or \
         in another domain",
        server.address()
    );
    has_no_queue(&check(&format!("{url}&domain=elsewhere")), &expected);

    let away = NatsServer::away();
    let done = check(&format!("nats://ada:hunter2@{}", away.address()));
    let expected = format!(
        "NATS at {} cannot be used: IO error: Connection refused",
        away.address()
    );
    has_no_queue(&done, &expected);
    assert!(!done.text().contains("hunter2"), "{}", done.text());
}

#[test]
fn a_queue_in_pubsub_is_reached_and_so_are_the_keys_of_its_pushes() {
    let (pubsub, google) = (PubSub::start(), Issuer::start());
    let (topic, subscription) = pubsub.topic();
    let endpoint = format!("--pubsub-endpoint={}", pubsub.endpoint());
    let keys = format!("--pubsub-jwks-url={}", google.url());
    let (queue, subscription) = (
        format!("--queue={topic}"),
        format!("--pubsub-subscription={subscription}"),
    );
    let proof = ["--pubsub-audience=a", "--pubsub-service-account=b@c.d"];
    let check = |more: &[&str]| {
        let flags = [&["check", &endpoint, &keys], more].concat();
        Place::new().run(&flags)
    };
    let pushed = check(&[&queue, proof[0], proof[1]]);
    assert_eq!(pushed.code, 0, "{}", pushed.text());
    assert_eq!(says(&pushed, "queue"), "ok");
    let said = says(&pushed, "pushes");
    assert!(said.ends_with("answers"), "{said}");
    let pulled = check(&[&queue, &subscription]);
    assert_eq!(pulled.code, 0, "{}", pulled.text());
    assert_eq!(says(&pulled, "queue"), "ok");
    let neither = check(&[&queue]);
    assert_eq!(neither.code, 1, "{}", neither.text());
    assert!(says(&neither, "pushes").contains("pubsub-subscription"));
    let missing = check(&["--queue=pubsub://p/t", &subscription]);
    assert_eq!(missing.code, 1, "{}", missing.text());
    let expected = "Pub/Sub at 127.0.0.1 cannot be used: projects/p/topics/t does not exist";
    assert_eq!(says(&missing, "queue"), expected);
    pubsub.fail(Some(500));
    let away = check(&[&queue, &subscription]);
    assert_eq!(away.code, 1, "{}", away.text());
    let said = says(&away, "queue");
    assert!(said.contains("it answered 500"), "{said}");
}
