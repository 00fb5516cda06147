//! Which URLs of originals are allowed, as far as the URL alone shows.
//!
//! The addresses of a name are checked when the connection is made; see
//! [`crate::address`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use crate::address::is_public;
use crate::digits;
use crate::sentence::{check_length, without_credentials};

/// Longest URL, in code points.
pub const MAX_URL_CHARS: usize = 2_048;

/// No public name ends in these (ICANN's board, 2024-07-29; RFC 9476; RFC 6762). A
/// platform may resolve them to other components, a cloud's metadata service or the
/// application itself.
const PRIVATE_USE: [&str; 3] = ["internal", "alt", "local"];

/// Hosts and networks that the operator allows although they may not be public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSources(Vec<Source>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    host: SourceHost,
    /// None: any port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SourceHost {
    /// A name in lower case and punycode, without a trailing dot.
    Name(String),
    Network(IpNet),
}

/// Checks a URL without resolving its name. The error completes the sentence
/// "the URL …", for the user.
pub fn check_url(url: &str, allowed: &AllowedSources) -> Result<Url, String> {
    check_length(url, MAX_URL_CHARS)?;
    let has_user_information = has_user_information(url);
    let url = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or("must be an http or https URL")?;
    if has_user_information || !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain user information".into());
    }
    let port = url
        .port_or_known_default()
        .filter(|port| *port != 0)
        .ok_or("must not name port 0")?;
    let is_allowed = |address: IpAddr| is_public(address) || allowed.allows_address(address, port);
    let public = match url.host().and_then(literal) {
        Some(address) => is_allowed(address),
        None => match url.host_str().map(without_final_dots).unwrap_or_default() {
            "" => return Err("must name a host".into()),
            name if is_under("localhost", name) => allowed.allows_localhost(name, port),
            name => {
                let is_private = PRIVATE_USE.iter().any(|domain| is_under(domain, name));
                !is_private || allowed.allows_host(name, port)
            }
        },
    };
    if public {
        Ok(url)
    } else {
        Err("must point to a public address".into())
    }
}

/// Whether user information stands in a URL, though it may be empty, which a parsed URL does
/// not tell.
fn has_user_information(url: &str) -> bool {
    let is_separator = |it| matches!(it, '/' | '\\');
    let behind_scheme = url.split_once(':').map_or(url, |(_, rest)| rest);
    let authority = behind_scheme.trim_start_matches(is_separator);
    let authority = authority.split(['/', '\\', '?', '#']).next();
    authority.is_some_and(|authority| authority.contains('@'))
}

impl AllowedSources {
    /// Parses a comma-separated list of `host`, `host:port` and CIDR; a host
    /// may be an address. The error names the invalid entry.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                Source::parse(entry).ok_or_else(|| {
                    let entry = without_credentials(entry);
                    format!("{entry:?} is not a host, host:port or network (CIDR)")
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a URL may name this host. A literal address, in brackets or not,
    /// is checked as an address.
    pub fn allows_host(&self, host: &str, port: u16) -> bool {
        let name = without_final_dots(host);
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.allows_address(address, port),
            Err(_) => self.0.iter().any(|source| {
                source.port.is_none_or(|allowed| allowed == port)
                    && matches!(&source.host, SourceHost::Name(allowed) if allowed.eq_ignore_ascii_case(name))
            }),
        }
    }

    /// Whether the list contains the host of a URL, or the address that the host is.
    pub fn allows_url(&self, url: &Url) -> bool {
        let Some(port) = url.port_or_known_default() else {
            return false;
        };
        let name = url.host_str().map(without_final_dots).unwrap_or_default();
        let is_local = is_under("localhost", name);
        self.allows_host(name, port) || is_local && self.allows_localhost(name, port)
    }

    /// Whether a connection may go to this address, whatever the name.
    pub fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|source| {
            source.port.is_none_or(|allowed| allowed == port)
                && matches!(&source.host, SourceHost::Network(network) if network.contains(&address))
        })
    }

    /// Names under `localhost` are this machine, so allowing its addresses allows them.
    fn allows_localhost(&self, name: &str, port: u16) -> bool {
        self.allows_host(name, port)
            || self.allows_address(Ipv4Addr::LOCALHOST.into(), port)
            || self.allows_address(Ipv6Addr::LOCALHOST.into(), port)
    }
}

