//! The servers' addresses, the credentials, and the names of the stream and subjects.

use std::fmt;
use std::path::PathBuf;

use async_nats::ServerAddr;
use concept_refinement_capability::tls::Trust;
use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

const DEFAULT_STREAM: &str = "concept-refinement";

/// API prefix for JetStream in the servers' own domain and the user's own account.
const DEFAULT_API: &str = "$JS.API";

/// Most copies of a stream that JetStream keeps.
const MAX_REPLICAS: usize = 5;

/// `nats://…` or `tls://…`: a comma-separated list of servers, of which only the first
/// needs the scheme, followed by options:
/// `nats://USER:PASSWORD@one:4222,two:4222?stream=NAME&credentials=FILE&replicas=3`.
#[derive(Clone)]
pub struct Address {
    pub(super) servers: Vec<ServerAddr>,
    pub(super) login: Login,
    /// The stream's name.
    pub(super) stream: String,
    /// Copies of the stream in a cluster, if this host creates it.
    pub(super) replicas: usize,
    /// Prefix of the subjects of JetStream's API.
    pub(super) api_prefix: String,
    pub(super) trust: Trust,
}

/// The credentials for a server.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    Nobody,
    Token(String),
    Password(String, String),
    /// A file of a JWT and its key, as `nsc` makes it.
    Credentials(PathBuf),
}

impl Address {
    /// Reads a setting's value.
    ///
    /// # Errors
    ///
    /// What a valid value is, as the end of a sentence, without a secret.
    pub fn parse(value: &str) -> Result<Self, String> {
        let (servers, options) = value.split_once('?').unwrap_or((value, ""));
        let mut scheme = "nats";
        let mut address = Self {
            servers: Vec::new(),
            login: Login::Nobody,
            stream: DEFAULT_STREAM.to_owned(),
            replicas: 1,
            api_prefix: DEFAULT_API.to_owned(),
            trust: Trust::default(),
        };
        for server in servers.split(',').map(str::trim) {
            let rest = match server.split_once("://") {
                Some((own, rest)) => {
                    scheme = own;
                    rest
                }
                None => server,
            };
            address.add(&format!("{scheme}://{rest}"))?;
        }
        for (name, value) in form_urlencoded::parse(options.as_bytes()) {
            address.set(&name, &value)?;
        }
        Ok(address)
    }

    fn add(&mut self, server: &str) -> Result<(), String> {
        const FORM: &str = "must name servers of NATS, as nats://one:4222,two:4222";
        let mut url = Url::parse(server).map_err(|_| FORM)?;
        let is_server = matches!(url.scheme(), "nats" | "tls")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && matches!(url.path(), "" | "/")
            && url.fragment().is_none();
        if !is_server {
            return Err(FORM.to_owned());
        }
        let login = match (url.username(), url.password()) {
            ("", None) => Login::Nobody,
            (token, None) => Login::Token(decoded(token)?),
            (user, Some(password)) => Login::Password(decoded(user)?, decoded(password)?),
        };
        if login != Login::Nobody {
            if self.login != Login::Nobody && self.login != login {
                return Err("must have the same credentials for all servers".to_owned());
            }
            self.login = login;
        }
        // The client logs addresses.
        let _ = url.set_username("").and(url.set_password(None));
        url.set_path("");
        let server = ServerAddr::from_url(url).map_err(|_| FORM)?;
        self.servers.push(server);
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "stream" => {
                named("stream", value)?;
                value.clone_into(&mut self.stream);
            }
            "credentials" if self.login != Login::Nobody => {
                return Err("must have credentials by URL or by file, not by both".to_owned());
            }
            "credentials" => self.login = Login::Credentials(value.into()),
            "replicas" => {
                self.replicas = value
                    .parse()
                    .ok()
                    .filter(|replicas| (1..=MAX_REPLICAS).contains(replicas))
                    .ok_or_else(|| format!("must have between 1 and {MAX_REPLICAS} replicas"))?;
            }
            "domain" | "api_prefix" if self.api_prefix != DEFAULT_API => {
                return Err("must have one domain or one api_prefix".to_owned());
            }
            "domain" => {
                named("domain", value)?;
                self.api_prefix = format!("$JS.{value}.API");
            }
            "api_prefix" if !is_subject(value) => {
                return Err("must have a subject without wildcards as its api_prefix".to_owned());
            }
            "api_prefix" => value.clone_into(&mut self.api_prefix),
            _ => {
                // Not told: it may be the end of a password.
                return Err(
                    "has an unknown option: there are stream, credentials, replicas, \
                            domain and api_prefix"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }

    /// The subject of the stream's messages.
    pub(super) fn subject(&self) -> String {
        format!("{}.tasks", self.stream)
    }
}

/// The servers, without a secret.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.iter();
        let servers = servers.map(|server| format!("{}:{}", server.host(), server.port()));
        write!(f, "NATS at {}", servers.collect::<Vec<_>>().join(", "))
    }
}

