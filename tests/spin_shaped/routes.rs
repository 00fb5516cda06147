//! Routes, and the headers by which Spin tells a component which one was taken.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::allowed::chained_host;
use crate::manifest::{HttpTrigger, Route};

/// What is answered by the host itself.
pub const WELL_KNOWN: &str = "/.well-known/spin/";

/// The public routes: a private one is none.
#[derive(Debug, Default)]
pub struct Routes(Vec<Registered>);

#[derive(Debug)]
struct Registered {
    component: String,
    /// As the manifest has it.
    raw: String,
    /// Without the wildcard and slashes at its end.
    path: String,
    is_wildcard: bool,
}

/// A route that was taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    pub component: String,
    raw: String,
    trailing: String,
}

impl Routes {
    pub fn of(triggers: &[HttpTrigger]) -> anyhow::Result<Self> {
        let mut routes: Vec<Registered> = Vec::new();
        for trigger in triggers {
            let Route::Public(raw) = &trigger.route else {
                continue;
            };
            ensure!(
                !raw.contains(':') && !raw.contains('*'),
                "the route {raw:?} has named or other wildcards, which are not for this host"
            );
            let (path, is_wildcard) = match raw.strip_suffix("/...") {
                Some(prefix) => (prefix, true),
                None => (raw.as_str(), false),
            };
            let absolute = match path.is_empty() || path.starts_with('/') {
                true => path.to_owned(),
                false => format!("/{path}"),
            };
            // The last of several that are the same counts.
            routes.retain(|route| route.raw != *raw);
            routes.push(Registered {
                component: trigger.component.clone(),
                raw: raw.clone(),
                path: absolute.trim_end_matches('/').to_owned(),
                is_wildcard,
            });
        }
        Ok(Self(routes))
    }

    /// An exact route counts before a wildcard, and a longer one before a
    /// shorter.
    pub fn take(&self, path: &str) -> Option<Taken> {
        let matching = self.0.iter().filter(|route| route.matches(path));
        let best = matching.max_by_key(|route| (!route.is_wildcard, route.path.len()))?;
        let trailing = match best.is_wildcard {
            true => path.strip_prefix(&best.path).unwrap_or_default(),
            false => "",
        };
        Some(Taken {
            component: best.component.clone(),
            raw: best.raw.clone(),
            trailing: trailing.to_owned(),
        })
    }
}

impl Registered {
    fn matches(&self, path: &str) -> bool {
        match path.strip_prefix(&self.path) {
            Some(rest) if self.is_wildcard => rest.is_empty() || rest.starts_with('/'),
            Some(rest) => rest.trim_end_matches('/').is_empty(),
            None => false,
        }
    }
}

impl Taken {
    /// From one component to another, public or private.
    pub fn chained(component: &str, path: &str) -> Self {
        Self {
            component: component.to_owned(),
            raw: "/...".to_owned(),
            trailing: path.to_owned(),
        }
    }

    /// What was sent, and what the component is told besides. A client that sends
    /// such headers itself is heard, too: these come after.
    pub fn tell(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        client: SocketAddr,
    ) -> anyhow::Result<HeaderMap> {
        let mut told = HeaderMap::new();
        for (name, value) in headers {
            std::str::from_utf8(value.as_bytes()).context("a header is not UTF-8")?;
            told.append(name.clone(), value.clone());
        }
        let host = headers
            .get(HOST)
            .map_or(Ok("localhost"), |host| std::str::from_utf8(host.as_bytes()))?;
        let scheme = uri.scheme_str().unwrap_or("http");
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let prefix = self.raw.strip_suffix("/...").unwrap_or(&self.raw);
        for (name, value) in [
            ("spin-path-info", self.trailing.clone()),
            ("spin-full-url", format!("{scheme}://{host}{target}")),
            ("spin-matched-route", self.raw.clone()),
            ("spin-base-path", "/".to_owned()),
            ("spin-raw-component-route", self.raw.clone()),
            ("spin-component-route", prefix.to_owned()),
            ("spin-client-addr", client.to_string()),
        ] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                told.append(HeaderName::from_static(name), value);
            }
        }
        Ok(told)
    }
}

/// Nobody outside may speak as if to a component by its name.
pub fn strip(headers: &mut HeaderMap) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| chained_host(host).is_some()) {
        headers.remove(HOST);
    }
    headers.remove(CONNECTION);
}

/// The target with the scheme, and the authority that the request tells.
pub fn absolute(uri: Uri, headers: &HeaderMap, scheme: Scheme) -> anyhow::Result<Uri> {
    let mut parts = uri.into_parts();
    let host = headers.get(HOST).map(|host| {
        let host = host.to_str().context("'Host' header is not valid UTF-8")?;
        let host: Authority = host.parse().context("'Host' header is invalid")?;
        anyhow::Ok(host)
    });
    let host = host.transpose()?;
    if let (Some(host), Some(authority)) = (&host, &parts.authority) {
        ensure!(
            host == authority,
            "authority in 'Host' header does not match authority in URI"
        );
    }
    let authority = parts.authority.take().or(host);
    parts.authority = Some(authority.context("no 'Host' header present in request")?);
    parts.scheme = Some(scheme);
    Uri::from_parts(parts).context("the request's target is malformed")
}
