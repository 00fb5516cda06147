//! Settings: by flag, variable and file, checked before anything starts.

use concept_refinement_host::config::table;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;

use crate::shared::{origin, picture_url};

#[test]
fn what_is_unknown_or_unusable_stops_the_start_and_is_named() {
    let launch = Launch::new;
    let misspelt = "refinement.toml:3: unknown setting \"rate_limits\"; did you mean rate_limit?";
    let similar = "a similar argument exists: '--rate-limit'";
    let listening = launch().set("tasks-listen-url", "postgres:///b");
    for (launch, expected) in [
        (launch().flag("--colour=red"), "--colour"),
        (launch().flag("--data_dir=x"), "--data_dir"),
        (launch().flag("surplus"), "surplus"),
        (
            launch().file("uploads = 5\n\nrate_limits = '10/day'"),
            misspelt,
        ),
        (launch().flag("--rate-limits=10/day"), similar),
        (launch().flag("--config=missing.toml"), "missing.toml"),
        (listening.set("tasks", "postgres://a/b"), "tasks_listen_url"),
        (launch().set("model", "./missing.wasm"), "missing.wasm"),
        (launch().file("model = './refinement.toml'"), "model"),
        (
            launch().file("[models.openai]\nnonsense = 1"),
            "refinement.toml:2: models.openai.nonsense",
        ),
        (
            launch().variable("REFINEMENT_MODELS_GEMINI_URL", "nonsense"),
            "refinement_models_gemini_url",
        ),
    ] {
        let ended = launch.run();
        assert!(!ended.status.success(), "{expected}");
        // A variable or a key may be named in its own notation.
        let log = ended.log.replace('-', "_").to_lowercase();
        let is_named = log.contains(&expected.replace('-', "_"));
        assert!(is_named, "{expected}: {}", ended.log);
        assert!(!ended.log.contains("panicked"), "{}", ended.log);
        assert!(ended.log.lines().count() <= 12, "{}", ended.log);
    }
}

/// A value that each setting cannot have, and whose fault that is.
const UNUSABLE: &[(&str, &str)] = &[
    ("listen", "localhost"),
    ("data-dir", ""),
    ("role", "boss"),
    ("concurrency", "0"),
    ("log-format", "xml"),
    ("metrics-listen", "9464"),
    ("admin-listen", "9465"),
    ("admin-token", "hush-hush"),
    ("admin-tokens", "ada:hush-hush"),
    ("admin-read-token", "hush-hush"),
    ("ca-file", "no-such.pem"),
    ("public-url", "images.example.com"),
    ("trusted-proxies", "proxy.example"),
    ("cors-origins", "*"),
    ("auth", "none"),
    ("jwt-secret", "hush-hush"),
    ("jwks-url", "http://issuer.example/keys"),
    ("jwt-audience", ""),
    ("jwt-issuer", " "),
    ("rate-limit", "10/fortnight"),
    ("active-tasks", "1001"),
    ("budget", "5 EUR/month"),
    ("plan", "gold"),
    ("plan-claim", "sub"),
    ("uploads", "1.5"),
    ("upload-bytes", "500MB"),
    ("tasks", "mysql://x"),
    ("tasks-listen-url", "mysql://x"),
    ("images", "tape"),
    ("queue", "carrier-pigeon"),
    ("pubsub-audience", ""),
    ("pubsub-service-account", " "),
    ("pubsub-subscription", ""),
    ("pubsub-endpoint", "localhost:8085"),
    ("pubsub-jwks-url", "http://keys.example/certs"),
    ("max-backlog", "-1"),
    ("lease", "30"),
    ("max-store", "0"),
    ("model", "dall-e"),
    ("model-url", "ftp://host/"),
    ("model-api-key", ""),
    ("model-name", ""),
    ("model-input", ""),
    ("model-mask", ""),
    ("model-seed", ""),
    ("model-workflow", "missing.json"),
    ("model-original", "link"),
    ("model-price", "6 cents"),
    ("model-timeout", "soon"),
    ("model-repeat", "always"),
    ("model-memory", "5GiB"),
    ("model-memory-total", "1MiB"),
    ("allow-sources", "*.example.com"),
    ("contact", "the operator"),
    ("original-metadata", "some"),
    ("provenance", "stamp"),
    ("verify", "maybe"),
    ("max-image-bytes", "1GiB"),
    ("max-image-pixels", "many"),
    ("image-memory", "1MiB"),
    ("download-timeout", "0s"),
    ("task-timeout", "5 minutes"),
    ("image-url-ttl", "1s"),
    ("allow-webhooks", "*.example.com"),
    ("webhook-secret", "new,"),
    ("retention", "never"),
    ("anonymous-retention", "a while"),
    ("collect-interval", "hourly"),
    ("confirm-clock", "today"),
];

