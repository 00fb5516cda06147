//! Who reaches whom, and what is told.

use concept_refinement_tests::client::http;
use concept_refinement_tests::server::{Origin, Reply};

use crate::spin_host::probe::{Host, answer, check};

pub async fn a_component_sees_its_own_variables(host: Host) {
    let application = host.application().variable("origin", "http://a.example");
    let service = application.start();
    check(
        &service,
        &[
            ("variable given", "is default"),
            ("variable both", "is default-http://a.example"),
            ("variable empty", "is "),
            (
                "fetch http://back.spin.internal/ variable secret",
                "200 is kept",
            ),
        ],
    )
    .await;
    for (name, problem) in [
        ("secret", "Undefined"),
        ("origin", "Undefined"),
        ("Given", "InvalidName"),
        ("given-name", "InvalidName"),
    ] {
        let refused = answer(&service, &format!("variable {name}")).await;
        assert!(refused.contains(problem), "{name}: {refused}");
    }
}

pub async fn a_request_keeps_its_host_and_tells_its_route(host: Host) {
    let service = host.application().start();
    let headers = answer(&service, "headers").await;
    let headers: Vec<&str> = headers.split('|').collect();
    let authority = service.url().trim_start_matches("http://");
    for expected in [
        format!("authority={authority}"),
        format!("host={authority}"),
        format!("spin-full-url=http://{authority}/front/told?by=test"),
        "spin-path-info=/told".to_owned(),
        "spin-matched-route=/front/...".to_owned(),
        "spin-raw-component-route=/front/...".to_owned(),
        "spin-component-route=/front".to_owned(),
        "spin-base-path=/".to_owned(),
    ] {
        assert!(
            headers.contains(&expected.as_str()),
            "{expected}: {headers:?}"
        );
    }
}

pub async fn a_private_route_is_not_there_from_outside(host: Host) {
    let service = host.application().start();
    let get = async |path: &str| {
        let url = format!("{}{path}", service.url());
        reqwest::get(url).await.unwrap().status().as_u16()
    };
    assert_eq!(get("/front").await, 200);
    for path in [
        "/",
        "/back",
        "/back/",
        "/frontal",
        "/.well-known/spin/other",
    ] {
        assert_eq!(get(path).await, 404, "{path}");
    }
    assert_eq!(get("/.well-known/spin/health").await, 200);
    // Nor by its name.
    let named = http()
        .build()
        .unwrap()
        .get(format!("{}/front", service.url()))
        .header("host", "back.spin.internal");
    assert!(named.send().await.is_err());
}

pub async fn a_component_reaches_another_that_it_names(host: Host) {
    let service = host.application().start();
    let told = answer(&service, "fetch http://back.spin.internal/a/b?c headers").await;
    let headers: Vec<&str> = told.trim_start_matches("200 ").split('|').collect();
    for expected in [
        "authority=back.spin.internal",
        "spin-path-info=/a/b",
        "spin-matched-route=/...",
        "spin-component-route=",
        "spin-client-addr=0.0.0.0:0",
    ] {
        assert!(headers.contains(&expected), "{expected}: {headers:?}");
    }
    assert!(!headers.iter().any(|header| header.starts_with("host=")));
    let denied = "error ErrorCode::HttpRequestDenied";
    check(
        &service,
        &[
            ("fetch http://front.spin.internal/ headers", denied),
            ("fetch http://back.spin.internal:81/ headers", denied),
            ("fetch https://back.spin.internal/ headers", denied),
            // Nor does the one grant the other anything.
            (
                "fetch http://back.spin.internal/ fetch http://front.spin.internal/",
                &format!("200 {denied}"),
            ),
            // A crash there is an answer here.
            ("fetch http://back.spin.internal/ panic", "500 "),
        ],
    )
    .await;
}

pub async fn scheme_host_and_port_must_be_those(host: Host) {
    let (allowed, other) = (Origin::start(), Origin::start());
    let url = allowed.serve_at("/", Reply::ok("text/plain", b"found\n"));
    let entry = url.trim_end_matches('/');
    let service = host.application().variable("origin", entry).start();
    assert_eq!(answer(&service, &format!("fetch {url}")).await, "200 found");
    for refused in [
        format!("http://127.0.0.1:{}/", other.port()),
        format!("http://localhost:{}/", allowed.port()),
        format!("https://127.0.0.1:{}/", allowed.port()),
    ] {
        assert_eq!(
            answer(&service, &format!("fetch {refused}")).await,
            "error ErrorCode::HttpRequestDenied",
            "{refused}"
        );
    }
    assert_eq!(other.connections(), 0);
    assert_eq!(allowed.connections(), 1);
}

pub async fn private_networks_can_be_blocked(host: Host) {
    let origin = Origin::start();
    let url = origin.serve_at("/", Reply::ok("text/plain", b"found\n"));
    let application = host
        .application()
        .variable("origin", url.trim_end_matches('/'))
        .runtime_config("[outbound_networking]\nblock_networks = [\"private\"]\n");
    let service = application.start();
    assert_eq!(
        answer(&service, &format!("fetch {url}")).await,
        "error ErrorCode::DestinationIpProhibited"
    );
    assert_eq!(origin.connections(), 0);
    // Other components are not of the network.
    assert_eq!(
        answer(&service, "fetch http://back.spin.internal/ count").await,
        "200 1"
    );
}
