//! `deploy/Dockerfile.release` and `deploy/compose.yaml`, read as what runs them reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use concept_refinement_host::config::table::SETTINGS;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Launch;
use serde_json::Value;

use crate::read;

/// What the libraries of engines read.
const OF_ENGINES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];

pub const SOURCE: &str = "deploy/Dockerfile";
pub const RELEASE: &str = "deploy/Dockerfile.release";

const PROGRAM: &str = "/concept-refinement";

/// Instructions of the image's last stage, the last of each name.
pub fn image(file: &str) -> BTreeMap<String, String> {
    let file = read(file).replace("\\\n", " ");
    let stage = file.rfind("\nFROM ").unwrap();
    let lines = file[stage..].lines().filter(|line| !line.starts_with('#'));
    let instructions = lines.filter_map(|line| line.split_once(' '));
    instructions
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// The variables that the image sets.
pub fn variables(image: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let set = image["ENV"].split_whitespace();
    set.map(|pair| pair.split_once('=').unwrap()).collect()
}

/// The command of the image's health check.
fn health_check(image: &BTreeMap<String, String>) -> Vec<String> {
    let (_, command) = image["HEALTHCHECK"].split_once("CMD ").unwrap();
    serde_json::from_str(command).unwrap()
}

fn compose() -> Value {
    serde_saphyr::from_str(&read("deploy/compose.yaml")).unwrap()
}

#[test]
fn the_image_listens_where_it_can_be_reached_and_keeps_its_data() {
    let image = image(RELEASE);
    let variables = variables(&image);
    let listen: SocketAddr = variables["REFINEMENT_LISTEN"].parse().unwrap();
    assert!(listen.ip().is_unspecified(), "{listen}");
    assert_eq!(image["EXPOSE"], listen.port().to_string());
    let data = Path::new(variables["REFINEMENT_DATA_DIR"]);
    assert!(data.starts_with(&image["VOLUME"]), "{data:?}");
    assert_eq!(image["ENTRYPOINT"], format!("[{PROGRAM:?}]"));
    assert_eq!(image["CMD"], "[\"serve\"]");
}

/// Except for where the executable comes from.
#[test]
fn both_files_make_the_same_image() {
    let [source, release] = [SOURCE, RELEASE].map(|file| {
        let mut image = image(file);
        let copied = image.remove("COPY").unwrap();
        assert!(
            copied.ends_with(&format!("concept-refinement {PROGRAM}")),
            "{copied}"
        );
        image
    });
    assert_eq!(source, release);
}

#[test]
fn each_variable_of_the_containers_hosts_is_a_setting() {
    let (compose, image) = (compose(), image(RELEASE));
    let known: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.variable()).collect();
    let hosts = compose["x-host"]["environment"].as_object().unwrap();
    assert!(hosts.len() > 8, "{hosts:?}");
    for (name, value) in hosts {
        let is_known = known.contains(name) || OF_ENGINES.contains(&name.as_str());
        assert!(is_known, "{name}");
        // A number or a date would arrive as something else than what is written.
        assert!(value.is_string(), "{name}: {value}");
        // What the image says of its inside stays.
        assert!(!variables(&image).contains_key(name.as_str()), "{name}");
    }
    for name in variables(&image).keys() {
        assert!(known.contains(*name), "{name}");
    }
}

/// Else `up --wait` would wait for nothing.
#[test]
fn each_container_says_when_it_is_ready() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().unwrap() {
        let check = service["healthcheck"]["test"].as_array().unwrap();
        assert_eq!(check[0], "CMD", "{name}");
        let every = service["healthcheck"]["interval"].as_str();
        assert!(every.is_some(), "{name}: {service}");
        for (engine, on) in service["depends_on"].as_object().into_iter().flatten() {
            assert_eq!(on["condition"], "service_healthy", "{name}: {engine}");
            assert!(compose["services"][engine].is_object(), "{engine}");
        }
    }
    let host = &compose["services"]["host-1"]["healthcheck"]["test"];
    let host: Vec<String> = serde_json::from_value(host.clone()).unwrap();
    assert_eq!(host[1..], health_check(&image(RELEASE)));
}

/// With the variables that the image has.
fn checked(arguments: &[String], address: &str) -> Output {
    let mut command = Command::new(artifacts::binary());
    command
        .args(arguments)
        .current_dir(scratch("check"))
        .env("REFINEMENT_LISTEN", address);
    command.output().unwrap()
}

#[test]
fn the_health_check_tells_a_ready_service_from_none() {
    let check = health_check(&image(RELEASE));
    assert_eq!(check[0], PROGRAM);
    let service = Launch::new().start();
    let address = service.url().trim_start_matches("http://").to_owned();
    let port = address.rsplit(':').next().unwrap();

    let everywhere = format!("0.0.0.0:{port}");
    let ready = checked(&check[1..], &everywhere);
    assert!(ready.status.success(), "{ready:?}");
    let answer: Value = serde_json::from_slice(&ready.stdout).unwrap();
    assert_eq!(answer["capabilities"]["tasks"], "ok", "{answer}");
    for arguments in [vec!["health"], vec!["health", service.url()]] {
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        let alive = checked(&arguments, &address);
        assert!(alive.status.success(), "{alive:?}");
    }

    assert!(service.stop().status.success());
    let gone = checked(&check[1..], &everywhere);
    let said = String::from_utf8(gone.stderr).unwrap();
    assert_eq!(gone.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be reached"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for unusable in ["localhost:8080", "https://localhost", "http://"] {
        let refused = checked(&["health".to_owned(), unusable.to_owned()], &address);
        assert_eq!(refused.status.code(), Some(2), "{unusable}: {refused:?}");
    }
}
