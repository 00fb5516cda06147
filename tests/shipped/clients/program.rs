//! A program that tells what it does, step by step.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::reaper::Reaped;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// What is told by somebody who is at work as long as this lives.
pub struct Steps {
    name: &'static str,
    steps: UnboundedReceiver<Result<Value, String>>,
    _at_work: Box<dyn Send>,
}

impl Steps {
    pub fn of(
        name: &'static str,
        steps: UnboundedReceiver<Result<Value, String>>,
        at_work: impl Send + 'static,
    ) -> Self {
        Self {
            name,
            steps,
            _at_work: Box::new(at_work),
        }
    }

    /// Those of a program, which writes one a line.
    pub fn of_program(name: &'static str, command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut program = Reaped::spawn(command);
        let stdout = program.child().stdout.take().unwrap();
        let mut stderr = program.child().stderr.take().unwrap();
        let (sender, steps) = unbounded_channel();
        std::thread::spawn(move || {
            pass_on(BufReader::new(stdout), &sender);
            let mut said = String::new();
            // What it says at its end is why it ended.
            let _ = stderr.read_to_string(&mut said);
            let _ = sender.send(Err(said));
        });
        Self::of(name, steps, program)
    }

    /// The next step that tells of this.
    pub async fn next(&mut self, of: &str) -> Value {
        loop {
            let step = self.any().await;
            if step.get(of).is_some() {
                return step;
            }
        }
    }

    /// The next step.
    pub async fn any(&mut self) -> Value {
        let name = self.name;
        let step = timeout(2 * SOON, self.steps.recv()).await;
        let step = step.unwrap_or_else(|_| panic!("{name} says nothing"));
        let step = step.unwrap_or_else(|| panic!("{name} has ended"));
        let step = step.unwrap_or_else(|said| panic!("{name} has ended: {said}"));
        assert_eq!(step.get("problem"), None, "{name}: {step}");
        step
    }
}

fn pass_on(lines: BufReader<impl std::io::Read>, sender: &UnboundedSender<Result<Value, String>>) {
    for line in lines.lines().map_while(Result::ok) {
        let step = serde_json::from_str(&line).map_err(|_| line);
        let _ = sender.send(step);
    }
}
