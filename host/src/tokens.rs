//! The tokens of users: signs them with the service's own secret, and says why one would be
//! refused.

use std::time::Duration;

use anyhow::{Context as _, bail};
use concept_refinement_capability::clock::{Clock as _, SystemClock};
use concept_refinement_capability::directory;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::secret::SESSION_TOKENS;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_runtime::egress::Network;
use concept_refinement_tokens::{
    Caller, Issued, Key, KeySet, Refusal, Rules, Signed, Signer, Span, key_id, read,
};
use rand::RngExt as _;

use crate::config::{Auth, Config};
use crate::moving::{refuse_begun, refuse_half_moved};
use crate::wiring::capabilities::ConfiguredStores;
use crate::wiring::grants;
use crate::wiring::secret::{self, Secret};

/// A token of this user that a service with this configuration accepts. The service's secret
/// is made if there is none yet. `life`: how long it is valid. `for_users`: it may act for users
/// of its own, whose names follow this user's and a `/`. `plan`: the plan that it names.
///
/// # Errors
///
/// The tokens are signed by somebody else, the user's name cannot be one, or the secret
/// cannot be read.
pub async fn issue(
    config: &Config,
    user: &str,
    life: Duration,
    for_users: bool,
    plan: Option<&str>,
) -> anyhow::Result<String> {
    if for_users && user.contains('/') {
        bail!(
            "the user of a token for users cannot have `/` in its name: that separates it from the \
             names of those users"
        );
    }
    let (key, now) = own_key(config, Missing::Make).await?.context(
        "the tokens of this service are signed by their issuer, whose keys are at jwks-url: only \
         the issuer makes them",
    )?;
    let rules = rules(config);
    let issued = Issued {
        user,
        is_anonymous: false,
        for_users,
        plan,
        now,
        expires: now.plus(life),
    };
    let token = issued.sign(&key, &rules);
    let token = token.context("the service has no secret to sign with")?;
    match read_own(&token, &rules, &key) {
        Ok(_) => Ok(token),
        Err(Refusal::Subject) => bail!(
            "a user's name is not empty, and has at most 1,024 bytes and no control characters"
        ),
        Err(refusal) => bail!("the token would be refused: {refusal}"),
    }
}

/// Who a token names, and until when, as a service with this configuration would judge it.
///
/// # Errors
///
/// Why it would be refused, never with a part of the token.
pub async fn judge(config: &Config, token: &str, network: &Network) -> anyhow::Result<String> {
    let rules = rules(config);
    let (judged, now) = match own_key(config, Missing::Refuse).await? {
        Some((key, now)) => (read_own(token, &rules, &key), now),
        None => {
            let keys = grants::keys(config.issuer_url(), network)
                .issuer_keys()
                .await;
            let keys = keys.map_err(|error| anyhow::anyhow!("the issuer's keys: {error}"))?;
            let (keys, _) = KeySet::parse(&keys).context("the issuer has no JWK Set")?;
            let judged = read(token, &rules, Signer::Issuer, |token| {
                keys.judge(token) == Signed::Yes
            });
            (judged, SystemClock.now())
        }
    };
    let judged = judged.and_then(|(caller, span)| {
        span.check(now)?;
        Ok((caller, span.expires()))
    });
    match judged {
        Ok((caller, expires)) => {
            let more = if caller.for_users { ", for users" } else { "" };
            let plan = match caller.plan {
                Some(plan) if config.values.plans.is_defined(&plan) => format!(", plan {plan}"),
                Some(plan) => format!(", plan {plan:?}, which is not defined"),
                None => String::new(),
            };
            Ok(format!("{} until {expires}{more}{plan}", caller.user))
        }
        Err(refusal) => match key_id(token) {
            Some(id) => bail!("it would be refused, kid {id}: {refusal}"),
            None => bail!("it would be refused: {refusal}"),
        },
    }
}

/// A token that the service signs itself.
fn read_own(token: &str, rules: &Rules, key: &Key) -> Result<(Caller, Span), Refusal> {
    read(token, rules, Signer::Service, |token| key.has_signed(token))
}

fn rules(config: &Config) -> Rules {
    let value = |name| config.values.get(name).map(str::to_owned);
    Rules {
        audience: value("jwt-audience"),
        issuer: value("jwt-issuer"),
        plan_claim: value("plan-claim"),
    }
}

/// The key of a service that signs its tokens itself, and the time, which is that of its store if
/// hosts share the secret there. None: an issuer signs them.
async fn own_key(config: &Config, missing: Missing) -> anyhow::Result<Option<(Key, Timestamp)>> {
    Ok(match config.auth {
        Auth::Jwks => None,
        Auth::Secret => {
            let secret = config.values.get("jwt-secret");
            let key = Key::secret(secret.context("jwt-secret is not set")?);
            Some((key, SystemClock.now()))
        }
        Auth::Anonymous => {
            let (secret, now) = secret(config, missing).await?;
            Some((Key::secret(&hex(&secret.key(SESSION_TOKENS))), now))
        }
    })
}

/// What happens if the data directory has no secret yet.
#[derive(PartialEq, Eq)]
enum Missing {
    Make,
    Refuse,
}

/// The service's own secret, and the time: of its store if hosts share one, else of its data
/// directory and this machine.
async fn secret(config: &Config, missing: Missing) -> anyhow::Result<(Secret, Timestamp)> {
    refuse_begun(&config.data_dir)?;
    let random = || rand::rng().random();
    let stores = ConfiguredStores::of(config);
    if stores.tasks()?.inspect().await?.is_none() {
        let directory = &config.data_dir;
        if missing == Missing::Refuse && !directory.join(secret::FILE).exists() {
            bail!("the first start makes the secret that signs tokens");
        }
        directory::add(directory)
            .with_context(|| format!("the data directory {}", directory.display()))?;
        return Ok((Secret::open(directory, random)?, SystemClock.now()));
    }
    let tasks = stores.open_tasks().await?;
    refuse_half_moved(&tasks).await?;
    let shared = tasks.shared.as_ref();
    let shared = shared.context("the task store has no secret")?;
    let secret = Secret::shared(&*shared.secret, random).await?;
    Ok((secret, shared.clock.now()))
}
