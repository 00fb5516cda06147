//! What is logged, and what never is.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::attacks::HTTP2;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::{SECRET, hostile, token};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::connections::raw;
use crate::shared::{new_name, new_user, origin, picture_url, scripted_launch};

const API_KEY: &str = "sk-the-key-of-the-provider";

/// Does what touches secrets, well and badly; answers what must not be logged.
async fn touch_secrets(base: &str) -> Vec<String> {
    let user = new_name();
    let anybody = Client::new(base);
    let good = token(&user);
    let client = anybody.bearer(&good);
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let task = client.refined(&original, "echo it").await;
    let image_url = task["image_url"].as_str().unwrap().to_owned();
    anybody.get(&image_url).await;
    anybody.get(&format!("{image_url}x")).await;
    client.refined(&original, "trap now").await;
    let remote = format!("{}?token=of-the-original", picture_url());
    client.refined(&remote, "echo it").await;
    let mut secrets = vec![SECRET.to_owned(), API_KEY.to_owned(), good];
    for (_, token) in hostile(&user) {
        anybody.bearer(&token).get("/api/tasks").await;
        anybody
            .cookie(&token)
            .send(Method::POST, "/api/images", "")
            .await;
        secrets.push(token);
    }
    let signature = image_url.split_once("signature=").unwrap().1;
    secrets.push(signature.to_owned());
    secrets.retain(|secret| secret.len() > 8);
    secrets
}

#[tokio::test]
async fn secrets_and_tokens_are_never_logged() {
    // All that we say ourselves, and what the libraries say short of every call.
    let loudest = "debug,concept_refinement=trace";
    for (format, level) in [("text", None), ("json", None), ("text", Some(loudest))] {
        let mut launch = scripted_launch()
            .set("log-format", format)
            .variable("REFINEMENT_MODEL_API_KEY", API_KEY);
        if let Some(level) = level {
            launch = launch.variable("REFINEMENT_LOG", level);
        }
        let service = launch.start();
        let secrets = touch_secrets(service.url()).await;
        let ended = service.stop();
        assert!(!ended.log.is_empty());
        for secret in secrets {
            let line = ended.log.lines().find(|line| line.contains(&secret));
            assert_eq!(line, None, "{format} {level:?}");
        }
    }
}

#[tokio::test]
async fn the_tokens_of_sessions_are_never_logged() {
    let launch = Launch::new().variable("REFINEMENT_LOG", "trace");
    let service = launch.start();
    let anybody = Client::new(service.url());
    let session = anybody
        .send(Method::POST, "/api/auth/session", "")
        .await
        .json();
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(anybody.cookie(token).get("/api/tasks").await.status, 200);
    assert_eq!(
        anybody
            .cookie(&format!("{token}x"))
            .get("/api/tasks")
            .await
            .status,
        401
    );
    let ended = service.stop();
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert!(!ended.log.contains(signature), "{}", ended.log);
}

/// The lines of a log in JSON, and how many others there are.
fn lines(log: &str) -> (Vec<Value>, usize) {
    let (json, others): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.starts_with('{'));
    let parsed = json
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    (parsed.collect(), others.len())
}

#[tokio::test]
async fn a_task_is_told_by_one_line_with_its_id() {
    let service = scripted_launch().set("log-format", "json").start();
    let client = new_user(&service);
    let picture = picture_url();
    let missing = origin().serve(Reply::status(404));
    let mut ids = Vec::new();
    for (url, prompt) in [
        (&picture, "echo it"),
        (&missing, "echo it"),
        (&picture, "refuse: not this one"),
        (&picture, "trap now"),
    ] {
        let id = client.accepted(url, prompt).await;
        client.finished(&id).await;
        ids.push(id);
    }
    let (lines, others) = lines(&service.stop().log);
    assert_eq!(others, 1, "all but the ready line is JSON");
    for (id, message, level, step, reason) in [
        (&ids[0], "completed", "INFO", None, None),
        (
            &ids[1],
            "failed",
            "WARN",
            Some("download"),
            Some("the address answered 404"),
        ),
        (
            &ids[2],
            "failed",
            "WARN",
            Some("refine"),
            Some("not this one"),
        ),
        (&ids[3], "failed", "WARN", Some("refine"), None),
    ] {
        let of_task: Vec<&Value> = lines
            .iter()
            .filter(|line| line["task_id"] == **id)
            .collect();
        let ends: Vec<&&Value> = of_task
            .iter()
            .filter(|line| line["message"] == message)
            .collect();
        let [end] = ends.as_slice() else {
            panic!("{message}: {of_task:?}");
        };
        assert_eq!(end["level"], level, "{end}");
        assert_eq!(end["step"].as_str(), step, "{end}");
        assert_eq!(end["attempt"], 1, "{end}");
        assert!(end["milliseconds"].is_u64(), "{end}");
        let told = end["reason"].as_str().unwrap_or_default();
        assert!(reason.is_none_or(|reason| told.contains(reason)), "{end}");
        assert!(end["span"].is_null() && end["spans"].is_null(), "{end}");
    }
}

