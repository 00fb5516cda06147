//! What operators see and do from the command line, of a service that runs.

mod acting;
mod address;
mod finding;
mod hostile;
mod queue;
mod usage;

use std::process::Command;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use serde_json::Value;

use crate::place::{Done, Place, origin, run};

const TOKEN: &str = "a-token-of-the-operator-for-tests";
const READ_TOKEN: &str = "a-token-of-a-reader-for-tests-only";

const ACT: &str = "REFINEMENT_ADMIN_TOKEN";
const READ: &str = "REFINEMENT_ADMIN_READ_TOKEN";

/// No task has it.
const NOBODY: &str = "01a1f8d3-ea7b-7fff-bfff-ffffffffffff";

/// A service, and where its operator sits.
struct Desk {
    launch: Launch,
    service: Service,
    place: Place,
}

impl Desk {
    fn start() -> Self {
        Self::of(Launch::new().scripted().embedded())
    }

    /// With the model of this launch.
    fn of(launch: Launch) -> Self {
        let launch = launch
            .with_tokens()
            .set("allow-sources", &origin().authority())
            .set("rate-limit", "unlimited")
            .set("admin-listen", "127.0.0.1:0")
            .variable(ACT, TOKEN)
            .variable(READ, READ_TOKEN);
        Self {
            service: launch.start(),
            launch,
            place: Place::new(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.arg("--data-dir").arg(self.launch.data());
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        run(&mut self.command(arguments), b"")
    }

    /// What a command prints for programs.
    fn json(&self, arguments: &[&str]) -> Value {
        let mut command = self.command(arguments);
        let done = run(command.arg("--json"), b"");
        done.silent();
        serde_json::from_slice(&done.stdout).unwrap()
    }

    fn user(&self, name: &str) -> Client {
        Client::user(self.service.url(), name)
    }

    /// The id of a task that has failed with this reason.
    async fn failed(&self, user: &str, reason: &str) -> String {
        let picture = origin().picture(&pictures::png(8, 8));
        let client = self.user(user);
        let task = client.refined(&picture, &format!("refuse: {reason}")).await;
        assert_eq!(task["status"], "failed", "{task}");
        task["task_id"].as_str().unwrap().to_owned()
    }
}

fn ids(tasks: &Value) -> Vec<String> {
    let tasks = tasks.as_array().unwrap().iter();
    tasks
        .map(|task| task["task_id"].as_str().unwrap().to_owned())
        .collect()
}
