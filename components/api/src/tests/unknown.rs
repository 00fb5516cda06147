//! Secrets that the service draws itself are not known before their store is reached.

use super::service::{Call, Service};
use crate::config::Config;
use crate::tests::service::run;

const ANONYMOUS: [(&str, &str); 3] = [
    ("auth", "anonymous"),
    ("jwt-secret", ""),
    ("webhook-secret", ""),
];

#[test]
fn what_takes_no_secret_is_answered_and_the_rest_is_unavailable() {
    const REFINE: &str = "/api/concepts/refine";
    for (name, call, status) in [
        ("no credentials", Call::post(REFINE), 401),
        (
            "credentials of no use",
            Call::post(REFINE).header("authorization", "Basic ann"),
            401,
        ),
        ("a token", Call::refine("ann"), 503),
        ("a cookie", Call::post(REFINE).by_cookie("ann"), 503),
        ("a session", Call::post("/api/auth/session"), 503),
        (
            "a session of the same user",
            Call::post("/api/auth/session").by_cookie("ann"),
            503,
        ),
        ("no such path", Call::get("/api/nothing"), 404),
        ("no such method", Call::get(REFINE), 405),
        ("health", Call::get("/api/health"), 200),
        ("the page", Call::get("/page/service.json"), 200),
    ] {
        let reply = Service::with(&ANONYMOUS).send(call);
        assert_eq!(reply.status, status, "{name}");
        if status == 503 {
            reply.is_error(503, "SERVICE_UNAVAILABLE");
            assert_eq!(reply.header("retry-after"), Some("1"), "{name}");
            assert_eq!(reply.header("set-cookie"), None, "{name}");
        }
    }
}

#[test]
fn the_key_of_webhooks_waits_for_who_may_ask() {
    let service = Service::with(&[("webhook-secret", "")]);
    let secret = || Call::get("/api/webhooks/secret");
    assert_eq!(service.send(secret()).status, 401);
    let reply = service.send(secret().by("ann"));
    reply.is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(service.send(Call::refine("ann")).status, 202);
}

/// Until then it is read again.
#[test]
fn a_configuration_is_whole_once_all_is_known() {
    for (settings, is_whole) in [
        (&ANONYMOUS[..], false),
        (&ANONYMOUS[..2], false),
        (&ANONYMOUS[2..], false),
        (&ANONYMOUS[..1], true),
        (&[], true),
    ] {
        let service = Service::with(settings);
        let config = run(Config::read(&service.memory)).unwrap();
        assert_eq!(config.is_whole(), is_whole, "{settings:?}");
    }
}
