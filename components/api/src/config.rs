//! The configuration, read once per instance, except that unknown values are read again.

use std::str::FromStr;
use std::time::Duration;

use concept_refinement_domain::budget::parse_budget;
use concept_refinement_domain::capability::ImageLimits;
use concept_refinement_domain::image::Limits;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::plan::{Allowance, Plans};
use concept_refinement_domain::quota;
use concept_refinement_domain::spending::Reservation;
use concept_refinement_domain::webhook::ServiceSecrets;
use concept_refinement_domain::{chain, duration, secret, size};
use concept_refinement_tokens::{Rules, parse_plan_claim};
use thiserror::Error;

use crate::cors::Cors;
use crate::openai::plain_name;
use crate::origin::Origin;
use crate::ports::Settings;

/// The model where nobody has named it.
const UNNAMED: &str = "concept-refinement";

/// How many uploads a user may have in progress.
pub const UPLOADS_UNDER_WAY: u32 = 4;

pub struct Config {
    pub version: String,
    /// The public URL, if set.
    pub public_origin: Option<Origin>,
    pub image_url_ttl: Duration,
    /// What users may do.
    pub plans: Plans,
    /// What a task may cost. None: its price is unknown.
    pub reservation: Option<Reservation>,
    /// Whether anonymous sessions are enabled.
    pub anonymous_sessions: bool,
    pub tokens: TokenRules,
    pub cors: Cors,
    pub allowed_sources: AllowedSources,
    /// Receivers of webhooks that are allowed in addition to public ones by https.
    pub allowed_webhooks: AllowedSources,
    /// None: not known yet.
    pub webhook_secrets: Option<ServiceSecrets>,
    /// Limits for the uploads of a user.
    pub upload_limits: ImageLimits,
    pub image_limits: Limits,
    /// What the model is called, in a form for headers.
    pub model: String,
    /// How long a task may take.
    pub task_timeout: Duration,
    /// Whether anyone may ask where an image comes from.
    pub verifies: bool,
    /// Whether responses name their route, and what a user had too much of, in headers that the
    /// platform removes.
    pub names_routes: bool,
    /// Whether the platform has a sweep, which publishes overdue tasks again.
    pub is_swept: bool,
    /// Whether the platform removes what a user without an account made, some time after
    /// the last session.
    pub removes_old_data: bool,
}

/// Which tokens are accepted.
#[derive(Clone)]
pub struct TokenRules {
    pub keys: TokenKeys,
    pub rules: Rules,
}

/// How tokens are signed.
#[derive(Clone)]
pub enum TokenKeys {
    /// With HS256 and this secret, and nothing else.
    Secret(String),
    /// With RS256, ES256 or EdDSA and a key of the set at this URL, and nothing else.
    SetAt(String),
    /// With the service's own secret, which is unknown while the store that has it cannot
    /// be reached.
    Unknown,
}

