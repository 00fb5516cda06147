//! Every setting: its name, its default and its purpose.

use super::model::shipped_models;

/// One setting: the flag `--name`, the variable `REFINEMENT_NAME`, the file's
/// key `name` with underscores.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As on the command line, without dashes before it.
    pub name: &'static str,
    /// None: not set.
    pub default: Option<&'static str>,
    /// The placeholder for the value in the help.
    pub value: &'static str,
    /// The heading above its group in the help.
    pub heading: &'static str,
    /// See [`Self::help`].
    purpose: &'static str,
    /// Whether the value must never be shown, since it may contain a password.
    pub secret: bool,
    /// Commands that use it besides the service.
    commands: &'static [Command],
}

/// A command that uses some of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `backup`
    Backup,
    /// `health`
    Health,
    /// `move`
    Move,
    /// `tasks`, `queue`, `audit` and `usage`
    Operator,
    /// `refine`
    Refine,
    /// `restore`
    Restore,
    /// `model test`; which model, its argument says.
    TestModel,
    /// `verify`
    Verify,
}

/// One row per setting, below its help text and the heading of its group: its name, the
/// placeholder for its value, its default, other commands that use it, and whether it is
/// secret.
macro_rules! settings {
    ($($heading:literal { $(#[doc = $help:literal]
        $name:literal $value:ident $(= $default:literal)? $([$($command:ident)+])? $($secret:ident)?;
    )+ })+) => {
        &[$($(Setting {
            name: $name,
            default: None,
            value: stringify!($value),
            heading: $heading,
            purpose: $help.trim_ascii(),
            secret: false,
            commands: &[$($(Command::$command),+)?],
        }$(.default($default))?$(.$secret())?),+),+]
    };
}

