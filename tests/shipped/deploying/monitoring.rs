//! `deploy/grafana`, `deploy/prometheus` and the scaling of `deploy/kubernetes`: each asks for
//! what a service tells, and alerts fire when they should.

mod alerts;
mod dashboard;
mod promql;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Launch;
use reqwest::Method;
use serde_json::Value;

use crate::{read, root};
use promql::{Query, Selector};

/// What Prometheus adds to all that it scrapes.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// Its values are told once a request has been answered so.
const ANSWERED: (&str, &str) = ("concept_refinement_http_requests_total", "status");

/// An expression, and the labels that are shown of what it finds.
struct Asked {
    place: String,
    expression: String,
    shown: Vec<String>,
}

/// The text between each pair of these.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(end)?.0))
        .collect()
}

pub fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

pub fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}"))
}

pub fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("a list: {value}"))
}

const SCALING: &str = "deploy/kubernetes/scaledobject.yaml";

/// The `ScaledObject` of KEDA.
pub fn scaling() -> Value {
    yaml(&read(SCALING))
}

fn of_scaling() -> Vec<Asked> {
    let scaling = scaling();
    let triggers = list(&scaling["spec"]["triggers"]).iter();
    let asked = triggers.map(|trigger| Asked {
        place: SCALING.to_owned(),
        expression: string(&trigger["metadata"]["query"]).to_owned(),
        shown: Vec::new(),
    });
    asked.collect()
}

fn all() -> Vec<Asked> {
    let all = [dashboard::asked(), alerts::asked(), of_scaling()];
    all.into_iter().flatten().collect()
}

/// The labels of each series, by its name.
type Told = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// What a service tells that has a chain of models, once a task is done.
async fn told() -> Told {
    let launch = Launch::new().set("model", "fallback(local)");
    // What models cost is told of those that may cost something.
    let launch = launch.variable("REFINEMENT_MODELS_LOCAL_PRICE", "0.06");
    let service = launch.set("metrics-listen", "127.0.0.1:0").start();
    let user = Client::session(service.url()).await;
    let upload = user.uploaded(&pictures::png(16, 16)).await;
    user.completed(&upload, "make it lighter").await;
    let url = format!("{}/metrics", service.metrics().await);
    // Nothing of the API's description holds there.
    let scraped = Client::new("no API").send(Method::GET, &url, "").await;
    let scraped = Exposition::parse(std::str::from_utf8(&scraped.body).unwrap());
    let mut told = Told::new();
    for series in scraped.samples.keys() {
        let Selector { name, matchers } = Query::parse(series).selectors.remove(0);
        let labels = matchers.into_iter().map(|it| (it.label, it.value));
        told.entry(name).or_default().push(labels.collect());
    }
    told
}

/// Whether a value is the one that is wanted, where a dot stands for any character.
fn is_like(value: &str, wanted: &str) -> bool {
    let same = |(one, other): (char, char)| other == '.' || one == other;
    value.len() == wanted.len() && value.chars().zip(wanted.chars()).all(same)
}