/// A setting is invalid, so no request can be answered. Names the setting, never its
/// value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("the setting {0} is missing")]
    Missing(&'static str),
    #[error("the value of {name} {reason}")]
    Unusable { name: &'static str, reason: String },
}

impl Config {
    /// An unset setting has the product's default.
    pub async fn read(settings: &impl Settings) -> Result<Self, ConfigError> {
        let auth = text(settings, "auth").await;
        let (anonymous_sessions, keys) = match auth.as_deref() {
            None | Some("anonymous") => {
                let secret = secret(settings).await?;
                (true, secret.map_or(TokenKeys::Unknown, TokenKeys::Secret))
            }
            Some("secret") => {
                let secret = secret(settings).await?;
                let secret = secret.ok_or(ConfigError::Missing("jwt-secret"))?;
                (false, TokenKeys::Secret(secret))
            }
            Some("jwks") => {
                let url = text(settings, "jwks-url").await;
                let url = url.ok_or(ConfigError::Missing("jwks-url"))?;
                (false, TokenKeys::SetAt(url))
            }
            Some(_) => return Err(unusable("auth", "must be anonymous, secret or jwks")),
        };
        let tokens = TokenRules {
            keys,
            rules: Rules {
                audience: text(settings, "jwt-audience").await,
                issuer: text(settings, "jwt-issuer").await,
                plan_claim: Some(parsed(settings, "plan-claim", "plan", parse_plan_claim).await?),
            },
        };
        let public_origin = match text(settings, "public-url").await {
            None => None,
            Some(url) => Some(
                Origin::of_url(&url)
                    .ok_or_else(|| unusable("public-url", "must be an http or https URL"))?,
            ),
        };
        Ok(Self {
            version: text(settings, "version").await.unwrap_or_default(),
            public_origin,
            image_url_ttl: parsed(settings, "image-url-ttl", "1h", duration::parse).await?,
            plans: plans(settings).await?,
            reservation: parsed(settings, "reservation", "", reservation).await?,
            anonymous_sessions,
            tokens,
            cors: parsed(settings, "cors-origins", "", Cors::parse).await?,
            allowed_sources: parsed(settings, "allow-sources", "", AllowedSources::parse).await?,
            allowed_webhooks: parsed(settings, "allow-webhooks", "", AllowedSources::parse).await?,
            webhook_secrets: {
                let secrets = text(settings, "webhook-secret").await;
                let secrets = secrets.as_deref().map(ServiceSecrets::parse).transpose();
                secrets.map_err(|reason| unusable("webhook-secret", reason))?
            },
            upload_limits: ImageLimits {
                images: parsed(settings, "uploads", "100", number).await?,
                bytes: parsed(settings, "upload-bytes", "500MiB", size::parse).await?,
                under_way: UPLOADS_UNDER_WAY,
            },
            image_limits: Limits {
                max_bytes: parsed(settings, "max-image-bytes", "20MiB", size::parse).await?,
                max_pixels: parsed(settings, "max-image-pixels", "50000000", number).await?,
            },
            model: plain_name(text(settings, "model").await.as_deref().unwrap_or(UNNAMED)),
            task_timeout: parsed(settings, "task-timeout", "5m", duration::parse).await?,
            verifies: parsed(settings, "verify", "off", switch).await?,
            names_routes: text(settings, "name-routes").await.as_deref() == Some("true"),
            is_swept: text(settings, "swept").await.as_deref() == Some("true"),
            removes_old_data: text(settings, "removes-old-data").await.as_deref() == Some("true"),
        })
    }

    /// Whether all values are known.
    pub fn is_whole(&self) -> bool {
        self.webhook_secrets.is_some() && !matches!(self.tokens.keys, TokenKeys::Unknown)
    }
}

/// Whoever has no plan may do what the plain settings say.
async fn plans(settings: &impl Settings) -> Result<Plans, ConfigError> {
    let plain = Allowance {
        quota: parsed(settings, "rate-limit", "10/month", quota::parse_rate_limit).await?,
        budget: parsed(settings, "budget", "unlimited", parse_budget).await?,
        active_tasks: parsed(settings, "active-tasks", "1", quota::parse_active_tasks).await?,
    };
    let json = text(settings, "plans").await;
    let plans = Plans::new(json.as_deref(), plain);
    let plans = plans.map_err(|reason| unusable("plans", reason))?;
    let plans = plans.with_default(text(settings, "plan").await);
    plans.map_err(|reason| unusable("plan", reason))
}

/// A link of the model, a space, and the price of one of its calls, if it is known.
fn reservation(text: &str) -> Result<Option<Reservation>, String> {
    let is_link = |text: &str| chain::is_name(text) && MicroDollars::parse(text).is_err();
    match text.rsplit_once(' ') {
        None if text.is_empty() || is_link(text) => Ok(None),
        // No budget would hold.
        None => Err("must be a link and a price, as openai 0.06".to_owned()),
        Some((_, "")) => Ok(None),
        Some((model, price)) => Ok(Some(Reservation {
            model: model.to_owned(),
            price: MicroDollars::parse(price)?,
        })),
    }
}

async fn secret(settings: &impl Settings) -> Result<Option<String>, ConfigError> {
    let secret = text(settings, "jwt-secret").await;
    if secret
        .as_ref()
        .is_some_and(|it| it.len() < secret::SHORTEST)
    {
        let reason = format!("must have at least {} bytes", secret::SHORTEST);
        return Err(unusable("jwt-secret", reason));
    }
    Ok(secret)
}

/// An empty setting counts as unset.
async fn text(settings: &impl Settings, name: &str) -> Option<String> {
    settings.get(name).await.filter(|value| !value.is_empty())
}

async fn parsed<T, E: ToString>(
    settings: &impl Settings,
    name: &'static str,
    default: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    let value = text(settings, name).await;
    parse(value.as_deref().unwrap_or(default)).map_err(|error| unusable(name, error))
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off"),
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

fn unusable(name: &'static str, reason: impl ToString) -> ConfigError {
    ConfigError::Unusable {
        name,
        reason: reason.to_string(),
    }
}
