//! The input of a request: its query, its body, its reason.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::administration::Act;
use concept_refinement_domain::sentence::sanitize;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use url::form_urlencoded;

use super::access::Caller;
use super::answer::Problem;

/// Largest body, in bytes.
const MAX_BODY: usize = 64 << 10;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest reason, in code points.
const MAX_REASON: usize = 500;

/// Longest error message about an invalid body, in code points.
const MAX_ERROR: usize = 300;

/// The parameters of a query, each at most once.
pub(super) struct Query(BTreeMap<&'static str, String>);

impl Query {
    /// # Errors
    ///
    /// A parameter is unknown or given twice: ignoring it could make a filter match more
    /// than is meant.
    pub(super) fn of(query: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let Some(name) = known.iter().find(|known| **known == name) else {
                let problem = format!("There is no parameter {name:?}.");
                return Err(Problem::invalid("query", problem));
            };
            if parameters.insert(*name, value.into_owned()).is_some() {
                return Err(Problem::invalid(name, "It may be given once."));
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// From 1 to 100; 50 by default.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let Some(limit) = self.get("limit") else {
            return Ok(50);
        };
        let limit = limit.parse().ok().filter(|limit| (1..=100).contains(limit));
        limit.ok_or_else(|| Problem::invalid("limit", "It has to be from 1 to 100."))
    }
}

/// A body that is declared as JSON.
pub(super) struct Json(Bytes);

/// What a change needs.
#[derive(Deserialize)]
struct Change {
    reason: Option<String>,
}

impl Json {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let read = serde_json::from_slice::<Object<T>>(&self.0);
        read.map(|Object(body)| body).map_err(|error| {
            let error = sanitize(&error.to_string(), MAX_ERROR);
            Problem::Malformed(format!("It cannot be read: {error}."))
        })
    }

    /// Who makes a change, and why: it says nothing else.
    pub(super) fn act(&self, caller: &Caller) -> Result<Act, Problem> {
        act(caller, self.read::<Change>()?.reason.as_deref())
    }
}

pub(super) async fn body(headers: &HeaderMap, body: Incoming) -> Result<Json, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::NotJson);
    }
    let collected = timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    let collected = collected.map_err(|_| Problem::Slow)?;
    let collected = collected.map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::TooLarge,
        false => Problem::Malformed("It ended before it was complete.".to_owned()),
    })?;
    Ok(Json(collected.to_bytes()))
}

/// Accepts only an object: serde would also accept a list of values in the order of
/// the fields.
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Logs what an operator did.
pub(super) fn log(act: &Act, what: fmt::Arguments<'_>) {
    tracing::info!(actor = act.actor, reason = act.reason, "an operator {what}");
}

/// Who makes a change, and why.
pub(super) fn act(caller: &Caller, reason: Option<&str>) -> Result<Act, Problem> {
    caller.acts()?;
    let reason = reason.unwrap_or_default().trim();
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON {
        let problem = format!("It has to be given, in at most {MAX_REASON} characters.");
        return Err(Problem::invalid("reason", problem));
    }
    // Control characters could mislead a reader of the audit.
    if sanitize(reason, MAX_REASON) != reason {
        let problem = "It may be a line of printable characters only.";
        return Err(Problem::invalid("reason", problem));
    }
    Ok(Act {
        actor: caller.actor.clone(),
        reason: reason.to_owned(),
    })
}