fn named(what: &str, name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "must name its {what} with letters, digits, - and _ alone"
        )),
    }
}

fn is_subject(text: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '>');
    let is_token = |token: &str| !token.is_empty() && token.chars().all(is_usual);
    text.split('.').all(is_token)
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "must have credentials in UTF-8")?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(address: &Address) -> Vec<&str> {
        let servers = address.servers.iter();
        servers.map(ServerAddr::as_url_str).collect()
    }

    #[test]
    fn servers_and_options_are_read() {
        let address = Address::parse(
            "tls://a.example:4222, b.example,nats://[::1]:7?stream=other_one&replicas=3",
        );
        let address = address.unwrap();
        assert_eq!(
            servers(&address),
            ["tls://a.example:4222", "tls://b.example", "nats://[::1]:7"]
        );
        assert_eq!(address.stream, "other_one");
        assert_eq!(address.subject(), "other_one.tasks");
        assert_eq!(address.replicas, 3);
        assert_eq!(
            address.to_string(),
            "NATS at a.example:4222, b.example:4222, ::1:7"
        );
        let plain = Address::parse("nats://localhost").unwrap();
        assert_eq!(plain.stream, DEFAULT_STREAM);
        assert_eq!(plain.replicas, 1);
    }

    #[test]
    fn jetstream_of_another_domain_or_account_is_asked_elsewhere() {
        for (url, expected) in [
            ("nats://host", "$JS.API"),
            ("nats://host?domain=hub", "$JS.hub.API"),
            ("nats://host?api_prefix=JS.refiner.API", "JS.refiner.API"),
        ] {
            assert_eq!(Address::parse(url).unwrap().api_prefix, expected, "{url}");
        }
    }

    #[test]
    fn credentials_are_read_and_not_told() {
        for (url, login) in [
            ("nats://host", Login::Nobody),
            ("nats://t%40ken@host", Login::Token("t@ken".into())),
            (
                "nats://ada:s%2Ccret@host,other",
                Login::Password("ada".into(), "s,cret".into()),
            ),
            (
                "nats://host?credentials=/etc/a%20b.creds",
                Login::Credentials("/etc/a b.creds".into()),
            ),
        ] {
            let address = Address::parse(url).unwrap();
            assert!(address.login == login, "{url}");
            assert!(!servers(&address).concat().contains('@'), "{url}");
            assert!(!address.to_string().contains('@'), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_without_a_secret() {
        for url in [
            "nats://",
            "nats://a:hunter2@host,",
            "nats://a:hunter2@host:port",
            "nats://a:hunter2@host/subject",
            "nats://a:hunter2@host#part",
            "nats://a:hunter2@host,http://other",
            "nats://a:hunter2@host,b:hunter3@other",
            "nats://a:hunter2@host?stream=",
            "nats://a:hunter2@host?stream=a.b",
            "nats://a:hunter2@host?replicas=0",
            "nats://a:hunter2@host?replicas=6",
            "nats://a:hunter2@host?credentials=file",
            "nats://a:hunter2@host?domain=a.b",
            "nats://a:hunter2@host?api_prefix=",
            "nats://a:hunter2@host?api_prefix=a.>",
            "nats://a:hunter2@host?api_prefix=a.",
            "nats://a:hunter2@host?api_prefix=a%20b",
            "nats://a:hunter2@host?domain=a&api_prefix=b",
            "nats://a:hunter2@host?subject=a",
        ] {
            let Err(problem) = Address::parse(url) else {
                panic!("{url}")
            };
            assert!(!problem.contains("hunter"), "{url}: {problem}");
        }
    }
}
