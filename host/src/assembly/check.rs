//! Looks whether a service could work as it is configured, without starting
//! one: the components fit, the stores open, the model and its provider answer.
//!
//! It makes no store and no secret, and asks for nothing that costs. Stores that
//! are there are opened as a start would open them, which brings older ones up
//! to date. A running service that holds them is not disturbed: that it does is
//! as good as a look of our own.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::assembly::secret::Secret;
use crate::assembly::{host, pipeline};
use crate::capability::OpenError;
use crate::capability::clock::SystemClock;
use crate::capability::directory::may_be_written;
use crate::capability::images::ImageStore as _;
use crate::capability::images::file::FileImages;
use crate::capability::model::ImageModel as _;
use crate::capability::queue::TaskQueue as _;
use crate::capability::queue::store::StoreQueue;
use crate::capability::tasks::Maintenance as _;
use crate::capability::tasks::sqlite::SqliteTasks;
use crate::config::{Auth, Config};
use crate::egress::{Egress, Grant, Network, Origin, resolver};
use crate::wasm::components::Components;
use crate::wasm::engine::{Engine, Pool};

/// For an answer of a service elsewhere.
const ANSWER: Duration = Duration::from_secs(10);

/// What was found of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    /// More on it, which may be empty; or why it cannot be used.
    pub result: Result<String, String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match &self.result {
            Ok(more) if more.is_empty() => write!(f, "{name:14} ok"),
            Ok(more) => write!(f, "{name:14} ok: {more}"),
            Err(problem) => write!(f, "{name:14} {problem}"),
        }
    }
}

/// Looks at one part after the other and tells what it finds as it goes.
pub async fn check(
    config: &Config,
    components: anyhow::Result<Components>,
    cache: Option<PathBuf>,
    mut tell: impl FnMut(Finding),
) -> anyhow::Result<()> {
    let mut found = |name, result: anyhow::Result<String>| {
        let result = result.map_err(|error| format!("{error:#}"));
        tell(Finding { name, result });
    };
    let directory = data_directory(config);
    let secret = directory.and_then(|place| Ok((place, secret(config)?)));
    let (place, secret) = match secret {
        Ok((place, secret)) => {
            found("data", Ok(place.clone()));
            (Some(place), secret)
        }
        Err(error) => {
            found("data", Err(error));
            (None, None)
        }
    };
    // Without a directory there is nothing in it to look at.
    if place.is_some() {
        // The queue is inside the task store.
        let tasks = tasks(config).await;
        let queue = tasks.as_ref().map(Clone::clone).map_err(again);
        found("tasks", tasks);
        found("queue", queue);
        found("images", images(config, secret).await);
    }
    let network = Network::new(resolver::system())?;
    match compiled(config, components, cache).await {
        Ok((engine, model)) => {
            found("components", Ok(String::new()));
            let model = pipeline::model(config, engine.wasmtime(), &model, &network).await;
            found("model", model.map(|model| model.describe().to_owned()));
        }
        Err(error) => found("components", Err(error)),
    }
    if let (Auth::Jwks, Some(url)) = (config.auth, &config.jwks_url) {
        found("issuer", issuer(config, url, &network).await);
    }
    if let Some(origin) = &config.model_origin {
        found("provider", provider(config, origin, &network).await);
    }
    Ok(())
}

/// The same sentence for what rests on the same thing.
fn again(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// Where it is, or that there is room for it to be made.
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

/// None: it is drawn at the first start.
fn secret(config: &Config) -> anyhow::Result<Option<Secret>> {
    match config.data_dir.join("secret").try_exists() {
        Ok(false) => Ok(None),
        Ok(true) | Err(_) => Secret::open(&config.data_dir, || [0; 32]).map(Some),
    }
}

/// A store that another process holds is in use, and so it can be used.
fn or_in_use<T>(opened: Result<T, OpenError>) -> anyhow::Result<Option<T>> {
    match opened {
        Ok(store) => Ok(Some(store)),
        Err(OpenError::InUse(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn in_use() -> anyhow::Result<String> {
    Ok("in use by a running service".to_owned())
}

async fn tasks(config: &Config) -> anyhow::Result<String> {
    if !config.data_dir.join("tasks.sqlite").try_exists()? {
        return Ok(String::new());
    }
    let options = host::task_options(config);
    let opened = SqliteTasks::open(&config.data_dir, options, Arc::new(SystemClock));
    let Some(tasks) = or_in_use(opened)? else {
        return in_use();
    };
    let tasks = Arc::new(tasks);
    tasks.check().await?;
    StoreQueue::new(tasks, 1).check().await?;
    Ok(String::new())
}

async fn images(config: &Config, secret: Option<Secret>) -> anyhow::Result<String> {
    let directory = config.data_dir.join("images");
    let (Some(secret), true) = (secret, directory.try_exists()?) else {
        return Ok(String::new());
    };
    let signing = host::signing(config, &secret);
    let opened = FileImages::open(&directory, signing, Arc::new(SystemClock));
    let Some(images) = or_in_use(opened)? else {
        return in_use();
    };
    images.check().await?;
    Ok(String::new())
}

/// All components, of which the model is still to be asked what it is.
async fn compiled(
    config: &Config,
    components: anyhow::Result<Components>,
    cache: Option<PathBuf>,
) -> anyhow::Result<(Engine, wasmtime::component::Component)> {
    let components = components?;
    let pool = Pool {
        instances: 1,
        calls: 1,
        max_memory: usize::try_from(config.model_memory)?,
    };
    let compile = move || {
        let engine = Engine::new(pool, cache.as_deref())?;
        let component = |name: &str, bytes: &[u8]| pipeline::component(&engine, name, bytes);
        let api = component("api", &components.api)?;
        let processor = component("processor", &components.processor)?;
        let model = component("model", &components.model)?;
        host::api_pre(engine.wasmtime(), &api)?;
        pipeline::processor_pre(engine.wasmtime(), &processor)?;
        anyhow::Ok((engine, model))
    };
    tokio::task::spawn_blocking(compile).await?
}

/// By the way, and with the grant, that the model itself has.
async fn provider(config: &Config, origin: &Origin, network: &Network) -> anyhow::Result<String> {
    let base = config.values.get("model-url").unwrap_or_default();
    let path = url::Url::parse(base).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
    let egress = Egress::new(Grant::Origin(origin.clone()), network);
    reached(&egress, origin, &path).await
}

/// With the grant that the API itself has.
async fn issuer(config: &Config, url: &url::Url, network: &Network) -> anyhow::Result<String> {
    let origin = Origin::of_url(url).context("its URL cannot be used")?;
    let egress = host::api_egress(config, network);
    reached(&egress, &origin, url.path()).await
}

async fn reached(egress: &Egress, origin: &Origin, path: &str) -> anyhow::Result<String> {
    let reached = egress.reach(origin, path, ANSWER).await;
    let Origin { scheme, host, port } = origin;
    match reached {
        Ok(()) => Ok(format!("{scheme}://{host}:{port} answers")),
        Err(error) => anyhow::bail!("{scheme}://{host}:{port} {}", problem(&error)),
    }
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
        Error::Tls(error) => format!("does not prove who it is: {error}"),
        other => format!("does not answer properly: {other}"),
    }
}