/// Words that the local model does not know, among others.
#[tokio::test]
async fn what_the_model_said_of_its_work_stands_in_the_line_of_the_tasks_end() {
    let service = Launch::new().set("log-format", "json").start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let mut ids = Vec::new();
    for prompt in ["lighter", "lighter, with sparkles"] {
        let task = client.completed(&original, prompt).await;
        ids.push(task["task_id"].as_str().unwrap().to_owned());
    }
    let (lines, _) = lines(&service.stop().log);
    for (id, notes) in ids.iter().zip([None, Some("Not understood: sparkles.")]) {
        let end = |line: &&Value| line["task_id"] == **id && line["message"] == "completed";
        let line = lines.iter().find(end).unwrap();
        assert_eq!(line["notes"].as_str(), notes, "{line}");
    }
}

#[tokio::test]
async fn a_start_says_what_it_runs_with() {
    let launch = Launch::new()
        .set("log-format", "json")
        .file("rate_limit = '3/hour'\n");
    let (lines, _) = lines(&launch.start().stop().log);
    let start = lines.iter().find(|line| line["message"] == "starting");
    let start = start.unwrap_or_else(|| panic!("{lines:?}"));
    for (field, value) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("role", "all"),
        ("tasks", "sqlite"),
        ("queue", "store"),
        ("images", "file"),
        ("model", "local"),
    ] {
        assert_eq!(start[field], value, "{field}");
    }
    let file = start["settings"].as_str().unwrap();
    assert!(file.ends_with("refinement.toml"), "{file}");
}

#[tokio::test]
async fn a_request_has_an_id_in_its_answer_and_in_the_log() {
    let service = scripted_launch()
        .set("log-format", "json")
        .variable("REFINEMENT_LOG", "concept_refinement=debug")
        .start();
    let anybody = Client::new(service.url());
    let named = anybody.with("x-request-id", "the-clients-own");
    let answer = named.get("/api/health?secret=1").await;
    assert_eq!(answer.header("x-request-id"), Some("the-clients-own"));
    let refused = anybody.get("/api/tasks").await;
    let given = refused.header("x-request-id").unwrap().to_owned();
    assert_eq!(given.len(), 36, "{given}");
    let hostile = anybody.with("x-request-id", "a b\"c").get("/").await;
    assert_ne!(hostile.header("x-request-id"), Some("a b\"c"));
    let ended = service.stop();
    assert!(!ended.log.contains("secret=1"), "{}", ended.log);
    let (lines, _) = lines(&ended.log);
    for (id, path, status) in [
        ("the-clients-own", "/api/health", 200),
        (given.as_str(), "/api/tasks", 401),
    ] {
        let of_request = lines.iter().find(|line| line["request_id"] == id);
        let line = of_request.unwrap_or_else(|| panic!("{id}: {lines:?}"));
        assert_eq!(line["message"], "answered", "{line}");
        assert_eq!(
            (&line["method"], &line["path"]),
            (&"GET".into(), &path.into())
        );
        assert_eq!(line["status"], status, "{line}");
    }
}