impl Source {
    fn parse(entry: &str) -> Option<Self> {
        if let Ok(network) = entry.parse::<IpNet>() {
            return Some(Self::network(network, None));
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Self::network(address.to_canonical().into(), None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !entry.ends_with(']') => {
                let port = digits::number::<u16>(port).filter(|port| *port != 0)?;
                (host, Some(port))
            }
            _ => (entry, None),
        };
        match Host::parse(host).ok()? {
            Host::Domain(name) => Some(Self {
                host: SourceHost::Name(parse_name(&name)?),
                port,
            }),
            Host::Ipv4(address) => Some(Self::network(IpAddr::from(address).into(), port)),
            Host::Ipv6(address) => Some(Self::network(
                IpAddr::from(address).to_canonical().into(),
                port,
            )),
        }
    }

    fn network(network: IpNet, port: Option<u16>) -> Self {
        Self {
            host: SourceHost::Network(network.trunc()),
            port,
        }
    }
}

/// Stricter than a URL's host, so that a typo or an unsupported pattern prevents the
/// start instead of silently allowing nothing.
fn parse_name(name: &str) -> Option<String> {
    let name = without_final_dots(name);
    let usable = !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    usable.then(|| name.to_ascii_lowercase())
}

/// The address that a host is; with several final dots the URL parser does not recognise one.
fn literal(host: Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => match Host::parse(without_final_dots(name)) {
            Ok(Host::Ipv4(address)) => Some(address.into()),
            _ => None,
        },
    }
}

fn without_final_dots(name: &str) -> &str {
    name.trim_end_matches('.')
}

