//! `deploy/grafana/concept-refinement.json`.

use std::collections::BTreeSet;

use concept_refinement_tests::reaper::scratch;
use serde_json::{Value, json};

use super::{Asked, alerts, between, list, promtool, string, yaml};
use crate::{read, root};

const WIDTH: u64 = 24;

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana/concept-refinement.json")).unwrap()
}

pub fn asked() -> Vec<Asked> {
    let dashboard = dashboard();
    let mut asked = Vec::new();
    for panel in list(&dashboard["panels"]) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let legend = between(string(&target["legendFormat"]), "{{", "}}");
            asked.push(Asked {
                place: string(&panel["title"]).to_owned(),
                expression: string(&target["expr"]).to_owned(),
                shown: legend.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    asked
}

#[test]
fn each_panel_says_what_it_shows_and_hides_no_other() {
    let dashboard = dashboard();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(&dashboard["panels"]) {
        let title = string(&panel["title"]);
        assert!(!title.is_empty(), "{panel}");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(width > 0 && height > 0 && x + width <= WIDTH, "{title}");
        for row in y..y + height {
            for column in x..x + width {
                assert!(cells.insert((row, column)), "{title} covers another one");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(string(&panel["description"]).ends_with('.'), "{title}");
        let unit = string(&panel["fieldConfig"]["defaults"]["unit"]);
        assert!(!unit.is_empty(), "{title}");
        assert!(!list(&panel["targets"]).is_empty(), "{title}");
        let references = list(&panel["targets"]).iter();
        let references: BTreeSet<_> = references.map(|it| string(&it["refId"])).collect();
        assert_eq!(references.len(), list(&panel["targets"]).len(), "{title}");
    }
    let rows = list(&dashboard["panels"]).iter();
    let rows = rows.filter(|panel| panel["type"] == "row");
    let rows: Vec<_> = rows.map(|row| string(&row["title"])).collect();
    let expected = ["What users feel", "Queue", "Models", "Machine and stores"];
    assert_eq!(rows, expected);
}

/// Beside ordinary traffic, of which health checks are a part.
#[test]
fn what_fails_is_shown_however_much_else_succeeds() {
    let panel = asked()
        .into_iter()
        .find(|it| it.place == "Answers that are 5xx");
    let expression = panel.unwrap().expression;
    let expression = expression.replace("$job", ".*");
    let expression = expression.replace("$__rate_interval", "5m");
    let ordinary = alerts::traffic(&yaml(&read("deploy/prometheus/rules_test.yaml")));
    let answers = |status: u16, each_minute: u32| {
        let name = "concept_refinement_http_requests_total";
        let labels = format!("route=\"/api/concepts/refine\",status=\"{status}\"");
        json!({"series": format!("{name}{{{labels}}}"), "values": format!("0+{each_minute}x30")})
    };
    let cases = [
        ("nothing", vec![], 0.01),
        ("all of a route", vec![answers(503, 4)], 1.0),
        (
            "half of a route",
            vec![answers(503, 4), answers(202, 4)],
            0.5,
        ),
    ];
    let cases = cases.map(|(name, answers, share)| {
        let series = [ordinary.clone(), answers].concat();
        json!({
            "name": name,
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": [{
                "expr": format!("round({expression}, 0.01)"),
                "eval_time": "20m",
                "exp_samples": [{"labels": "{}", "value": share}],
            }],
        })
    });
    let tests = json!({"evaluation_interval": "1m", "tests": cases});
    let place = scratch("panel");
    // YAML includes JSON.
    std::fs::write(place.join("panel.yaml"), tests.to_string()).unwrap();
    promtool(&["test", "rules", "panel.yaml"], &place);
}

/// All Grafanas have other ids and other sources of data.
#[test]
fn it_belongs_to_no_grafana() {
    let dashboard = dashboard();
    assert!(dashboard.get("id").is_none());
    assert!(dashboard.get("version").is_none());
    // That of Grafana 10.
    assert!(dashboard["schemaVersion"].as_u64() >= Some(38));
    let variables = list(&dashboard["templating"]["list"]);
    let source = &variables[0];
    assert_eq!(
        (&source["name"], &source["type"]),
        (&"datasource".into(), &"datasource".into())
    );
    let text = read("deploy/grafana/concept-refinement.json");
    let sources = between(&text, "\"uid\": \"", "\"");
    let (own, sources) = sources.split_first().unwrap();
    assert_eq!(*own, "concept-refinement");
    assert!(sources.len() > 80);
    assert!(sources.iter().all(|uid| *uid == "${datasource}"));
    // Several services may be scraped by the same Prometheus.
    for asked in asked() {
        let selectors = super::promql::Query::parse(&asked.expression).selectors;
        for selector in selectors {
            let job = &selector.matchers[0];
            assert_eq!(
                (&*job.label, &*job.value),
                ("job", "$job"),
                "{}",
                asked.expression
            );
        }
    }
}

#[test]
fn grafana_finds_it_and_prometheus_in_the_containers() {
    let compose = yaml(&read("deploy/compose.yaml"));
    let services = compose["services"].as_object().unwrap();
    for (name, service) in services {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let (from, _) = string(volume).split_once(':').unwrap();
            if let Some(file) = from.strip_prefix("./") {
                assert!(root().join("deploy").join(file).exists(), "{name}: {from}");
            }
        }
    }
    let source = yaml(&read("deploy/grafana/datasources.yaml"));
    let url = string(&source["datasources"][0]["url"]);
    let host = url
        .strip_prefix("http://")
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    assert!(services.contains_key(host), "{url}");
    let provider = yaml(&read("deploy/grafana/dashboards.yaml"));
    let path = string(&provider["providers"][0]["options"]["path"]);
    let volumes = list(&services["grafana"]["volumes"]).iter();
    let mut mounted = volumes.map(|it| string(it).split(':').nth(1).unwrap());
    let file = format!("{path}/concept-refinement.json");
    assert!(mounted.any(|it| it == file), "{file}");
}
