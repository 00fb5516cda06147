//! `allowed_outbound_hosts`: where a component may send requests, by exact
//! scheme, host and port, wherever no wildcard stands.

use anyhow::{Context as _, bail, ensure};
use ipnet::IpNet;
use url::{Host, Url};

use crate::template::Template;
use crate::variables::Values;

/// The domain under which components reach each other.
const CHAINED: &str = "spin.internal";

/// What one component may connect to.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug)]
struct AllowedHost {
    /// None: any.
    scheme: Option<String>,
    host: AllowedName,
    port: AllowedPort,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AllowedName {
    Any,
    /// With its dot: `.example.com`.
    Under(String),
    Literal(Host),
    Network(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AllowedPort {
    Any,
    One(u16),
    /// Without its end.
    Range(u16, u16),
}

impl AllowedHosts {
    /// Fails for what is wrong as it stands in the manifest, with the defaults
    /// filled in. What other values make wrong allows nothing at all, as Spin
    /// finds that out when the component asks.
    pub fn of(
        entries: &[String],
        values: &Values,
        defaults: &Values,
        components: &[&str],
    ) -> anyhow::Result<Self> {
        for entry in entries {
            Self::filled(entry, defaults).with_context(|| format!("allowed host {entry:?}"))?;
        }
        let filled = entries.iter().map(|entry| Self::filled(entry, values));
        let hosts = match filled.collect::<anyhow::Result<Vec<_>>>() {
            Ok(hosts) => hosts.into_iter().flatten().collect(),
            Err(error) => {
                eprintln!("nothing may be reached: {error:#}");
                Vec::new()
            }
        };
        Ok(Self(hosts).expanded(components))
    }

    /// None: a variable left it empty, or has no value yet.
    fn filled(entry: &str, values: &Values) -> anyhow::Result<Option<AllowedHost>> {
        let template = Template::parse(entry)?;
        if template.is_literal() {
            return AllowedHost::parse(entry).map(Some);
        }
        match template.filled(|name| values.get(name)).as_deref() {
            None | Some("" | "http://" | "https://") => Ok(None),
            Some(filled) => AllowedHost::parse(filled).map(Some),
        }
    }

    /// `*.spin.internal` stands for each component of the application.
    fn expanded(self, components: &[&str]) -> Self {
        let under = AllowedName::Under(format!(".{CHAINED}"));
        let expanded = self.0.into_iter().flat_map(|allowed| {
            if allowed.host != under {
                return vec![allowed];
            }
            let names = components.iter().map(|id| format!("{id}.{CHAINED}"));
            let hosts = names.map(|name| AllowedHost {
                host: AllowedName::Literal(Host::Domain(name)),
                ..allowed.clone()
            });
            hosts.collect()
        });
        Self(expanded.collect())
    }

    pub fn allow(&self, uri: &http::Uri) -> bool {
        let Ok(url) = Url::parse(&uri.to_string()) else {
            return false;
        };
        let Some(Ok(host)) = url.host_str().map(Host::parse) else {
            return false;
        };
        let port = url.port().or_else(|| well_known_port(url.scheme()));
        self.0.iter().any(|allowed| {
            let scheme = allowed.scheme.as_deref();
            scheme.is_none_or(|scheme| scheme == url.scheme())
                && allowed.host.allows(&host)
                && allowed.port.allows(port)
        })
    }
}

/// The component that a request is for, if it is for one of this application.
pub fn chained_to(uri: &http::Uri) -> Option<&str> {
    chained_host(uri.authority()?.host())
}

/// The same of the value of a Host header.
pub fn chained_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let (component, domain) = name.split_once('.')?;
    (domain == CHAINED).then_some(component)
}

impl AllowedHost {
    fn parse(entry: &str) -> anyhow::Result<Self> {
        let entry = entry.trim();
        let Some((scheme, rest)) = entry.split_once("://") else {
            bail!("{entry:?} does not contain a scheme (e.g., 'http://' or '*://')");
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, "")) => (host, ""),
            Some((host, after)) if AllowedName::parse(rest).is_err() => {
                let port = after.split_once('/').map_or(Ok(after), |(port, path)| {
                    ensure!(path.is_empty(), "{entry:?} has a path");
                    Ok(port)
                })?;
                (host, port)
            }
            Some(_) | None => (rest, ""),
        };
        let port = AllowedPort::parse(port, scheme)?;
        let scheme = match scheme {
            "*" => None,
            scheme => {
                ensure!(
                    scheme.chars().all(char::is_alphabetic),
                    "the scheme of {entry:?} is none"
                );
                Some(scheme.to_owned())
            }
        };
        let host = AllowedName::parse(host).with_context(|| format!("host {host:?}"))?;
        Ok(Self { scheme, host, port })
    }
}

impl AllowedName {
    fn parse(host: &str) -> anyhow::Result<Self> {
        let host = host.trim();
        if host == "*" {
            return Ok(Self::Any);
        }
        ensure!(
            !matches!(host, "self" | "self.alt"),
            "requests to itself are not for this host"
        );
        ensure!(!host.starts_with('{'), "lists of hosts are not supported");
        if let Ok(network) = host.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        ensure!(!host.contains('/'), "there is a path");
        let Some(domain) = host.strip_prefix("*.") else {
            ensure!(!host.contains('*'), "wildcards stand for subdomains only");
            return Ok(Self::Literal(Host::parse(host)?));
        };
        match Host::parse(domain)? {
            Host::Domain(domain) => Ok(Self::Under(format!(".{domain}"))),
            Host::Ipv4(_) | Host::Ipv6(_) => bail!("a wildcard stands before a domain"),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Under(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(IpNet::V4(network)), Host::Ipv4(address)) => network.contains(address),
            (Self::Network(IpNet::V6(network)), Host::Ipv6(address)) => network.contains(address),
            (Self::Under(_) | Self::Network(_), _) => false,
        }
    }
}

impl AllowedPort {
    fn parse(port: &str, scheme: &str) -> anyhow::Result<Self> {
        if port.is_empty() {
            let port = well_known_port(scheme)
                .with_context(|| format!("the scheme {scheme:?} has no known port"))?;
            return Ok(Self::One(port));
        }
        if port == "*" {
            return Ok(Self::Any);
        }
        let number = |text: &str| {
            text.parse()
                .with_context(|| format!("port {port:?} is not a number"))
        };
        match port.split_once("..") {
            Some((start, end)) => Ok(Self::Range(number(start)?, number(end)?)),
            None => Ok(Self::One(number(port)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::One(one), Some(port)) => *one == port,
            (Self::Range(start, end), Some(port)) => (*start..*end).contains(&port),
            (Self::One(_) | Self::Range(..), None) => false,
        }
    }
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}