/// Each setting, by flag, by variable and in the file: one sentence that names the one
/// that was used and shows no secret, and the status of what cannot be started as it was told.
#[test]
fn each_setting_is_checked_wherever_it_stands() {
    let settings: Vec<_> = table::SETTINGS.iter().map(|setting| setting.name).collect();
    let tried: Vec<_> = UNUSABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(tried, settings, "in the order of the table");
    std::thread::scope(|scope| {
        for part in UNUSABLE.chunks(8) {
            scope.spawn(move || part.iter().for_each(|(name, value)| refused(name, value)));
        }
    });
}

/// Their engine is known, and cannot read them; or there is no such file.
#[test]
fn what_only_its_engine_can_read_is_checked_wherever_it_stands() {
    let values = [
        ("images", "s3://"),
        ("images", "s3:///x"),
        ("images", "s3://b/x"),
        ("images", "s3://key:hush-hush@bucket"),
        ("tasks", "postgres://"),
        ("tasks", "postgres://u:hush@127.0.0.1:1/db?sslmode=foo"),
        ("tasks", "postgres://u:hush@127.0.0.1:1/db?pool=1"),
        ("tasks", "postgres://u:hush@127.0.0.1:99999/db"),
        ("tasks", "postgres://u:a@hush@127.0.0.1:1/db"),
        ("tasks-listen-url", "postgres://u:hush@127.0.0.1/db?pool=1"),
        ("queue", "nats://"),
        ("queue", "nats://ada:hush@host?subject=a"),
        ("queue", "pubsub://x"),
        ("model", "./missing.wasm"),
        ("model", "fallback(./missing.wasm, local)"),
    ];
    std::thread::scope(|scope| {
        for part in values.chunks(4) {
            scope.spawn(move || part.iter().for_each(|(name, value)| refused(name, value)));
        }
    });
}

fn refused(name: &str, value: &str) {
    let key = name.replace('-', "_");
    let variable = format!("REFINEMENT_{}", key.to_uppercase());
    let file = format!("# One line more\n{key} = {value:?}\n");
    let launches = [
        (format!("--{name}"), Launch::new().set(name, value)),
        (variable.clone(), without(name).variable(&variable, value)),
        (
            format!("refinement.toml:2: {key}"),
            without(name).file(&file),
        ),
    ];
    for (named, launch) in launches {
        let ended = launch.run();
        let log = &ended.log;
        assert_eq!(ended.status.code(), Some(2), "{named}: {log}");
        let problem = format!("concept-refinement: {named}: ");
        assert!(log.starts_with(&problem), "{named}: {log}");
        assert_eq!(log.lines().count(), 1, "{named}: {log}");
        assert!(!log.contains("hush"), "{named}: {log}");
    }
}

/// By its flag a setting would win over what is tried.
fn without(name: &str) -> Launch {
    Launch::new().unset(name)
}

