//! A client of a service's admin API: through the socket in its data directory, or at its
//! address.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::ArgMatches;
use concept_refinement_capability::service_url;
use http::{Method, Request, StatusCode, header};
use http_body_util::{Full, LengthLimitError};
use serde_json::Value;
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use super::super::connection::{Broken, Server, Stream, exchange};
use super::super::failure::Failure;
use super::super::settings;
pub use super::refusal::Problem;
pub use super::token::Access;
use super::token::Token;
use crate::admin::SUDO_USER;
use crate::config::table::Command;
use crate::wiring::control::ControlClient;

/// Timeouts to connect, and for all of a request.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

/// Largest answer, in bytes: a page of a hundred tasks with long prompts and stories is
/// smaller, and so are the sums of as many users as are answered at once.
const MAX_ANSWER: usize = 32 << 20;

/// The parameters of a query.
pub type Query = [(&'static str, String)];

/// A service, as operators see it.
pub struct AdminClient {
    endpoint: Endpoint,
    /// The name of the service in messages.
    shown: String,
    /// The user who runs this with `sudo`, for the audit.
    sudo_user: Option<String>,
}

enum Endpoint {
    /// The data directory of a service.
    Socket(PathBuf),
    Address {
        server: Server,
        token: Token,
    },
}

impl AdminClient {
    /// The service that the command line names. Nothing is requested yet.
    pub fn of(matches: &ArgMatches, access: Access) -> Result<Self, Failure> {
        let (config, _) = settings::read(matches, Some(Command::Operator))?;
        let Some(url) = matches.get_one::<Url>("admin-url") else {
            let sudo_user = std::env::var("SUDO_USER").ok();
            return Ok(Self {
                // A name that cannot be sent would be ignored.
                sudo_user: sudo_user
                    .filter(|user| user.bytes().all(|byte| byte.is_ascii_graphic())),
                shown: format!("the service of {}", config.data_dir.display()),
                endpoint: Endpoint::Socket(config.data_dir),
            });
        };
        Ok(Self {
            shown: url.as_str().trim_end_matches('/').to_owned(),
            endpoint: Endpoint::Address {
                token: Token::of(access, |name| std::env::var(name).ok())?,
                server: Server::new(url.clone(), &config)?,
            },
            sudo_user: None,
        })
    }

    /// The answer to `GET /admin/v1/PATH`.
    pub async fn get(&self, path: &str, query: &Query) -> Result<Value, Problem> {
        let request = self.request(Method::GET, path, query, None);
        self.ask(request).await
    }

    /// The answer to `POST /admin/v1/PATH`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        let request = self.request(Method::POST, path, &[], Some(body));
        self.ask(request).await
    }

    /// Deletes `/admin/v1/PATH`.
    pub async fn delete(&self, path: &str, query: &Query) -> Result<(), Problem> {
        let request = self.request(Method::DELETE, path, query, None);
        self.ask(request).await.map(drop)
    }

    /// A required field of a response. Without it the response is of no use.
    pub fn expected<T>(&self, found: Option<T>) -> Result<T, Problem> {
        found.ok_or_else(|| self.unusable())
    }

    async fn ask(&self, request: http::Result<Request<Full<Bytes>>>) -> Result<Value, Problem> {
        let request = request.map_err(|error| Problem::unanswered(error.to_string()))?;
        let is_change = request.method() != Method::GET;
        let connected = timeout(CONNECT, self.connect()).await;
        let stream = connected.unwrap_or_else(|_| {
            let sentence = format!("{} cannot be reached in time", self.shown);
            Err(Problem::unanswered(sentence))
        })?;
        let answered = timeout(ANSWER, self.answer(stream, request)).await;
        let answered = answered.unwrap_or_else(|_| {
            let (shown, limit) = (&self.shown, ANSWER.as_secs());
            let sentence = format!("{shown} did not answer within {limit} s");
            Err(Problem::unanswered(sentence))
        });
        answered.map_err(|problem| match is_change {
            true => problem.of_change(),
            false => problem,
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&Value>,
    ) -> http::Result<Request<Full<Bytes>>> {
        let (prefix, host) = match &self.endpoint {
            Endpoint::Socket(_) => ("", "localhost"),
            Endpoint::Address { server, .. } => {
                let url = &server.url;
                (url.path().trim_end_matches('/'), url.authority())
            }
        };
        let mut target = format!("{prefix}/admin/v1/{path}");
        if !query.is_empty() {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            let pairs = pairs.extend_pairs(query).finish();
            target = format!("{target}?{pairs}");
        }
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json");
        request = match (&self.endpoint, &self.sudo_user) {
            (Endpoint::Address { token, .. }, _) => {
                request.header(header::AUTHORIZATION, token.header.clone())
            }
            (Endpoint::Socket(_), Some(user)) => request.header(SUDO_USER, user.as_str()),
            (Endpoint::Socket(_), None) => request,
        };
        match body {
            None => request.body(Full::default()),
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::from(body.to_string())),
        }
    }

    async fn answer(
        &self,
        stream: Box<dyn Stream>,
        request: Request<Full<Bytes>>,
    ) -> Result<Value, Problem> {
        let shown = &self.shown;
        let answer = exchange(stream, request, MAX_ANSWER).await;
        let answer = answer.map_err(|broken| match broken {
            Broken::Connection(error) if !error.is_parse() => {
                Problem::unanswered(format!("{shown} broke the connection off: {error}"))
            }
            Broken::Answer(error) if !error.is::<LengthLimitError>() => {
                Problem::unanswered(format!("the answer of {shown} broke off: {error}"))
            }
            Broken::Connection(_) | Broken::Answer(_) => self.unusable(),
        })?;
        let body = answer.body();
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(Value::Null),
            status if status.is_success() => {
                serde_json::from_slice(body).map_err(|_| self.unusable())
            }
            status => Err(Problem::refused(shown, self.variable(), status, body)),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Problem> {
        match &self.endpoint {
            Endpoint::Socket(data) => {
                let unanswered = |error: anyhow::Error| Problem::unanswered(format!("{error:#}"));
                let control = ControlClient::connect(data).map_err(unanswered)?;
                let control = control.ok_or_else(|| {
                    Problem::unanswered(format!(
                        "no service runs on {}: start it, or name where one runs with --data-dir \
                         or --admin-url",
                        data.display()
                    ))
                })?;
                let stream = control
                    .for_http()
                    .map_err(|error| unanswered(error.into()))?;
                Ok(Box::new(stream))
            }
            Endpoint::Address { server, .. } => server.connect().await.map_err(|reason| {
                let shown = &self.shown;
                Problem::unanswered(format!("{shown} cannot be reached: {reason}"))
            }),
        }
    }

    fn unusable(&self) -> Problem {
        Problem::unusable(&self.shown)
    }

    fn variable(&self) -> Option<&'static str> {
        match &self.endpoint {
            Endpoint::Socket(_) => None,
            Endpoint::Address { token, .. } => Some(token.variable),
        }
    }
}

/// Parses the address of an admin API. A token in it would be seen by others on the machine.
pub fn parse_url(text: &str) -> Result<Url, String> {
    service_url::parse(text).ok_or_else(|| {
        "must be an http or https URL without user or query, as http://127.0.0.1:9465".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_below_the_address() {
        for (url, target, host) in [
            (
                "http://127.0.0.1:9465",
                "/admin/v1/tasks?user=a+b%26c",
                "127.0.0.1:9465",
            ),
            (
                "https://ops.example/refine/",
                "/refine/admin/v1/tasks?user=a+b%26c",
                "ops.example",
            ),
        ] {
            let client = AdminClient {
                endpoint: Endpoint::Address {
                    server: Server {
                        url: parse_url(url).unwrap(),
                        tls: None,
                    },
                    token: Token::of(Access::Act, |_| Some("secret".to_owned()))
                        .unwrap_or_else(|_| panic!("{url}")),
                },
                shown: String::new(),
                sudo_user: None,
            };
            let query = [("user", "a b&c".to_owned())];
            let request = client.request(Method::GET, "tasks", &query, None).unwrap();
            assert_eq!(request.uri(), target);
            assert_eq!(request.headers()["host"], host);
            assert_eq!(request.headers()["authorization"], "Bearer secret");
        }
    }
}
