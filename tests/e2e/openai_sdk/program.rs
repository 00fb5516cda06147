//! The programs that make calls with OpenAI's own packages.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::pictures::Picture;
use concept_refinement_tests::reaper::{Reaped, scratch};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// A program at work, which ends with this.
pub struct Sdk {
    pub name: &'static str,
    calls: ChildStdin,
    /// The last one is what the program says of its end.
    answers: UnboundedReceiver<Result<Value, String>>,
    _process: Reaped,
}

/// A call, before a program makes it.
#[derive(Clone, Debug)]
pub struct Call(Value);

impl Sdk {
    /// With the package of PyPI, and with that of npm.
    pub fn both() -> [Self; 2] {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/openai_sdk");
        let python = artifacts::openai_python();
        let modules = python.ancestors().nth(2).unwrap().join("node_modules");
        let mut of_python = Command::new(&python);
        of_python.arg(programs.join("calls.py"));
        let mut of_npm = Command::new("node");
        of_npm
            .arg(programs.join("calls.js"))
            .env("NODE_PATH", modules);
        [
            Self::start("Python", &mut of_python),
            Self::start("JavaScript", &mut of_npm),
        ]
    }

    fn start(name: &'static str, command: &mut Command) -> Self {
        let (process, streams) = Reaped::piped(command);
        let (calls, stdout, mut stderr) = (streams.input, streams.output, streams.errors);
        let (sender, answers) = unbounded_channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The test may have ended.
                let _ = sender.send(serde_json::from_str(&line).map_err(|_| line));
            }
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            let _ = sender.send(Err(said));
        });
        Self {
            name,
            calls,
            answers,
            _process: process,
        }
    }

    /// What came of a call.
    pub async fn made(&mut self, call: &Call) -> Value {
        self.begin(call);
        self.end().await
    }

    /// The same of a call that fails.
    pub async fn error(&mut self, call: &Call) -> Value {
        let made = self.made(call).await;
        let error = made["error"].clone();
        assert!(error.is_object(), "{}: {call:?}: {made}", self.name);
        error
    }

    pub fn begin(&mut self, call: &Call) {
        writeln!(self.calls, "{}", call.0).unwrap();
    }

    /// What came of the call that was begun.
    pub async fn end(&mut self) -> Value {
        let name = self.name;
        let answer = timeout(2 * SOON, self.answers.recv()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{name} says nothing"));
        let answer = answer.unwrap_or_else(|| panic!("{name} has ended"));
        answer.unwrap_or_else(|said| panic!("{name} has ended: {said}"))
    }
}

impl Call {
    /// At a service, by whoever has this token, without a repeat.
    fn new(call: &str, origin: &str, key: &str) -> Self {
        Self(json!({
            "call": call,
            "base_url": format!("{origin}/v1"),
            "key": key,
            "retries": 0,
        }))
    }

    /// Of a picture, with these fields beside it.
    pub fn edit(origin: &str, key: &str, picture: &Path, fields: &Value) -> Self {
        let call = Self::new("edit", origin, key).with("form", &json!("tuple"));
        call.with("image", &json!(picture)).with("fields", fields)
    }

    pub fn models(origin: &str, key: &str) -> Self {
        Self::new("models", origin, key)
    }

    /// Of JSON to a path.
    pub fn post(origin: &str, key: &str, path: &str, body: &Value) -> Self {
        let call = Self::new("post", origin, key).with("path", &json!(path));
        call.with("body", body)
    }

    pub fn with(mut self, name: &str, value: &Value) -> Self {
        self.0[name] = value.clone();
        self
    }
}

/// The file of a picture.
pub fn file(picture: &Picture) -> PathBuf {
    let path = scratch("picture").join("a.png");
    std::fs::write(&path, &picture.bytes).unwrap();
    path
}