fn is_under(domain: &str, name: &str) -> bool {
    name.rsplit('.')
        .next()
        .is_some_and(|label| label.eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCHEME: &str = "must be an http or https URL";
    const USER: &str = "must not contain user information";
    const PUBLIC: &str = "must point to a public address";

    fn allow(list: &str) -> AllowedSources {
        AllowedSources::parse(list).unwrap()
    }

    #[test]
    fn passes_what_may_be_public() {
        for url in [
            "https://storage.example.com/concepts/1234.png",
            "http://example.com",
            "HTTPS://EXAMPLE.COM:8443/a?b=c#d",
            "https://bücher.example/ä.png",
            "http://8.8.8.8/a.png",
            "http://[2606:4700:4700::1111]:8080/a.png",
            "http://[64:ff9b::8.8.8.8]/",
            "https://notlocalhost/a.png",
            "https://internal.example.com/a.png",
            "https://notinternal/a.png",
            "https://self.alt.example.com/a.png",
            "https://localhost.example.com/a.png",
            "https://example.com./a.png",
            "https://example.com/@user:password",
        ] {
            let checked = check_url(url, &AllowedSources::default());
            assert!(checked.is_ok(), "{url}: {checked:?}");
        }
    }

    #[test]
    fn refuses_what_can_be_seen() {
        for (url, reason) in [
            ("", SCHEME),
            ("a.png", SCHEME),
            ("//example.com/a.png", SCHEME),
            ("ftp://example.com/a.png", SCHEME),
            ("file:///etc/passwd", SCHEME),
            ("data:image/png;base64,AAAA", SCHEME),
            ("javascript:alert(1)", SCHEME),
            ("http://", SCHEME),
            ("http://exa mple.com/", SCHEME),
            ("http://256.1.1.1/", SCHEME),
            ("http://[::1", SCHEME),
            ("http://example.com:99999/", SCHEME),
            ("http://user@example.com/", USER),
            ("http://user:password@example.com/", USER),
            ("http://:password@example.com/", USER),
            ("http://example.com@127.0.0.1/", USER),
            ("http://@example.com/a.png", USER),
            ("http://:@example.com/a.png", USER),
            ("http:\\\\@example.com/a.png", USER),
            ("https:@example.com/a.png", USER),
            ("http://example.com:0/", "must not name port 0"),
            ("http://./", "must name a host"),
            ("http://localhost/a.png", PUBLIC),
            ("http://localhost./a.png", PUBLIC),
            ("http://localhost../a.png", PUBLIC),
            ("http://LOCALHOST:8080/a.png", PUBLIC),
            ("http://a.localhost/a.png", PUBLIC),
            ("http://processor.spin.internal/process", PUBLIC),
            ("http://metadata.google.INTERNAL./", PUBLIC),
            ("http://internal/", PUBLIC),
            ("https://self.alt/api/health", PUBLIC),
            ("http://printer.local/", PUBLIC),
            ("http://a.b.localhost./a.png", PUBLIC),
            ("http://%6cocalhost/a.png", PUBLIC),
            ("http://ⓛocalhost/a.png", PUBLIC),
            ("http:\\\\localhost\\a.png", PUBLIC),
            ("http:localhost/a.png", PUBLIC),
            (" http://lo\tcal\nhost/a.png", PUBLIC),
            ("http://127.0.0.1/", PUBLIC),
            ("http://127.0.0.1./", PUBLIC),
            ("http://127.1/", PUBLIC),
            ("http://0x7f.1/", PUBLIC),
            ("http://0x7f000001/", PUBLIC),
            ("http://2130706433/", PUBLIC),
            ("http://0177.0.0.1/", PUBLIC),
            ("http://017700000001/", PUBLIC),
            ("http://127。0。0。1/", PUBLIC),
            ("http://①②⑦.0.0.1/", PUBLIC),
            ("http://%31%32%37.0.0.1/", PUBLIC),
            ("http://lo%63alhost/", PUBLIC),
            ("http://127.0x1/", PUBLIC),
            ("http://０x7f.1/", PUBLIC),
            ("http://0/", PUBLIC),
            ("http://10.1.2.3/", PUBLIC),
            ("http://169.254.169.254/latest/meta-data/", PUBLIC),
            ("http://[::1]/", PUBLIC),
            ("http://[::]/", PUBLIC),
            ("http://[::ffff:127.0.0.1]/", PUBLIC),
            ("http://[::ffff:7f00:1]/", PUBLIC),
            ("http://[0:0:0:0:0:ffff:a9fe:a9fe]/", PUBLIC),
            ("http://[64:ff9b::10.0.0.1]/", PUBLIC),
            ("http://[2002:7f00:1::]/", PUBLIC),
            ("http://[fd00:ec2::254]/", PUBLIC),
            ("http://[fe80::1]/", PUBLIC),
        ] {
            let checked = check_url(url, &AllowedSources::default());
            assert_eq!(checked, Err(reason.to_owned()), "{url}");
        }
    }

    #[test]
    fn counts_code_points() {
        let url = |chars: usize| format!("https://example.com/{}", "é".repeat(chars - 20));
        assert!(check_url(&url(2_048), &AllowedSources::default()).is_ok());
        let reason = check_url(&url(2_049), &AllowedSources::default());
        assert_eq!(reason, Err("must be at most 2048 characters".to_owned()));
    }

    #[test]
    fn the_operator_may_allow_more() {
        for (allowed, url, passes) in [
            ("localhost", "http://localhost:9000/a", true),
            ("localhost", "http://LOCALHOST./a", true),
            ("localhost", "http://a.localhost/a", false),
            ("images.internal", "http://images.internal/a", true),
            ("images.internal:80", "http://images.internal:81/a", false),
            ("images.internal", "http://other.internal/a", false),
            ("localhost:9000", "http://localhost:9000/a", true),
            ("localhost:9000", "http://localhost:9001/a", false),
            ("LocalHost.:80", "http://localhost/a", true),
            ("localhost:443", "https://localhost/a", true),
            ("localhost", "http://127.0.0.1/a", false),
            ("127.0.0.1", "http://127.0.0.1:9000/a", true),
            ("127.0.0.1", "http://0x7f.1/a", true),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/a", true),
            ("127.0.0.1", "http://localhost/a", true),
            ("127.0.0.1:9000", "http://localhost:9001/a", false),
            ("127.0.0.1:9000", "http://127.0.0.1:9000/a", true),
            ("127.0.0.1:9000", "http://127.0.0.1/a", false),
            ("127.0.0.0/8, 10.0.0.0/8", "http://10.9.8.7/a", true),
            ("10.1.2.3/8", "http://10.9.8.7/a", true),
            ("10.0.0.0/8", "http://11.0.0.1/a", true),
            ("10.0.0.0/8", "http://192.168.0.1/a", false),
            ("::1", "http://[::1]:9000/a", true),
            ("[::1]", "http://[::1]:9000/a", true),
            ("[::1]:9000", "http://[::1]:9000/a", true),
            ("[::1]:9000", "http://[::1]:9001/a", false),
            ("fd00::/8", "http://[fd12::1]/a", true),
            ("localhost", "http://user@localhost/a", false),
            ("localhost", "ftp://localhost/a", false),
        ] {
            assert_eq!(
                check_url(url, &allow(allowed)).is_ok(),
                passes,
                "{allowed}: {url}"
            );
        }
    }

    #[test]
    fn an_allowed_name_is_known_however_it_is_written() {
        let allowed = allow("minio.internal:9000,Bücher.example");
        assert!(allowed.allows_host("MinIO.internal.", 9000));
        assert!(!allowed.allows_host("minio.internal", 80));
        assert!(!allowed.allows_host("a.minio.internal", 9000));
        assert!(allowed.allows_host("xn--bcher-kva.example", 443));
        assert!(!allowed.allows_address(Ipv4Addr::LOCALHOST.into(), 9000));
        assert_eq!(allow(" , "), AllowedSources::default());
    }

    #[test]
    fn refuses_a_list_that_it_cannot_use() {
        for list in [
            "http://example.com",
            "a b",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+1",
            "*.example.com",
            "10.0.0.0/33",
            "10.0.0.0/",
            "a..b",
            ".",
            ":80",
            "user@host",
            "::1:9000:",
            "[::1]:0",
            "[::1",
            "a/b",
        ] {
            let reason = AllowedSources::parse(&format!("example.org,{list}")).expect_err(list);
            assert!(reason.contains("host:port"), "{list}: {reason}");
        }
    }

    /// Fragments of valid and invalid URLs, in any order.
    fn url_of_pieces() -> impl Strategy<Value = String> {
        let pieces = "http|https|:|/|//|\\|@|[|]|::1|::ffff:|127.0.0.1|127.1|0x7f|017700000001|\
             2130706433|localhost|.|..|%|%25|%6c|eth0|?|#|\
             :80|:0|:99999|é|。|xn--|-| |\t|example.com|user|\u{0}|\u{202e}";
        let chunk = proptest::sample::select(pieces.split('|').collect::<Vec<_>>());
        proptest::collection::vec(chunk, 0..12).prop_map(|chunks| chunks.concat())
    }

    proptest! {
        /// A URL that passes contains nothing that is visibly forbidden.
        #[test]
        fn what_passes_could_be_public(url in url_of_pieces(), behind in url_of_pieces()) {
            for url in [url.clone(), format!("http://{url}"), format!("https://{behind}{url}")] {
                let Ok(passed) = check_url(&url, &AllowedSources::default()) else {
                    continue;
                };
                prop_assert!(matches!(passed.scheme(), "http" | "https"), "{}", url);
                prop_assert_eq!(passed.username(), "");
                prop_assert_eq!(passed.password(), None);
                let host = passed.host_str().unwrap_or_default();
                let literal = host.trim_matches(['[', ']']).trim_end_matches('.');
                if let Ok(address) = literal.parse::<IpAddr>() {
                    prop_assert!(is_public(address), "{}", url);
                }
                prop_assert!(!is_under("localhost", literal) && !literal.is_empty(), "{}", url);
                for domain in PRIVATE_USE {
                    prop_assert!(!is_under(domain, literal), "{}", url);
                }
                // Its normal form has the same result.
                prop_assert_eq!(check_url(passed.as_str(), &AllowedSources::default()), Ok(passed));
            }
        }

        #[test]
        fn nothing_panics(url in any::<String>(), list in any::<String>()) {
            let _ = check_url(&url, &AllowedSources::default());
            let _ = check_url(&format!("http://{url}"), &AllowedSources::default());
            let _ = AllowedSources::parse(&list);
        }

        #[test]
        fn an_address_is_judged_alike_in_every_notation(bits in any::<u32>()) {
            let none = AllowedSources::default();
            let address = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = address.octets();
            for host in [
                address.to_string(),
                bits.to_string(),
                format!("0x{bits:x}"),
                format!("0{bits:o}"),
                format!("{a:#x}.{b}.0{c:o}.{d}"),
                format!("{a}.{}", bits & 0xff_ffff),
                format!("[::ffff:{address}]"),
            ] {
                let passes = check_url(&format!("http://{host}/"), &none).is_ok();
                prop_assert_eq!(passes, is_public(address.into()), "{}", host);
            }
        }
    }
}
