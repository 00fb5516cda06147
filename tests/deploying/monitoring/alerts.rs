//! `deploy/prometheus/rules.yaml`: what people read when an alert fires.

use std::collections::BTreeSet;

use concept_refinement_tests::reaper::scratch;
use serde_json::Value;

use super::{Asked, between, list, promtool, string, yaml};
use crate::{read, root};

/// The case of `rules_test.yaml` that is ordinary traffic.
pub const TRAFFIC: &str = "ordinary traffic";

const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

fn rules() -> Vec<Value> {
    let rules = yaml(&read("deploy/prometheus/rules.yaml"));
    list(&rules["groups"][0]["rules"]).to_vec()
}

fn names() -> BTreeSet<String> {
    let rules = rules();
    let names: Vec<_> = rules.iter().map(|rule| string(&rule["alert"])).collect();
    let unique: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    unique
}

pub fn asked() -> Vec<Asked> {
    let asked = rules().into_iter().map(|rule| {
        let annotations = rule["annotations"].as_object().unwrap().values();
        let annotations: String = annotations.map(string).collect();
        let shown = annotations.split("$labels.").skip(1);
        let shown = shown.map(|rest| {
            let end = |c: char| !c.is_alphanumeric() && c != '_';
            rest.split(end).next().unwrap().to_owned()
        });
        Asked {
            place: string(&rule["alert"]).to_owned(),
            expression: string(&rule["expr"]).to_owned(),
            shown: shown.collect(),
        }
    });
    asked.collect()
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let anchors = headings.map(|heading| heading.to_lowercase().replace(' ', "-"));
    anchors.collect()
}

#[test]
fn each_alert_says_what_to_do_and_where_it_is_told() {
    let anchors = anchors(&read("docs/operating.md"));
    for rule in rules() {
        let name = string(&rule["alert"]);
        let severity = string(&rule["labels"]["severity"]);
        assert!(SEVERITIES.contains(&severity), "{name}: {severity}");
        let summary = string(&rule["annotations"]["summary"]);
        assert!(summary.len() > 10 && !summary.ends_with('.'), "{name}");
        let description = string(&rule["annotations"]["description"]);
        let (advice, anchor) = description.rsplit_once(" docs/operating.md#").unwrap();
        assert!(
            advice.len() > 40 && advice.ends_with('.'),
            "{name}: {advice}"
        );
        assert!(anchors.contains(anchor), "{name}: {anchor}");
    }
}

#[test]
fn the_document_has_a_row_for_each_alert() {
    let page = read("docs/operating.md");
    let (_, section) = page.split_once("\n## Alerts\n").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| {
        let (name, rest) = row.split_once("` | ").unwrap();
        (
            name.to_owned(),
            rest.split(" | ").next().unwrap().to_owned(),
        )
    });
    let rows: Vec<_> = rows.collect();
    let documented: BTreeSet<_> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(documented, names());
    for (rule, (name, severity)) in rules().iter().zip(&rows) {
        assert_eq!(string(&rule["alert"]), name, "in the same order");
        assert_eq!(string(&rule["labels"]["severity"]), severity, "{name}");
    }
}

/// A case names all that fire, so that each other one is silent in it.
#[test]
fn each_alert_fires_in_a_case_and_is_silent_in_another() {
    let tests = read("deploy/prometheus/rules_test.yaml");
    let fired = between(&tests, "alertname=\"", "\"").into_iter();
    let fired: BTreeSet<_> = fired.map(str::to_owned).collect();
    assert_eq!(fired, names());
    for case in list(&yaml(&tests)["tests"]) {
        for check in list(&case["promql_expr_test"]) {
            let all = "count by (alertname, severity) (ALERTS{alertstate=\"firing\"})";
            assert_eq!(check["expr"], all, "{case}");
        }
    }
}

/// The series of ordinary traffic, without those that tell whether a host is there.
pub fn traffic(tests: &Value) -> Vec<Value> {
    let cases = list(&tests["tests"]).iter();
    let traffic = cases.filter(|case| case["name"] == TRAFFIC);
    let series = traffic.flat_map(|case| list(&case["input_series"]));
    let of_service = series.filter(|it| !string(&it["series"]).starts_with("up{"));
    of_service.cloned().collect()
}

#[test]
fn ordinary_traffic_neither_hides_nor_adds_an_alert() {
    let mut tests = yaml(&read("deploy/prometheus/rules_test.yaml"));
    let traffic = traffic(&tests);
    assert!(traffic.len() > 10, "{traffic:?}");
    for case in tests["tests"].as_array_mut().unwrap() {
        if case["name"] != TRAFFIC {
            let mut series = case["input_series"].as_array().cloned().unwrap_or_default();
            series.extend(traffic.iter().cloned());
            case["input_series"] = series.into();
        }
    }
    let rules = root().join("deploy/prometheus/rules.yaml");
    tests["rule_files"] = [rules.to_str().unwrap()].as_slice().into();
    let place = scratch("alerts");
    // YAML includes JSON.
    std::fs::write(place.join("beside.yaml"), tests.to_string()).unwrap();
    promtool(&["test", "rules", "beside.yaml"], &place);
}
