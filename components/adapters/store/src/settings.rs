//! `settings` and `health`: the platform's configuration, whether its store works, and
//! whether the processor can use its settings.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityState;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::processor_config::{self, Config};
use concept_refinement_domain::secret::{SESSION_TOKENS, WEBHOOKS};
use concept_refinement_domain::timestamp::Timestamp;

use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

/// How long a successful swap counts as proof that the store works.
const CHECK_LIFETIME: Duration = Duration::from_secs(5);

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn get_setting(&self, name: &str) -> Option<String> {
        match self.platform.setting(name).await {
            None if name == "version" => Some(env!("CARGO_PKG_VERSION").to_owned()),
            None if name == "jwt-secret" && self.has_anonymous_sessions().await => {
                self.derived(SESSION_TOKENS).await
            }
            None if name == "webhook-secret" => self.derived(WEBHOOKS).await,
            setting => setting,
        }
    }

    /// A key that is derived from the store's secret.
    async fn derived(&self, purpose: &str) -> Option<String> {
        match self.key(purpose).await {
            Ok(key) => Some(hex(&key)),
            Err(fault) => {
                crate::log::warn(format_args!("there is no secret: {fault}"));
                None
            }
        }
    }

    /// The model is not checked, and of the queue only what keeps all tasks pending: if they
    /// fail otherwise, tasks stay pending or fail.
    pub async fn check(&self) -> Vec<CapabilityState> {
        let store = self.can_be_used().await.err().map(|fault| {
            crate::log::warn(format_args!("the store is not ready: {fault}"));
            concept_refinement_domain::capability::CapabilityError::from(fault).message
        });
        [
            ("tasks", store.clone()),
            ("queue", self.unusable_setting().await),
            ("images", store),
            ("model", None),
        ]
        .map(|(name, problem)| CapabilityState {
            name: name.to_owned(),
            problem,
        })
        .into()
    }

    /// The setting that the processor cannot use: it refuses all tasks then. The sentence is
    /// for anyone, so it has no value.
    async fn unusable_setting(&self) -> Option<String> {
        let mut values = Vec::new();
        for name in processor_config::SETTINGS {
            values.push(self.platform.setting(name).await);
        }
        let error = Config::from_values(&values).err()?;
        crate::log::warn(format_args!("the processor is not ready: {error}"));
        Some(format!(
            "The processor cannot use the setting {}.",
            error.name
        ))
    }

    pub async fn model(&self) -> String {
        let name = self.platform.setting("model").await;
        let name = name.as_deref().unwrap_or("local");
        format!("The model `{name}`, composed into the application.")
    }

    /// Tests a swap of a record, because all operations of users depend on it and a
    /// platform may offer it without supporting it. Skipped if it succeeded recently,
    /// because anyone may call this at any rate.
    async fn can_be_used(&self) -> Result<(), Fault> {
        let now = self.machine.now();
        let (last, held) = self.platform.read(names::HEALTH).await?;
        let proof = now.0.to_string().into_bytes();
        if is_recent(last.as_deref(), now)? || self.platform.swap(held, proof.clone()).await? {
            return Ok(());
        }
        // Another instance was faster, or swaps fail without a competitor.
        let last = self.platform.peek(names::HEALTH).await?;
        let is_of_another = last.as_ref() != Some(&proof);
        match is_of_another && is_recent(last.as_deref(), now)? {
            true => Ok(()),
            false => Err(Fault::Unavailable("it does not swap records".to_owned())),
        }
    }

    async fn has_anonymous_sessions(&self) -> bool {
        let auth = self.platform.setting("auth").await;
        auth.is_none_or(|auth| auth == "anonymous")
    }
}

/// Whether the last swap is recent enough to count as proof.
fn is_recent(last: Option<&[u8]>, now: Timestamp) -> Result<bool, Fault> {
    let last: Option<Timestamp> = last
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|_| Fault::Invalid("The time of the last check cannot be read."))?;
    Ok(last.is_some_and(|last| now.since(last).max(last.since(now)) < CHECK_LIFETIME))
}