#[tokio::test]
async fn what_a_model_says_is_logged_with_its_task_and_without_its_key() {
    let launch = scripted_launch().set("log-format", "json");
    // With a user name, which this model tells in a note: it is too short to be replaced there.
    let key = format!("Note 1.:{API_KEY}");
    let service = launch.variable("REFINEMENT_MODEL_API_KEY", &key).start();
    let client = new_user(&service);
    let prompt = format!("print: the key is {API_KEY}");
    let printed = client.accepted(&picture_url(), &prompt).await;
    client.finished(&printed).await;
    let many = client.accepted(&picture_url(), "hoard 3 lines").await;
    client.finished(&many).await;
    // A model may say why it refuses with words that it should not say.
    let refused = format!("refuse: {API_KEY} is wrong");
    let refused = client.refined(&picture_url(), &refused).await;
    let told = "Error in refinement task processing: Image refinement failed: *** is wrong";
    assert_eq!(refused["error_message"], told);
    let noted = client.refined(&picture_url(), "note 1 times").await;
    assert_eq!(noted["metadata"]["notes"], json!(["Note 1."]), "{noted}");
    let log = service.stop().log;
    assert!(log.contains("*** is wrong"), "{log}");
    assert!(!log.contains(API_KEY), "{log}");
    let (lines, _) = lines(&log);
    let of_task = |id: &str| -> Vec<&Value> {
        let is_printed = |line: &&Value| line["target"] == "concept_refinement::model_output";
        let printed = lines.iter().filter(is_printed);
        printed.filter(|line| line["task_id"] == *id).collect()
    };
    let messages: Vec<_> = of_task(&printed)
        .into_iter()
        .map(|line| (line["level"].as_str(), line["message"].as_str()))
        .collect();
    let expected = ["the key is ***", "\u{fffd}[31mthe key is ***"];
    assert_eq!(messages, expected.map(|line| (Some("INFO"), Some(line))));
    let [long, note] = of_task(&many)[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(long["message"].as_str().unwrap().chars().count(), 1000);
    assert_eq!(long["model"], "model-scripted");
    let note = note["message"].as_str().unwrap();
    assert!(note.ends_with("more bytes were printed: they are dropped)"));
}

/// Half of a key would not be found. What the cache remembers is told as it was the first time.
#[tokio::test]
async fn a_key_in_a_note_is_replaced_before_the_note_is_cut() {
    let cache = format!("cache({})", artifacts::scripted_model().display());
    let alone = scripted_launch().variable("REFINEMENT_MODEL_API_KEY", API_KEY);
    let in_chain = scripted_launch()
        .set("model", &cache)
        .variable("REFINEMENT_MODELS_MODEL_SCRIPTED_API_KEY", API_KEY);
    for (name, launch) in [("alone", alone), ("in a chain", in_chain)] {
        let service = launch.start();
        let client = new_user(&service);
        for before in [100, 180, 190, 199, 200, 250] {
            let text = format!("{}\n{API_KEY}, and more", "x".repeat(before));
            let mut expected = text.replace('\n', " ").replace(API_KEY, "***");
            if expected.len() > 200 {
                expected.truncate(199);
                expected.push('…');
            }
            for time in ["first", "second"] {
                let task = client
                    .refined(&picture_url(), &format!("remark: {text}"))
                    .await;
                let notes = &task["metadata"]["notes"];
                assert_eq!(*notes, json!([expected]), "{name}, {before}, {time}");
            }
        }
        let log = service.stop().log;
        assert!(log.contains("***, and more"), "{name}: {log}");
        assert!(!log.contains(&API_KEY[..8]), "{name}: {log}");
    }
}

/// Why a model crashed is the operator's to know, not the user's: the reason is one line, and
/// its frames are for who asks for them.
#[tokio::test]
async fn what_a_crash_says_is_logged_without_its_frames_and_not_told() {
    let service = scripted_launch().set("log-format", "json").start();
    let client = new_user(&service);
    let id = client.accepted(&picture_url(), "trap now").await;
    let task = client.finished(&id).await;
    let message = task["error_message"].as_str().unwrap();
    for word in ["panic", "wasm", ".rs", "unreachable", "/", "prompt asked"] {
        assert!(!message.contains(word), "{message}");
    }
    let log = service.stop().log;
    assert!(log.contains("the prompt asked for a crash"), "{log}");
    let (lines, _) = lines(&log);
    let crash = lines
        .iter()
        .find(|line| line["message"] == "the model crashed");
    let crash = crash.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(
        (&crash["level"], &crash["task_id"]),
        (&"ERROR".into(), &id.into())
    );
    let reason = crash["reason"].as_str().unwrap();
    assert!(reason.contains("unreachable"), "{reason}");
    assert!(!reason.contains("backtrace"), "{reason}");
}

/// Whoever breaks off uploads does not fill the log.
#[tokio::test]
async fn uploads_that_are_broken_off_are_not_logged() {
    let service = Launch::new().start();
    let anybody = Client::new(service.url());
    let session = anybody.send(Method::POST, "/api/auth/session", "").await;
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: image/png\r\ncontent-length: 1000\r\n\r\n",
        session.json()["access_token"].as_str().unwrap()
    );
    // Enough to be taken for a PNG.
    let begun = [head.as_bytes(), &pictures::png(8, 8).bytes[..30]].concat();
    let address = service.url().trim_start_matches("http://").to_owned();
    for _ in 0..200 {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(&begun).await.unwrap();
        // The instance reads what was sent before it ends.
        assert_eq!(anybody.get("/api/health").await.status, 200);
    }
    let log = service.stop().log;
    let lines = log
        .lines()
        .filter(|line| line.contains("wasmtime_wasi_http"));
    assert_eq!(lines.count(), 0, "{log}");
}

/// A library warns of each frame.
#[tokio::test]
async fn frames_that_nobody_asked_for_are_told_once() {
    let service = scripted_launch().start();
    let mut stream = raw::connect(&service).await;
    stream.write_all(HTTP2).await.unwrap();
    let ping = |flags: u8, text: &[u8; 8]| [&[0, 0, 8, 6, flags, 0, 0, 0, 0], &text[..]].concat();
    let confirmations = ping(1, b"not sent").repeat(10_000);
    let (mut reader, mut writer) = stream.split();
    let sent = async {
        writer.write_all(&confirmations).await.unwrap();
        writer.write_all(&ping(0, b"the last")).await.unwrap();
    };
    let heard = async {
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains("the last") {
            assert_ne!(reader.read_buf(&mut heard).await.unwrap(), 0, "{heard:?}");
        }
    };
    tokio::join!(sent, heard);
    let log = service.stop().log;
    let told = log.lines().filter(|line| line.contains("PING")).count();
    assert_eq!(told, 1, "{log}");
}
