//! `health`, where something else answers than the service.

use concept_refinement_tests::server::{Origin, Reply};

use crate::place::Place;

#[test]
fn whatever_else_answers_is_not_healthy() {
    let json = |body: &str| Reply::ok("application/json", body.as_bytes());
    let not_ours = "does not answer as this service does";
    for (reply, sentence) in [
        (Reply::ok("text/html", b"<html>\x1b[2J</html>"), not_ours),
        (json(r#"{"tasks": 5}"#), not_ours),
        (
            json(r#"{"status": "healthy"}"#).without_end(3),
            "gave no whole answer",
        ),
        (Reply::raw(b"SSH-2.0-OpenSSH\r\n"), "gave no whole answer"),
        (Reply::raw(b""), "gave no whole answer"),
        (Reply::status(500), "answers 500"),
    ] {
        let server = Origin::start();
        server.serve_at("/api/health", reply.clone());
        server.serve_at("/api/health/ready", reply);
        let base = format!("http://{}", server.authority());
        for (arguments, path) in [
            (&["health", &base][..], "/api/health "),
            (&["health", "--ready", &base], "/api/health/ready "),
        ] {
            let done = Place::new().run(arguments);
            done.refused(1, &format!("{base}{path}{sentence}"));
        }
    }
}

#[test]
fn an_address_without_a_scheme_is_refused_with_what_to_write() {
    for url in ["127.0.0.1:8080", "https://127.0.0.1:8080", "http:"] {
        let done = Place::new().run(&["health", url]);
        done.refused(2, &format!("{url} must be an http URL, as http://"));
    }
}

#[test]
fn a_service_that_answers_is_healthy() {
    let server = Origin::start();
    let base = format!("http://{}", server.authority());
    for (arguments, path, status) in [
        (&["health", &base][..], "/api/health", "healthy"),
        (&["health", "--ready", &base], "/api/health/ready", "ready"),
        (
            &["health", "--ready", &base],
            "/api/health/ready",
            "degraded",
        ),
    ] {
        let answer = format!("{{\"status\":\"{status}\"}}");
        server.serve_at(path, Reply::ok("application/json", answer.as_bytes()));
        let done = Place::new().run(arguments);
        done.silent();
        assert_eq!(done.text(), format!("{answer}\n"));
    }
}
