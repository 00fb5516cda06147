//! The calls of the Pub/Sub REST API that the queue needs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use concept_refinement_capability::directory::OpenError;
use http::{Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::credentials::Identity;
use super::fault::Fault;
use super::http::Client;
use super::target::Target;

/// Timeout of a call. An API call has 3 s to report that the queue is unavailable.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long startup waits for an answer.
const OPENING: Duration = Duration::from_secs(5);

/// Timeout of a pull; the server decides how long it really waits for a message.
const PULL: Duration = Duration::from_secs(95);

/// Most characters of a response that an error quotes.
const REASON: usize = 300;

pub(super) struct Api {
    pub(super) target: Target,
    client: Client,
    identity: Identity,
    /// Notified when a call has timed out.
    silence: Notify,
}

/// A message that was pulled.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Received {
    pub(super) ack_id: String,
    #[serde(default)]
    message: Message,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pulled {
    #[serde(default)]
    received_messages: Vec<Received>,
}

/// An error response.
#[derive(Default, Deserialize)]
struct Answered {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    status: String,
    message: String,
}

impl Received {
    /// Undecodable contents count as empty, which names no task.
    pub(super) fn contents(&self) -> Vec<u8> {
        STANDARD.decode(&self.message.data).unwrap_or_default()
    }
}

impl Api {
    pub(super) async fn open(target: Target) -> Result<Self, OpenError> {
        let server = target.to_string();
        let refused = |fault: Fault| OpenError::server(&server, fault);
        let api = Self::new(target).map_err(refused)?;
        match api.within(OPENING).await {
            Err(fault) if fault.is_definitive() => return Err(refused(fault)),
            Err(fault) => tracing::error!(error = %fault, "{} cannot be reached yet", api.target),
            Ok(()) => {}
        }
        Ok(api)
    }

    /// Also fails on errors after which `open` would try again later.
    pub(super) async fn inspect(target: Target) -> Result<(), OpenError> {
        let server = target.to_string();
        let looked = async { Self::new(target)?.within(OPENING).await };
        let looked = looked.await;
        looked.map_err(|fault| OpenError::server(server, fault))
    }

    fn new(target: Target) -> Result<Self, Fault> {
        let identity = match target.is_private() {
            true => Identity::find()?,
            false => Identity::Nobody,
        };
        Ok(Self {
            client: Client::new(&target.trust)?,
            target,
            identity,
            silence: Notify::new(),
        })
    }

    /// Whether the topic and the subscription exist.
    pub(super) async fn look(&self) -> Result<(), Fault> {
        self.within(DEADLINE).await
    }

    async fn within(&self, deadline: Duration) -> Result<(), Fault> {
        let names = [Some(&self.target.topic), self.target.subscription.as_ref()];
        for name in names.into_iter().flatten() {
            match self.call(Method::GET, name, None, deadline).await {
                Ok(_) => {}
                // A client that may publish need not be allowed to read the topic's
                // settings.
                Err(Fault::Refused { status, .. })
                    if status.is_client_error() && status != StatusCode::UNAUTHORIZED => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    pub(super) async fn publish(&self, message: &[u8]) -> Result<(), Fault> {
        let body = json!({"messages": [{"data": STANDARD.encode(message)}]});
        let path = format!("{}:publish", self.target.topic);
        let published = self.call(Method::POST, &path, Some(&body), DEADLINE);
        published.await.map(drop)
    }

    /// Waits until there are messages, or the server stops waiting for one. If this is
    /// dropped, messages being pulled are delivered again later.
    pub(super) async fn pull(&self, most: usize) -> Result<Vec<Received>, Fault> {
        let body = json!({"maxMessages": most});
        let call = self.of_subscription("pull", &body, PULL);
        let answer = tokio::select! {
            answer = call => answer?,
            // A call has timed out, so the connection may be dead and the pull would wait
            // in vain.
            () = self.silence.notified() => return Err(Fault::Silent),
        };
        let pulled: Pulled =
            serde_json::from_slice(answer.body()).map_err(|_| Fault::Unreadable)?;
        Ok(pulled.received_messages)
    }

    pub(super) async fn acknowledge(&self, ack_id: &str) -> Result<(), Fault> {
        let body = json!({"ackIds": [ack_id]});
        let called = self.of_subscription("acknowledge", &body, DEADLINE);
        called.await.map(drop)
    }

    /// Makes the message be delivered again after this time, unless this is called again
    /// or the message acknowledged.
    pub(super) async fn modify_deadline(&self, ack_id: &str, seconds: u64) -> Result<(), Fault> {
        let body = json!({"ackIds": [ack_id], "ackDeadlineSeconds": seconds});
        let called = self.of_subscription("modifyAckDeadline", &body, DEADLINE);
        called.await.map(drop)
    }

    async fn of_subscription(
        &self,
        verb: &str,
        body: &Value,
        deadline: Duration,
    ) -> Result<Response<Bytes>, Fault> {
        let name = self.target.subscription.as_deref().unwrap_or_default();
        let path = format!("{name}:{verb}");
        self.call(Method::POST, &path, Some(body), deadline).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, Fault> {
        let base = self.target.endpoint.as_str().trim_end_matches('/');
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{base}/v1/{path}")
            .parse()
            .map_err(|_| Fault::Unreadable)?;
        let sent = async {
            *request.headers_mut() = self.identity.headers().await?;
            let json = http::HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            self.client.send(request).await
        };
        let sent = tokio::time::timeout(deadline, sent).await;
        let sent = sent.unwrap_or(Err(Fault::Silent));
        if let Err(Fault::Silent) = sent {
            self.client.forget();
            self.silence.notify_waiters();
        }
        judged(sent?, path)
    }
}

fn judged(answer: Response<Bytes>, path: &str) -> Result<Response<Bytes>, Fault> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let answered: Answered = serde_json::from_slice(answer.body()).unwrap_or_default();
    let status = answer.status();
    if status == StatusCode::NOT_FOUND && answered.error.status == "NOT_FOUND" {
        let name = path.rsplit_once(':').map_or(path, |(name, _)| name);
        return Err(Fault::Missing {
            name: name.to_owned(),
        });
    }
    let reason = match answered.error.message.as_str() {
        "" => "no reason",
        reason => reason,
    };
    let reason = reason.chars().filter(|c| !c.is_control()).take(REASON);
    Err(Fault::Refused {
        status,
        reason: reason.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_its_status_and_its_reason() {
        let google = r#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}"#;
        for (name, status, body, expected) in [
            ("fine", 200, "{}", None),
            ("no topic", 404, google, Some("p/t does not exist")),
            (
                "another 404",
                404,
                "nothing",
                Some("it answered 404 Not Found: no reason"),
            ),
            (
                "not allowed",
                403,
                r#"{"error":{"message":"may\nnot"}}"#,
                Some("it answered 403 Forbidden: maynot"),
            ),
            (
                "away",
                503,
                "",
                Some("it answered 503 Service Unavailable: no reason"),
            ),
        ] {
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            let problem = judged(answer, "p/t:publish").err();
            let problem = problem.map(|fault| fault.to_string());
            assert_eq!(problem.as_deref(), expected, "{name}");
        }
    }
}
