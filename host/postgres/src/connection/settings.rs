//! Parses a `postgres://` URL.
//!
//! The driver parses the URL; this extracts our own options: the schema, the size of the
//! pool, and how certificates are verified. A password is never shown: the location names the
//! database without it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use concept_refinement_capability::tls::Trust;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Default for the connections of one host.
const POOL: usize = 16;

/// Default schema.
const SCHEMA: &str = "concept_refinement";

/// Longest identifier in Postgres, in bytes.
const MAX_NAME: usize = 63;

/// TCP keepalive: how long a connection may be idle before the system probes it.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Looks an environment variable up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a task store is, and how to connect to it.
#[derive(Clone)]
pub struct Settings {
    /// One for each host of the URL, in the same order.
    pub(crate) hosts: Vec<Config>,
    pub(crate) schema: String,
    pub(crate) verification: Verification,
    pub(crate) trust: Trust,
    /// A file of additional certificates to trust.
    pub(crate) roots: Option<PathBuf>,
    /// Limit of connections, not counting the one that listens.
    pub(crate) pool: usize,
    /// The database as an operator would name it, without user and password.
    pub(crate) location: String,
}

/// How the server's certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Not at all: the server may choose not to encrypt, so verification would gain
    /// nothing.
    None,
    /// It has to be issued by a trusted authority, for the host's name.
    Full,
}

impl Settings {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT,…/DATABASE?sslmode=…&schema=…`.
    /// `PGUSER`, `PGPASSWORD`, `PGSSLMODE` and `PGSSLROOTCERT` are used where the URL
    /// says nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence, without the URL.
    pub fn parse(url: &str, environment: Environment<'_>) -> Result<Self, String> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        if query.contains('@') {
            // The end of a password, which must not be told as the name of a parameter.
            return Err(FORM.to_owned());
        }
        if address.matches('@').count() > 1 {
            // The driver takes the first for the end of a password, and what follows it for a
            // host or a database, which are told.
            return Err(
                "must have no @ but the one before its host: write %40 for one in a password"
                    .to_owned(),
            );
        }
        let mut schema = SCHEMA.to_owned();
        let mut pool = POOL;
        let mut ssl_mode = environment("PGSSLMODE").unwrap_or_else(|| "prefer".to_owned());
        let mut roots = environment("PGSSLROOTCERT").map(PathBuf::from);
        let mut theirs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| format!("has a parameter {name} that is no text"))?
                .into_owned();
            match name {
                "schema" => schema = text,
                "sslmode" => ssl_mode = text,
                "sslrootcert" => roots = Some(PathBuf::from(text)),
                "pool" => {
                    let size = text.parse().ok().filter(|size| (2..=1000).contains(size));
                    pool = size.ok_or("must have 2 to 1000 as its pool")?;
                }
                _ => theirs.push(pair),
            }
        }
        if schema.is_empty() || schema.len() > MAX_NAME || schema.contains(['"', '\0', '.']) {
            return Err(format!(
                "must have a name of at most {MAX_NAME} bytes, without quotation marks and dots, as \
                 its schema, not {schema:?}"
            ));
        }
        let (mode, verification) = read_ssl_mode(&ssl_mode)?;
        let url = match theirs.is_empty() {
            true => address.to_owned(),
            false => format!("{address}?{}", theirs.join("&")),
        };
        let mut config = Config::from_str(&url).map_err(|error| unreadable(&error))?;
        config.ssl_mode(mode);
        if config.get_application_name().is_none() {
            config.application_name("concept-refinement");
        }
        if config.get_user().is_none()
            && let Some(user) = environment("PGUSER")
        {
            config.user(user);
        }
        if config.get_password().is_none()
            && let Some(password) = environment("PGPASSWORD")
        {
            config.password(password);
        }
        let is_target = |pair: &&str| pair.starts_with("target_session_attrs=");
        if !theirs.iter().any(is_target) {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let hosts = one_each(&config)?;
        Ok(Self {
            location: location(&config, &hosts),
            hosts,
            schema,
            verification,
            trust: Trust::default(),
            roots,
            pool,
        })
    }

    /// The same database by another address, which bypasses a pooler.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::parse`].
    pub fn parse_direct(&self, url: &str, environment: Environment<'_>) -> Result<Self, String> {
        Ok(Self {
            schema: self.schema.clone(),
            trust: self.trust.clone(),
            ..Self::parse(url, environment)?
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(&self.location).finish()
    }
}

fn read_ssl_mode(text: &str) -> Result<(SslMode, Verification), String> {
    Ok(match text {
        "disable" => (SslMode::Disable, Verification::None),
        "allow" | "prefer" => (SslMode::Prefer, Verification::None),
        "require" | "verify-ca" | "verify-full" => (SslMode::Require, Verification::Full),
        other => {
            return Err(format!(
                "must have disable, prefer, require or verify-full as its sslmode, not {other:?}"
            ));
        }
    })
}

/// What an address has to be, as the end of a sentence.
const FORM: &str = "cannot be read: it has to be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with \
                    special characters as %XX";

/// The driver's message may repeat a part of the URL, but not the password.
fn unreadable(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    let reason = error.source().map(ToString::to_string);
    let reason = reason.filter(|reason| reason.starts_with("unknown option"));
    match reason {
        Some(reason) => format!("cannot be read: {reason}"),
        None => FORM.to_owned(),
    }
}

/// One configuration per host: the driver tries hosts one after the other, but we try
/// them concurrently, since the first one may hang.
fn one_each(config: &Config) -> Result<Vec<Config>, String> {
    let (hosts, addresses, ports) = (
        config.get_hosts(),
        config.get_hostaddrs(),
        config.get_ports(),
    );
    if hosts.is_empty() {
        return Err("names no host".to_owned());
    }
    if !addresses.is_empty() {
        return Err("must name hosts, not hostaddr".to_owned());
    }
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err("must name a port for each host, or one for all".to_owned());
    }
    let one = |(index, host): (usize, &Host)| {
        let mut one = Config::new();
        match host {
            Host::Tcp(name) => one.host(name),
            Host::Unix(directory) => one.host_path(directory),
        };
        one.port(*ports.get(index).or(ports.first()).unwrap_or(&5432));
        config.get_user().map(|user| one.user(user));
        config.get_password().map(|password| one.password(password));
        config.get_dbname().map(|name| one.dbname(name));
        config.get_options().map(|options| one.options(options));
        let name = config.get_application_name();
        name.map(|name| one.application_name(name));
        one.ssl_mode(config.get_ssl_mode())
            .keepalives_idle(KEEPALIVE)
            .target_session_attrs(config.get_target_session_attrs())
            .channel_binding(config.get_channel_binding());
        one
    };
    Ok(hosts.iter().enumerate().map(one).collect())
}

