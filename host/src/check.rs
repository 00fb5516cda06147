//! Checks whether a service would work with this configuration, without starting one: the
//! components fit, the stores open, the model and its provider answer.
//!
//! It creates neither stores nor secrets, and makes no call that costs money. Existing
//! stores are opened as at startup. A running service is not disturbed: if it has the
//! stores open, they work.

mod model_list;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::may_be_written;
use concept_refinement_capability::engine::OpenTasks;
use concept_refinement_capability::tls;
use concept_refinement_domain::issuer_keys;
use concept_refinement_domain::provider::ModelList;
use concept_refinement_runtime::egress::{Bounds, Egress, Network, Origin, resolver};
use concept_refinement_runtime::model::output;
use concept_refinement_runtime::wasm::engine::Tell;
use concept_refinement_tokens::KeySet;

use crate::config::{Config, ModelChoice, ModelLink, Push};
use crate::moving::{refuse_begun, refuse_half_moved};
use crate::tokens;
use crate::wiring::capabilities::{Configured, ConfiguredStores};
use crate::wiring::compiled::{Compiled, compile, pool};
use crate::wiring::components::Components;
use crate::wiring::engines::no_reservations;
use crate::wiring::pipeline::Parts;
use crate::wiring::secret::Secret;
use crate::wiring::{grants, push};
use model_list::Listed;

/// Timeout for answers of remote services.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits for a provider's list of models.
const LIST: Bounds = Bounds {
    bytes: 4 << 20,
    time: ANSWER_TIMEOUT,
};

/// Checks the parts one by one, and reports each result as soon as it is known: a detail,
/// which may be empty, or why the part is not usable; and of a user's token who it is, or why it
/// would be refused. `tell` gets messages about slow steps.
pub async fn check(
    config: &Config,
    components: anyhow::Result<Components>,
    token: Option<&str>,
    cache: Option<PathBuf>,
    tell: Tell,
    mut report: impl FnMut(&str, Result<String, String>),
) -> anyhow::Result<()> {
    let mut found = |name, result: anyhow::Result<String>| {
        report(name, result.map_err(|error| format!("{error:#}")));
    };
    let directory = data_directory(config);
    let secret = directory.and_then(|place| Ok((place, Secret::existing(&config.data_dir)?)));
    match secret {
        Ok((place, secret)) => {
            found("data", Ok(place));
            let stores = ConfiguredStores::of(config);
            let tasks = tasks(config, &stores).await;
            let queue = queue(&stores, &tasks).await;
            let images = images(&stores, &tasks, secret).await;
            found("tasks", tasks.map(|tasks| tasks.to_string()));
            found("queue", queue);
            found("images", images);
        }
        // Without a data directory there are no stores to check.
        Err(error) => found("data", Err(error)),
    }
    let network = Network::new(resolver::system(), &config.trust)?;
    match compiled(config, components, cache, tell).await {
        Ok(compiled) => {
            found("components", Ok(String::new()));
            let blobs = grants::blobs(config, None, &Arc::default());
            let model = async {
                let pipeline = &compiled.pipeline;
                let pipeline = Parts::new(config, pipeline, &network, &blobs)?;
                pipeline.partial_edits()?;
                pipeline.model(None, None, Arc::new(output::Log)).await
            };
            let model = model.await;
            found("model", model.map(|model| model.describe().to_owned()));
        }
        Err(error) => found("components", Err(error)),
    }
    if let Some(url) = config.issuer_url() {
        found("issuer", keys(url, &network).await);
    }
    if let Some(token) = token {
        found("token", tokens::judge(config, token, &network).await);
    }
    if let Some(push) = &config.push
        && let Some(result) = pushes(push, &network).await.transpose()
    {
        found("pushes", result);
    }
    for link in config.model.links() {
        let of_link = |answer: anyhow::Result<String>| match config.model.behind.is_some() {
            true => answer
                .map(|said| format!("{}: {said}", link.name))
                .with_context(|| link.name.clone()),
            false => answer,
        };
        if let Some(origin) = &link.origin {
            let answer = provider(config, link, origin, &network).await;
            found("provider", of_link(answer));
        }
        if let Some(result) = model_name(config, link, &network).await.transpose() {
            found("model name", of_link(result));
        }
    }
    Ok(())
}