/// All there are, in the order of the help.
pub const SETTINGS: &[Setting] = settings! {
    "The process" {
        /// Where to listen for HTTP
        "listen" ADDRESS = "127.0.0.1:8080" [Health];
        /// SQLite file, images, generated secret, compiled code
        "data-dir" DIR = "./data" [Backup Move Operator Restore];
        /// Which parts this process runs: all, api, or worker (health and pushes only)
        "role" ROLE = "all";
        /// Tasks in flight
        "concurrency" N = "64";
        /// text or json
        "log-format" FORMAT = "text" [Backup Move Refine Restore TestModel];
        /// Where Prometheus finds GET /metrics; or off
        "metrics-listen" ADDRESS = "off";
        /// Where the admin API and its page listen, besides the socket in the data directory
        "admin-listen" ADDRESS = "off";
        /// The token with which an operator may read and act there
        "admin-token" SECRET secret;
        /// Comma-separated NAME:TOKEN of operators who may read and act there, and whom the audit names
        "admin-tokens" SECRET secret;
        /// The token with which an operator may only read there
        "admin-read-token" SECRET secret;
        /// Certificates (PEM) to trust in addition to the public authorities and the system's
        "ca-file" FILE [Move Operator Refine TestModel Verify];
    }
    "URLs, proxies and other origins" {
        /// What image URLs start with [default: the origin of each request]
        "public-url" URL;
        /// Comma-separated addresses or CIDR whose X-Forwarded-For, -Proto and -Host count
        "trusted-proxies" LIST = "";
        /// Comma-separated origins whose pages may use the API, by bearer token
        "cors-origins" LIST = "";
    }
    "Users and quotas" {
        /// anonymous (sessions signed with a generated secret), secret or jwks
        "auth" MODE = "anonymous";
        /// HS256 secret of the tokens, for --auth secret
        "jwt-secret" SECRET secret;
        /// Where the issuer of the tokens publishes its keys, for --auth jwks
        "jwks-url" URL;
        /// Required aud of the tokens [default: not checked]
        "jwt-audience" AUDIENCE;
        /// Required iss of the tokens [default: not checked]
        "jwt-issuer" ISSUER;
        /// Refinements per user: N/hour, N/day, N/month (UTC) or unlimited
        "rate-limit" LIMIT = "10/month";
        /// Tasks of a user that may be pending or in progress at a time
        "active-tasks" N = "1";
        /// What a user may spend: N USD/hour, N USD/day, N USD/month (UTC) or unlimited
        "budget" BUDGET = "unlimited";
        /// The plan of whose token names none: one of [plans.NAME] in the settings file
        "plan" NAME;
        /// The claim of a token that names its user's plan, or its path, as app_metadata.plan
        "plan-claim" CLAIM = "plan";
        /// Uploads that a user may keep
        "uploads" N = "100";
        /// What a user's uploads may take together, including those in progress
        "upload-bytes" SIZE = "500MiB";
    }
    "Stores and queue" {
        /// Tasks, concepts, quotas: sqlite, or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        "tasks" ENGINE = "sqlite" [Backup Restore] secret;
        /// The database of the tasks without a pooler, for notifications from other hosts
        "tasks-listen-url" URL secret;
        /// Images: file, or s3://BUCKET/PREFIX
        "images" ENGINE = "file" [Backup Restore];
        /// The queue: store (inside the task store), nats://HOST:PORT (JetStream), or pubsub://PROJECT/TOPIC
        "queue" ENGINE = "store" secret;
        /// The audience that the token of a push must have
        "pubsub-audience" AUDIENCE;
        /// The service account that the token of a push must belong to
        "pubsub-service-account" EMAIL;
        /// The subscription that a worker pulls from [default: messages are pushed]
        "pubsub-subscription" NAME;
        /// Where the API of Pub/Sub is; over http no credentials are sent
        "pubsub-endpoint" URL = "https://pubsub.googleapis.com";
        /// Where Google publishes the keys of these tokens
        "pubsub-jwks-url" URL = "https://www.googleapis.com/oauth2/v3/certs";
        /// With this many pending tasks, new ones get a 503
        "max-backlog" N = "10000";
        /// How long a claim lasts without renewal; then another worker takes the task over
        "lease" DURATION = "30s";
        /// What all images may take together [default: the disk except its reserve]
        "max-store" SIZE;
    }
    "The model" {
        /// {models}, the path of a component that exports the model interface, or a chain of them, as fallback(openai, local)
        "model" MODEL = "local" [Refine];
        /// The base URL of the provider of a model that is used alone [default: the provider's own]
        "model-url" URL [Refine TestModel];
        /// The key for the provider of a model that is used alone
        "model-api-key" SECRET [Refine TestModel] secret;
        /// Which of the provider's models [default: what its documentation recommends]
        "model-name" NAME [Refine TestModel];
        /// What a hosted model, as at Replicate, calls its input for the original; NAME[] where it is a list
        "model-input" NAME [Refine TestModel];
        /// What a hosted model, as at Replicate, calls its input for a mask, white where the image is to change
        "model-mask" NAME [Refine TestModel];
        /// What a hosted model, as at Replicate, calls its input for a seed
        "model-seed" NAME [Refine TestModel];
        /// The workflow that ComfyUI runs, in its API format, with named inputs
        "model-workflow" FILE [Refine TestModel];
        /// What a provider that can download originals gets: bytes (those that were checked) or url
        "model-original" FORM = "bytes" [Refine TestModel];
        /// What one call of a model that is used alone costs, in US dollars, as 0.06 [default: unknown]
        "model-price" PRICE;
        /// Time limit for one answer of a model
        "model-timeout" DURATION = "60s" [Refine TestModel];
        /// Whether to repeat a request that the provider may already have accepted: unknown (yes), or never
        "model-repeat" REPEAT = "unknown" [Refine];
        /// Memory of one instance of the model
        "model-memory" SIZE = "1GiB" [Refine TestModel];
        /// Memory of all instances of the model; a call that needs more is postponed [default: half of the machine's]
        "model-memory-total" SIZE [Refine TestModel];
    }
    "Originals and images" {
        /// Comma-separated host, host:port or CIDR that originals may come from besides public addresses
        "allow-sources" LIST = "" [Refine];
        /// A URL or an e-mail address that the user agent of downloads names
        "contact" CONTACT [Refine];
        /// What models get of an original's metadata: strip (its colours and orientation only), or keep
        "original-metadata" WHAT = "strip" [Refine];
        /// Whether refined images that do not say that a model made them are marked: mark, or keep (never)
        "provenance" WHAT = "mark" [Refine];
        /// Whether anyone may ask where an image comes from: on, or off
        "verify" SWITCH = "on";
        /// Largest original
        "max-image-bytes" SIZE = "20MiB" [Refine];
        /// Most pixels of an original or a refined image
        "max-image-pixels" N = "50000000" [Refine TestModel];
        /// Space for the images of all tasks in progress; an original that needs more is postponed
        "image-memory" SIZE = "1GiB" [Refine];
        /// Time limit for downloading an original
        "download-timeout" DURATION = "30s" [Refine];
        /// Time limit for a whole task
        "task-timeout" DURATION = "5m" [Refine];
        /// How long a signed image URL is valid
        "image-url-ttl" DURATION = "1h";
    }
    "Webhooks" {
        /// Comma-separated host, host:port or CIDR that webhooks may also go to, by http too
        "allow-webhooks" LIST = "";
        /// What the keys of webhooks are derived from, or two separated by a comma [default: the generated secret]
        "webhook-secret" SECRET secret;
    }
    "Removing old data" {
        /// Age at which finished tasks, concepts with their images, and unused uploads are removed; or off
        "retention" DURATION = "off";
        /// How long an anonymous user's data is kept after the last session could have ended; or off
        "anonymous-retention" DURATION = "30d";
        /// Time between two searches for images that nothing refers to
        "collect-interval" DURATION = "1h";
        /// A day in UTC, as 2026-11-20: a start on that day trusts the clock, after a warning that retention waits
        "confirm-clock" DAY;
    }
};

/// The setting of this name, as on the command line.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// All values of a setting that has a fixed list of them. Empty: it has none.
pub fn words(name: &str) -> &'static [&'static str] {
    match name {
        "auth" => &["anonymous", "secret", "jwks"],
        "log-format" => &["text", "json"],
        "model-original" => &["bytes", "url"],
        "model-repeat" => &["unknown", "never"],
        "original-metadata" => &["strip", "keep"],
        "provenance" => &["mark", "keep"],
        "role" => &["all", "api", "worker"],
        "verify" => &["on", "off"],
        _ => &[],
    }
}

impl Setting {
    const fn default(self, default: &'static str) -> Self {
        let default = Some(default);
        Self { default, ..self }
    }

    const fn secret(self) -> Self {
        let secret = true;
        Self { secret, ..self }
    }

    /// Whether this command uses it. None: the service, which uses all.
    pub fn concerns(&self, command: Option<Command>) -> bool {
        command.is_none_or(|command| self.commands.contains(&command))
    }

    /// Its purpose, in one line.
    pub fn help(&self) -> String {
        let models: Vec<_> = shipped_models().collect();
        self.purpose.replace("{models}", &models.join(", "))
    }

    /// Its name in the environment.
    pub fn variable(&self) -> String {
        format!("REFINEMENT_{}", self.name.replace('-', "_").to_uppercase())
    }

    /// Its name in the file.
    pub fn file_key(&self) -> String {
        self.name.replace('-', "_")
    }
}
