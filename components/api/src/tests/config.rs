//! Settings, as the API reads them.

use super::memory::Memory;
use super::service::{Call, Service};
use crate::ConfigError;

#[test]
fn unusable_settings_are_named() {
    let cases = [
        ("auth", "none"),
        ("cors-origins", "*"),
        ("cors-origins", "https://app.example/path"),
        ("public-url", "refine.example.com"),
        ("image-url-ttl", "an hour"),
        ("rate-limit", "0/month"),
        ("allow-sources", "a b"),
        ("active-tasks", "0"),
        ("budget", "5"),
        ("plan", "gold"),
        ("plan-claim", "sub"),
        ("plans", "[]"),
        ("plans", r#"{"pro": {"budget": "5"}}"#),
        ("reservation", "openai six"),
        ("reservation", "openai,0.06"),
        ("reservation", "0.06"),
        ("reservation", "6"),
        ("uploads", "-1"),
        ("upload-bytes", "much"),
        ("max-image-bytes", "20 MB"),
        ("max-image-pixels", "many"),
    ];
    for (setting, value) in cases {
        match Service::start(&Memory::default(), &[(setting, value)]).err() {
            Some(ConfigError::Unusable { name, .. }) => assert_eq!(name, setting),
            other => panic!("{setting}: {other:?}"),
        }
    }
}

#[test]
fn there_is_no_default_secret() {
    let error = Service::start(&Memory::default(), &[("jwt-secret", "")]).err();
    assert_eq!(error, Some(ConfigError::Missing("jwt-secret")));
}

#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    for (secret, is_usable) in [
        ("abc", false),
        ("a secret of thirty-one bytes ..", false),
        ("a secret of thirty-two bytes ...", true),
    ] {
        let settings = [("auth", "secret"), ("jwt-secret", secret)];
        let started = Service::start(&Memory::default(), &settings);
        assert_eq!(started.is_ok(), is_usable, "{secret}");
    }
}

#[test]
fn there_is_no_default_issuer() {
    let error = Service::start(&Memory::default(), &[("auth", "jwks")]).err();
    assert_eq!(error, Some(ConfigError::Missing("jwks-url")));
}

#[test]
fn settings_are_read_once() {
    let service = Service::new();
    let read = service.memory.0.borrow().settings_read;
    assert!(read > 0);
    service.send(Call::refine("ann"));
    service.send(Call::get("/api/tasks").by("ann"));
    assert_eq!(service.memory.0.borrow().settings_read, read);
}

/// A platform that does not ask would show the header to clients.
#[test]
fn routes_are_named_only_where_it_is_asked_for() {
    const ID: &str = "00000000-0000-4000-8000-000000000000";
    let task = format!("/api/tasks/{ID}");
    for (asked, path, expected) in [
        ("true", task.as_str(), Some("/api/tasks/{task_id}")),
        ("true", "/api/images/a/b", Some("/api/images/{path}")),
        ("true", "/api/nothing", None),
        ("true", "/api/concepts/refine", None),
        ("", &task, None),
        ("no", &task, None),
    ] {
        let reply = Service::with(&[("name-routes", asked)]).send(Call::get(path));
        let named = reply.header("concept-refinement-route");
        assert_eq!(named, expected, "{asked:?} {path}");
    }
    let by_default = Service::new().send(Call::get(task.as_str()));
    assert_eq!(by_default.header("concept-refinement-route"), None);
}