/// The location of the store, or where it would be created.
fn data_directory(config: &Config) -> anyhow::Result<String> {
    let directory = &config.data_dir;
    let shown = directory.display();
    if directory.is_dir() {
        return match may_be_written(directory) {
            Ok(()) => Ok(shown.to_string()),
            Err(error) => anyhow::bail!("{shown} cannot be written to: {error}"),
        };
    }
    let absolute = std::path::absolute(directory)?;
    let above = absolute.ancestors().find(|path| path.exists());
    match above.map(may_be_written) {
        Some(Ok(())) => Ok(format!("{shown} is to be created")),
        Some(Err(error)) => anyhow::bail!("{shown} cannot be created: {error}"),
        None => anyhow::bail!("{shown} cannot be created"),
    }
}

/// The result of looking for a store.
enum Looked<S> {
    /// The store's server answers.
    Server(String),
    /// The store will be created at the first start.
    Missing,
    /// The next start will make a part of it anew, which may be lost: a sentence says so.
    Lost(&'static str),
    /// An earlier version stored it, and the check must not upgrade it.
    Outdated,
    /// Another process has the store open, so it works.
    InUse,
    Open(S),
}

impl<S> fmt::Display for Looked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing | Self::Open(_) => Ok(()),
            Self::Server(notes) => f.write_str(notes),
            Self::Lost(lost) => f.write_str(lost),
            Self::Outdated => f.write_str(
                "of an earlier version: the next start upgrades it, so back it up first",
            ),
            Self::InUse => f.write_str("in use by a running service"),
        }
    }
}

impl<S> Looked<S> {
    async fn at<O>(store: Configured<O, S>, options: O) -> anyhow::Result<Self> {
        if !store.exists()? {
            return Ok(Self::Missing);
        }
        if let Some(lost) = store.lost()? {
            return Ok(Self::Lost(lost));
        }
        let opened = match store.is_outdated() {
            Ok(true) => return Ok(Self::Outdated),
            Ok(false) => store.open(options).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(store) => Ok(Self::Open(store)),
            Err(OpenError::InUse(_)) => Ok(Self::InUse),
            Err(error) => Err(error.into()),
        }
    }
}

async fn tasks(
    config: &Config,
    stores: &ConfiguredStores<'_>,
) -> anyhow::Result<Looked<OpenTasks>> {
    refuse_begun(&config.data_dir)?;
    let store = stores.tasks()?;
    if let Some(notes) = store.inspect().await? {
        return Ok(Looked::Server(notes));
    }
    let looked = Looked::at(store, stores.task_options()).await?;
    if let Looked::Open(tasks) = &looked {
        refuse_half_moved(tasks).await?;
        tasks.store.check().await?;
    }
    Ok(looked)
}

/// For a queue inside the task store, the result of the task store applies.
async fn queue(
    stores: &ConfiguredStores<'_>,
    tasks: &anyhow::Result<Looked<OpenTasks>>,
) -> anyhow::Result<String> {
    let queue = stores.queue()?;
    if let Some(notes) = queue.inspect().await? {
        return Ok(notes);
    }
    match tasks {
        Ok(Looked::Open(tasks)) => {
            queue.open(tasks.clone()).await?.check().await?;
            Ok(String::new())
        }
        Ok(Looked::Server(_)) => Ok(String::new()),
        Ok(other) => Ok(other.to_string()),
        // Repeats the error for a part that depends on the one that failed.
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    }
}

async fn images(
    stores: &ConfiguredStores<'_>,
    tasks: &anyhow::Result<Looked<OpenTasks>>,
    secret: Option<Secret>,
) -> anyhow::Result<String> {
    let store = stores.images()?;
    if let Some(notes) = store.inspect().await? {
        return Ok(notes);
    }
    let Some(secret) = secret else {
        return Ok(store.lost()?.unwrap_or_default().to_owned());
    };
    // Nothing is stored by the check, so without an open task store nothing has to be
    // counted.
    let reservations = match tasks {
        Ok(Looked::Open(tasks)) => Arc::clone(&tasks.upload_reservations),
        _ => no_reservations(&stores.clock)?,
    };
    let options = stores.image_options(&secret, reservations);
    let looked = Looked::at(store, options).await?;
    if let Looked::Open(store) = &looked {
        store.store.check().await?;
    }
    Ok(looked.to_string())
}

/// Compiles all components; the model has not been asked for its description yet.
async fn compiled(
    config: &Config,
    components: anyhow::Result<Components>,
    cache: Option<PathBuf>,
    tell: Tell,
) -> anyhow::Result<Compiled> {
    let components = components?;
    let pool = pool(1, config)?;
    let model = config.model.clone();
    let compiled = compile(pool, cache, Some(tell), move |engine| {
        Compiled::new(engine, &components, &model)
    });
    Ok(compiled.await?)
}

