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
    const CLIENT: &str = "203.0.113.1";
    const PROXY: &str = "10.0.0.1";
    let check = |name: &str, peer: &str, hops: &[&str], expected: &str| {
        let fields: Vec<_> = hops.iter().map(|hop| ("x-forwarded-for", *hop)).collect();
        let (client, _) = client(peer, &fields);
        assert_eq!(client.address.to_string(), expected, "{name}");
    };
    for (name, peer, hops, expected) in [
        ("directly", CLIENT, &[][..], CLIENT),
        ("directly, claiming", CLIENT, &["198.51.100.1"], CLIENT),
        ("claiming to be a proxy", CLIENT, &[PROXY], CLIENT),
        ("a proxy by its address", "192.0.2.7", &[CLIENT], CLIENT),
        ("its neighbour", "192.0.2.8", &[CLIENT], "192.0.2.8"),
        ("a mapped proxy", "::ffff:10.0.0.1", &[CLIENT], CLIENT),
        ("a proxy that says nothing", PROXY, &[], PROXY),
        (
            "several fields",
            PROXY,
            &["198.51.100.1", "203.0.113.1, 10.0.0.2"],
            CLIENT,
        ),
        (
            "IPv6 proxies",
            "2001:db8:1::1",
            &["2001:db8::1, 2001:db8:1::2"],
            "2001:db8::1",
        ),
    ] {
        check(name, peer, hops, expected);
    }
    for (name, hop, expected) in [
        ("one proxy", CLIENT, CLIENT),
        ("an empty field", "", PROXY),
        ("two proxies", "203.0.113.1, 10.0.0.2", CLIENT),
        ("spoofed before", "198.51.100.1, 203.0.113.1", CLIENT),
        (
            "a proxy spoofed before",
            "10.0.0.9, 203.0.113.1, 10.0.0.2",
            CLIENT,
        ),
        ("all the way", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("garbage alone", "<script>", PROXY),
        ("unknown", "unknown", PROXY),
        ("garbage before", "x, 203.0.113.1", CLIENT),
        ("between", "203.0.113.1, x, 10.0.0.2", "10.0.0.2"),
        ("an empty entry", "203.0.113.1,", PROXY),
        ("with a port", "203.0.113.1:4711", CLIENT),
        ("blanks", "  203.0.113.1  ,  10.0.0.2 ", CLIENT),
        ("IPv6", "2001:db8::1", "2001:db8::1"),
        ("IPv6 in brackets", "[2001:db8::1]", "2001:db8::1"),
        ("IPv6 with a port", "[2001:db8::1]:443", "2001:db8::1"),
        ("mapped", "::ffff:203.0.113.1", CLIENT),
        ("a mapped one", "203.0.113.1, ::ffff:10.0.0.2", CLIENT),
        ("an octal lookalike", "0203.0.113.1", PROXY),
        ("half an address", "203.0.113", PROXY),
    ] {
        check(name, PROXY, &[hop], expected);
    }
}

#[test]
fn scheme_and_host_are_what_the_proxy_says() {
    const STRANGER: &str = "203.0.113.1";
    const PROXY: &str = "10.0.0.1";
    const HOST: &str = "refine.example";
    let told = |peer: &str, fields: &[(&str, &str)]| {
        let (client, _) = client(peer, fields);
        let authority = client.authority.as_ref().map(Authority::to_string);
        (client.scheme.to_string(), authority.unwrap_or_default())
    };
    let both = |scheme: &str, host: &str| (scheme.to_owned(), host.to_owned());
    assert_eq!(told(PROXY, &[]), both("http", ""));
    for (peer, said, expected) in [
        (PROXY, "https", "https"),
        (PROXY, "HTTPS", "https"),
        (PROXY, "http", "http"),
        (PROXY, "gopher", "http"),
        (STRANGER, "https", "http"),
    ] {
        let told = told(peer, &[("x-forwarded-proto", said)]);
        assert_eq!(told, both(expected, ""), "{said} of {peer}");
    }
    for (peer, said, expected) in [
        (STRANGER, "evil.example", ""),
        (PROXY, HOST, HOST),
        (PROXY, "refine.example:8443", "refine.example:8443"),
        (PROXY, "[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        (PROXY, "a b", ""),
        (PROXY, "a@b", ""),
        (PROXY, "a/b", ""),
        (PROXY, "a:", ""),
    ] {
        let told = told(peer, &[("x-forwarded-host", said)]);
        assert_eq!(told, both("http", expected), "{said} of {peer}");
    }
    for (name, hops, hosts, schemes, expected) in [
        (
            "spoofed before",
            STRANGER,
            "evil.example, refine.example",
            "https, http",
            "http",
        ),
        (
            "one of each for each proxy",
            "203.0.113.1, 10.0.0.2",
            "refine.example, inner.example",
            "https, http",
            "https",
        ),
        (
            "one of each for each, and one spoofed",
            "198.51.100.1, 203.0.113.1, 10.0.0.2",
            "evil.example, refine.example, inner.example",
            "https, http, http",
            "http",
        ),
    ] {
        let fields = [
            ("x-forwarded-for", hops),
            ("x-forwarded-host", hosts),
            ("x-forwarded-proto", schemes),
        ];
        assert_eq!(told(PROXY, &fields), both(expected, HOST), "{name}");
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
