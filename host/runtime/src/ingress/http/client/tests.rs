use super::*;

const TRUSTED: &str = "10.0.0.0/8, 192.0.2.7, 2001:db8:1::/48";

fn client(peer: &str, fields: &[(&str, &str)]) -> (Client, HeaderMap) {
    let trusted = Networks::parse(TRUSTED).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::try_from(*name).unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let client = Client::of(peer.parse().unwrap(), &mut headers, &trusted);
    (client, headers)
}

#[test]
fn the_client_is_the_last_that_nobody_vouches_for() {
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("directly", "203.0.113.1", &[], "203.0.113.1"),
        (
            "directly, claiming",
            "203.0.113.1",
            &["198.51.100.1"],
            "203.0.113.1",
        ),
        (
            "claiming to be a proxy",
            "203.0.113.1",
            &["10.0.0.1"],
            "203.0.113.1",
        ),
        ("one proxy", "10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
        (
            "a proxy by its address",
            "192.0.2.7",
            &["203.0.113.1"],
            "203.0.113.1",
        ),
        ("its neighbour", "192.0.2.8", &["203.0.113.1"], "192.0.2.8"),
        (
            "a mapped proxy",
            "::ffff:10.0.0.1",
            &["203.0.113.1"],
            "203.0.113.1",
        ),
        ("a proxy that says nothing", "10.0.0.1", &[], "10.0.0.1"),
        ("an empty field", "10.0.0.1", &[""], "10.0.0.1"),
        (
            "two proxies",
            "10.0.0.1",
            &["203.0.113.1, 10.0.0.2"],
            "203.0.113.1",
        ),
        (
            "spoofed before",
            "10.0.0.1",
            &["198.51.100.1, 203.0.113.1"],
            "203.0.113.1",
        ),
        (
            "a proxy spoofed before",
            "10.0.0.1",
            &["10.0.0.9, 203.0.113.1, 10.0.0.2"],
            "203.0.113.1",
        ),
        (
            "several fields",
            "10.0.0.1",
            &["198.51.100.1", "203.0.113.1, 10.0.0.2"],
            "203.0.113.1",
        ),
        (
            "proxies all the way",
            "10.0.0.1",
            &["10.0.0.3, 10.0.0.2"],
            "10.0.0.3",
        ),
        ("garbage alone", "10.0.0.1", &["<script>"], "10.0.0.1"),
        ("unknown", "10.0.0.1", &["unknown"], "10.0.0.1"),
        (
            "garbage before",
            "10.0.0.1",
            &["x, 203.0.113.1"],
            "203.0.113.1",
        ),
        (
            "garbage between",
            "10.0.0.1",
            &["203.0.113.1, x, 10.0.0.2"],
            "10.0.0.2",
        ),
        ("an empty entry", "10.0.0.1", &["203.0.113.1,"], "10.0.0.1"),
        (
            "with a port",
            "10.0.0.1",
            &["203.0.113.1:4711"],
            "203.0.113.1",
        ),
        (
            "blanks",
            "10.0.0.1",
            &["  203.0.113.1  ,  10.0.0.2 "],
            "203.0.113.1",
        ),
        ("IPv6", "10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        (
            "IPv6 in brackets",
            "10.0.0.1",
            &["[2001:db8::1]"],
            "2001:db8::1",
        ),
        (
            "IPv6 with a port",
            "10.0.0.1",
            &["[2001:db8::1]:443"],
            "2001:db8::1",
        ),
        (
            "IPv6 proxies",
            "2001:db8:1::1",
            &["2001:db8::1, 2001:db8:1::2"],
            "2001:db8::1",
        ),
        ("mapped", "10.0.0.1", &["::ffff:203.0.113.1"], "203.0.113.1"),
        (
            "a mapped proxy in between",
            "10.0.0.1",
            &["203.0.113.1, ::ffff:10.0.0.2"],
            "203.0.113.1",
        ),
        (
            "an octal lookalike",
            "10.0.0.1",
            &["0203.0.113.1"],
            "10.0.0.1",
        ),
        ("half an address", "10.0.0.1", &["203.0.113"], "10.0.0.1"),
    ];
    for (name, peer, hops, expected) in cases {
        let fields: Vec<_> = hops.iter().map(|hop| ("x-forwarded-for", *hop)).collect();
        let (client, _) = client(peer, &fields);
        assert_eq!(client.address.to_string(), *expected, "{name}");
    }
}

