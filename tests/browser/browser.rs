//! One browser for all tests, told what to do by the DevTools protocol: JSON
//! messages through two pipes, each ended by a zero byte.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use concept_refinement_tests::chromium;
use concept_refinement_tests::reaper::{Reaped, scratch};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Starting it on a busy machine included.
const LIMIT: Duration = Duration::from_secs(60);

pub struct Browser {
    /// It ends with this process.
    _process: Reaped,
    input: Mutex<ChildStdin>,
    next: AtomicU64,
    heard: Arc<Heard>,
    log: PathBuf,
}

#[derive(Default)]
struct Heard {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    /// By session.
    events: Mutex<HashMap<String, Vec<Value>>>,
}

impl Browser {
    pub fn shared() -> &'static Self {
        static BROWSER: LazyLock<Browser> = LazyLock::new(Browser::start);
        &BROWSER
    }

    fn start() -> Self {
        let directory = scratch("browser");
        let log = directory.join("log");
        let mut command = chromium::piped(&directory);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap());
        let mut process = Reaped::spawn(&mut command);
        let input = process.child().stdin.take().unwrap();
        let output = process.child().stdout.take().unwrap();
        let heard = Arc::new(Heard::default());
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || hearing.listen(output));
        Self {
            _process: process,
            input: Mutex::new(input),
            next: AtomicU64::new(1),
            heard,
            log,
        }
    }

    /// Calls a method, of a session where one is given.
    pub async fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        let (sender, answer) = oneshot::channel();
        self.send(session, method, parameters, Some(sender));
        let answer = match tokio::time::timeout(LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            _ => {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("no answer to {method}; the browser: {log}");
            }
        };
        match answer.get("error") {
            Some(error) => panic!("{method}: {error}"),
            None => answer["result"].clone(),
        }
    }

    /// Calls a method whose answer nobody waits for.
    pub fn tell(&self, method: &str, parameters: Value) {
        self.send(None, method, parameters, None);
    }

    /// What a session told of by itself so far, by one name.
    pub fn events(&self, session: &str, method: &str) -> Vec<Value> {
        let events = self.heard.events.lock().unwrap();
        let events = events.get(session).into_iter().flatten();
        events
            .filter(|event| event["method"] == method)
            .map(|event| event["params"].clone())
            .collect()
    }

    fn send(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        sender: Option<oneshot::Sender<Value>>,
    ) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        if let Some(sender) = sender {
            self.heard.waiting.lock().unwrap().insert(id, sender);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.lock().unwrap().write_all(&bytes).unwrap();
    }
}

impl Heard {
    fn listen(&self, output: ChildStdout) {
        for message in BufReader::new(output).split(0) {
            let Ok(message) = message else { return };
            let message: Value = serde_json::from_slice(&message).unwrap();
            if let Some(id) = message["id"].as_u64() {
                if let Some(sender) = self.waiting.lock().unwrap().remove(&id) {
                    // Who asked may have given up.
                    let _ = sender.send(message);
                }
            } else if let Some(session) = message["sessionId"].as_str() {
                let mut events = self.events.lock().unwrap();
                events.entry(session.to_owned()).or_default().push(message);
            }
        }
    }
}
