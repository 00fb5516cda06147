//! The protocol's suite speaks HTTP only: this passes its messages on to the command, line by
//! line, and back.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::{Reaped, scratch};
use serde_json::Value;
use tokio::sync::oneshot;

/// At work as long as its runtime, and ends the command with it.
pub struct Bridge {
    address: SocketAddr,
    _process: Reaped,
}

#[derive(Default)]
struct Waiting {
    /// By the ids that the command is given, since clients may use the same.
    answers: HashMap<u64, oneshot::Sender<Value>>,
    last: u64,
}

struct Streams {
    input: Mutex<ChildStdin>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Bridge {
    pub async fn start() -> Self {
        let mut command = Command::new(artifacts::binary());
        command
            .args(["mcp", "--components"])
            .arg(artifacts::components())
            .current_dir(scratch("mcp"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Reaped::spawn(&mut command);
        let input = Mutex::new(process.child().stdin.take().unwrap());
        let output = BufReader::new(process.child().stdout.take().unwrap());
        let waiting = Arc::<Mutex<Waiting>>::default();
        let streams = Arc::new(Streams {
            input,
            waiting: Arc::clone(&waiting),
        });
        std::thread::spawn(move || {
            for line in output.lines() {
                let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
                let Some(id) = message["id"].as_u64() else {
                    continue;
                };
                let answer = waiting.lock().unwrap().answers.remove(&id).unwrap();
                // Who asked may have left.
                let _ = answer.send(message);
            }
        });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/mcp", post(pass)).with_state(streams);
        tokio::spawn(async { axum::serve(listener, router).await });
        Self {
            address,
            _process: process,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }
}

async fn pass(State(streams): State<Arc<Streams>>, body: String) -> Response {
    let Ok(mut message) = serde_json::from_str::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let id = message.get("id").cloned();
    let answer = id.is_some().then(|| {
        let (sender, answer) = oneshot::channel();
        let mut waiting = streams.waiting.lock().unwrap();
        waiting.last += 1;
        message["id"] = waiting.last.into();
        let last = waiting.last;
        waiting.answers.insert(last, sender);
        answer
    });
    let line = format!("{message}\n");
    streams
        .input
        .lock()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    let (Some(answer), Some(id)) = (answer, id) else {
        return StatusCode::ACCEPTED.into_response();
    };
    let mut answer = answer.await.unwrap();
    answer["id"] = id;
    // As the transport over HTTP has it.
    let status = match answer["error"]["code"].as_i64() {
        None => StatusCode::OK,
        Some(-32601) => StatusCode::NOT_FOUND,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    let headers = [(CONTENT_TYPE, "application/json")];
    (status, headers, answer.to_string()).into_response()
}