#[test]
fn scheme_and_host_are_what_the_proxy_says() {
    let peer = "10.0.0.1";
    type Fields = [(&'static str, &'static str)];
    let cases: &[(&str, &str, &Fields, &str, Option<&str>)] = &[
        ("nothing", peer, &[], "http", None),
        (
            "https",
            peer,
            &[("x-forwarded-proto", "https")],
            "https",
            None,
        ),
        (
            "in capitals",
            peer,
            &[("x-forwarded-proto", "HTTPS")],
            "https",
            None,
        ),
        ("http", peer, &[("x-forwarded-proto", "http")], "http", None),
        (
            "another scheme",
            peer,
            &[("x-forwarded-proto", "gopher")],
            "http",
            None,
        ),
        (
            "from a stranger",
            "203.0.113.1",
            &[("x-forwarded-proto", "https")],
            "http",
            None,
        ),
        (
            "a stranger's host",
            "203.0.113.1",
            &[("x-forwarded-host", "evil.example")],
            "http",
            None,
        ),
        (
            "a host",
            peer,
            &[("x-forwarded-host", "refine.example")],
            "http",
            Some("refine.example"),
        ),
        (
            "host and port",
            peer,
            &[("x-forwarded-host", "refine.example:8443")],
            "http",
            Some("refine.example:8443"),
        ),
        (
            "an IPv6 host",
            peer,
            &[("x-forwarded-host", "[2001:db8::1]:8443")],
            "http",
            Some("[2001:db8::1]:8443"),
        ),
        (
            "no host",
            peer,
            &[("x-forwarded-host", "a b")],
            "http",
            None,
        ),
        (
            "with a user",
            peer,
            &[("x-forwarded-host", "a@b")],
            "http",
            None,
        ),
        (
            "with a path",
            peer,
            &[("x-forwarded-host", "a/b")],
            "http",
            None,
        ),
        (
            "an empty port",
            peer,
            &[("x-forwarded-host", "a:")],
            "http",
            None,
        ),
        (
            "spoofed before",
            peer,
            &[
                ("x-forwarded-for", "203.0.113.1"),
                ("x-forwarded-host", "evil.example, refine.example"),
                ("x-forwarded-proto", "https, http"),
            ],
            "http",
            Some("refine.example"),
        ),
        (
            "one of each for each proxy",
            peer,
            &[
                ("x-forwarded-for", "203.0.113.1, 10.0.0.2"),
                ("x-forwarded-host", "refine.example, inner.example"),
                ("x-forwarded-proto", "https, http"),
            ],
            "https",
            Some("refine.example"),
        ),
        (
            "one of each for each, and one spoofed",
            peer,
            &[
                ("x-forwarded-for", "198.51.100.1, 203.0.113.1, 10.0.0.2"),
                (
                    "x-forwarded-host",
                    "evil.example, refine.example, inner.example",
                ),
                ("x-forwarded-proto", "https, http, http"),
            ],
            "http",
            Some("refine.example"),
        ),
    ];
    for (name, peer, fields, scheme, host) in cases {
        let (client, _) = client(peer, fields);
        assert_eq!(client.scheme.as_str(), *scheme, "{name}");
        let authority = client.authority.as_ref().map(Authority::as_str);
        assert_eq!(authority, *host, "{name}");
    }
}

#[test]
fn no_forwarded_field_goes_further() {
    let fields = [
        ("forwarded", "for=203.0.113.1"),
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a.example"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-prefix", "/a"),
        ("x-real-ip", "203.0.113.1"),
        ("x-forward", "stays"),
        ("host", "b.example"),
    ];
    for peer in ["203.0.113.1", "10.0.0.1"] {
        let (_, left) = client(peer, &fields);
        let mut left: Vec<_> = left.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "x-forward"], "{peer}");
    }
}

#[test]
fn a_long_chain_has_an_end() {
    let chain = vec!["10.0.0.2"; 5000].join(",");
    let (client, _) = client("10.0.0.1", &[("x-forwarded-for", &chain)]);
    assert_eq!(client.address.to_string(), "10.0.0.2");
}