fn location(config: &Config, hosts: &[Config]) -> String {
    let name = |host: &Config| {
        let port = host.get_ports().first().copied().unwrap_or(5432);
        match host.get_hosts().first() {
            Some(Host::Tcp(name)) => format!("{name}:{port}"),
            Some(Host::Unix(directory)) => directory.display().to_string(),
            None => String::new(),
        }
    };
    let names: Vec<_> = hosts.iter().map(name).collect();
    let database = config.get_dbname().or(config.get_user());
    let database = database.unwrap_or_default();
    format!("postgres://{}/{database}", names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Settings, String> {
        Settings::parse(url, &|_| None)
    }

    #[test]
    fn a_url_says_where_and_how() {
        for (url, place, schema, pool, verification) in [
            (
                "postgres://ada:pw@a:1,b:2/db?sslmode=verify-full&schema=s%20s&pool=3",
                "postgres://a:1,b:2/db",
                "s s",
                3,
                Verification::Full,
            ),
            (
                "postgresql://ada@a/db?connect_timeout=3",
                "postgres://a:5432/db",
                SCHEMA,
                POOL,
                Verification::None,
            ),
            (
                "postgres://ada@a?sslmode=require",
                "postgres://a:5432/ada",
                SCHEMA,
                POOL,
                Verification::Full,
            ),
            (
                "postgres://ada@a:1,b/db",
                "postgres://a:1,b:5432/db",
                SCHEMA,
                POOL,
                Verification::None,
            ),
            (
                "postgres://%2Fvar%2Frun/db",
                "postgres:///var/run/db",
                SCHEMA,
                POOL,
                Verification::None,
            ),
        ] {
            let settings = parse(url).expect(url);
            assert_eq!(settings.location, place);
            assert_eq!(settings.schema, schema, "{url}");
            assert_eq!(settings.pool, pool, "{url}");
            assert_eq!(settings.verification, verification, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_password() {
        for (url, expected) in [
            ("postgres://ada:topsecret@a/db?schema=", "schema"),
            ("postgres://ada:topsecret@a/db?schema=a%22b", "schema"),
            ("postgres://ada:topsecret@a/db?pool=1", "pool"),
            ("postgres://ada:topsecret@a/db?sslmode=yes", "sslmode"),
            ("postgres://ada:topsecret@a/db?nonsense=1", "nonsense"),
            ("postgres://ada:pa?topsecret@a/db", "%XX"),
            ("postgres://ada:pa@topsecret@a/db", "%40"),
            ("postgres://ada:pa@a/topsecret@a/db", "%40"),
            ("postgres://ada:topsecret@a:port/db", "cannot be read"),
            ("postgres:///db?user=topsecret", "no host"),
        ] {
            let sentence = parse(url).unwrap_err();
            assert!(sentence.contains(expected), "{url}: {sentence}");
            assert!(!sentence.contains("topsecret"), "{sentence}");
        }
        let settings = parse("postgres://ada:topsecret@a/db").unwrap();
        assert!(!format!("{settings:?}").contains("topsecret"));
        assert!(!format!("{:?}", settings.hosts).contains("topsecret"));
    }

    #[test]
    fn the_environment_completes_the_url() {
        let environment = |name: &str| {
            let value = match name {
                "PGPASSWORD" => "word",
                "PGUSER" => "eve",
                "PGSSLMODE" => "verify-full",
                "PGSSLROOTCERT" => "/roots.pem",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let settings = Settings::parse("postgres://a/db", &environment).unwrap();
        assert_eq!(settings.hosts[0].get_user(), Some("eve"));
        assert_eq!(settings.hosts[0].get_password(), Some(&b"word"[..]));
        assert_eq!(settings.verification, Verification::Full);
        assert_eq!(settings.roots, Some(PathBuf::from("/roots.pem")));
        let url = "postgres://ada:pw@a/db?sslmode=disable";
        let settings = Settings::parse(url, &environment).unwrap();
        assert_eq!(settings.hosts[0].get_user(), Some("ada"));
        assert_eq!(settings.hosts[0].get_password(), Some(&b"pw"[..]));
        assert_eq!(settings.verification, Verification::None);
    }
}