/// Uses the same network path and the same grant as the model.
async fn provider(
    config: &Config,
    link: &ModelLink,
    origin: &Origin,
    network: &Network,
) -> anyhow::Result<String> {
    let base = link.url().unwrap_or_default();
    let path = url::Url::parse(base).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
    let egress = egress(config, link, network)?;
    let probed = egress.probe(origin, &path, ANSWER_TIMEOUT).await;
    let shown = shown(origin);
    match probed {
        Ok(()) => Ok(format!("{shown} answers")),
        Err(error) => anyhow::bail!("{shown} {}", problem(&error)),
    }
}

fn egress(config: &Config, link: &ModelLink, network: &Network) -> anyhow::Result<Egress> {
    let blobs = grants::blobs(config, None, &Arc::default());
    Ok(grants::model(config, link, network, &blobs)?.egress)
}

/// Which of the provider's models is used, with a warning if it will be shut down soon.
/// None: there is no list, or no model is configured.
async fn model_name(
    config: &Config,
    link: &ModelLink,
    network: &Network,
) -> anyhow::Result<Option<String>> {
    let ModelChoice::Provider(chosen) = &link.component else {
        return Ok(None);
    };
    let (Some(model), Some(base)) = (link.model_name(), link.url()) else {
        return Ok(None);
    };
    let listed = match &chosen.profile().model_list {
        Some(list) => {
            let egress = egress(config, link, network)?.within(LIST);
            let key = link.settings.0.get("model-api-key").map(String::as_str);
            Some(listed(list, model, base, key, &egress).await)
        }
        None => None,
    };
    Ok(model_list::detail(model, listed, link.end_of_model()))
}

/// What the provider's own list says of a model.
async fn listed(
    list: &ModelList,
    model: &str,
    base: &str,
    key: Option<&str>,
    egress: &Egress,
) -> Listed {
    let url = format!("{}{}", base.trim_end_matches('/'), list.path);
    let authorization = key.map(|key| model_list::authorization(list, key));
    match egress.get(&url, authorization, ANSWER_TIMEOUT).await {
        Ok((200, body)) => model_list::listed(list, &body, model),
        Ok((status, _)) => Listed::Problem(format!(
            "the provider answered {status} when asked for its list of models"
        )),
        Err(error) => Listed::Problem(format!("the provider's list of models {}", problem(&error))),
    }
}

/// Whether the keys at this address can be fetched and used, within the limits of a service.
async fn keys(url: &url::Url, network: &Network) -> anyhow::Result<String> {
    let origin = Origin::of_url(url).context("its URL cannot be used")?;
    let egress = grants::keys(Some(url), network).within(Bounds {
        bytes: issuer_keys::MAX_BYTES as u64,
        time: issuer_keys::FETCH_TIMEOUT,
    });
    let shown = shown(&origin);
    let fetched = egress.get(url.as_str(), None, issuer_keys::FETCH_TIMEOUT);
    let keys = match fetched.await {
        Ok((200, body)) => KeySet::parse(&body),
        Ok((status, _)) => anyhow::bail!("{shown} answered {status} when asked for its keys"),
        Err(error) => anyhow::bail!("{shown} {}", problem(&error)),
    };
    match keys {
        Some((keys, _)) if keys.is_empty() => anyhow::bail!("{shown} has no key that can be used"),
        Some(_) => Ok(format!("{shown} answers")),
        None => anyhow::bail!("{shown} answered with something else than keys"),
    }
}

/// Whether Google's keys can be used. None: messages are only pulled.
async fn pushes(push: &Push, network: &Network) -> anyhow::Result<Option<String>> {
    if push.proof.is_none() {
        anyhow::ensure!(push.is_pulled, push::UNREACHABLE);
        return Ok(None);
    }
    keys(&push.jwks_url, network).await.map(Some)
}

fn shown(Origin { scheme, host, port }: &Origin) -> String {
    format!("{scheme}://{host}:{port}")
}

fn problem(error: &wasmtime_wasi_http::Error) -> String {
    use wasmtime_wasi_http::Error;
    match error {
        Error::DnsError { .. } | Error::DnsTimeout | Error::DestinationNotFound => {
            "has a name that cannot be resolved".to_owned()
        }
        Error::ConnectionRefused => "accepts no connection".to_owned(),
        Error::ConnectionTimeout | Error::ConnectionReadTimeout => {
            "does not answer in time".to_owned()
        }
        Error::Tls(error) => {
            let reason = tls::refusal(error).unwrap_or_else(|| error.to_string());
            format!("does not prove who it is: {reason}")
        }
        other => format!("does not answer properly: {other}"),
    }
}