/// Those whose values are addresses, or lists of them.
const ADDRESSES: [&str; 16] = [
    "listen",
    "public-url",
    "tasks",
    "tasks-listen-url",
    "queue",
    "pubsub-endpoint",
    "pubsub-jwks-url",
    "images",
    "model-url",
    "jwks-url",
    "trusted-proxies",
    "cors-origins",
    "allow-sources",
    "allow-webhooks",
    "metrics-listen",
    "admin-listen",
];

#[test]
fn a_password_in_an_address_that_is_unusable_is_not_shown() {
    std::thread::scope(|scope| {
        for part in ADDRESSES.chunks(5) {
            scope.spawn(move || {
                for name in part {
                    for value in [
                        "ftp://user:hush-hush@host",
                        "user:hush-hush@host",
                        "http:/user:hush-hush@host/ x",
                    ] {
                        let ended = Launch::new().set(name, value).run();
                        let log = &ended.log;
                        assert_eq!(ended.status.code(), Some(2), "{name} {value}: {log}");
                        assert!(log.contains(&format!(": --{name}: ")), "{name}: {log}");
                        assert!(!log.contains("hush"), "{name}: {log}");
                    }
                }
            });
        }
    });
}

/// An unusable collector does not stop the start.
#[test]
fn a_password_in_the_address_of_a_collector_is_not_shown() {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        for value in [
            "http://user:hush-hush @collector:4318",
            "http://user:hush-hush@collector:x",
            "user:hush-hush@collector",
        ] {
            let log = Launch::new().variable(variable, value).start().stop().log;
            assert!(log.contains("no traces are sent"), "{value}: {log}");
            assert!(log.contains(variable), "{value}: {log}");
            assert!(!log.contains("hush"), "{log}");
        }
    }
}

#[test]
fn secrets_that_others_can_read_are_warned_of() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let secrets = "admin_token = 'hush-hush-hush-hush-hush-hush-hush'\n\
         webhook_secret = 'hush-hush-hush-hush-hush-hush-hush'\n";
    let sentence = "other users of this machine can read the secrets in";
    for (name, text, mode, of_directory, is_told) in [
        ("open", secrets, 0o644, 0o755, true),
        ("for its group", secrets, 0o640, 0o755, false),
        ("for its owner", secrets, 0o600, 0o755, false),
        ("where nobody comes", secrets, 0o644, 0o700, false),
        ("without secrets", "uploads = 7\n", 0o644, 0o755, false),
    ] {
        // Nobody else enters the other places of tests.
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("refinement.toml");
        std::fs::write(&file, text).unwrap();
        set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        set_permissions(place.path(), Permissions::from_mode(of_directory)).unwrap();
        let launch = Launch::new().flag(&format!("--config={}", file.display()));
        let logs = [launch.start().stop().log, launch.check().log];
        for log in logs {
            let line = log.lines().find(|line| line.contains(sentence));
            assert_eq!(line.is_some(), is_told, "{name}: {log}");
            assert!(!log.contains("hush"), "{log}");
            if let Some(line) = line {
                for named in [&*file.to_string_lossy(), "admin_token", "webhook_secret"] {
                    assert!(line.contains(named), "{line}");
                }
            }
        }
    }
}

#[test]
fn what_has_no_effect_is_only_warned_of() {
    let launch = Launch::new()
        .variable("REFINEMENT_PORT_8080_TCP", "tcp://10.0.0.1:8080")
        .variable("REFINEMENT_JWKS_URL", "https://issuer.example/keys")
        .variable("REFINEMENTS", "x");
    let ended = launch.start().stop();
    assert!(ended.status.success());
    assert!(
        ended.log.contains("REFINEMENT_PORT_8080_TCP"),
        "{}",
        ended.log
    );
    assert!(
        !ended.log.contains("10.0.0.1"),
        "not its value: {}",
        ended.log
    );
    let idle = "REFINEMENT_JWKS_URL has no effect: auth is anonymous";
    assert_eq!(ended.log.matches(idle).count(), 1, "{}", ended.log);
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["listen", "admin-listen", "metrics-listen"] {
        let token = "x".repeat(32);
        let launch = Launch::new().set(name, &address);
        let ended = launch.variable("REFINEMENT_ADMIN_TOKEN", &token).run();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
        let key = name.replace('-', "_");
        let problem = format!("{key}: cannot listen on {address}");
        assert!(ended.log.contains(&problem), "{}", ended.log);
    }
}

