//! `deploy/prometheus/rules.yaml`: what people read when an alert fires.

use std::collections::BTreeSet;

use concept_refinement_tests::reaper::scratch;
use serde_json::{Value, json};

use super::{Asked, between, list, promtool, string, yaml};
use crate::{read, root};

/// What a case asks: all that fire.
const FIRING: &str = "count by (alertname, severity) (ALERTS{alertstate=\"firing\"})";

/// The cases that take an hour or two, and those that take days.
const TESTS: [&str; 2] = [
    "deploy/prometheus/rules_test.yaml",
    "deploy/prometheus/days_test.yaml",
];

/// The case of `rules_test.yaml` that is ordinary traffic.
pub const TRAFFIC: &str = "ordinary traffic";

const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// Each alert's line: the series that it looks at, with their values for an hour and a half,
/// or more. At its [`moment`] it is silent with those of the first column, and fires with the
/// second's.
const LINES: &str = "
ServiceDown      | up{job='concept-refinement'}                         | 1x58 0x30  | 1x56 0x30
NotReady         | capability_usable{capability='tasks'}                | 1x59 0x30  | 1x57 0x30
AnswersFail      | http_requests_total{route='/api/tasks',status='503'} | 0+4x90     | 0+6x90
AnswersFail      | http_requests_total{route='/api/tasks',status='200'} | 0+95x90    | 0+95x90
TasksWait        | queue_oldest_age_seconds                             | 300x90     | 301x90
BacklogFull      | tasks_refused_total{reason='backlog'}                | 7x90       | 7x56 8x30
QueuePaused      | queue_paused                                         | 0x31 1x60  | 0x28 1x60
TasksFail        | tasks_failed_total{step='refine'}                    | 0+1x90     | 0+2x90
TasksFail        | tasks_completed_total                                | 0+5x90     | 0+5x90
ModelDown        | model_calls_total{outcome='image'}                   | 7x54 8x30  | 7x90
ModelDown        | model_calls_total{outcome='unavailable'}             | 0+9x90     | 0+9x90
KeyRefused       | model_calls_total{outcome='unauthorized'}            | 7x90       | 7x56 8x30
PaidTwice        | model_repeated_calls_total{model='a',reason='crash'} | 7x90       | 7x56 8x30
SpendingFaster   | model_cost_usd_total{model='a'}                      | 0+0.001x3000 | 0x2880 1.2x90
LeasesLost       | leases_lost_total                                    | 0x54 2x30  | 0x54 3x30
WorkersDie       | tasks_failed_total{step='worker-died'}               | 7x90       | 7x56 8x30
StoreFails       | store_errors_total{store='tasks'}                    | 0+0.9x90   | 0+1.1x90
StoreFails       | store_errors_total{store='images'}                   | 0+0.9x90   | 0+0.9x90
DiskAlmostFull   | images_disk_free_bytes                               | 250x90     | 249x90
DiskAlmostFull   | images_disk_reserve_bytes                            | 100x90     | 100x90
StoreAlmostFull  | images_bytes                                         | 90x90      | 91x90
StoreAlmostFull  | images_limit_bytes                                   | 100x90     | 100x90
NoRoom           | uploads_refused_total{reason='no-room'}              | 7x90       | 7x56 8x30
NoRoom           | tasks_refused_total{reason='no-room'}                | 7x90       | 7x90
ConnectionsShort | http_refusals_total{short_of='requests'}             | 0+1.9x90   | 0+2.1x90
LogLost          | log_lines_lost_total                                 | 7x90       | 7x56 8x30
";

/// A host that is there all the time.
const UP: &str = "up{job=\"concept-refinement\",instance=\"other\"}";

/// When an alert is judged, in minutes: one that compares days needs some.
fn moment(alert: &str) -> u32 {
    match alert {
        "SpendingFaster" => 49 * 60,
        _ => 60,
    }
}

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

/// The cases of each file, and the steps at which they are judged.
fn cases() -> [(String, Vec<Value>); 2] {
    TESTS.map(|file| {
        let tests = yaml(&read(file));
        let step = string(&tests["evaluation_interval"]).to_owned();
        (step, list(&tests["tests"]).to_vec())
    })
}

/// A case names all that fire, so that each other one is silent in it.
#[test]
fn each_alert_fires_in_a_case() {
    let tests = TESTS.map(read).concat();
    let fired = between(&tests, "alertname=\"", "\"").into_iter();
    let fired: BTreeSet<_> = fired.map(str::to_owned).collect();
    assert_eq!(fired, names());
    for case in cases().iter().flat_map(|(_, cases)| cases) {
        for check in list(&case["promql_expr_test"]) {
            assert_eq!(check["expr"], FIRING, "{case}");
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

/// Has cases judged at these steps, beside ordinary traffic.
fn check_beside_traffic(step: &str, mut cases: Vec<Value>) {
    let traffic = traffic(&yaml(&read("deploy/prometheus/rules_test.yaml")));
    assert!(traffic.len() > 10, "{traffic:?}");
    for case in &mut cases {
        if case["name"] != TRAFFIC {
            let mut series = case["input_series"].as_array().cloned().unwrap_or_default();
            series.extend(traffic.iter().cloned());
            case["input_series"] = series.into();
        }
    }
    let rules = root().join("deploy/prometheus/rules.yaml");
    let tests = json!({
        "rule_files": [rules.to_str().unwrap()], "evaluation_interval": step, "tests": cases,
    });
    let place = scratch("alerts");
    // YAML includes JSON.
    std::fs::write(place.join("beside.yaml"), tests.to_string()).unwrap();
    promtool(&["test", "rules", "beside.yaml"], &place);
}

#[test]
fn ordinary_traffic_neither_hides_nor_adds_an_alert() {
    for (step, cases) in cases() {
        check_beside_traffic(&step, cases);
    }
}

/// The case of an alert in which the series have the values of this column of [`LINES`].
fn case_of_line(alert: &str, column: usize, firing: Value) -> Value {
    let rows = LINES.lines().map(|row| row.split('|').map(str::trim));
    let rows = rows.map(Iterator::collect::<Vec<_>>);
    let moment = moment(alert);
    let mut series = vec![json!({"series": UP, "values": format!("1x{}", moment + 30)})];
    for row in rows.filter(|row| row[0] == alert) {
        let prefix = if alert == "ServiceDown" {
            ""
        } else {
            "concept_refinement_"
        };
        let name = format!("{prefix}{}", row[1].replace('\'', "\""));
        series.push(json!({"series": name, "values": row[column]}));
    }
    assert!(series.len() > 1, "{alert} has no line");
    json!({
        "name": format!("{alert}, column {column}"), "interval": "1m", "input_series": series,
        "promql_expr_test": [
            {"eval_time": format!("{moment}m"), "expr": FIRING, "exp_samples": firing},
        ],
    })
}

#[test]
fn each_alert_is_silent_up_to_its_line_and_fires_beyond() {
    let cases = |rule: &Value| {
        let name = string(&rule["alert"]);
        let severity = &rule["labels"]["severity"];
        let labels = format!("{{alertname=\"{name}\", severity={severity}}}");
        [
            case_of_line(name, 2, json!([])),
            case_of_line(name, 3, json!([{"labels": labels, "value": 1}])),
        ]
    };
    let rules = rules().into_iter();
    let (hours, days): (Vec<_>, Vec<_>) =
        rules.partition(|rule| moment(string(&rule["alert"])) <= 60);
    check_beside_traffic("1m", hours.iter().flat_map(cases).collect());
    check_beside_traffic("10m", days.iter().flat_map(cases).collect());
}
