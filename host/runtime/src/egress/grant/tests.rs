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
    let (world, own, private) = ("93.184.215.14", "93.184.215.20", "10.1.2.3");
    let local = "http://localhost:7860/";
    let by = Grant::Origin;
    for (name, allowed, address, expected) in [
        ("public", "", world, true),
        ("a name for loopback", "", loopback, false),
        ("mapped loopback", "", "::ffff:127.0.0.1", false),
        ("metadata service", "", "169.254.169.254", false),
        ("private", "", private, false),
        ("this machine", "", own, false),
        ("it, by its address", "93.184.215.20/32", own, true),
        ("it, by a name", "example.com", own, true),
        ("allowed network", "10.0.0.0/8", private, true),
        ("another network", "10.0.0.0/8", "192.168.1.1", false),
        ("allowed name", "example.com", loopback, true),
        ("allowed port", "example.com:80", loopback, true),
        ("another port", "example.com:81", loopback, false),
    ] {
        let grant = public(allowed, None);
        let answered = permits(&grant, example, Purpose::ModelAnswer, address);
        assert_eq!(answered, expected, "{name}");
    }
    for (name, grant, url, address, expected) in [
        ("nothing", Grant::Nothing, example, world, false),
        ("this machine", by(origin(example)), example, own, true),
        (
            "the provider",
            public("", Some(local)),
            "http://localhost:7860/refined.png",
            loopback,
            true,
        ),
        (
            "the provider's host on another port",
            public("", Some(local)),
            "http://localhost:7861/",
            loopback,
            false,
        ),
        (
            "a model's provider",
            by(origin(local)),
            "http://localhost:7860/v1",
            loopback,
            true,
        ),
        ("elsewhere", by(origin(local)), example, world, false),
        (
            "a model's provider by another scheme",
            by(origin("https://example.com/")),
            "http://example.com:443/",
            world,
            false,
        ),
        (
            "the origin of a provider with a domain",
            below(local),
            "http://localhost:7860/v1",
            loopback,
            true,
        ),
    ] {
        let answered = permits(&grant, url, Purpose::ModelAnswer, address);
        assert_eq!(answered, expected, "{name}");
    }
    for (name, url, address, expected) in [
        ("its domain", "https://bfl.ai/", world, true),
        ("below its domain", BELOW, world, true),
        ("below it, within", BELOW, private, false),
        ("below it, loopback", BELOW, loopback, false),
        ("below it, this machine", BELOW, own, false),
        ("below it by http", "http://eu.bfl.ai/", world, false),
        ("on another port", "https://eu.bfl.ai:8443/", world, false),
        ("a name that ends so", "https://evilbfl.ai/", world, false),
        ("that begins so", "https://bfl.ai.example/", world, false),
        ("elsewhere", example, world, false),
    ] {
        let answered = permits(&below(API), url, Purpose::ModelAnswer, address);
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