/// Fails unless a service tells all that is asked for.
fn check(
    told: &Told,
    Asked {
        place,
        expression,
        shown,
    }: &Asked,
) {
    let query = Query::parse(expression);
    assert!(!query.selectors.is_empty(), "{place}: {expression}");
    let mut labels: BTreeSet<_> = OF_PROMETHEUS.into_iter().collect();
    for Selector { name, matchers } in &query.selectors {
        if name == "up" {
            continue;
        }
        let series = told.get(name);
        let series = series.unwrap_or_else(|| panic!("{place}: {name} is not told"));
        labels.extend(series.iter().flatten().map(|(label, _)| label.as_str()));
        for matcher in matchers {
            let label = matcher.label.as_str();
            if OF_PROMETHEUS.contains(&label) {
                continue;
            }
            let values: BTreeSet<_> = series.iter().filter_map(|it| it.get(label)).collect();
            assert!(!values.is_empty(), "{place}: {name} has no {label}");
            if (name.as_str(), label) == ANSWERED {
                continue;
            }
            for wanted in matcher.wanted() {
                let is_there = values.iter().any(|value| is_like(value, wanted));
                assert!(is_there, "{place}: {name} with {label} {wanted}");
            }
        }
    }
    for label in query.kept.iter().flatten() {
        assert!(
            labels.contains(label.as_str()),
            "{place}: {label} in {expression}"
        );
    }
    for label in shown {
        let is_kept = match &query.kept {
            Some(kept) => kept.contains(label),
            None => labels.contains(label.as_str()),
        };
        assert!(is_kept, "{place}: {label} is not left by {expression}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_what_a_service_tells() {
    let told = told().await;
    let all = all();
    assert!(all.len() > 70, "{}", all.len());
    for asked in &all {
        check(&told, asked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_does_not_tell_is_found() {
    let told = told().await;
    for (expression, shown) in [
        ("concept_refinement_queue_age_seconds", None),
        (
            "sum by (stage) (concept_refinement_tasks_failed_total)",
            None,
        ),
        (
            "concept_refinement_tasks_failed_total{stage=\"refine\"}",
            None,
        ),
        (
            "concept_refinement_tasks_failed_total{step=\"refining\"}",
            None,
        ),
        (
            "concept_refinement_tasks{status=~\"pending|waiting\"}",
            None,
        ),
        ("concept_refinement_task_duration_seconds", None),
        ("sum(concept_refinement_tasks_failed_total)", Some("step")),
        ("max(concept_refinement_queue_depth)", Some("instance")),
    ] {
        let asked = Asked {
            place: "here".to_owned(),
            expression: expression.to_owned(),
            shown: shown.into_iter().map(str::to_owned).collect(),
        };
        let checked = std::panic::catch_unwind(|| check(&told, &asked));
        assert!(checked.is_err(), "{expression} {shown:?}");
    }
}

fn promtool(arguments: &[&str], directory: &Path) {
    promtool_reads(Stdio::null(), arguments, directory);
}

fn promtool_reads(input: Stdio, arguments: &[&str], directory: &Path) {
    let mut promtool = Command::new(artifacts::promtool());
    promtool.args(arguments).current_dir(directory).stdin(input);
    let ended = promtool.output();
    let ended = ended.unwrap_or_else(|error| panic!("promtool (`cargo xtask tools`): {error}"));
    let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{arguments:?}: {said}");
}

#[test]
fn prometheus_takes_its_files_and_the_alerts_fire_when_they_should() {
    let directory = root().join("deploy/prometheus");
    promtool(&["check", "config", "prometheus.yaml"], &directory);
    promtool(&["check", "rules", "rules.yaml"], &directory);
    promtool(
        &["test", "rules", "rules_test.yaml", "days_test.yaml"],
        &directory,
    );
}

/// Operators can read them without a listener of their own.
#[tokio::test]
async fn prometheus_takes_the_metrics_in_its_older_text_format() {
    const TOKEN: &str = "a-token-of-the-operator-for-tests";
    let launch = Launch::new().set("model", "fallback(local)");
    let service = launch
        .set("admin-listen", "127.0.0.1:0")
        .variable("REFINEMENT_ADMIN_TOKEN", TOKEN)
        .start();
    let user = Client::session(service.url()).await;
    let upload = user.uploaded(&pictures::png(16, 16)).await;
    user.refined(&upload, "make it lighter").await;
    let operator = Client::operator(&service.admin().await, TOKEN);
    let metrics = "/admin/v1/metrics";
    let open = operator.get(metrics).await;
    let told = Exposition::parse(std::str::from_utf8(&open.body).unwrap());
    let text = operator.with("accept", "text/plain").get(metrics).await;
    let format = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(text.header("content-type"), Some(format));
    let samples = std::str::from_utf8(&text.body).unwrap();
    let samples = samples.lines().filter(|line| !line.starts_with('#'));
    let named = samples.map(|line| line.rsplit_once(' ').unwrap().0);
    // The second look may be counted.
    let missing: Vec<_> = {
        let named: BTreeSet<_> = named.collect();
        let told = told.samples.keys();
        told.filter(|name| !named.contains(name.as_str())).collect()
    };
    assert!(missing.is_empty(), "{missing:?}");
    let place = scratch("promtool");
    let file = place.join("metrics");
    std::fs::write(&file, &text.body).unwrap();
    let input = File::open(file).unwrap();
    promtool_reads(input.into(), &["check", "metrics"], &place);
}

/// As rules, which `promtool` reads as Prometheus reads what it is asked.
#[test]
fn prometheus_understands_what_it_is_asked() {
    let mut rules = "groups:\n- name: asked\n  rules:\n".to_owned();
    for (index, Asked { expression, .. }) in all().iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m");
        let expression = Value::from(expression);
        writeln!(
            rules,
            "  - {{record: \"asked:{index}\", expr: {expression}}}"
        )
        .unwrap();
    }
    let place = scratch("promtool");
    std::fs::write(place.join("asked.yaml"), rules).unwrap();
    promtool(&["check", "rules", "asked.yaml"], &place);
}

#[test]
fn prometheus_finds_the_hosts_of_the_containers() {
    let compose = yaml(&read("deploy/compose.yaml"));
    let listen = &compose["x-host"]["environment"]["REFINEMENT_METRICS_LISTEN"];
    let (_, port) = string(listen).rsplit_once(':').unwrap();
    let hosts = compose["services"].as_object().unwrap().keys();
    let hosts = hosts.filter(|name| name.starts_with("host-"));
    let hosts: Vec<_> = hosts.map(|name| format!("{name}:{port}")).collect();
    let configuration = yaml(&read("deploy/prometheus/prometheus.yaml"));
    assert_eq!(configuration["rule_files"][0], "rules.yaml");
    let scraped = &configuration["scrape_configs"][0];
    assert_eq!(scraped["job_name"], "concept-refinement");
    let targets = list(&scraped["static_configs"][0]["targets"]);
    assert_eq!(targets.iter().map(string).collect::<Vec<_>>(), hosts);
}

#[test]
fn workers_are_scaled_within_bounds_and_not_while_nothing_is_known() {
    let scaling = scaling();
    assert_eq!(scaling["apiVersion"], "keda.sh/v1alpha1");
    assert_eq!(scaling["kind"], "ScaledObject");
    let spec = &scaling["spec"];
    assert!(spec["scaleTargetRef"]["name"].is_string(), "{spec}");
    let bound = |name: &str| spec[name].as_u64().unwrap_or_else(|| panic!("{name}"));
    assert!(bound("minReplicaCount") < bound("maxReplicaCount"));
    assert!(bound("cooldownPeriod") > 0);
    for trigger in list(&spec["triggers"]) {
        assert_eq!(trigger["type"], "prometheus");
        let metadata = &trigger["metadata"];
        // A query that finds nothing would else count as 0, and end the workers.
        assert_eq!(metadata["ignoreNullValues"], "false", "{trigger}");
        let threshold: f64 = string(&metadata["threshold"]).parse().unwrap();
        assert!(threshold > 0.0, "{trigger}");
        let query = Query::parse(string(&metadata["query"]));
        assert_eq!(
            query.kept.map(|kept| kept.contains("instance")),
            Some(false)
        );
    }
    let queries = of_scaling();
    let age = "concept_refinement_queue_oldest_age_seconds";
    assert!(queries.iter().any(|it| it.expression.contains(age)));
}
