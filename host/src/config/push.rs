//! How push requests of Google Pub/Sub are verified.

use concept_refinement_capability::service_url;
use concept_refinement_runtime::ingress::http::Proof;
use url::Url;

use super::access::jwks_url;
use super::error::ConfigError;
use super::forms::not_empty;
use super::reader::Reader;
use super::role::Role;

#[derive(Clone, Debug)]
pub struct Push {
    /// What the token of a push has to prove. None: not configured, so no push is accepted.
    pub proof: Option<Proof>,
    /// The URL at which Google publishes its keys.
    pub jwks_url: Url,
    /// Whether messages are pulled as well.
    pub is_pulled: bool,
}

/// None: the queue is another one, or this process does not work on tasks.
pub(super) fn read(values: &Reader<'_>, role: Role) -> Result<Option<Push>, ConfigError> {
    let owned = |text: &str| not_empty(text).map(str::to_owned);
    let audience = values.optional("pubsub-audience", owned)?;
    let account = values.optional("pubsub-service-account", owned)?;
    let proof = audience.zip(account);
    let push = Push {
        proof: proof.map(|(audience, account)| Proof { audience, account }),
        jwks_url: values.parse("pubsub-jwks-url", jwks_url)?,
        is_pulled: values.optional("pubsub-subscription", not_empty)?.is_some(),
    };
    values.parse("pubsub-endpoint", endpoint)?;
    let is_pubsub = values.parse("queue", |url| Ok(url.starts_with("pubsub://")))?;
    Ok(Some(push).filter(|_| is_pubsub && role.works()))
}

fn endpoint(text: &str) -> Result<(), String> {
    match service_url::parse(text) {
        Some(_) => Ok(()),
        None => Err("must be an http or https URL, as https://pubsub.googleapis.com".to_owned()),
    }
}
