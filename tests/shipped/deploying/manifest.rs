//! `spin.toml` says what the settings of the service are, and grants no more than
//! it has to.

use std::collections::BTreeSet;

use concept_refinement_domain::processor_config;
use concept_refinement_host::config::table::{self, SETTINGS};
use toml::{Table, Value};

use crate::read;

/// The settings of our host that mean nothing on a stock platform.
const WITHOUT_EFFECT: &str = "
    admin-listen admin-read-token admin-token admin-tokens anonymous-retention ca-file
    collect-interval concurrency confirm-clock data-dir image-memory images listen log-format
    max-backlog max-store metrics-listen model-memory model-memory-total pubsub-audience
    pubsub-endpoint pubsub-jwks-url pubsub-service-account pubsub-subscription queue retention
    role tasks tasks-listen-url trusted-proxies
";

pub fn without_effect() -> BTreeSet<&'static str> {
    WITHOUT_EFFECT.split_whitespace().collect()
}

/// What the api may reach for keys, which is no setting.
const GRANT: &str = "jwks_origin";

/// What the settings file has in tables, and is in one variable here.
const PLANS: &str = "plans";

/// What the api gets of two variables.
const RESERVATION: (&str, &str) = ("reservation", "{{ model }} {{ model_price }}");

fn manifest() -> Table {
    read("spin.toml").parse().unwrap()
}

fn table<'a>(of: &'a Table, path: &[&str]) -> &'a Table {
    path.iter().fold(of, |table, key| {
        let value = table.get(*key).and_then(Value::as_table);
        value.unwrap_or_else(|| panic!("{path:?}"))
    })
}

fn strings(value: &Value) -> Vec<&str> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn every_variable_is_a_setting_with_its_default() {
    let manifest = manifest();
    for (name, variable) in table(&manifest, &["variables"]) {
        // Without a default of each, Spin cannot resolve any.
        let default = variable["default"].as_str().unwrap();
        let is_secret = variable.get("secret") == Some(&Value::Boolean(true));
        if [GRANT, PLANS].contains(&name.as_str()) {
            assert!(default.is_empty() && !is_secret);
            continue;
        }
        let setting = table::find(&name.replace('_', "-"));
        let setting = setting.unwrap_or_else(|| panic!("{name} is no setting"));
        // There is no client address by which it could be limited.
        let expected = match setting.name {
            "verify" => "off",
            _ => setting.default.unwrap_or_default(),
        };
        assert_eq!(default, expected, "{name}");
        assert_eq!(is_secret, setting.secret, "{name}");
    }
}

#[test]
fn no_setting_is_forgotten() {
    let manifest = manifest();
    let variables = table(&manifest, &["variables"]);
    let missing: BTreeSet<_> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|name| !variables.contains_key(&name.replace('-', "_")))
        .collect();
    assert_eq!(missing, without_effect());
}

#[test]
fn a_component_gets_variables_by_their_own_names() {
    let manifest = manifest();
    let declared = table(&manifest, &["variables"]);
    let mut given = BTreeSet::from([GRANT]);
    for component in ["api", "processor"] {
        for (name, value) in table(&manifest, &["component", component, "variables"]) {
            if (name.as_str(), value.as_str()) == (RESERVATION.0, Some(RESERVATION.1)) {
                continue;
            }
            assert!(declared.contains_key(name), "{component}: {name}");
            assert_eq!(
                value.as_str().unwrap(),
                format!("{{{{ {name} }}}}"),
                "{component}"
            );
            given.insert(name);
        }
    }
    let declared: BTreeSet<_> = declared.keys().map(String::as_str).collect();
    assert_eq!(given, declared, "a variable that nobody gets");
}

/// Readiness, which the api answers, names those that the processor cannot use.
#[test]
fn the_processors_own_settings_are_given_to_both() {
    let manifest = manifest();
    for component in ["api", "processor"] {
        let given = table(&manifest, &["component", component, "variables"]);
        for name in processor_config::SETTINGS {
            assert!(
                given.contains_key(&name.replace('-', "_")),
                "{component}: {name}"
            );
        }
    }
}

#[test]
fn a_secret_is_given_to_the_one_that_needs_it() {
    let manifest = manifest();
    let has = |component: &str, name: &str| {
        table(&manifest, &["component", component, "variables"]).contains_key(name)
    };
    assert!(has("api", "jwt_secret") && !has("processor", "jwt_secret"));
    assert!(has("api", "webhook_secret"));
    assert!(has("processor", "model_api_key") && !has("api", "model_api_key"));
    let without_effect = without_effect();
    let secrets = SETTINGS
        .iter()
        .filter(|setting| setting.secret && !without_effect.contains(setting.name));
    // Both deliver webhooks, and the api tells the users their keys.
    assert!(has("api", "webhook_secret") && has("processor", "webhook_secret"));
    assert_eq!(secrets.count(), 3, "who gets the new one?");
}

#[test]
fn a_component_reaches_what_it_must() {
    let manifest = manifest();
    let components = table(&manifest, &["component"]);
    let names: Vec<_> = components.keys().collect();
    assert_eq!(names, ["api", "processor"]);
    for (component, hosts) in [
        (
            "api",
            &[
                "http://processor.spin.internal",
                "https://*:443",
                "{{ jwks_origin }}",
            ][..],
        ),
        (
            "processor",
            &["http://*:80", "https://*:443", "{{ model_url }}"][..],
        ),
    ] {
        let component = table(components, &[component]);
        assert_eq!(strings(&component["allowed_outbound_hosts"]), hosts);
        assert_eq!(strings(&component["key_value_stores"]), ["default"]);
        for more in ["files", "sqlite_databases", "ai_models", "environment"] {
            assert!(!component.contains_key(more), "{more}");
        }
    }
}

#[test]
fn the_processor_has_no_public_address() {
    let manifest = manifest();
    let triggers = table(&manifest, &["trigger"])["http"].as_array().unwrap();
    let routes: Vec<_> = triggers
        .iter()
        .map(|trigger| (trigger["component"].as_str().unwrap(), &trigger["route"]))
        .collect();
    let private = Value::Table(Table::from_iter([("private".to_owned(), true.into())]));
    assert_eq!(routes, [("api", &"/...".into()), ("processor", &private)]);
}

#[test]
fn what_is_run_is_what_is_composed() {
    let manifest = manifest();
    assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
    let application = table(&manifest, &["application"]);
    let version = application["version"].as_str();
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    for component in ["api", "processor"] {
        let it = table(&manifest, &["component", component]);
        let source = format!("target/composed/spin-{component}.wasm");
        assert_eq!(it["source"].as_str(), Some(source.as_str()));
    }
    // One command composes all of them, and `spin build` runs each that there is.
    let builds = table(&manifest, &["component"]).values();
    let builds: Vec<_> = builds.filter_map(|it| it.get("build")).collect();
    let [build] = builds.as_slice() else {
        panic!("it is composed {} times", builds.len());
    };
    assert_eq!(build["command"].as_str(), Some("cargo xtask compose"));
    assert!(!build.as_table().unwrap().contains_key("workdir"));
}

#[test]
fn deployments_block_private_networks() {
    let config: Table = read("runtime-config.toml").parse().unwrap();
    let expected: Table = "outbound_networking.block_networks = [\"private\"]"
        .parse()
        .unwrap();
    assert_eq!(config, expected);
}
