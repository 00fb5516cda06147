//! The application under test: one component that obeys, as `front` for
//! everybody, and as `back` behind a private route.

use std::path::PathBuf;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::http;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Service;

#[derive(Clone, Copy)]
pub enum Host {
    Shaped,
    Real,
}

/// To start it twice is a restart on the same state.
pub struct Application {
    host: Host,
    directory: PathBuf,
    manifest: String,
    arguments: Vec<String>,
}

const MANIFEST: &str = r#"
    spin_manifest_version = 2

    [application]
    name = "probe"

    [variables]
    given = { default = "default" }
    secret = { required = true, secret = true }
    origin = { default = "" }

    [[trigger.http]]
    component = "front"
    route = "/front/..."

    [[trigger.http]]
    component = "back"
    route = { private = true }

    [component.front]
    source = "PROBE"
    allowed_outbound_hosts = ["http://back.spin.internal", "{{ origin }}"]
    key_value_stores = ["default"]
    variables = { given = "{{ given }}", both = "{{ given }}-{{ origin }}", empty = "" }

    [component.back]
    source = "PROBE"
    allowed_outbound_hosts = ["{{ origin }}"]
    variables = { secret = "{{ secret }}" }
"#;

impl Host {
    pub fn command(self) -> Command {
        Command::new(match self {
            Self::Shaped => artifacts::spin_shaped(),
            Self::Real => std::env::var_os("SPIN").map_or_else(|| "spin".into(), PathBuf::from),
        })
    }

    pub fn application(self) -> Application {
        let probe = artifacts::spin_probe();
        Application {
            host: self,
            directory: scratch("spin"),
            manifest: MANIFEST.replace("PROBE", probe.to_str().unwrap()),
            arguments: Vec::new(),
        }
        .variable("secret", "kept")
    }

    /// Starts it as it is, and checks what comes of each command.
    pub async fn does(self, expected: &[(&str, &str)]) {
        check(&self.application().start(), expected).await;
    }
}

impl Application {
    pub fn variable(self, name: &str, value: &str) -> Self {
        self.argument("--variable")
            .argument(&format!("{name}={value}"))
    }

    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With this as its runtime configuration.
    pub fn runtime_config(self, text: &str) -> Self {
        let path = self.directory.join("runtime-config.toml");
        std::fs::write(&path, text).unwrap();
        self.argument("--runtime-config-file")
            .argument(path.to_str().unwrap())
    }

    pub fn start(&self) -> Service {
        let manifest = self.directory.join("spin.toml");
        std::fs::write(&manifest, &self.manifest).unwrap();
        let mut command = self.host.command();
        command
            .current_dir(&self.directory)
            .args(["up", "--listen", "127.0.0.1:0", "--from"])
            .arg(manifest)
            .arg("--state-dir")
            .arg(self.directory.join("state"))
            .args(&self.arguments);
        Service::of(&mut command)
    }
}

/// What came of each command, or the status in place of all of it.
pub async fn answers_to(service: &Service, commands: &[&str]) -> Result<Vec<String>, u16> {
    let url = format!("{}/front/told?by=test", service.url());
    let request = http().build().unwrap().post(url).body(commands.join("\n"));
    let response = request.send().await.unwrap();
    match response.status().as_u16() {
        200 => {
            let text = response.text().await.unwrap();
            Ok(text.lines().map(str::to_owned).collect())
        }
        status => Err(status),
    }
}

/// Checks what came of each command.
pub async fn check(service: &Service, expected: &[(&str, &str)]) {
    let commands: Vec<&str> = expected.iter().map(|(command, _)| *command).collect();
    let answers = answers_to(service, &commands).await.unwrap();
    let answers: Vec<(&str, &str)> = commands
        .iter()
        .zip(&answers)
        .map(|(command, answer)| (*command, answer.as_str()))
        .collect();
    assert_eq!(answers, expected);
}

/// The one answer to one command.
pub async fn answer(service: &Service, command: &str) -> String {
    let mut answers = answers_to(service, &[command]).await.unwrap();
    assert_eq!(answers.len(), 1, "{command}: {answers:?}");
    answers.remove(0)
}
