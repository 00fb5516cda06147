use std::net::Ipv4Addr;

use super::*;

/// Of this machine, and public.
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 20));

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().unwrap()).unwrap()
}

fn public(allowed: &str, provider: Option<&str>) -> Grant {
    Grant::Public {
        allowed: AllowedSources::parse(allowed).unwrap(),
        providers: provider.map(origin).into_iter().collect(),
    }
}

const API: &str = "https://api.bfl.ai/";
const BELOW: &str = "https://api.EU2.bfl.ai/v1/get_result?id=7";

fn below(url: &str) -> Grant {
    Grant::Domain {
        origin: origin(url),
        domain: "bfl.ai",
    }
}

fn https(allowed: &str) -> Grant {
    Grant::Https {
        allowed: AllowedSources::parse(allowed).unwrap(),
    }
}

/// Whether the origin is allowed, and its address permitted.
fn permits(grant: &Grant, url: &str, purpose: Purpose, address: &str) -> bool {
    grant
        .permits(&origin(url), purpose, |address| address == OWN)
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
            "this machine",
            public("", None),
            example,
            "93.184.215.20",
            false,
        ),
        (
            "this machine, allowed by its address",
            public("93.184.215.20/32", None),
            example,
            "93.184.215.20",
            true,
        ),
        (
            "this machine, allowed by a name",
            public("example.com", None),
            example,
            "93.184.215.20",
            true,
        ),
        (
            "this machine, a model's provider",
            Grant::Origin(origin(example)),
            example,
            "93.184.215.20",
            true,
        ),
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
        (
            "the origin of a provider with a domain",
            below("http://localhost:7860/"),
            "http://localhost:7860/v1",
            loopback,
            true,
        ),
        ("its domain", below(API), "https://bfl.ai/", world, true),
        ("below its domain", below(API), BELOW, world, true),
        ("below it, within", below(API), BELOW, "10.1.2.3", false),
        ("below it, loopback", below(API), BELOW, loopback, false),
        (
            "below it, this machine",
            below(API),
            BELOW,
            "93.184.215.20",
            false,
        ),
        (
            "below it by http",
            below(API),
            "http://eu.bfl.ai/",
            world,
            false,
        ),
        (
            "below it on another port",
            below(API),
            "https://eu.bfl.ai:8443/",
            world,
            false,
        ),
        (
            "a name that ends so",
            below(API),
            "https://evilbfl.ai/",
            world,
            false,
        ),
        (
            "a name that begins so",
            below(API),
            "https://bfl.ai.example/",
            world,
            false,
        ),
        ("elsewhere", below(API), example, world, false),
    ] {
        let answered = permits(&grant, url, Purpose::ModelAnswer, address);
        assert_eq!(answered, expected, "{name}");
    }
}

#[test]
fn a_webhook_reaches_public_addresses_by_https_and_what_is_allowed() {
    let (http, https_url) = ("http://example.com/", "https://example.com/");
    let (world, own, private) = ("93.184.215.14", "93.184.215.20", "10.1.2.3");
    for (allowed, url, address, expected) in [
        ("", https_url, world, true),
        ("", https_url, own, false),
        ("", https_url, private, false),
        ("", https_url, "127.0.0.1", false),
        ("", https_url, "::ffff:169.254.169.254", false),
        ("", http, world, false),
        ("example.com", http, world, true),
        ("example.com", http, private, true),
        ("example.com", https_url, own, true),
        ("example.org", http, world, false),
        ("10.0.0.0/8", http, private, true),
        ("10.0.0.0/8", http, world, false),
        ("10.0.0.0/8", http, "192.168.1.1", false),
        ("10.0.0.0/8", https_url, private, true),
        ("10.0.0.0/8", https_url, world, true),
        ("10.0.0.0/8", https_url, "192.168.1.1", false),
    ] {
        let answered = permits(&https(allowed), url, Purpose::Original, address);
        assert_eq!(answered, expected, "{allowed:?}: {url} at {address}");
    }
}

#[test]
fn the_providers_origin_is_for_what_the_model_answered() {
    let grant = public("", Some("http://localhost:7860/"));
    let url = "http://localhost:7860/refined.png";
    assert!(permits(&grant, url, Purpose::ModelAnswer, "127.0.0.1"));
    assert!(!permits(&grant, url, Purpose::Original, "127.0.0.1"));

    let mut headers = http::HeaderMap::new();
    assert_eq!(take_purpose(&mut headers), Purpose::Original);
    headers.insert(HEADER, "model-answer".parse().unwrap());
    assert_eq!(take_purpose(&mut headers), Purpose::ModelAnswer);
    assert!(headers.is_empty(), "the header left the host");
}