#[test]
fn a_filter_of_the_log_that_is_unusable_is_named() {
    let launch = Launch::new().variable("REFINEMENT_LOG", "concept_refinement=loud");
    let ended = launch.run();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.log);
    let problem = "concept-refinement: REFINEMENT_LOG: ";
    assert!(ended.log.starts_with(problem), "{}", ended.log);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("file"), "").unwrap();
    std::fs::create_dir(place.path().join("damaged")).unwrap();
    std::fs::write(place.path().join("damaged/secret"), "short").unwrap();
    for (directory, problem) in [
        ("file/data", "creating the data directory DIR: "),
        ("damaged", "the generated secret DIR/secret is damaged: "),
    ] {
        let directory = place.path().join(directory);
        let directory = directory.to_str().unwrap();
        let ended = Launch::new().set("data-dir", directory).run();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
        let problem = problem.replace("DIR", directory);
        assert!(ended.log.contains(&problem), "{problem}: {}", ended.log);
    }
}

#[test]
fn a_data_directory_belongs_to_one_process_at_a_time() {
    let launch = Launch::new().embedded();
    let first = launch.start();
    let second = launch.clone().run();
    assert!(!second.status.success());
    assert!(
        second.log.contains("in use by another process"),
        "{}",
        second.log
    );
    assert!(!second.log.contains("ready"), "{}", second.log);
    assert!(first.stop().status.success());
    assert!(launch.start().stop().status.success());
}

#[tokio::test]
async fn a_flag_wins_over_a_variable_over_the_file() {
    let with_file = || Launch::new().file("rate_limit = '3/hour'\nuploads = 7\n");
    let with_variable = || with_file().variable("REFINEMENT_RATE_LIMIT", "4/day");
    let with_flag = with_variable().set("rate-limit", "unlimited");
    for (launch, expected) in [
        (with_file(), Some("3")),
        (with_variable(), Some("4")),
        (with_flag, None),
    ] {
        let launch = launch.set("allow-sources", &origin().authority());
        let service = launch.start();
        let client = Client::session(service.url()).await;
        let answer = client.refine(&picture_url(), "make it lighter").await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.header("x-ratelimit-limit"), expected);
    }
}

#[test]
fn the_command_line_explains_itself() {
    let help = Launch::new().flag("--help").run();
    assert!(help.status.success());
    for name in [
        "--listen",
        "--data-dir",
        "REFINEMENT_RATE_LIMIT",
        "10/month",
    ] {
        assert!(help.log.contains(name), "{}", help.log);
    }
}

#[tokio::test]
async fn the_public_url_is_what_image_urls_start_with() {
    let service = Launch::new()
        .set("public-url", "https://refine.example")
        .start();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(8, 8);
    let original = client.uploaded(&picture).await;
    let begin = "https://refine.example/api/images/";
    assert!(original.starts_with(begin), "{original}");
    // Ours, although nothing of that name answers.
    let task = client.completed(&original, "make it lighter").await;
    assert!(
        task["image_url"].as_str().unwrap().starts_with(begin),
        "{task}"
    );
    let path = original.trim_start_matches("https://refine.example");
    assert_eq!(
        Client::new(service.url()).get(path).await.body,
        picture.bytes
    );

    let answer = Client::new(service.url())
        .with("host", "refine.example")
        .with("origin", "https://refine.example")
        .send(reqwest::Method::POST, "/api/auth/session", "")
        .await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; Secure"), "behind https: {cookie}");
}
