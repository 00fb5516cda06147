//! `allowed_outbound_hosts`: where a component may send requests, by exact
//! scheme, host and port, wherever no wildcard stands.

use anyhow::{Context as _, bail, ensure};
use url::{Host, Url};

use crate::template::Template;
use crate::variables::Values;

/// The domain under which components reach each other.
const CHAINED: &str = "spin.internal";

/// What one component may connect to.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Debug)]
struct AllowedHost {
    scheme: String,
    /// None: any.
    host: Option<Host>,
    port: u16,
}

impl AllowedHosts {
    /// Fails for what is wrong as it stands in the manifest, with the defaults
    /// filled in. What other values make wrong allows nothing at all, as Spin
    /// finds that out when the component asks.
    pub fn of(entries: &[String], values: &Values, defaults: &Values) -> anyhow::Result<Self> {
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
        Ok(Self(hosts))
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

    pub fn allow(&self, uri: &http::Uri) -> bool {
        let Ok(url) = Url::parse(&uri.to_string()) else {
            return false;
        };
        let Some(Ok(host)) = url.host_str().map(Host::parse) else {
            return false;
        };
        self.0.iter().any(|allowed| {
            allowed.scheme == url.scheme()
                && allowed.host.as_ref().is_none_or(|allowed| *allowed == host)
                && Some(allowed.port) == url.port_or_known_default()
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
            bail!("{entry:?} does not contain a scheme (e.g., 'http://')");
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, "")) => (host, ""),
            Some((host, after)) if host_of(rest).is_err() => {
                let port = after.split_once('/').map_or(Ok(after), |(port, path)| {
                    ensure!(path.is_empty(), "{entry:?} has a path");
                    Ok(port)
                })?;
                (host, port)
            }
            Some(_) | None => (rest, ""),
        };
        let port = match (port, scheme) {
            ("", "http") => 80,
            ("", "https") => 443,
            ("", _) => bail!("the scheme {scheme:?} has no known port"),
            (port, _) => port
                .parse::<u16>()
                .with_context(|| format!("port {port:?} is not a number"))?,
        };
        ensure!(
            scheme.chars().all(char::is_alphabetic),
            "the scheme of {entry:?} is none"
        );
        let host = host_of(host).with_context(|| format!("host {host:?}"))?;
        let scheme = scheme.to_owned();
        Ok(Self { scheme, host, port })
    }
}

/// None: any.
fn host_of(host: &str) -> anyhow::Result<Option<Host>> {
    let host = host.trim();
    if host == "*" {
        return Ok(None);
    }
    ensure!(
        !matches!(host, "self" | "self.alt"),
        "requests to itself are not for this host"
    );
    ensure!(!host.starts_with('{'), "lists of hosts are not supported");
    let host = host.strip_suffix('/').unwrap_or(host);
    ensure!(!host.contains('/'), "there is a path");
    ensure!(!host.contains('*'), "parts of names are not for this host");
    Ok(Some(Host::parse(host)?))
}
