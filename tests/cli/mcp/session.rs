//! The command at work, and both of its streams.

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::reaper::Reaped;
use serde_json::{Value, json};

use crate::place::{Done, Place, ended};

/// Ends with this.
pub struct Session {
    input: ChildStdin,
    output: Receiver<String>,
    /// What was told beside answers.
    told: Vec<Value>,
    stderr: JoinHandle<Vec<u8>>,
    process: Reaped,
}

impl Session {
    /// With the local model.
    pub fn start(place: &Place) -> Self {
        Self::spawn(&mut place.command(&["mcp"]))
    }

    /// With the scripted model, in a folder of the place.
    pub fn scripted(place: &Place, folder: &str, flags: &[&str]) -> Self {
        let mut command = place.command(&["mcp", "--model"]);
        command
            .arg(artifacts::scripted_model())
            .args(flags)
            .current_dir(place.path().join(folder));
        Self::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Self {
        let (process, streams) = Reaped::piped(command);
        let (input, stdout, mut stderr) = (streams.input, streams.output, streams.errors);
        let (sender, output) = channel();
        std::thread::spawn(move || {
            // The test may have ended.
            let lines = stdout.lines().map(Result::unwrap);
            lines.for_each(|line| drop(sender.send(line)));
        });
        let stderr = std::thread::spawn(move || {
            let mut all = Vec::new();
            stderr.read_to_end(&mut all).unwrap();
            all
        });
        Self {
            input,
            output,
            told: Vec::new(),
            stderr,
            process,
        }
    }

    /// A line of anything.
    pub fn send(&mut self, line: &[u8]) {
        self.input.write_all(&[line, b"\n"].concat()).unwrap();
    }

    pub fn tell(&mut self, asked: &Value) {
        self.send(message(asked).to_string().as_bytes());
    }

    /// The next message.
    pub fn next(&mut self) -> Value {
        let line = self.output.recv_timeout(2 * SOON).unwrap();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// The next answer, which is to be that to this request.
    pub fn ask(&mut self, asked: &Value) -> Value {
        self.tell(asked);
        loop {
            let message = self.next();
            if message.get("id").is_some() {
                assert_eq!(message["id"], asked["id"], "{message}");
                return message;
            }
            self.told.push(message);
        }
    }

    /// What was told beside answers since this was asked last.
    pub fn told(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.told)
    }

    pub fn until_told(&mut self, what: impl Fn(&Value) -> bool) {
        while !what(&self.next()) {}
    }

    /// Ends the input. What is left of the output is to be nothing but what was told.
    pub fn end(mut self) -> Done {
        drop(self.input);
        for line in self.output {
            let message: Value = serde_json::from_str(&line).unwrap();
            assert!(message.get("id").is_none(), "{message}");
        }
        let stderr = self.stderr.join().unwrap();
        ended(&mut self.process, Vec::new(), stderr)
    }
}

/// A call of the tool.
pub fn call(id: u32, arguments: &Value) -> Value {
    let params = json!({ "name": "refine_image", "arguments": arguments });
    json!({ "id": id, "method": "tools/call", "params": params })
}

/// A request that says its revision itself.
pub fn in_revision(revision: &str, mut asked: Value) -> Value {
    asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(revision);
    asked["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    asked
}

/// With what each message has.
pub fn message(asked: &Value) -> Value {
    let mut message = asked.clone();
    message["jsonrpc"] = json!("2.0");
    message
}
