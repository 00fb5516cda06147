use super::*;

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().unwrap()).unwrap()
}

fn public(allowed: &str, provider: Option<&str>) -> Grant {
    Grant::Public {
        allowed: AllowedSources::parse(allowed).unwrap(),
        provider: provider.map(origin),
    }
}

/// Whether the origin is allowed, and its address permitted.
fn permits(grant: &Grant, url: &str, purpose: Purpose, address: &str) -> bool {
    grant
        .permits(&origin(url), purpose)
        .is_some_and(|permitted| permitted(address.parse().unwrap()))
}

#[test]
fn an_origin_is_a_scheme_a_host_and_a_port() {
    for (url, host, port) in [
        ("http://Example.com/x", "example.com", 80),
        ("https://example.com", "example.com", 443),
        ("http://127.0.0.1:8080/", "127.0.0.1", 8080),
        ("https://[::1]:8443/", "[::1]", 8443),
    ] {
        let origin = origin(url);
        assert_eq!((origin.host.as_str(), origin.port), (host, port), "{url}");
    }
    for url in ["/path", "ftp://example.com/"] {
        assert_eq!(Origin::of(&url.parse().unwrap()), None, "{url}");
    }
}

#[test]
fn each_grant_permits_what_it_says() {
    let (example, loopback) = ("http://example.com/", "127.0.0.1");
    let world = "93.184.215.14";
    for (name, grant, url, address, expected) in [
        ("nothing", Grant::Nothing, example, world, false),
        ("public", public("", None), example, world, true),
        (
            "a name for loopback",
            public("", None),
            example,
            loopback,
            false,
        ),
        (
            "mapped loopback",
            public("", None),
            example,
            "::ffff:127.0.0.1",
            false,
        ),
        (
            "metadata service",
            public("", None),
            example,
            "169.254.169.254",
            false,
        ),
        ("private", public("", None), example, "10.1.2.3", false),
        (
            "allowed network",
            public("10.0.0.0/8", None),
            example,
            "10.1.2.3",
            true,
        ),
        (
            "another network",
            public("10.0.0.0/8", None),
            example,
            "192.168.1.1",
            false,
        ),
        (
            "allowed name",
            public("example.com", None),
            example,
            loopback,
            true,
        ),
        (
            "allowed port",
            public("example.com:80", None),
            example,
            loopback,
            true,
        ),
        (
            "another port",
            public("example.com:81", None),
            example,
            loopback,
            false,
        ),
        (
            "the provider",
            public("", Some("http://localhost:7860/")),
            "http://localhost:7860/refined.png",
            loopback,
            true,
        ),
        (
            "the provider's host on another port",
            public("", Some("http://localhost:7860/")),
            "http://localhost:7861/",
            loopback,
            false,
        ),
        (
            "a model's provider",
            Grant::Origin(origin("http://localhost:7860/")),
            "http://localhost:7860/v1",
            loopback,
            true,
        ),
        (
            "a model elsewhere",
            Grant::Origin(origin("http://localhost:7860/")),
            example,
            world,
            false,
        ),
        (
            "a model's provider by another scheme",
            Grant::Origin(origin("https://example.com/")),
            "http://example.com:443/",
            world,
            false,
        ),
    ] {
        let answered = permits(&grant, url, Purpose::ModelAnswer, address);
        assert_eq!(answered, expected, "{name}");
    }
}

#[test]
fn the_providers_origin_is_for_what_the_model_answered() {
    let grant = public("", Some("http://localhost:7860/"));
    let url = "http://localhost:7860/refined.png";
    assert!(permits(&grant, url, Purpose::ModelAnswer, "127.0.0.1"));
    assert!(!permits(&grant, url, Purpose::Any, "127.0.0.1"));

    let mut headers = http::HeaderMap::new();
    assert_eq!(Purpose::taken_from(&mut headers), Purpose::Any);
    headers.insert(Purpose::HEADER, "model-answer".parse().unwrap());
    assert_eq!(Purpose::taken_from(&mut headers), Purpose::ModelAnswer);
    assert!(headers.is_empty(), "the header left the host");
}
