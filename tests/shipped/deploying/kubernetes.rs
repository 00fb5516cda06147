//! `deploy/kubernetes`: as Kubernetes reads it, and with what a service has.

use std::process::Command;

use concept_refinement_host::Config;
use concept_refinement_host::config::{Values, table};
use concept_refinement_tests::artifacts;
use serde_json::Value;

use crate::deploying::monitoring::{between, list, scaling, string, yaml};
use crate::{read, root};

const FILE: &str = "deploy/kubernetes/concept-refinement.yaml";

/// How long a host may take to stop, in seconds.
const STOP: u64 = 30;

/// The objects of the file.
fn objects() -> Vec<Value> {
    read(FILE).split("\n---\n").map(yaml).collect()
}

/// The one of this kind and name.
fn object(kind: &str, name: &str) -> Value {
    let mut objects = objects().into_iter();
    let found = objects.find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("{kind} {name}"))
}

#[test]
fn kubernetes_takes_the_files() {
    let checked = Command::new(artifacts::kubernetes_validate())
        .args(["--strict", "--no-warn", FILE])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    let passed = said.matches(" passed for resource ").count();
    assert_eq!(passed, objects().len(), "{said}");
}

/// The variables of the hosts: those of the file, and the secrets that its first lines name.
fn variables() -> Vec<(String, String)> {
    let settings = object("ConfigMap", "concept-refinement");
    let settings = settings["data"].as_object().unwrap().clone();
    let settings = settings.into_iter();
    let mut variables: Vec<_> = settings
        .map(|(name, value)| (name, string(&value).to_owned()))
        .collect();
    let text = read(FILE);
    for secret in between(&text, "--from-literal=", "=") {
        let value = match secret {
            "REFINEMENT_TASKS" => between(&text, "REFINEMENT_TASKS='", "'")[0].to_owned(),
            "REFINEMENT_ADMIN_TOKENS" => format!("ada:{}", "x".repeat(48)),
            _ => "secret".to_owned(),
        };
        variables.push((secret.to_owned(), value));
    }
    variables
}

fn port(variable: &str) -> u64 {
    let variables = variables();
    let (_, address) = variables.iter().find(|(name, _)| name == variable).unwrap();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn its_hosts_have_settings_that_can_be_used() {
    for (name, role) in [("refinement-api", "api"), ("refinement-workers", "worker")] {
        let deployment = object("Deployment", name);
        let host = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(host["args"], serde_json::json!(["serve", "--role", role]));
        let sources = list(&host["envFrom"]).iter();
        for source in sources.flat_map(|source| source.as_object().unwrap().values()) {
            assert_eq!(source["name"], "concept-refinement", "{name}");
        }
        let mut values = Values::new();
        let unknown = values.set_from_variables(variables());
        assert!(unknown.is_empty(), "{unknown:?}");
        values.set(table::find("role").unwrap(), role);
        Config::new(values).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn its_pods_have_the_ports_and_probes_of_a_host() {
    let api: Value = serde_json::from_str(&read("components/api/openapi.json")).unwrap();
    for name in ["refinement-api", "refinement-workers"] {
        let deployment = object("Deployment", name);
        let template = &deployment["spec"]["template"];
        let labels = &deployment["spec"]["selector"]["matchLabels"];
        assert_eq!(labels, &template["metadata"]["labels"], "{name}");
        let pod = &template["spec"];
        let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(grace > STOP, "{name}: {grace}");
        let host = &pod["containers"][0];
        let ports = list(&host["ports"]).iter();
        let ports: Vec<_> = ports
            .map(|port| {
                let number = port["containerPort"].as_u64().unwrap();
                (string(&port["name"]), number)
            })
            .collect();
        let expected = [
            ("http", port("REFINEMENT_LISTEN")),
            ("metrics", port("REFINEMENT_METRICS_LISTEN")),
        ];
        assert_eq!(ports, expected, "{name}");
        for (probe, path) in [
            ("startupProbe", "/api/health"),
            ("livenessProbe", "/api/health"),
            ("readinessProbe", "/api/health/ready"),
        ] {
            assert!(api["paths"][path]["get"].is_object(), "{path}");
            let expected = serde_json::json!({"path": path, "port": "http"});
            assert_eq!(host[probe]["httpGet"], expected, "{name} {probe}");
        }
        // Nothing else can be written to.
        let mounts = &host["volumeMounts"];
        let directory = variables();
        let directory = directory
            .iter()
            .find(|(name, _)| name == "REFINEMENT_DATA_DIR");
        assert_eq!(mounts[0]["mountPath"], directory.unwrap().1.as_str());
        assert_eq!(mounts[0]["name"], pod["volumes"][0]["name"]);
        assert_eq!(host["securityContext"]["readOnlyRootFilesystem"], true);
    }
}

#[test]
fn the_service_and_the_scaling_are_of_its_deployments() {
    let service = object("Service", "refinement-api");
    let api = object("Deployment", "refinement-api");
    let labels = &api["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "http");
    let workers = object("Deployment", "refinement-workers");
    assert_ne!(&workers["spec"]["template"]["metadata"]["labels"], labels);
    let target = &scaling()["spec"]["scaleTargetRef"]["name"];
    assert_eq!(target, &workers["metadata"]["name"]);
}
