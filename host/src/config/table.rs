//! Every setting: its name, its default, what it is for.

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
    /// What it is for, in a line.
    pub help: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    value: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        default: Some(default),
        value,
        help,
        secret: false,
    }
}

const fn unset(name: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        default: None,
        value,
        help,
        secret: false,
    }
}

const fn secret(name: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        default: None,
        value: "SECRET",
        help,
        secret: true,
    }
}

/// A value that may hold a password is as secret as one.
const fn with_password(setting: Setting) -> Setting {
    Setting {
        secret: true,
        ..setting
    }
}

/// All there are, in the order of the help.
pub const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:8080",
        "ADDRESS",
        "Where to listen for HTTP",
    ),
    setting(
        "data-dir",
        "./data",
        "DIR",
        "SQLite file, images, generated secret, compiled code",
    ),
    unset(
        "public-url",
        "URL",
        "What image URLs start with [default: the origin of each request]",
    ),
    setting(
        "role",
        "all",
        "ROLE",
        "Which parts this process runs: all, api, or worker (health and pushes only)",
    ),
    with_password(setting(
        "tasks",
        "sqlite",
        "ENGINE",
        "Tasks, concepts, quota: sqlite, or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    )),
    with_password(unset(
        "tasks-listen-url",
        "URL",
        "The database of the tasks without a pooler, to hear of other hosts",
    )),
    with_password(setting(
        "queue",
        "store",
        "ENGINE",
        "The queue: store (inside the task store), nats://HOST:PORT (JetStream), or pubsub://PROJECT/TOPIC",
    )),
    setting(
        "pubsub-endpoint",
        "https://pubsub.googleapis.com",
        "URL",
        "Where the API of Pub/Sub is; over http no credentials are sent",
    ),
    unset(
        "pubsub-subscription",
        "NAME",
        "The subscription that a worker pulls from [default: messages are pushed]",
    ),
    unset(
        "pubsub-audience",
        "AUDIENCE",
        "The aud that the token of a push must have",
    ),
    unset(
        "pubsub-service-account",
        "EMAIL",
        "The service account that the token of a push must be of",
    ),
    setting(
        "pubsub-jwks-url",
        "https://www.googleapis.com/oauth2/v3/certs",
        "URL",
        "Where Google publishes the keys of these tokens",
    ),
    setting("images", "file", "ENGINE", "Images: file"),
    setting(
        "model",
        "local",
        "MODEL",
        "local, jigsawstack, openai, stability, replicate, automatic1111, comfyui, the path of a component that exports the model interface, or a chain of them, as fallback(openai, local)",
    ),
    unset(
        "model-url",
        "URL",
        "The base URL of the provider of a model that stands alone [default: the provider's own]",
    ),
    secret(
        "model-api-key",
        "The key for the provider of a model that stands alone",
    ),
    unset(
        "model-name",
        "NAME",
        "Which of the provider's models [default: what its documentation recommends]",
    ),
    unset(
        "model-input",
        "NAME",
        "What a model at Replicate calls its input for the original; NAME[] where it is a list",
    ),
    unset(
        "model-workflow",
        "FILE",
        "The workflow that ComfyUI runs, in its API format, with named inputs",
    ),
    setting(
        "model-original",
        "bytes",
        "FORM",
        "What a provider that can download originals gets: bytes (those that were checked) or url",
    ),
    setting(
        "model-memory",
        "1GiB",
        "SIZE",
        "Memory of one instance of the model",
    ),
    unset(
        "model-memory-total",
        "SIZE",
        "Memory of all instances of the model; who needs more is put off [default: half of the machine's]",
    ),
    setting(
        "image-memory",
        "1GiB",
        "SIZE",
        "Room for all images that tasks work on; who needs more is put off",
    ),
    setting(
        "rate-limit",
        "10/month",
        "LIMIT",
        "Refinements a user: N/hour, N/day, N/month (UTC) or unlimited",
    ),
    setting(
        "auth",
        "anonymous",
        "MODE",
        "anonymous (sessions signed with a generated secret), secret or jwks",
    ),
    secret(
        "jwt-secret",
        "HS256 secret of the tokens, for --auth secret",
    ),
    unset(
        "jwks-url",
        "URL",
        "Where the issuer of the tokens publishes its keys, for --auth jwks",
    ),
    unset(
        "jwt-audience",
        "AUDIENCE",
        "Required aud of the tokens [default: not checked]",
    ),
    unset(
        "jwt-issuer",
        "ISSUER",
        "Required iss of the tokens [default: not checked]",
    ),
    setting(
        "trusted-proxies",
        "",
        "LIST",
        "Comma-separated addresses or CIDR whose X-Forwarded-For, -Proto and -Host count",
    ),
    setting(
        "cors-origins",
        "",
        "LIST",
        "Comma-separated origins whose pages may use the API, by bearer token",
    ),
    setting(
        "allow-sources",
        "",
        "LIST",
        "Comma-separated host, host:port or CIDR that originals may come from besides public addresses",
    ),
    setting(
        "allow-webhooks",
        "",
        "LIST",
        "Comma-separated host, host:port or CIDR that webhooks may also go to, by http too",
    ),
    secret(
        "webhook-secret",
        "What the keys of webhooks are derived from, or two separated by a comma [default: the generated secret]",
    ),
    unset(
        "ca-file",
        "FILE",
        "Certificates (PEM) to trust besides the public authorities and the system's",
    ),
    setting("concurrency", "64", "N", "Tasks in flight"),
    setting(
        "lease",
        "30s",
        "DURATION",
        "How long a claim lasts without renewal; then another worker takes the task over",
    ),
    setting(
        "max-backlog",
        "10000",
        "N",
        "Pending tasks with which new ones are answered 503",
    ),
    setting("max-image-bytes", "20MiB", "SIZE", "Largest original"),
    setting(
        "max-image-pixels",
        "50000000",
        "N",
        "Most pixels of an original or a refined image",
    ),
    setting(
        "download-timeout",
        "30s",
        "DURATION",
        "For downloading an original",
    ),
    setting(
        "model-timeout",
        "60s",
        "DURATION",
        "For one answer of a model",
    ),
    setting("task-timeout", "5m", "DURATION", "For a whole task"),
    setting(
        "image-url-ttl",
        "1h",
        "DURATION",
        "How long a signed image URL works",
    ),
    setting("uploads", "100", "N", "Uploads that a user may have"),
    setting(
        "upload-bytes",
        "500MiB",
        "SIZE",
        "What a user's uploads may take together, those under way included",
    ),
    unset(
        "max-store",
        "SIZE",
        "What all images may take together [default: the disk but its reserve]",
    ),
    setting(
        "retention",
        "off",
        "DURATION",
        "Older tasks that are finished, concepts with their images, and uploads are removed; or off",
    ),
    setting(
        "anonymous-retention",
        "30d",
        "DURATION",
        "What an anonymous user left is removed so long after the last session could have ended; or off",
    ),
    setting(
        "collect-interval",
        "1h",
        "DURATION",
        "Between two looks for images that nothing refers to",
    ),
    unset(
        "confirm-clock",
        "DAY",
        "A day in UTC, as 2026-11-20: a start on it believes the clock, where a warning says that retention waits",
    ),
    setting(
        "metrics-listen",
        "off",
        "ADDRESS",
        "Where Prometheus finds GET /metrics; or off",
    ),
    setting("log-format", "text", "FORMAT", "text or json"),
];

/// The setting of this name, as on the command line.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

impl Setting {
    /// Its name in the environment.
    pub fn variable(&self) -> String {
        format!("REFINEMENT_{}", self.name.replace('-', "_").to_uppercase())
    }

    /// Its name in the file.
    pub fn file_key(&self) -> String {
        self.name.replace('-', "_")
    }
}
